#!/usr/bin/env bash
# Tests run-gpu-tests' driver on any machine, in a bundle of fake programs: skipping, counting, failing, time bounds,
# resuming, and the talk with the benchmark's peers. Usage: test_report.sh RONDO_GPU_REPORT
set -euo pipefail
report=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
bundle=$scratch/bundle
mkdir -p "$bundle"/{bin,lib,share/python}
cp "$here/run-gpu-tests" "$bundle/"
cp "$report" "$bundle/bin/rondo_gpu_report"
: >"$bundle/needs"
echo '{"commit": "abc", "cuda": "13.0", "hashes": {"fused": "f0", "cudnn": "c0"}}' >"$bundle/bundle.json"
export PYTHON=/nonexistent LD_LIBRARY_PATH=

fail() {
  echo "FAILED: $*" >&2
  cat "$scratch/log" >&2
  exit 1
}

fake() { # NAME: a program of the bundle that notes its call and does what standard input says
  { echo '#!/usr/bin/env bash' && echo "echo $1 \$* >>'$scratch/calls'" && cat; } >"$bundle/bin/$1"
  chmod +x "$bundle/bin/$1"
}

info() { # AVAILABLE DETAIL: of the fused back end; the cuDNN one is missing
  echo "{\"backends\": [
    {\"name\": \"cudnn\", \"device\": \"cuda\", \"available\": false, \"detail\": \"there is no libcudnn.so.9\"},
    {\"name\": \"fused\", \"device\": \"cuda\", \"available\": $1, \"detail\": \"$2\"}]}" >"$scratch/info.json"
}

run() { # STATUS [OPTION...]: what it must exit with
  local wanted=$1 status=0
  shift
  : >"$scratch/calls"
  "$bundle/run-gpu-tests" --out "$scratch/result.json" "$@" >"$scratch/log" 2>&1 || status=$?
  [ "$status" = "$wanted" ] || fail "exit status $status, $wanted expected: $*"
}

section() { # NAME: its status and counts in the result file
  python3 - "$scratch/result.json" "$1" <<'END'
import json, sys
for section in json.load(open(sys.argv[1]))["sections"]:
    if section["name"] == sys.argv[2]:
        print(section["status"], section["passed"], section["failed"], section["skipped"])
END
}

expect() { # NAME STATUS PASSED FAILED SKIPPED
  [ "$(section "$1")" = "$2 $3 $4 $5" ] || fail "$1 is $(section "$1"), expected $2 $3 $4 $5"
}

called() { grep -q "^$1" "$scratch/calls"; }

fake rondo <<END
case \$1 in
  info) cat '$scratch/info.json' ;;
  verify) echo '12 passed, 0 failed, 3 skipped' ;;
esac
END
fake rondo_test_numeric <<'END'
[ "$CUBLAS_WORKSPACE_CONFIG" = :4096:2 ] && [ -d "$(dirname "$RONDO_AUTOTUNE_CACHE")" ] &&
  echo "All tests passed (30 assertions in 7 test cases)"
END
fake rondo_gpu_soak <<<'echo "1 passed, 0 failed"'
fake rondo_gpu_capture <<<'echo "6 passed, 0 failed"'
fake compute-sanitizer <<<'echo "48 passed, 0 failed"; echo "========= ERROR SUMMARY: 0 errors"'
PATH=$bundle/bin:$PATH
fake rondo_gpu_bench <<'END'
while read -r line; do
  case $line in
    *'"do":"open"'*) echo '{"variants": ["fused"], "refused": {"cudnn": "no"}, "probe": {"fused": [0.5, 0.25]}}' ;;
    *'"do":"round"'*) echo '{"ms": {"fused": 2.0}}' ;;
    *) echo '{}' ;;
  esac
done
END
fake rondo_bench_cudnn <<'END'
while read -r line; do
  case $line in
    *'"do":"open"'*) echo '{"variants": ["STANDARD"], "refused": {}, "probe": {"STANDARD": [0.5, 0.25]}}' ;;
    *'"do":"round"'*) echo '{"ms": {"STANDARD": 3.0}}' ;;
    *) echo '{}' ;;
  esac
done
END

# No GPU: skipped, with the reason, and no file.
if ! compgen -G '/dev/nvidia[0-9]*' >/dev/null && [ ! -e /dev/dxg ]; then
  info false 'no CUDA driver'
  run 77
  grep -q '^skipped: .*fused: no CUDA driver' "$scratch/log" || fail "no reason"
  [ ! -e "$scratch/result.json" ] || fail "a result of nothing"
fi

# All is well; what needs cuDNN is skipped with its reason.
info true 'NVIDIA H200 (sm_90), driver 13.0, CUDA 13.0'
run 0
expect numeric-fused passed 7 0 0
expect numeric-cudnn skipped 0 0 1
expect verify-fused passed 12 0 3
expect sanitizer passed 144 0 0
expect fused-single passed 158 0 0
expect fused-cluster passed 158 0 0
expect fused-grid passed 158 0 0
expect fused-single-f32 passed 151 0 0
expect fused-cluster-f32 passed 151 0 0
expect fused-grid-f32 passed 151 0 0
expect fused-grid-tf32 passed 151 0 0
expect capture passed 12 0 0
expect soak passed 2 0 2
grep -q 'lstm-f16-t1024-n16-h768-inference *fused *2.0000 *1.50' "$scratch/log" || fail "no ratio"
python3 - "$scratch/result.json" <<'END' || fail "the result file"
import json, sys
result = json.load(open(sys.argv[1]))
assert (result["commit"], result["gpu"], result["capability"]) == ("abc", "NVIDIA H200", 90), result
assert result["driver"] == "13.0" and result["cuda"] == "13.0" and result["hashes"]["fused"] == "f0"
figure = next(f for f in result["figures"] if f["library"] == "cudnn")
assert (figure["variant"], figure["ms"], figure["spread"], figure["dtype"]) == ("STANDARD", 3.0, 0, "f16")
assert any(f.get("refused") == "no" and f["variant"] == "cudnn" for f in result["figures"])
END

# Resumed: what passed is kept; --only runs one anew and keeps the others.
run 0
! called rondo_test_numeric || fail "a passed section ran again"
run 0 --only verify-fused
called 'rondo verify' || fail "--only did not run its section"
! called rondo_test_numeric || fail "--only ran another section"
expect numeric-fused passed 7 0 0

# A failure fails the run, stays in the file, and is run again.
fake rondo_test_numeric <<<'echo "test cases: 9 | 7 passed | 2 failed"; exit 2'
run 1 --only numeric-fused
expect numeric-fused failed 7 2 0
run 1 --only verify-fused
fake rondo_test_numeric <<<'echo "All tests passed (30 assertions in 9 test cases)"'
run 0
expect numeric-fused passed 9 0 0

# Silence, a crash, findings of a sanitizer and a wrong result of a peer are failures too.
fake rondo_test_numeric <<<':'
run 1 --only numeric-fused
fake rondo_test_numeric <<<'kill -SEGV $$'
run 1 --only numeric-fused
expect numeric-fused failed 0 1 0
fake rondo_test_numeric <<<'echo "All tests passed (30 assertions in 9 test cases)"'
fake compute-sanitizer <<<'echo "48 passed, 0 failed"; echo "========= RACECHECK SUMMARY: 3 hazards displayed"; exit 99'
run 1 --only numeric-fused --only sanitizer
fake compute-sanitizer <<<'echo "48 passed, 0 failed"; echo "========= RACECHECK SUMMARY: 0 hazards displayed"'
run 0 --only sanitizer

# A sanitizer that cannot run here is skipped in its own words; an error of the program under it is none of these.
fake compute-sanitizer <<<'echo "========= Error: Device not supported. Please refer to the documentation."; exit 1'
run 0 --only sanitizer
expect sanitizer skipped 0 0 3
grep -q 'memcheck: skipped: .*Device not supported' "$scratch/log" || fail "no reason of the sanitizer"
fake compute-sanitizer <<<'echo "failed: not supported"; echo "0 passed, 1 failed"; echo "SUMMARY: 0 errors"; exit 1'
run 1 --only sanitizer
fake compute-sanitizer <<<'echo "48 passed, 0 failed"; echo "========= RACECHECK SUMMARY: 0 hazards displayed"'
run 0 --only sanitizer

# A GPU too old for a tier is a skip in the library's words.
fake rondo_test_numeric <<<'echo "no tier serves: it needs compute capability 9.0 or newer, not 8.0"; exit 3'
run 0 --only fused-cluster
expect fused-cluster passed 151 0 1
fake rondo_test_numeric <<<'echo "All tests passed (30 assertions in 9 test cases)"'

# A refused cold capture is told, and fails nothing.
fake rondo_gpu_capture <<'END'
case $* in
  *--cold) echo 'skipped: refused as the first call'; echo '0 passed, 0 failed, 1 skipped' ;;
  *) echo '6 passed, 0 failed' ;;
esac
END
run 0 --only capture
expect capture passed 6 0 1
grep -q 'skipped: refused as the first call' "$scratch/result.json" || fail "no word of the cold capture"

sed -i 's/0.5, 0.25/0.5, 0.75/' "$bundle/bin/rondo_bench_cudnn"
run 1 --only bench --quick
grep -q 'y of rondo fused and of cudnn STANDARD differ by 0.5' "$scratch/log" || fail "no difference seen"
sed -i 's/0.5, 0.75/0.5, 0.25/' "$bundle/bin/rondo_bench_cudnn"
run 0 --only bench

# What hangs is stopped, with what it started.
fake rondo_gpu_capture <<<'echo begun; sleep 1000'
started=$SECONDS
run 1 --only capture --time-scale 0.05
[ $((SECONDS - started)) -lt 20 ] || fail "the time bound did not hold"
grep -q "stopped at the section's time bound" "$scratch/log" || fail "no word of the time bound"
fake rondo_gpu_capture <<<'echo "6 passed, 0 failed"'
run 0

# A benchmark that is late is cut, and what it timed stays.
cp "$bundle/bin/rondo_gpu_bench" "$scratch/rondo_gpu_bench"
sed -i 's/^while read/served=0; while read/; s/^  case/  ((++served < 9)) || sleep 1000\n  case/' "$bundle/bin/rondo_gpu_bench"
run 0 --only bench --time-scale 0.02
python3 - "$scratch/result.json" <<'END' || fail "a cut benchmark"
import json, sys
result = json.load(open(sys.argv[1]))
bench = next(s for s in result["sections"] if s["name"] == "bench")
assert bench["status"] == "passed" and bench["skipped"] > 50 and "the section's time is up" in bench["text"], bench
assert any(f["library"] == "rondo" and f.get("ms") == 2.0 for f in result["figures"])
END
mv "$scratch/rondo_gpu_bench" "$bundle/bin/rondo_gpu_bench"
run 0 --only bench

# Libraries are looked for in the folders of Python's nvidia packages, the runtime compiler in one of its own.
site=$scratch/venv/lib/python3.11/site-packages/nvidia
mkdir -p "$site"/{cublas,cuda_nvrtc,other}/lib
: >"$site/cublas/lib/libcublas.so.99"
: >"$site/cuda_nvrtc/lib/libnvrtc.so.99"
echo libcublas.so.99 >"$bundle/needs"
cp "$bundle/bin/rondo" "$scratch/rondo"
fake rondo <<END
echo "\$LD_LIBRARY_PATH" >'$scratch/folders'
cat '$scratch/info.json'
END
VIRTUAL_ENV=$scratch/venv run 0 --only info
for package in cublas cuda_nvrtc other; do
  grep -q "$site/$package/lib" "$scratch/folders" || fail "$package is not looked for: $(cat "$scratch/folders")"
done
mv "$scratch/rondo" "$bundle/bin/rondo"
: >"$bundle/needs"

# A file of another build is not mixed with this one's.
sed -i 's/abc/def/' "$bundle/bundle.json"
run 1
grep -q 'another build or machine' "$scratch/log" || fail "two builds mixed"
run 2 --only nonsense
echo "run-gpu-tests: all as expected"
