#!/bin/bash
# Fuzzes every parser of hostile text for SECONDS in all (default 60), on all cores: tests/fuzz/run.sh [SECONDS]
# What it learns stays in build/fuzz/corpus/TARGET; an input that breaks a target is left in build/fuzz/findings.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
seconds=${1:-60}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || { echo 'usage: tests/fuzz/run.sh [SECONDS]' >&2; exit 2; }

tests/sanitized.sh asan fuzz
programs=build/asan/tests/fuzz build=build/fuzz

cores=$(nproc)
targets=()
for source in tests/fuzz/corpus/*/; do targets+=("$(basename "$source")"); done
rounds=$(((${#targets[@]} + cores - 1) / cores))
each=$((seconds / rounds > 0 ? seconds / rounds : 1))
mkdir -p $build/findings

fuzz_one() {
  local target=$1 corpus=$build/corpus/$1
  mkdir -p "$corpus"
  if "$programs/fuzz_$target" -max_total_time=$each -timeout=5 -rss_limit_mb=1024 -max_len=16384 \
    -artifact_prefix=$build/findings/$target- -print_final_stats=1 -verbosity=1 \
    "$corpus" "tests/fuzz/corpus/$target" >"$build/$target.log" 2>&1; then
    echo "ok    $target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$target.log") inputs in ${each}s"
  else
    echo "FOUND $target: see $build/$target.log and $build/findings"
    tail -n 30 "$build/$target.log"
    return 1
  fi
}
export -f fuzz_one
export programs build each
printf '%s\n' "${targets[@]}" | xargs -P "$cores" -I{} bash -c 'fuzz_one {}'
