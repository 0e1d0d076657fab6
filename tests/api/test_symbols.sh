#!/bin/sh
# The dynamic symbols of librondo.so: the header's functions, each of them and nothing else; and no NVIDIA library is needed.
# Usage: test_symbols.sh librondo.so rondo.h. Exit 77 where nm or ldd is missing.
set -u
library=$1
header=$2
passed=0
failed=0

# Passes when the text is empty; otherwise it is what was found.
expect_none() { # what found
  if [ -z "$2" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "failed: $1: $(echo "$2" | head -n 10 | tr '\n' ' ')"
  fi
}

for tool in nm ldd; do
  if ! command -v "$tool" > /dev/null; then
    echo "skipped: $tool is missing"
    exit 77
  fi
done

work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
if ! nm -D --defined-only "$library" > "$work/nm" || ! ldd "$library" > "$work/ldd"; then
  echo "failed: $library cannot be read"
  exit 1
fi
# Type A: names of symbol versions, which are no symbols of ours.
awk '$(NF-1) != "A" { sub(/@.*/, "", $NF); print $NF }' "$work/nm" | sort -u > "$work/exported"
grep '^RONDO_API' "$header" | grep -o 'rondo_[a-z_0-9]*(' | tr -d '(' | sort -u > "$work/declared"

if [ "$(wc -l < "$work/declared")" -ge 30 ]; then few=""; else few=$(cat "$work/declared"); fi
expect_none "$header declares only" "$few"
expect_none "declared, not exported" "$(comm -23 "$work/declared" "$work/exported")"
expect_none "exported, not declared" "$(comm -13 "$work/declared" "$work/exported")"
expect_none "exported without the prefix rondo_" "$(grep -v '^rondo_' "$work/exported")"
expect_none "NVIDIA libraries needed" "$(grep -Ei 'lib(cu|nv|nccl)' "$work/ldd")"
expect_none "libraries not found" "$(grep 'not found' "$work/ldd")"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
