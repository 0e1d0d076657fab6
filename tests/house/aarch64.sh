#!/usr/bin/env bash
# Cross-compiles the library for aarch64 and runs the unit suite, which covers every kernel, under emulation: aarch64.sh ROOT
# Skipped (77) without the tools. On Debian: dpkg --add-architecture arm64, then g++-aarch64-linux-gnu qemu-user-static libhwy1:arm64.
set -euo pipefail
root=$1
cxx=aarch64-linux-gnu-g++
libraries=/usr/lib/aarch64-linux-gnu

for tool in "$cxx" qemu-aarch64-static; do
  command -v "$tool" >/dev/null || { echo "skipped: there is no $tool"; exit 77; }
done
[ -e "$libraries/libhwy.so.1" ] || { echo "skipped: there is no $libraries/libhwy.so.1"; exit 77; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/include" "$scratch/objects"
# Only headers that are the same on every architecture.
for library in hwy catch2 nlohmann; do ln -s "/usr/include/$library" "$scratch/include/$library"; done
export cxx scratch flags="-std=c++20 -O2 -ffp-contract=off -Wall -Wextra -Werror -Iinclude -Isrc -I. -Itests
  -idirafter $scratch/include -DHWY_SHARED_DEFINE -DRONDO_BUILD_TEXT=\"aarch64\""

cd "$root"
{
  find kernels src/core src/api src/plan -name '*.cpp' ! -name peak.cpp
  # The modules of GPU back ends want CUDA's headers.
  find src/backend -maxdepth 1 -name '*.cpp'
  find src/backend/cpu -name '*.cpp'
  find tests/unit -name '*.cpp'
  echo tests/support/main.cpp
} | LC_ALL=C sort |
  xargs -P "$(nproc)" -I{} bash -c 'name={}; $cxx $flags -c "$name" -o "$scratch/objects/${name//\//_}.o"'
"$cxx" "$scratch"/objects/*.o "$libraries/libhwy.so.1" -Wl,--allow-shlib-undefined -pthread -o "$scratch/suite"
# The loader and the libraries of one libc, arm64's own: the cross compiler's loader with arm64's libc starts no thread.
# The emulator grants every madvise without a look at it.
qemu-aarch64-static "$scratch/suite" '~a refused wish leaves errno as it was'
