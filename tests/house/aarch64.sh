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
  -idirafter $scratch/include -DHWY_SHARED_DEFINE"

cd "$root"
{
  find kernels src/core src/api src/plan src/backend -name '*.cpp' ! -name peak.cpp
  # The team's test waits for threads by spinning, which an emulator turns into minutes.
  find tests/unit -name '*.cpp' ! -name team_test.cpp
  echo tests/support/main.cpp
} | LC_ALL=C sort |
  xargs -P "$(nproc)" -I{} bash -c 'name={}; $cxx $flags -c "$name" -o "$scratch/objects/${name//\//_}.o"'
"$cxx" "$scratch"/objects/*.o "$libraries/libhwy.so.1" -Wl,--allow-shlib-undefined -pthread -o "$scratch/suite"
qemu-aarch64-static -L /usr/aarch64-linux-gnu \
  -E "LD_LIBRARY_PATH=$libraries:/usr/aarch64-linux-gnu/lib" "$scratch/suite"
