#!/usr/bin/env bash
# An installed rondo, seen from outside: a CMake project and a Makefile build and run against it, and the library
# exports the header's functions and no others, and needs no NVIDIA library. Usage: test_consumer.sh BUILD VERSION
set -euo pipefail

build=$1
version=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
prefix=$scratch/prefix
# The tree is moved after the install: nothing in it may name the place where it was built or laid down.
first_prefix=$scratch/first

fail() {
  echo "test_consumer: $*" >&2
  exit 1
}

cmake --install "$build" --prefix "$first_prefix" >"$scratch/install.log" || { cat "$scratch/install.log"; exit 1; }
mv "$first_prefix" "$prefix"
config=$(find "$prefix" -name rondoConfig.cmake)
pc=$(find "$prefix" -name rondo.pc)
[ -n "$config" ] || fail "rondoConfig.cmake was not installed"
[ -n "$pc" ] || fail "rondo.pc was not installed"
if grep -rIlF "$build" "$prefix"; then fail "the files above name the build folder"; fi

echo "-- outside CMake project"
cmake -S "$here" -B "$scratch/cmake" -DCMAKE_PREFIX_PATH="$prefix" -DRONDO_WANTED_VERSION="$version" >"$scratch/cmake.log" ||
  { cat "$scratch/cmake.log"; exit 1; }
cmake --build "$scratch/cmake"
"$scratch/cmake/consumer"

echo "-- outside Makefile with pkg-config"
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
[ "$(pkg-config --modversion rondo)" = "$version" ] || fail "rondo.pc does not say version $version"
mkdir "$scratch/make"
make -C "$here" BUILD="$scratch/make"
LD_LIBRARY_PATH=$(pkg-config --variable=libdir rondo) "$scratch/make/consumer"
LD_LIBRARY_PATH=$(pkg-config --variable=libdir rondo) "$scratch/make/consumer_cpp"

library=$(find "$prefix" -name 'librondo.so')
if [ -z "$library" ]; then
  echo "-- static library: no exports to check"
  exit 0
fi

echo "-- exports and needed libraries"
sh "$here/../api/test_symbols.sh" "$library" "$prefix/include/rondo/rondo.h"
objdump -p "$library" | grep -qE "SONAME +librondo\.so\.${version%%.*}$" || fail "the soname is not librondo.so.${version%%.*}"

if [ -x "$prefix/bin/rondo" ]; then
  echo "-- installed command"
  "$prefix/bin/rondo" --help >/dev/null || fail "the installed command does not start"
fi
