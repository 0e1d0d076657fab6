"""The goldens of tests/golden, what PyTorch computed, as NumPy arrays; no PyTorch is needed to read them.

RONDO_GOLDENS names their folder where these tests do not lie in a source tree."""

from __future__ import annotations

import functools
import json
import os
import pathlib
import struct

import numpy as np

FOLDER = pathlib.Path(os.environ.get("RONDO_GOLDENS") or pathlib.Path(__file__).parents[3] / "tests" / "golden")
FORWARD = {"float64": 1e-12, "float32": 1e-5}
GRADIENTS = {"float64": 1e-12, "float32": 1e-4}


@functools.lru_cache(maxsize=None)
def _file(dtype: str):
    data = (FOLDER / f"torch_f{dtype[-2:]}.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    cases = json.loads(header.pop("__metadata__")["goldens"])["cases"]
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = np.frombuffer(data[begin:end], dtype).reshape(entry["shape"])
    return {case["name"]: case for case in cases}, tensors


def names() -> list[str]:
    """All cases, as "lstm/plain"."""
    return list(_file("float64")[0])


def case(name: str, dtype: str):
    """The description of a case, and its tensors by their short names."""
    cases, tensors = _file(dtype)
    prefix = name + "/"
    return cases[name], {key[len(prefix) :]: value for key, value in tensors.items() if key.startswith(prefix)}


def error(found, expected) -> float:
    """max|a-b| / max(1, max|b|), the measure of all of rondo's tests; infinite where the shapes differ."""
    if found.shape != expected.shape:
        return float("inf")
    if expected.size == 0:
        return 0.0
    wide = expected.astype(np.float64)
    return float(np.abs(found.astype(np.float64) - wide).max() / max(1.0, np.abs(wide).max()))
