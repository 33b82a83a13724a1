#!/bin/bash
# Every check there is, each as a named suite; ./dev test calls it with what it was given. Ends with a table and with
# the line "N passed, N failed", and fails if any suite did.
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
ALL=(format layers lint unit docs asan tsan fuzz system attacks)

suite_format() { git ls-files '*.h' '*.cpp' '*.c' | xargs clang-format-14 --dry-run --Werror; }
suite_layers() { python3 tests/layers.py; }
suite_lint() { tests/lint.sh; }
suite_unit() { meson test -C build/main --suite unit --print-errorlogs; }
suite_docs() { tests/docs.sh; }
sanitized() { # sanitized NAME SANITIZERS OPTIMIZATION: the unit tests under sanitizers
  local dir=build/$1
  [ -f "$dir/build.ninja" ] || meson setup "$dir" -Db_sanitize="$2" -Db_lundef=false -Doptimization="$3" -Ddebug=false -Dcpp_args=-g1 >/dev/null || return 1
  ninja -C "$dir" >"$dir.log" 2>&1 || { tail -n 40 "$dir.log"; return 1; }
  meson test -C "$dir" --suite unit --print-errorlogs --timeout-multiplier 4
}
suite_asan() { sanitized asan address,undefined 0; }
suite_tsan() { sanitized tsan thread 1; }
suite_fuzz() { tests/fuzz/run.sh 60; }
suite_system() { python3 tests/system/run.py; }
suite_attacks() { python3 tests/attacks/run.py; }

suites=("$@")
[ ${#suites[@]} -gt 0 ] || suites=("${ALL[@]}")
passed=0 failed=0 table=
for suite in "${suites[@]}"; do
  declare -F "suite_$suite" >/dev/null || { echo "no such suite: $suite (there are: ${ALL[*]})" >&2; exit 2; }
  echo "=== $suite"
  begin=$SECONDS
  if "suite_$suite"; then
    result=passed; passed=$((passed + 1))
  else
    result=FAILED; failed=$((failed + 1))
  fi
  table+=$(printf '%-10s %-7s %5d s' "$suite" "$result" $((SECONDS - begin)))$'\n'
done
printf '\n%s\n%d passed, %d failed\n' "$table" "$passed" "$failed"
[ "$failed" = 0 ]
