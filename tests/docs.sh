#!/bin/bash
# Manual pages are clean, say what --help says, and list the attempts that tests/attacks makes.
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
mandoc -T lint -W warning man/*.[1-8] || exit 1
for option in $(build/stage/usr/sbin/holdfastd --help | grep -o -- '--[a-z-]*' | sort -u); do
  grep -q -- "${option#--}" man/holdfastd.8 || { echo "holdfastd(8) does not tell of $option"; exit 1; }
done
promtool check rules conf/prometheus-rules.yaml >/dev/null || exit 1
(cd tests/prometheus && promtool test rules rules.yaml >/dev/null) || { echo "the rules' own tests fail: promtool test rules tests/prometheus/rules.yaml"; exit 1; }
python3 tests/keys.py || exit 1
python3 tests/commands.py || exit 1
python3 tests/attacks/run.py --man-check || exit 1
echo "$(ls man/*.[1-8] | wc -l) pages are clean"
