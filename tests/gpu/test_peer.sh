#!/usr/bin/env bash
# The benchmark's peers and the soak on the CPU back end, where every machine has one: the calls are the same, only the
# memory lies elsewhere. With torch at hand both peers must tell the same y. Usage: test_peer.sh RONDO_GPU_BENCH SOAK
set -euo pipefail
bench=$1 soak=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$soak" --backend cpu --once
"$soak" --backend cpu --once --few | grep -qx '12 passed, 0 failed, 0 skipped'
"$soak" --backend cpu --once --seconds 0 | grep -qx '0 passed, 0 failed, 48 skipped'
"$soak" --backend cpu --streams | grep -qx '4 passed, 0 failed'
"$soak" --backend cpu --seconds 0.1 | tail -n 1 | grep -qx '1 passed, 0 failed'

# Requests as the bench section sends them.
python3 - >"$scratch/requests" <<'END'
import json
for cell in ("rnn_tanh", "rnn_relu", "lstm", "gru"):
    for sequence in ("full", "packed"):
        for mode in ("inference", "training"):
            shape = {"cell": cell, "dtype": "f32", "mode": mode, "sequence": sequence}
            shape.update(T=12, N=5, I=7, H=16, L=2, D=2)
            print(json.dumps({"do": "open", "shape": shape}))
            print(json.dumps({"do": "round"}))
print(json.dumps({"do": "close"}))
print(json.dumps({"do": "dance"}))
END
RONDO_GPU_BENCH_BACKEND=cpu "$bench" <"$scratch/requests" >"$scratch/ours"

torch_python=''
for python in "${PYTHON:-}" python3 "$here/../../.venv/bin/python"; do
  ! command -v "${python:-none}" >/dev/null || ! "$python" -c 'import numpy, torch' 2>/dev/null || torch_python=$python
done
if [ -n "$torch_python" ]; then
  "$torch_python" "$here/../bench/torch_bench.py" cpu <"$scratch/requests" >"$scratch/torch"
else
  echo "there is no torch to compare with"
fi

python3 - "$scratch" <<'END'
import json, os, sys
ours = [json.loads(line) for line in open(sys.argv[1] + "/ours")]
assert len(ours) == 34, len(ours)
assert ours[-2] == {} and "dance" in ours[-1]["error"], ours[-2:]
for opened, timed in zip(ours[0:32:2], ours[1:32:2]):
    assert opened["variants"] == ["cpu"] and opened["refused"] == {}, opened
    assert len(opened["probe"]["cpu"]) == 64 and timed["ms"]["cpu"] > 0
path = sys.argv[1] + "/torch"
if os.path.exists(path):
    theirs = [json.loads(line) for line in open(path)]
    worst = 0
    for our, their in zip(ours[0:32:2], theirs[0:32:2]):
        worst = max(worst, max(abs(a - b) for a, b in zip(our["probe"]["cpu"], their["probe"]["nn"])))
    assert worst < 1e-4, worst
    print(f"rondo and torch agree within {worst:.1e}")
print("peers: all as expected")
END
