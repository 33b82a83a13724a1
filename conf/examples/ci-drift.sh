#!/bin/sh
# Runs an image's own tests and fails if they execute anything that the image does not ship: see holdfast-ci(7).
# usage: ci-drift.sh IMAGE [COMMAND [ARGUMENT]...]
# Needs root, podman, holdfastd and holdfast. PODMAN is the command that runs containers ("podman" by default).
set -eu
[ $# -ge 1 ] || { echo "usage: $0 IMAGE [COMMAND [ARGUMENT]...]" >&2; exit 2; }

job=$(mktemp -d)
service=
# shellcheck disable=SC2317 # called by the trap
clean() {
  [ -z "$service" ] || kill "$service" 2>/dev/null || :
  rm -rf "$job"
}
trap clean EXIT
trap 'exit 130' INT TERM

# A service of the job's own, that keeps nothing and stops nothing: it watches.
printf '[Drift]\nMode=detect\n' >"$job/holdfast.conf"
mkdir "$job/policy.d"
holdfastd --config "$job/holdfast.conf" --state-dir "$job/state" --runtime-dir "$job/run" --policy-dir "$job/policy.d" \
  --alert "file:$job/alerts.jsonl" 2>"$job/log" &
service=$!
until holdfast containers --socket "$job/run/control.sock" >/dev/null 2>&1; do
  kill -0 "$service" 2>/dev/null || { cat "$job/log" >&2; exit 2; }
  sleep 0.1
done

# shellcheck disable=SC2086 # PODMAN may have options
tests=0
${PODMAN:-podman} run --rm "$@" || tests=$?

# Ending writes what is still to be written.
kill "$service"
wait "$service" || { cat "$job/log" >&2; exit 2; }
service=
[ $tests = 0 ] || { echo "the image's own tests failed with status $tests" >&2; exit $tests; }
holdfast alerts --alerts "$job/alerts.jsonl" --check || { echo "the test run has drifted from the image" >&2; exit 1; }
echo "no drift"
