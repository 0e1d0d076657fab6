#!/usr/bin/env bash
# Runs the sequence kernels' tests linked with a planted fault: they must fail, and say why.
# Usage: planted_sequence.sh TESTS WORDS...: each of the words must be in the output.
set -euo pipefail
tests=$1
shift

if output=$("$tests" 'forward sequences in clusters' --abortx 5 2>&1); then
  echo "the tests passed on kernels with a fault"
  exit 1
fi
for words in "$@"; do
  grep -q -- "$words" <<<"$output" || { printf '%s\nthe tests failed, but do not say "%s"\n' "${output:0:4000}" "$words"; exit 1; }
done
