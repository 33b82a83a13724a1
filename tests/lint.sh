#!/bin/bash
# tests/lint.sh: clang-tidy over every source file, on all cores; any warning fails. It looks at the units that are compiled
# (meson's unity), since most of its time goes into the headers that all files include.
# tests/lint.sh includes: as every build compiles such units, each file is read alone. It must include by itself what it
# needs of our own headers and of the C library's; the C++ libraries' headers, which take the time, are there already.
# What has not changed is not looked at again.
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
mkdir -p build/lint
alone='clang++-14 -std=c++20 -Iinclude -DHOLDFAST_VERSION="" -w'
libraries=build/lint/libraries.h
# Of a file that has been checked there is a stamp, named by its content, and beside it a list of our own files that it includes,
# as for make. (The units themselves are new each time.)
stamp() { echo "build/lint/$1.$(sha256sum <<<"$2 $(cat "$2")" | cut -c1-32)"; } # stamp CHECK FILE
fresh() { # fresh STAMP: nothing of it has changed
  [ -e "$1" ] && [ -z "$(find tests/lint.sh .clang-tidy $(sed 's/^[^:]*://; s/\\$//; s| build/lint/units/src/[^ ]*||' "$1.d") -newer "$1" 2>&1)" ]
}
tidy() {
  local stamp
  stamp=$(stamp tidy "$1")
  fresh "$stamp" && return 0
  touch "$stamp.new"
  clang-tidy-14 --quiet -p build/lint/units --checks=-bugprone-suspicious-include \
    --extra-arg-before=-Wno-unknown-warning-option "$1" 2>/dev/null &&
    $alone -MM -MF "$stamp.d" "$1" && mv "$stamp.new" "$stamp"
}
includes() {
  local stamp
  stamp=$(stamp includes "$1")
  fresh "$stamp" && return 0
  touch "$stamp.new"
  $alone -include-pch $libraries.pch -fsyntax-only -MMD -MF "$stamp.d" "$1" && mv "$stamp.new" "$stamp"
}
each() { xargs -P "$(nproc)" -I{} bash -c "$1 {}"; } # each CHECK: of the files that its input names
export alone libraries
export -f stamp fresh tidy includes
sources=$(git ls-files -co --exclude-standard 'src/*.cpp' | sort)

lint_includes() {
  git grep -hE '^#include <((boost|fmt)/[^>]+|[a-z_]+)>$' -- 'src/*' 'include/*' | sort -u >$libraries.new
  cmp -s $libraries.new $libraries || mv $libraries.new $libraries
  $alone -fpch-instantiate-templates -x c++-header $libraries -o $libraries.pch && echo "$sources" | each includes
}

lint_units() {
  local database=build/lint/units units listed
  rm -rf $database
  meson setup $database -Dtests=false >build/lint/units.log 2>&1 || { cat build/lint/units.log; return 1; }
  units=$(find $database/src -name '*.cpp')
  listed=$(echo "$units" | xargs sed -n 's|.*/units/\.\./\.\./\.\./\(src/.*\)>.*|\1|p' | sort)
  [ "$listed" = "$sources" ] || {
    echo "the units of the build are not what git has:"
    diff <(echo "$listed") <(echo "$sources")
    return 1
  }
  echo "$units" | xargs ls -S | each tidy # the longest first
}

"lint_${1:-units}"
