#!/usr/bin/env bash
# Tests of the program c_streaming: test.sh C_STREAMING
# Its probabilities are PyTorch's (expected.txt), its answers mostly right, and what is wrong is refused in one line.
set -euo pipefail

program=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

cut -d' ' -f1 expected.txt >"$scratch/samples"
"$program" model.safetensors <"$scratch/samples" >"$scratch/out" || fail "exit status $?"
head -n 1 "$scratch/out"
sizes='packed parameters [1-9][0-9]* bytes, workspace [0-9]+, state 128'
head -n 1 "$scratch/out" | grep -Eq "^# lstm 1 -> 16 on [a-z]+: $sizes\$" ||
  fail "the first line does not tell the sizes"
tail -n +2 "$scratch/out" | paste -d' ' - expected.txt | awk '
  { difference = $2 - $5; if (difference < 0) difference = -difference; if (difference > worst) worst = difference }
  NF != 6 || $1 != $4 { print "line " NR " does not fit: " $0; faults++ }
  $3 == $6 { right++ }
  END { printf "%d samples, right at %d, %.1e from PyTorch at worst\n", NR, right, worst
        exit !(NR == 400 && faults == 0 && worst <= 1e-5 && right >= 360) }' || fail "not what PyTorch gave"

# A stream in two halves is not one stream: the state matters.
{ "$program" model.safetensors <<<0.5; } | tail -n 1 >"$scratch/first"
printf '0.9\n0.5\n' | "$program" model.safetensors | tail -n 1 >"$scratch/second"
! cmp -s "$scratch/first" "$scratch/second" || fail "what came before changes nothing"

refuses() { # PATTERN INPUT ARGUMENT...
  local pattern=$1 input=$2 status=0
  shift 2
  "$program" "$@" <<<"$input" >/dev/null 2>"$scratch/err" || status=$?
  [ "$status" = 1 ] || [ "$status" = 2 ] || fail "$*: exit status $status"
  [ "$(wc -l <"$scratch/err")" = 1 ] || fail "$*: not one line: $(cat "$scratch/err")"
  grep -q -- "$pattern" "$scratch/err" || fail "$*: '$(cat "$scratch/err")' lacks '$pattern'"
}
sed 's/readout.weight/readout.height/' model.safetensors >"$scratch/renamed"
sed 's/"shape":\[64,1\]/"shape":[1,64]/' model.safetensors >"$scratch/turned"
head -c 5000 model.safetensors >"$scratch/short"
refuses 'usage: ' ''
refuses 'cannot be read' '' "$scratch/absent"
refuses 'data_offsets' '' "$scratch/short"
refuses 'is no safetensors file' '' expected.txt
refuses "no F32 tensor 'readout.weight' of rank 2, 1 by 16" '' "$scratch/renamed"
refuses "no F32 tensor 'lstm.weight_ih_l0' of rank 2, 64 by 1" '' "$scratch/turned"
refuses "line 2: 'loud' is no number" $'0.5\nloud' model.safetensors
echo "c_streaming: passed"
