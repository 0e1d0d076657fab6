#!/usr/bin/env bash
# Tests of the program cpp_training: test.sh CPP_TRAINING
# It learns the adding problem far beyond guessing (0.1667); what the library refuses ends it with the library's text.
set -euo pipefail

out=$("$1")
echo "$out"
grep -Eq '^gru 2 -> 24 on [a-z]+: 2016 parameters, workspace [1-9][0-9]* bytes, reserve [1-9][0-9]*$' <<<"$out" ||
  { echo "FAILED: the first line does not tell the sizes" >&2; exit 1; }
awk '/^learned: / { error = $5 } END { exit !(error != "" && error + 0 < 0.01) }' <<<"$out" ||
  { echo "FAILED: the error is not below 0.01" >&2; exit 1; }
status=0
out=$("$1" 0 2>&1) || status=$?
[[ $status == 1 && $out == 'cpp_training: '*'hidden_size is 0, expected 1 to '* ]] ||
  { echo "FAILED: hidden size 0: exit status $status, '$out'" >&2; exit 1; }
