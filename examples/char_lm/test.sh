#!/usr/bin/env bash
# Tests of the program char_lm: test.sh CHAR_LM [SCRATCH [TEXT...]]
# It learns, goes on bit for bit from a saved model, and refuses what is wrong with one line and the right exit status.
set -euo pipefail

[ $# -ge 1 ] || {
  echo "usage: $0 CHAR_LM [SCRATCH [TEXT...]]" >&2
  exit 2
}
char_lm=$(realpath "$1")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ $# -ge 2 ]; then
  scratch=$2
  mkdir -p "$scratch"
else
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
fi
if [ $# -ge 3 ]; then
  texts=("${@:3}")
else
  texts=("$here"/*.c "$here"/*.h "$here/../../include/rondo/rondo.h")
fi

cases=0
failures=0
fault() {
  echo "FAILED: $*" >&2
  failures=$((failures + 1))
}

# ---- it learns --------------------------------------------------------------------------------------------------

bits() { # FILE NAME: the figure of a line of the report
  awk -v name="$2" '$0 ~ "^  " name { print $NF }' "$1"
}

learns() { # CELL
  local out=$scratch/learns.$1
  cases=$((cases + 1))
  "$char_lm" --cell "$1" --hidden 64 --embedding 32 --batch 16 --seq 32 --steps 200 --sample 50 "${texts[@]}" \
    >"$out" 2>"$out.err" || fault "$1: exit status $?: $(tail -n 1 "$out.err")"
  awk -v model="$(bits "$out" 'this model')" -v unigram="$(bits "$out" unigram)" \
    'BEGIN { exit !(model > 0 && unigram > 0 && model + 0 < unigram - 0.5) }' ||
    fault "$1: not clearly below the unigram model: $(grep -A3 'held-out text,' "$out" | tr '\n' ';')"
  grep -q '^100%' "$out.err" || fault "$1: no progress line at the end"
}
learns lstm
learns gru

# ---- a run in two parts is one run ------------------------------------------------------------------------------

small=(--hidden 24 --embedding 12 --batch 6 --seq 17 --sample 0)
continues() { # NAME OPTION...
  local name=$scratch/$1
  shift
  cases=$((cases + 1))
  "$char_lm" "${small[@]}" "$@" --steps 20 --save "$name.whole" "${texts[@]}" >/dev/null 2>&1 || fault "$*: whole run"
  "$char_lm" "${small[@]}" "$@" --steps 9 --save "$name.half" "${texts[@]}" >/dev/null 2>&1 || fault "$*: first part"
  "$char_lm" --load "$name.half" --threads 1 --steps 11 --sample 0 --save "$name.both" "${texts[@]}" >/dev/null 2>&1 ||
    fault "$*: second part"
  cmp "$name.whole" "$name.both" || fault "$*: 9 + 11 steps are not 20 steps"
  ! cmp -s "$name.whole" "$name.half" || fault "$*: steps change nothing"
}
continues lstm --cell lstm
continues gru --cell gru
continues layers --layers 3 --dropout 0.3 --decay 15 --lr 0.01 --seed 7

# A signal ends training in good order: the model is saved, and can go on.
interrupted() {
  local status=0 child
  cases=$((cases + 1))
  "$char_lm" "${small[@]}" --steps 1000000 --save "$scratch/stopped" "${texts[@]}" >"$scratch/stopped.out" 2>&1 &
  child=$!
  for _ in $(seq 300); do
    sleep 0.1
    ! grep -q '^training' "$scratch/stopped.out" || break
  done
  sleep 0.5
  kill -TERM "$child"
  wait "$child" || status=$?
  [ "$status" = 143 ] || fault "stopped by SIGTERM: exit status $status, expected 143"
  "$char_lm" --load "$scratch/stopped" --steps 1 --sample 0 "${texts[@]}" >/dev/null 2>&1 ||
    fault "what a stopped run saved cannot be loaded"
}
interrupted

# Sampling needs no text, and the seed of a model fixes it.
cases=$((cases + 1))
"$char_lm" --load "$scratch/lstm.whole" --sample 100 >"$scratch/sample.1"
"$char_lm" --load "$scratch/lstm.whole" --sample 100 >"$scratch/sample.2"
cmp "$scratch/sample.1" "$scratch/sample.2" || fault "two samples of one model differ"
[ "$(wc -c <"$scratch/sample.1")" -gt 100 ] || fault "a sample of 100 bytes is shorter"

# ---- refusals ---------------------------------------------------------------------------------------------------

refuses() { # STATUS PATTERN OPTION...: that exit status, one line on standard error that holds the pattern
  local expected=$1 pattern=$2 status=0 err=$scratch/refusal.err
  shift 2
  cases=$((cases + 1))
  "$char_lm" "$@" >/dev/null 2>"$err" </dev/null || status=$?
  [ "$status" = "$expected" ] || fault "$*: exit status $status, expected $expected: $(head -n 3 "$err")"
  [ "$(wc -l <"$err")" = 1 ] || fault "$*: $(wc -l <"$err") lines on standard error, expected 1"
  grep -q -- "^char_lm: .*$pattern" "$err" || fault "$*: '$(head -n 1 "$err")' lacks '$pattern'"
}

refuses 2 'no text' # no arguments at all
refuses 2 'unknown option' --hiden 3 "${texts[@]}"
refuses 2 'unknown option' -x "${texts[@]}"
refuses 2 'lacks its value' "${texts[@]}" --hidden
for wrong in 0 -1 1.5 x '' 1e99 0x10 nan ' 3'; do
  refuses 2 "--hidden is '$wrong'" --hidden "$wrong" "${texts[@]}"
done
refuses 2 'expected lstm or gru' --cell rnn "${texts[@]}"
refuses 2 'a number from' --dropout 1.01 "${texts[@]}"
refuses 2 'exclude each other' --steps 1 --epochs 1 "${texts[@]}"
refuses 2 'no text is named' --load "$scratch/lstm.whole" --steps 3

refuses 1 'cannot be read' "$scratch/none.txt"
refuses 1 'cannot be read' "$scratch" # a directory
: >"$scratch/empty.txt"
refuses 1 'is empty' "${texts[@]}" "$scratch/empty.txt"
echo hello >"$scratch/short.txt"
refuses 1 'too short' "$scratch/short.txt"
refuses 1 'cannot be written' --steps 1 --save "$scratch/none/model" "${texts[@]}"
refuses 1 'no regular file' --steps 1 --save "$scratch" "${texts[@]}"
refuses 1 'cannot be read' --load "$scratch/none" "${texts[@]}"

model=$scratch/lstm.whole
bad=$scratch/bad
load=(--load "$bad" --steps 1 "${texts[@]}")
size=$(wc -c <"$model")
: >"$bad"
refuses 2 'no safetensors file' "${load[@]}"
head -c 7 "$model" >"$bad"
refuses 2 'no safetensors file' "${load[@]}"
head -c 500 "$model" >"$bad"
refuses 2 'only a part' "${load[@]}"
head -c $((size - 1)) "$model" >"$bad"
refuses 2 'data_offsets' "${load[@]}"
{ cat "$model" && echo; } >"$bad"
refuses 2 'bytes of data' "${load[@]}"
cat "${texts[@]}" >"$bad"
refuses 2 'no safetensors file' "${load[@]}"
head -c 4096 /dev/zero >"$bad"
refuses 2 'no safetensors file' "${load[@]}"
refuses 2 'another text' --load "$model" --steps 1 "${texts[0]}"
refuses 2 'was trained with' --load "$model" --hidden 25 "${texts[@]}"
printf 'a text with bytes of its own: \001\002\003 and so on, and so on, and so on\n' >"$scratch/other.txt"
refuses 2 'vocabulary' --load "$model" --steps 1 "$scratch/other.txt"

# One change of the same length in the header: LC_ALL=C, so that sed sees bytes.
changed() { # SED-EXPRESSION PATTERN
  LC_ALL=C sed "$1" "$model" >"$bad"
  ! cmp -s "$model" "$bad" || fault "'$1' changes nothing"
  refuses 2 "$2" "${load[@]}"
}
changed '1s/"decoder.bias":{"dtype":"F32"/"decoder.bias":{"dtype":"F64"/' 'expected F32'
changed '1s/"dtype"/"dtyqe"/' 'against the rules'
changed '1s/"decoder.bias"/"decoder.bios"/' "lacks tensor 'decoder.bias'"
changed '1s/"state.c"/"state.h"/' 'twice'
changed '1s/"hidden":"24"/"hidden":"25"/' 'another shape'
changed '1s/"hidden":"24"/"hidden":"-4"/' "'hidden' is '-4'"
changed '1s/"hidden":"24"/"hidden": 24 /' 'at byte'
changed '1s/"cell":"lstm"/"cell":"gru" /' 'another shape'
changed '1s/"version":"1"/"version":"2"/' "'version' is '2'"
changed '1s/"random":"/"randxm":"/' "lack 'random'"
changed '1s/"position":"./"position":"x/' "'position' is"
changed '1s/"vocabulary":"./"vocabulary":"f/' "'vocabulary' is"
changed '1s/"data_offsets":\[0,/"data_offsets":[4,/' 'data_offsets'
changed '1s/"data_offsets":\[0,/"data_offsets":[-,/' 'whole number'
changed '1s/"shape":\[/"shape":{/' 'at byte'
changed '1s/"__metadata__":{/"__metadata__":[/' 'at byte'
changed '1s/"format":"pt"/"format":"\\u"/' 'escape'

# A number that is none: the last float of the file, which is carried state.
{ head -c $((size - 4)) "$model" && printf '\000\000\300\177'; } >"$bad"
refuses 2 'finite' "${load[@]}"

# Any cut of the file is refused, wherever it falls.
for part in 1 8 9 10 100 1000 2000 3000 $((size / 3)) $((size / 2)); do
  head -c "$part" "$model" >"$bad"
  refuses 2 "$bad" "${load[@]}"
done

# A failed run leaves what was there before, and no temporary file.
cases=$((cases + 1))
! ls "$scratch"/*.tmp >/dev/null 2>&1 || fault "temporary files are left: $(echo "$scratch"/*.tmp)"
"$char_lm" --help | grep -q '^usage: char_lm' || fault "--help does not help"

echo "char_lm: $cases cases, $failures failed"
[ "$failures" = 0 ]
