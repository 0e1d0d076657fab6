#!/usr/bin/env bash
# Checks the `rondo` command from outside: what it prints, its exit status, the files it writes.
# Usage: test_cli.sh PATH_TO_RONDO [SCRATCH_DIR]; without a scratch folder a temporary one is made and removed.
set -u

if [ $# -lt 1 ] || [ $# -gt 2 ] || [ ! -x "$1" ]; then
  echo "usage: $0 PATH_TO_RONDO [SCRATCH_DIR]" >&2
  exit 2
fi
rondo=$1
if [ $# -eq 2 ]; then
  scratch=$2
  mkdir -p "$scratch" || exit 2
else
  scratch=$(mktemp -d) || exit 2
  trap 'rm -rf "$scratch"' EXIT
fi
out=$scratch/out
err=$scratch/err
checks=0
failures=0

# A preference from outside would change which back end is chosen below.
unset RONDO_BACKEND

check() { # check WHAT COMMAND...: the command succeeds
  local what=$1
  shift
  checks=$((checks + 1))
  if ! "$@"; then
    failures=$((failures + 1))
    echo "FAILED: $what" >&2
    sed 's/^/  stdout: /' "$out" | head -20 >&2
    sed 's/^/  stderr: /' "$err" | head -20 >&2
  fi
}

run() { # run STATUS ARGUMENT...: rondo exits with it
  local expected=$1 status
  shift
  "$rondo" "$@" >"$out" 2>"$err"
  status=$?
  check "rondo $* exits $expected (was $status)" [ "$status" -eq "$expected" ]
}

out_has() { check "stdout has \"$1\"" grep -qE -- "$1" "$out"; }
err_has() { check "stderr has \"$1\"" grep -qE -- "$1" "$err"; }
no_stderr() { check "stderr is empty" [ ! -s "$err" ]; }

refused() { # refused STATUS ARGUMENT...: nothing on stdout, one line on stderr that starts with "rondo: "
  run "$@"
  check "stdout is empty after $*" [ ! -s "$out" ]
  check "one line on stderr after $*" [ "$(wc -l <"$err")" -eq 1 ]
  err_has '^rondo: '
}

json_holds() { # json_holds FILE EXPRESSION: of the document d
  check "$1: $2" python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); sys.exit(not eval(sys.argv[2]))' "$@"
}

nothing_left() { check "no partial files are left" [ -z "$(find "$scratch" -name '*.part*')" ]; }

# Help and version.
run 0 --help
for command in info explain verify bench; do
  out_has "^  $command "
done
for command in info explain verify bench; do
  run 0 "$command" --help
  out_has '--help'
  no_stderr
done
run 0 --version
out_has '^rondo [0-9]+\.[0-9]+\.[0-9]+'
version=$(sed 's/^rondo //' "$out")

# info.
run 0 info
out_has "^rondo $version"
out_has '^threads: [1-9]'
out_has 'cpu +on cpu +available: .+'
no_stderr
run 0 info --json
cp "$out" "$scratch/info.json"
json_holds "$scratch/info.json" 'd["threads"] >= 1'
json_holds "$scratch/info.json" 'all(b["detail"] for b in d["backends"])'
json_holds "$scratch/info.json" '[b["available"] for b in d["backends"] if b["name"] == "cpu"] == [True]'

# explain: a plan, and refusals with a reason.
run 0 explain --cell gru --input-size 8 --hidden-size 16 --num-layers 2 --bidirectional --no-bias --dtype bf16 \
  --layout batch-major --device cpu --mode training --sequence lengths -T 20 -N 4
out_has '^back end: +cpu$'
out_has '^device: +cpu$'
out_has '^workspace: +[0-9]'
out_has '^reserve: +[1-9]'
out_has '^packed parameters: +[0-9]'
run 0 explain --input-size 8 --hidden-size 16 --proj-size 4 --sequence packed --T 5 --N 3 --S 9
out_has '^reserve: +0 bytes$'
refused 1 explain --input-size 8 --hidden-size 16 --proj-size 16
err_has 'proj_size is 16'
refused 1 explain --input-size 8 --hidden-size 16 --backend cpu --sequence device_lengths
err_has 'device lengths'
refused 1 explain --input-size 8 --hidden-size 16 --backend cpu --persistent require
err_has 'persistent'
refused 1 explain --input-size 8 --hidden-size 16 --autotune --deterministic
err_has 'autotune'
run 0 explain --input-size 8 --hidden-size 16 --device cpu --fixed-batch --persistent never --autotune --allow-tf32
out_has '^back end: +cpu$'
# explain --model: predictions, with no GPU and no back end asked.
run 0 explain --model
out_has '^lstm +512 +64 +1\.00 '
out_has '^gru +4096 +128 +23\.00 .*(hybrid|NO TIER)'
out_has '^Of 40 shapes with a floor, [0-9]+ reach 70 %'
check "a row for each shape" [ "$(grep -cE '^(lstm|gru) ' "$out")" -eq 50 ]
no_stderr
run 0 explain --model --cell gru --hidden-size 512 --dtype bf16 --bidirectional -N 64 -T 25 --mode training
out_has '^gru, bf16, H 512, N 64, T 25, two directions$'
for gpu in H200 H100 'RTX 5090' A100; do
  check "two passes of the cluster on the $gpu" [ "$(grep -cE "^$gpu +fused cluster +(forward|backward) " "$out")" -eq 2 ]
done
out_has '^H200 +fused cluster +backward +[0-9.]+ +[0-9.]+ .* blocks of [0-9]+ units'
out_has '^A100 +fused cluster +forward +- '
out_has '^A100 +fused grid +forward +[0-9.]+ +[0-9.]+ .* [0-9]+ x [0-9]+ blocks of [0-9]+ units'
run 0 explain --model --hidden-size 64 --dtype f32
out_has '^H200 +fused single +forward +[0-9.]+ +[0-9.]+ +-  1 x 1 blocks of 64 units'
run 0 explain --model --hidden-size 64 --dtype f32 --allow-tf32
out_has '^lstm, f32 by tf32, H 64, '
run 0 explain --model --hidden-size 64 --dtype f64
check "no tier takes f64" [ "$(grep -cE '^.* (single|cluster|grid|hybrid)[^/]* forward +- +- +-$' "$out")" -eq 16 ]
refused 2 explain --model --hidden-size 0
refused 2 explain --model --hidden-size 64 -N 0
run 0 explain --model --hidden-size 64 --proj-size 8 --mode training
out_has '^lstm, f16, H 64, P 8, '
out_has '^H200 +fused single +backward +[0-9.]+ +[0-9.]+ +-  1 x 1 blocks of 64 units'
run 0 explain --model --hidden-size 64 --proj-size 8 --dtype f32
check "no tier takes f32 with a projection" [ "$(grep -cE '^.* (single|cluster|grid|hybrid)[^/]* forward +- +- +-$' "$out")" -eq 16 ]
refused 1 explain --model --hidden-size 64 --proj-size 64
err_has 'proj_size is 64'
# Each GPU back end serves here, or all that is forced on it fails with the reason that info gives.
for backend in cudnn fused; do
  run 0 info
  out_has "^ +$backend +on cuda +(available|missing): .+"
  reason=$(sed -n "s/^ *$backend .*missing: //p" "$out")
  if [ -z "$reason" ]; then
    echo "note: $backend serves here; the refusal of a missing back end is not checked"
    continue
  fi
  refused 1 explain --input-size 8 --hidden-size 16 --backend "$backend"
  check "explain gives the reason" grep -qF -- "$reason" "$err"
  refused 1 verify --quick --backend "$backend"
  check "verify gives the reason" grep -qF -- "$backend is missing: $reason" "$err"
  refused 1 bench --shape lstm-t1-n1-h256-inference --backend "$backend"
  check "bench gives the reason" grep -qF -- "$reason" "$err"
done

# Wrong usage: exit 2 and one line.
refused 2
refused 2 dance
refused 2 --dance
refused 2 info --dance
refused 2 explain --input-size 8
refused 2 explain --input-size 0 --hidden-size 16
refused 2 explain --input-size many --hidden-size 16
refused 2 explain --input-size 8 --hidden-size 16 --cell elman
refused 2 explain --input-size 8 --hidden-size 16 --persistent always
refused 2 explain --input-size 8 --hidden-size 16 --sequence ragged
refused 2 explain --input-size 8 --hidden-size 16 --dropout 1.5
refused 2 verify --backend abacus
refused 2 verify --threads -1
refused 2 verify --filter 'no such case'
refused 2 bench --set slow
refused 2 bench --shape triangle
refused 2 bench --rounds 0

# A path that cannot be written is refused before the work.
refused 2 verify --quick --junit "$scratch/missing/results.xml"
refused 2 verify --quick --json "$scratch"
refused 2 bench --shape lstm-t1-n1-h256-inference --json "$scratch/missing/bench.json"
nothing_left

# verify: passes, and says so in three ways.
run 0 verify --list
out_has 'bf16'
cases=$(wc -l <"$out")
run 0 verify --quick --list
check "the quick grid is smaller" [ "$(wc -l <"$out")" -lt "$cases" ]
rm -f "$scratch/verify.xml" "$scratch/verify.json"
run 0 verify --quick --junit "$scratch/verify.xml" --json "$scratch/verify.json"
check "the last line counts" grep -qE '^[1-9][0-9]* passed, 0 failed' <(tail -1 "$out")
check "no progress where stderr is no terminal" [ ! -s "$err" ]
check "JUnit is XML and its counts agree with its cases" python3 - "$scratch/verify.xml" <<'PYTHON'
import sys
import xml.etree.ElementTree as tree

suite = tree.parse(sys.argv[1]).getroot().find("testsuite")
cases = suite.findall("testcase")
skipped = [case for case in cases if case.find("skipped") is not None]
assert len(cases) == int(suite.get("tests")) > 0
assert suite.get("failures") == "0" and int(suite.get("skipped")) == len(skipped)
assert all(case.get("name") and case.get("classname") and float(case.get("time")) >= 0 for case in cases)
PYTHON
json_holds "$scratch/verify.json" 'd["passed"] > 0 and d["failed"] == 0'
json_holds "$scratch/verify.json" 'len(d["cases"]) == d["passed"] + d["skipped"]'
json_holds "$scratch/verify.json" 'all(t["error"] <= t["bound"] for c in d["cases"] for t in c["tensors"])'
nothing_left

# verify can fail: no f32 result is exactly the double one. The report names case, tensor, index and both values.
run 1 verify --quick --filter lstm-f32-t6 --bound-scale 0 --junit "$scratch/failed.xml" --json "$scratch/failed.json"
out_has '^FAILED lstm-f32-t6[^:]*: y\[[0-9,]+\] is -?[0-9.e-]+, expected -?[0-9.e-]+: error .*, bound 0'
check "the last line counts failures" grep -qE '^0 passed, [1-9][0-9]* failed' <(tail -1 "$out")
check "JUnit holds the failure" grep -q '<failure message="y\[' "$scratch/failed.xml"
json_holds "$scratch/failed.json" 'd["failed"] > 0 and "expected" in d["cases"][0]["message"]'

# The same seed draws the same inputs, another one others.
errors() { python3 -c 'import json, sys; print([t["error"] for c in json.load(open(sys.argv[1]))["cases"] for t in c["tensors"]])' "$1"; }
for seed in 1 1 2; do
  run 0 verify --quick --filter gru-f32-t5 --seed "$seed" --json "$scratch/seed.json"
  errors "$scratch/seed.json" >>"$scratch/seeds.$$"
done
check "one seed gives one result" [ "$(sed -n 1p "$scratch/seeds.$$")" = "$(sed -n 2p "$scratch/seeds.$$")" ]
check "another seed gives another" [ "$(sed -n 1p "$scratch/seeds.$$")" != "$(sed -n 3p "$scratch/seeds.$$")" ]
rm -f "$scratch/seeds.$$"

# bench.
run 0 bench --list
out_has '^lstm-t25-n64-h512-inference +cpu-inference'
run 0 bench --list --set varlen
check "six rows a mode of variable lengths" [ "$(wc -l <"$out")" -eq 12 ]
run 0 bench --shape rnn-t100-n1-h64-inference --shape rnn-t100-n1-h64-training --rounds 2 --min-time 0.01 \
  --json "$scratch/bench.json"
out_has '^rnn-t100-n1-h64-inference +[0-9]'
out_has 'of peak'
json_holds "$scratch/bench.json" 'd["fma_peak_f32_gflops"] > 0 and len(d["rows"]) == 2'
json_holds "$scratch/bench.json" 'all(r["ms"] > 0 and r["fraction_of_peak"] > 0 for r in d["rows"])'
json_holds "$scratch/bench.json" 'all(abs(r["time_over_peak"] * r["fraction_of_peak"] - 1) < 1e-9 for r in d["rows"])'
run 0 bench --shape lstm-t100-n32-h128-inference-packed --rounds 1 --min-time 0 --json "$scratch/bench.json"
json_holds "$scratch/bench.json" '0 < d["rows"][1]["fill"] < 1 and d["rows"][1]["time_over_full"] > 0'
nothing_left

echo "cli: $((checks - failures)) of $checks checks passed"
[ "$failures" -eq 0 ]
