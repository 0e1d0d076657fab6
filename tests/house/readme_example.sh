#!/usr/bin/env bash
# Compiles and runs the program that README.md shows: readme_example.sh CC ROOT LIBRARY_FOLDER
# What newcomers copy first must work as printed.
set -euo pipefail
cc=$1 root=$2 library=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
sed -n '/^```c$/,/^```$/p' "$root/README.md" | sed '/^```/d' >"$scratch/program.c"
"$cc" -std=c11 -Wall -Wextra -Werror -I "$root/include" "$scratch/program.c" -L "$library" -lrondo \
  -Wl,-rpath,"$library" -o "$scratch/program"
"$scratch/program" | tee "$scratch/output"
grep -q '^y\[4, 0\] = ' "$scratch/output"
