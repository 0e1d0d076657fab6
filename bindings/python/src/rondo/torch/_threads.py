"""Room for the library's threads: sends torch's idle OpenMP threads to sleep before a large call on the CPU.

GNU OpenMP's threads keep their processors for milliseconds after a parallel region, waiting in a loop for the next; a
team that shares a call's steps cannot run beside them. On 2 processors a training step of a 2-layer LSTM of 128 units,
48 steps of 16 rows, took 13.0 ms so, and 3.9 ms with them asleep. Results do not depend on it."""

from __future__ import annotations

import ctypes
import glob
import os

import torch

# Products of this many multiplications take about 2 ms on one thread; making torch's threads again takes a few tens of
# microseconds each.
_LARGE = 50_000_000
_SOFT = 1  # omp_pause_soft: threads go, settings stay


def _find():  # type: ignore[no-untyped-def]
    """OpenMP 5's omp_pause_resource_all of the OpenMP that torch brings, or None."""
    folder = glob.escape(os.path.join(os.path.dirname(torch.__file__), "lib"))
    for path in sorted(glob.glob(os.path.join(folder, "libgomp*.so*"))):
        try:
            function = ctypes.CDLL(path).omp_pause_resource_all
        except (OSError, AttributeError):
            continue
        function.argtypes, function.restype = [ctypes.c_int], ctypes.c_int
        return function
    return None


_pause = _find()


def make_room(multiplications: int) -> None:
    """Before a call of so many multiplications. Within a parallel region OpenMP refuses, and nothing changes."""
    if _pause is not None and multiplications >= _LARGE and torch.get_num_threads() > 1:
        _pause(_SOFT)
