#!/bin/bash
# clang-tidy over every source file, on both cores; any warning fails. It looks at units of several files each (meson's
# unity), since most of its time goes into the headers that all of them include. Unchanged units are not looked at again.
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
database=build/lint/units
mkdir -p build/lint
rm -rf $database
meson setup $database -Dtests=false -Dunity=on -Dunity_size=8 >build/lint/units.log 2>&1 || { cat build/lint/units.log; exit 1; }
one() {
  local unit=$1 stamp
  # What the verdict depends on: the files with all that they include, and the checks.
  stamp=build/lint/$(basename "$unit").$( (cat .clang-tidy tests/lint.sh; clang++-14 -std=c++20 -Iinclude -E -P "$unit" 2>/dev/null) | sha256sum | cut -c1-32)
  [ -e "$stamp" ] && return 0
  clang-tidy-14 --quiet -p build/lint/units --checks=-bugprone-suspicious-include \
    --extra-arg-before=-Wno-unknown-warning-option "$unit" 2>/dev/null && touch "$stamp"
}
export -f one
units=$(find $database/src -name '*.cpp')
listed=$(echo "$units" | xargs sed -n 's|.*/units/\.\./\.\./\.\./\(src/.*\)>.*|\1|p' | sort)
[ "$listed" = "$(git ls-files -co --exclude-standard 'src/*.cpp' | sort)" ] || {
  echo "the units of the build are not what git has:"
  diff <(echo "$listed") <(git ls-files -co --exclude-standard 'src/*.cpp' | sort)
  exit 1
}
echo "$units" | xargs -P "$(nproc)" -I{} bash -c 'one {}'
