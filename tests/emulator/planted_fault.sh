#!/usr/bin/env bash
# Runs the numeric suite on a module built with a planted fault: the suite must fail, and say why.
# Usage: planted_fault.sh FOLDER fused|cudnn NUMERIC_SUITE WORDS...: each of the words must be in its output.
set -euo pipefail
folder=$1 backend=$2 suite=$3
shift 3
export RONDO_MODULE_PATH=$folder RONDO_TEST_BACKEND=$backend RONDO_TEST_EMULATED=1 RONDO_TEST_QUICK=1

if output=$("$suite" '[grid]' --abortx 5 2>&1); then
  echo "the suite passed on a module with a fault"
  exit 1
fi
for words in "$@"; do
  grep -q -- "$words" <<<"$output" || { printf '%s\nthe suite failed, but does not say "%s"\n' "${output:0:4000}" "$words"; exit 1; }
done
