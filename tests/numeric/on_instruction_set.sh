#!/usr/bin/env bash
# Runs the reduced numeric suite on one instruction set: on_instruction_set.sh NAME RONDO NUMERIC_SUITE
# Skipped (77) where the processor does not have it; the command is asked first, so that the suite cannot run on another unseen.
set -euo pipefail
name=$1 rondo=$2 suite=$3
export RONDO_MAX_ISA=$name RONDO_TEST_QUICK=1

if ! "$rondo" info | grep -q "available: $name\$"; then
  echo "skipped: this processor does not have $name"
  "$rondo" info
  exit 77
fi
if RONDO_MAX_ISA=nonsense "$rondo" explain --input-size 1 --hidden-size 1 2>/dev/null; then
  echo "RONDO_MAX_ISA=nonsense was not refused"
  exit 1
fi
"$suite"
