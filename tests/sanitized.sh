#!/bin/bash
# Builds what is given, with clang, into build/asan (with the address and undefined behaviour sanitizers, and for libFuzzer)
# or build/tsan (with the thread sanitizer): tests/sanitized.sh asan|tsan TARGET…
# With clang one build does for unit tests and fuzzers; and it is a second compiler that must not warn.
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1
case $1 in
  # The macros are g++'s.
  asan) sanitizers=address,undefined arguments="-fno-sanitize-recover=all -fsanitize-ignorelist=$PWD/tests/not_sanitized.txt -fsanitize=fuzzer-no-link -D__SANITIZE_ADDRESS__" ;;
  tsan) sanitizers=thread arguments=-D__SANITIZE_THREAD__ ;;
  *) echo 'usage: tests/sanitized.sh asan|tsan TARGET…' >&2; exit 2 ;;
esac
export CCACHE_DISABLE=1 # nobody else compiles the same
build=build/$1
shift
quietly() { "$@" >>"$build.log" 2>&1; }
configure() {
  # Compiling takes longer than running, so nothing is optimized.
  [ -f "$build/build.ninja" ] || CXX=clang++-14 CXX_LD=lld-14 quietly meson setup "$build" -Db_sanitize=$sanitizers -Db_lundef=false \
    -Doptimization=0 -Ddebug=false -Dcpp_args="-g1 -fPIC -pthread $arguments" -Dprecompiled="$PWD/$build/libraries.pch"
}
precompile() { # the C++ libraries' headers, which most of the files include, as meson compiles these
  local header=$build/libraries.h flags
  libraries_of src include tests | into "$header"
  [ "$build/libraries.pch" -nt "$header" ] && return 0
  flags=$(grep -m 1 '"command"' "$build/compile_commands.json" | sed 's/^[^:]*: "[^ ]* //; s/ -MD .*//; s/ -include-pch [^ ]*//; s/-I[^ ]* //g')
  # shellcheck disable=SC2086  # words
  quietly clang++-14 $flags -w -fpch-instantiate-templates -x c++-header "$header" -o "$build/libraries.pch.new" && mv "$build/libraries.pch.new" "$build/libraries.pch"
}
. tests/libraries.sh
mkdir -p build
: >"$build.log"
configure && precompile && quietly ninja -C "$build" "$@" || { tail -n 40 "$build.log"; exit 1; }
