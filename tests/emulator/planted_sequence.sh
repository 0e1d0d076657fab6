#!/usr/bin/env bash
# Runs the sequence kernels' tests linked with a planted fault: they must fail, and say why.
# Usage: planted_sequence.sh TESTS CASE WORDS...: each of the words must be in that case's output.
set -euo pipefail
tests=$1 case=$2
shift 2

if output=$("$tests" "$case" --abortx 5 2>&1); then
  echo "the tests passed on kernels with a fault"
  exit 1
fi
for words in "$@"; do
  grep -q -- "$words" <<<"$output" || { printf '%s\nthe tests failed, but do not say "%s"\n' "${output:0:4000}" "$words"; exit 1; }
done
