#!/bin/bash
# tests/lint.sh: clang-tidy over every source file, on all cores; any warning fails. Most of its time goes into the headers that
# all files include, so it looks at a few units, each of many rooms. What has not changed is not looked at again.
# tests/lint.sh includes: as every build compiles whole rooms (meson's unity), each file is read alone. It must include by itself
# what it needs of our own headers and of the C library's; the C++ libraries' headers, which take the time, are there already.
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
. tests/libraries.sh
mkdir -p build/lint
compile='clang++-14 -std=c++20 -Iinclude -DHOLDFAST_VERSION=""'
libraries=build/lint/libraries.h
# Of what has been checked there is a stamp, named by its content, and beside it a list of the files that it includes, as for make.
stamp() { echo "build/lint/$1.$(sha256sum <<<"$2 $(cat "$2")" | cut -c1-32)"; } # stamp CHECK FILE
fresh() { # fresh STAMP: nothing of it has changed
  [ -e "$1" ] && [ -z "$(find tests/lint.sh .clang-tidy $(sed 's/^[^:]*://; s/\\$//' "$1.d") -newer "$1" 2>&1)" ]
}
tidy() {
  local stamp
  stamp=$(stamp tidy "$1")
  fresh "$stamp" && return 0
  touch "$stamp.new"
  clang-tidy-14 --quiet --checks=-bugprone-suspicious-include "$1" -- ${compile#* } 2>/dev/null &&
    $compile -MM -MF "$stamp.d" "$1" && mv "$stamp.new" "$stamp"
}
includes() {
  local stamp
  stamp=$(stamp includes "$1")
  fresh "$stamp" && return 0
  touch "$stamp.new"
  $compile -w -include-pch $libraries.pch -fsyntax-only -MMD -MF "$stamp.d" "$1" && mv "$stamp.new" "$stamp"
}
each() { xargs -P "$(nproc)" -I{} bash -c "$1 {}"; } # each CHECK: of the files that its input names
export compile libraries
export -f stamp fresh tidy includes

# The rooms of one unit; the other has the rest, which takes as long.
half='src/(alert|base|gate|kernel|policy|verdict)/'

lint_units() {
  local sources
  sources=$(git ls-files -co --exclude-standard 'src/*.cpp')
  grep -E "^$half" <<<"$sources" | as_unit | into build/lint/one.cpp
  grep -vE "^$half" <<<"$sources" | as_unit | into build/lint/other.cpp
  printf 'build/lint/%s.cpp\n' one other | each tidy
}

as_unit() { # of the files that its input names; each program has a main() of its own
  local file
  while read -r file; do
    case $file in
      *main.cpp) printf '#define main main_of_%s\n#include "../../%s"\n#undef main\n' "$(tr -c 'a-z\n' _ <<<"$file")" "$file" ;;
      *) echo "#include \"../../$file\"" ;;
    esac
  done
}

lint_includes() {
  libraries_of src include | into $libraries
  $compile -w -fpch-instantiate-templates -x c++-header $libraries -o $libraries.pch || return 1
  git ls-files -co --exclude-standard 'src/*.cpp' | each includes
}

"lint_${1:-units}"
