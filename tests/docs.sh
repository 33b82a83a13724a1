#!/bin/bash
# Manual pages are clean, and say what --help says.
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
mandoc -T lint -W warning man/*.[1-8] || exit 1
for option in $(build/stage/usr/sbin/holdfastd --help | grep -o -- '--[a-z-]*' | sort -u); do
  grep -q -- "${option#--}" man/holdfastd.8 || { echo "holdfastd(8) does not tell of $option"; exit 1; }
done
echo "$(ls man/*.[1-8] | wc -l) pages are clean"
