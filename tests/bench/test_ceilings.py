#!/usr/bin/env python3
"""The ceilings' program in a moment: whole JSON, every figure positive. A figure this hasty says nothing else.

Usage: test_ceilings.py RONDO_BENCH_CEILINGS
"""
import json
import os
import subprocess
import sys

SETS = {"524288", "2097152", "8388608", "25165824", "536870912"}

done = subprocess.run([sys.argv[1], "--seconds", "0.1"], stdout=subprocess.PIPE, text=True, check=True)
told = json.loads(done.stdout)
processors = len(os.sched_getaffinity(0))
assert told["processors"] == processors and told["cpu"] and told["target"], told
assert set(told["threads"]) == {"1", str(processors)}, told
for threads, figures in told["threads"].items():
    assert figures["fma_f32_gflops"] > 0 and figures.get("bf16_dot_gflops", 1) > 0, (threads, figures)
    assert set(figures["read_gb_s"]) == SETS and min(figures["read_gb_s"].values()) > 0, (threads, figures)
assert ("barrier_ns" in told) == (processors > 1) and told.get("barrier_ns", 1) > 0, told
assert all(size > 0 for size in told["caches"].values()), told
if "avx512_bf16" in told["flags"]:
    assert all("bf16_dot_gflops" in figures for figures in told["threads"].values()), told
print(f"ceilings: all as expected on {told['cpu']}")
