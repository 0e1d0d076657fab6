#!/usr/bin/env bash
# Tests of the Rust example: test.sh LIBRARY_FOLDER BUILD_FOLDER
# `cargo test` and `cargo run` without a network; what cargo makes goes into the build folder.
set -euo pipefail

command -v cargo >/dev/null || { echo "skipped: there is no cargo"; exit 77; }
version=$(cargo --version 2>&1) || { echo "skipped: cargo does not run here: $version"; exit 77; }
cd "$(dirname "${BASH_SOURCE[0]}")"
export RONDO_LIBRARY_DIR=$1 CARGO_TARGET_DIR=$2 RUSTFLAGS='-D warnings'
run=(cargo run --quiet --offline --locked --)
fail() {
  echo "FAILED: $*" >&2
  exit 1
}

cargo test --offline --locked
out=$("${run[@]}") || fail "exit status $?"
echo "$out"
grep -Eq '^gru 3 -> 6: 198 parameters, workspace [1-9][0-9]* bytes, state 48$' <<<"$out" ||
  fail "the first line does not tell the sizes"
awk '/^8 steps at once and one by one: / { same = $12 + 0 != 0 && $13 + 0 < 1e-6 } END { exit !same }' \
  <<<"${out//,/}" || fail "equal outputs were expected"

refuses() { # PATTERN ARGUMENT
  local status=0
  out=$("${run[@]}" "$2" 2>&1) || status=$?
  [[ $status == 1 && $out == 'streaming: '*"$1"* ]] || fail "$2: exit status $status, '$out'"
}
refuses 'hidden_size is 0, expected 1 to ' 0
refuses 'invalid digit' six
