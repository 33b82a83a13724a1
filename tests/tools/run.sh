#!/bin/bash
# ./dev run: the service in the foreground, with a state directory of its own under build/run.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
run=$root/build/run
mkdir -p "$run/policy.d"
echo "state: $run/state   policies: $run/policy.d   talk to it: $root/build/stage/usr/bin/holdfast --socket $run/control.sock status"
exec "$root/build/stage/usr/sbin/holdfastd" --state-dir "$run/state" --runtime-dir "$run" --policy-dir "$run/policy.d" \
  --alert stderr "$@"
