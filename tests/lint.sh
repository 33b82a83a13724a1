#!/bin/bash
# clang-tidy over every source file, on both cores; any warning fails. It looks at units of several files each (meson's
# unity), since most of its time goes into the headers that all of them include. As every build compiles such units, each
# file is then read alone: it must include by itself what it needs of our own headers and of the C library's; the C++
# libraries' headers, which take the time, are there already. What has not changed is not looked at again.
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
database=build/lint/units
mkdir -p build/lint
rm -rf $database
meson setup $database -Dtests=false -Dunity_size=16 >build/lint/units.log 2>&1 || { cat build/lint/units.log; exit 1; }
alone='clang++-14 -std=c++20 -Iinclude -DHOLDFAST_VERSION="" -w'
libraries=build/lint/libraries.h
git grep -hE '^#include <((boost|fmt)/[^>]+|[a-z_]+)>$' -- 'src/*' 'include/*' | sort -u >$libraries
$alone -fpch-instantiate-templates -x c++-header $libraries -o $libraries.pch || exit 1
stamp() { # stamp FILE CHECK: what the verdict depends on, the file with all that it includes and the checks, as a name
  echo "build/lint/$2.$(basename "$1").$( (cat .clang-tidy tests/lint.sh; $alone -E -P "$1" 2>/dev/null) | sha256sum | cut -c1-32)"
}
tidy() {
  local stamp
  stamp=$(stamp "$1" tidy)
  [ -e "$stamp" ] && return 0
  clang-tidy-14 --quiet -p build/lint/units --checks=-bugprone-suspicious-include \
    --extra-arg-before=-Wno-unknown-warning-option "$1" 2>/dev/null && touch "$stamp"
}
includes() {
  local stamp
  stamp=$(stamp "$1" includes)
  [ -e "$stamp" ] && return 0
  $alone -include-pch $libraries.pch -fsyntax-only "$1" && touch "$stamp"
}
each() { xargs -P "$(nproc)" -I{} bash -c "$1 {}"; } # each CHECK: of the files that its input names
export alone libraries
export -f stamp tidy includes
units=$(find $database/src -name '*.cpp')
sources=$(git ls-files -co --exclude-standard 'src/*.cpp' | sort)
listed=$(echo "$units" | xargs sed -n 's|.*/units/\.\./\.\./\.\./\(src/.*\)>.*|\1|p' | sort)
[ "$listed" = "$sources" ] || {
  echo "the units of the build are not what git has:"
  diff <(echo "$listed") <(echo "$sources")
  exit 1
}
status=0
echo "$units" | each tidy || status=1
echo "$sources" | each includes || status=1
exit $status
