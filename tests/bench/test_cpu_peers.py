#!/usr/bin/env python3
"""rondo's and oneDNN's peers, asked as a benchmark asks them, must tell the same y. Without oneDNN only rondo's is tried.

Usage: test_cpu_peers.py RONDO_GPU_BENCH [RONDO_BENCH_ONEDNN]
"""
import json
import os
import subprocess
import sys

SMALL = dict(dtype="f32", mode="inference", sequence="full", T=9, N=5, I=16, H=16, L=1, D=1)
# f32 sums in another order; bf16 besides rounds h at every step.
BOUNDS = {"f32": 1e-5, "bf16": 4e-2}


def shapes():
    for cell in ("rnn_tanh", "rnn_relu", "lstm", "gru"):
        for mode in ("inference", "training"):
            yield dict(SMALL, cell=cell, mode=mode)
            yield dict(SMALL, cell=cell, mode=mode, I=7, L=2, D=2)
            yield dict(SMALL, cell=cell, mode=mode, I=7, L=3)
            yield dict(SMALL, cell=cell, mode=mode, dtype="bf16", H=32, I=32)
    yield dict(SMALL, cell="gru", T=1, N=1)
    yield dict(SMALL, cell="lstm", sequence="lengths", mode="training")
    yield dict(SMALL, cell="lstm", sequence="packed")
    yield dict(SMALL, cell="lstm", dtype="f64")


def answers(program, extra):
    requests = []
    for shape in shapes():
        requests += [{"do": "open", "shape": shape, "seconds": 0.001}, {"do": "round"}]
    requests.append({"do": "close"})
    done = subprocess.run(
        [program],
        input="".join(json.dumps(request) + "\n" for request in requests),
        env=dict(os.environ, OMP_NUM_THREADS="2", RONDO_NUM_THREADS="2", **extra),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == len(requests) and lines[-1] == {}, lines[-1:]
    return list(zip(lines[:-1:2], lines[1:-1:2]))


def check_ours(shape, opened, timed):
    assert opened["variants"] == ["cpu"] and opened["refused"] == {}, (shape, opened)
    assert timed["ms"]["cpu"] > 0 and len(opened["probe"]["cpu"]) == 64, (shape, timed)
    assert opened["explain"]["cpu"], shape


def check_theirs(shape, opened, timed):
    """The ways that told a y, none where it refuses with good reason."""
    if shape["sequence"] == "packed" or shape["dtype"] == "f64":
        assert opened["variants"] == [] and opened["refused"] and timed["ms"] == {}, (shape, opened)
        return []
    if shape["dtype"] == "bf16" and opened["refused"]:  # needs AVX-512
        return []
    assert opened["refused"] == {} and len(opened["variants"]) in (1, 2), (shape, opened)
    for name in opened["variants"]:
        assert name.startswith("oneDNN ") and timed["ms"][name] > 0 and opened["explain"][name], (shape, opened, timed)
        assert (name in opened["probe"]) == (shape["sequence"] == "full"), (shape, opened)
    return list(opened["probe"])


def main():
    ours = answers(sys.argv[1], {"RONDO_GPU_BENCH_BACKEND": "cpu"})
    for shape, (opened, timed) in zip(shapes(), ours):
        check_ours(shape, opened, timed)
    print(f"rondo: {len(ours)} shapes")
    if len(sys.argv) < 3:
        print("there is no oneDNN to compare with")
        return
    worst = {}
    for shape, (our, _), (opened, timed) in zip(shapes(), ours, answers(sys.argv[2], {})):
        for name in check_theirs(shape, opened, timed):
            pairs = zip(our["probe"]["cpu"], opened["probe"][name])
            apart = max(abs(a - b) for a, b in pairs)
            assert apart < BOUNDS[shape["dtype"]], (shape, name, apart)
            compared, largest = worst.get(shape["dtype"], (0, 0))
            worst[shape["dtype"]] = (compared + 1, max(largest, apart))
    assert worst["f32"][0] >= 25, worst
    for dtype, (compared, largest) in worst.items():
        print(f"{dtype}: {compared} results agree within {largest:.1e}")


main()
