#!/usr/bin/env bash
# Builds the .deb packages, asks lintian, and compiles and runs a program against what they hold: packages.sh ROOT BUILD
# [CMAKE_OPTION...]. They are unpacked into a scratch folder, so nothing is installed and root is not needed.
set -euo pipefail
root=$1 build=$2
shift 2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() {
  echo "packages: $*" >&2
  exit 1
}

for tool in cpack dpkg-deb dpkg-shlibdeps lintian pkg-config objdump; do
  command -v "$tool" >/dev/null || {
    echo "skipped: $tool is not here"
    exit 77
  }
done

echo "-- packages"
cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr -DRONDO_BUILD_TESTS=OFF \
  -DRONDO_BUILD_EXAMPLES=OFF "$@" >"$scratch/log" || { cat "$scratch/log"; exit 1; }
cmake --build "$build" >"$scratch/log" || { cat "$scratch/log"; exit 1; }
rm -rf "$build/packages"
cpack --config "$build/CPackConfig.cmake" >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
packages=("$build"/packages/*.deb)
for name in 'librondo[0-9]*' librondo-dev rondo-tools; do
  compgen -G "$build/packages/${name}_*.deb" >/dev/null || fail "there is no package $name among ${packages[*]}"
done

echo "-- lintian"
[ "$(id -u)" != 0 ] || as_root=--allow-root
lintian ${as_root:+"$as_root"} --fail-on error --tag-display-limit 0 "${packages[@]}"

echo "-- what they hold"
for package in "${packages[@]}"; do
  dpkg-deb -x "$package" "$scratch/root"
  name=$(dpkg-deb -f "$package" Package)
  [ -f "$scratch/root/usr/share/doc/$name/copyright" ] || fail "$name has no copyright file"
  echo "$name $(dpkg-deb -f "$package" Version): needs $(dpkg-deb -f "$package" Depends)"
  case $name in
    *-cuda) ;;
    librondo[0-9]*) ! dpkg-deb -c "$package" | grep -E 'librondo_|librondo\.so( |$)' || fail "$name holds what others should" ;;
    *) dpkg-deb -f "$package" Depends | grep -qE 'librondo[0-9]+ \(= ' || fail "$name does not need its own version's library" ;;
  esac
done
library=$(find "$scratch/root" -name 'librondo.so')
[ "$library" = "$scratch/root/usr/lib/$(cc -print-multiarch)/librondo.so" ] || fail "librondo.so is '$library'"
! find "$scratch/root" -name 'librondo_*' -not -path '*/rondo-[0-9]*/*' | grep . || fail "modules lie outside their own folder"
while IFS= read -r file; do
  ! objdump -p "$file" | grep -E 'R(UN)?PATH' || fail "$file has the library path above"
done < <(find "$scratch/root/usr/lib" "$scratch/root/usr/bin" -type f \( -name '*.so.*' -o -name '*.so' -o -name rondo \))

echo "-- a program against them"
PKG_CONFIG_PATH=$(dirname "$library")/pkgconfig
LD_LIBRARY_PATH=$(dirname "$library")
export PKG_CONFIG_PATH LD_LIBRARY_PATH
# shellcheck disable=SC2046  # several options
cc -std=c99 -Wall -Wextra -Werror "$root/examples/minimal.c" $(pkg-config --cflags --libs rondo) -o "$scratch/minimal"
"$scratch/minimal" | tee "$scratch/output"
grep -q 'y \[5, 2, 4\]' "$scratch/output"
"$scratch/root/usr/bin/rondo" info >"$scratch/output" || { cat "$scratch/output"; fail "the packaged command does not start"; }
