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
    -Doptimization=0 -Ddebug=false -Dcpp_args="-g1 $arguments"
}
mkdir -p build
: >"$build.log"
configure && quietly ninja -C "$build" "$@" || { tail -n 40 "$build.log"; exit 1; }
