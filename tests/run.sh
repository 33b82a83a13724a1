#!/bin/bash
# Every check there is, each as a named suite; ./dev test calls it with what it was given, or with all but those of LEFT_OUT.
# Ends with a table and with the line "N passed, N failed", and fails if any suite did.
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH  # Debian's python3, which has what ./dev installs, before any other
ALL=(format layers docs package roots lint asan tsan fuzz system attacks vm)
declare -A LEFT_OUT=([unit]='its tests are asan'"'"'s' [includes]='to be run where files were added or their includes changed')
BESIDE=(roots)  # goes on beside the suites after it, with what they leave of the processors; what it says comes at the end
ALONE=(attacks)  # measures how long others wait

suite_format() { git ls-files '*.h' '*.cpp' '*.c' | xargs clang-format-14 --dry-run --Werror; }
suite_layers() { python3 tests/layers.py; }
suite_lint() { tests/lint.sh; }
suite_includes() { tests/lint.sh includes; }
suite_roots() { tests/roots.py; }
suite_unit() { meson test -C build/main --suite unit --print-errorlogs; }
suite_docs() { tests/docs.sh; }
sanitized() { # sanitized NAME TARGET… -- TEST…: unit tests under sanitizers
  local name=$1 targets=()
  while shift && [ "$1" != -- ]; do targets+=("$1"); done
  tests/sanitized.sh "$name" "${targets[@]}" && meson test -C "build/$name" --no-rebuild --print-errorlogs --timeout-multiplier 4 "${@:2}"
}
suite_asan() { sanitized asan meson-test-prereq -- --suite unit; }
suite_tsan() { # of the rooms that have threads, or share anything with them
  local rooms room targets=()
  rooms=$(git grep -lE 'std::(thread|mutex|atomic|condition_variable)' -- src include | sed 's|include/holdfast|src|' | cut -d/ -f2 | sort -u)
  for room in $rooms; do targets+=("tests/$room/unit_$room"); done
  # shellcheck disable=SC2086  # words
  sanitized tsan "${targets[@]}" -- $rooms
}
suite_fuzz() { tests/fuzz/run.sh 60; }
packaged=
suite_package() { packaging/package.sh && packaged=yes && python3 tests/package/run.py; }
suite_system() { python3 tests/system/run.py; }
suite_attacks() { python3 tests/attacks/run.py; }
suite_vm() { # what this tree's package does in a whole Debian, in brief; ./dev vm does the rest
  [ -n "$packaged" ] || packaging/package.sh || return 1
  python3 tests/vm/run.py --brief
}

suites=("$@") whole=
[ ${#suites[@]} -gt 0 ] || suites=("${ALL[@]}") whole=yes
for suite in "${suites[@]}"; do
  declare -F "suite_$suite" >/dev/null || { echo "no such suite: $suite (there are: ${ALL[*]} ${!LEFT_OUT[*]})" >&2; exit 2; }
done
passed=0 failed=0 table=
conclude() { # conclude SUITE STATUS SECONDS
  local result=passed
  if [ "$2" = 0 ]; then passed=$((passed + 1)); else result=FAILED; failed=$((failed + 1)); fi
  table+=$(printf '%-10s %-7s %5d s' "$1" "$result" "$3")$'\n'
}

declare -A beside
end_beside() { # waits for what goes on beside
  local suite status
  for suite in "${!beside[@]}"; do
    wait "${beside[$suite]}"
    status=$?
    unset "beside[$suite]"
    echo "=== $suite"
    cat "build/$suite.out"
    conclude "$suite" $status "$(cat "build/$suite.seconds")"
  done
}
trap '[ ${#beside[@]} = 0 ] || kill -s KILL -- "${beside[@]/#/-}" 2>/dev/null' EXIT
trap 'exit 130' INT TERM
mkdir -p build
while [ ${#suites[@]} -gt 0 ]; do
  suite=${suites[0]} suites=("${suites[@]:1}")
  if [[ " ${BESIDE[*]} " == *" $suite "* ]] && [ ${#suites[@]} -gt 0 ]; then
    echo "=== $suite, beside what follows"
    setsid tests/beside.sh "build/$suite.seconds" "tests/$suite.py" </dev/null >"build/$suite.out" 2>&1 &
    beside[$suite]=$!  # a session, so a process group, which can be ended
    continue
  fi
  [[ " ${ALONE[*]} " != *" $suite "* ]] || end_beside
  echo "=== $suite"
  begin=$SECONDS
  "suite_$suite"
  conclude "$suite" $? $((SECONDS - begin))
done
end_beside
[ -z "$whole" ] || for suite in "${!LEFT_OUT[@]}"; do
  table+=$(printf '%-10s left out: %s (./dev test %s)' "$suite" "${LEFT_OUT[$suite]}" "$suite")$'\n'
done
printf '\n%s\n%d passed, %d failed\n' "$table" "$passed" "$failed"
[ "$failed" = 0 ]
