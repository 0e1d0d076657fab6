#!/usr/bin/env bash
# Tests of the LuaJIT example: test.sh LIBRARY HEADER
# Its gradients are the slopes, and what the library refuses ends it with the library's text.
set -euo pipefail

command -v luajit >/dev/null || { echo "skipped: there is no luajit"; exit 77; }
program=$(dirname "${BASH_SOURCE[0]}")/gradient_check.lua
fail() {
  echo "FAILED: $*" >&2
  exit 1
}

out=$(luajit "$program" "$@") || fail "exit status $?"
echo "$out"
grep -Eq '^gru 3 -> 5 on [a-z]+: 300 parameters, workspace [1-9][0-9]* bytes, reserve [1-9][0-9]*$' <<<"$out" ||
  fail "the first line does not tell the sizes"
awk '/^dx\[0\] = / { seen = $3 + 0 != 0 && $4 == 336 && $6 + 0 < 1e-7 } END { exit !seen }' <<<"$out" ||
  fail "336 gradients within 1e-7 were expected"

refuses() { # PATTERN ARGUMENT...
  local pattern=$1 status=0
  shift
  out=$(luajit "$program" "$@" 2>&1) || status=$?
  [[ $status == 1 && $out == 'gradient_check: '*"$pattern"* ]] || fail "$*: exit status $status, '$out'"
}
refuses 'hidden_size is 0, expected 1 to ' "$@" 0
refuses 'absent.so' "$(dirname "$1")/absent.so" "$2"
refuses 'HEADER is missing' "$1"
