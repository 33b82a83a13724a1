#!/bin/bash
# ./dev bench [--quick] [--only NAME] [--json FILE]: builds the bench's own programs and runs it; one run at a time.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
out=$here/../build/bench
mkdir -p "$out"
[ "$(id -u)" = 0 ] || { echo "the bench needs root: fanotify and containers do" >&2; exit 1; }
exec 9>"$out/lock"
flock -n 9 || { echo "waiting for another bench to end" >&2; flock 9; }

for program in worker nothing allow_all timed; do
  source=$here/$program.c
  [ "$out/$program" -nt "$source" ] || gcc -O2 -static -Wall -Wextra -Werror -o "$out/$program" "$source"
done
# The runtime under three names of the bench's own: two that the measured services are told of and one that nobody is, so
# that the same program starts containers with a service and without.
for copy in listed listed-too unlisted; do
  mkdir -p "$out/$copy"
  cmp -s "$(command -v crun)" "$out/$copy/crun" || install -m 755 "$(command -v crun)" "$out/$copy/crun"
done
exec /usr/bin/python3 "$here/bench.py" "$@"
