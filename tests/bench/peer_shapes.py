"""Lengths and array numbers of a benchmark's shape, as tests/gpu/shape.cpp has them, here once more: change both.

The standard library only; uniform_at() also takes numpy's arrays of uint64, whose products wrap by themselves.
"""
import math

MASK = 0xFFFFFFFFFFFFFFFF
X_ARRAY, DY_ARRAY, FIRST_PARAM_ARRAY = 0, 1, 2
DATA_BOUND = math.sqrt(3)
LENGTHS_SEED = 1000000007
PROBES = 64


def uniform_at(counter):
    """In [0, 1), of a counter: any element can be computed alone."""
    mixed = (counter + 1) * 0x9E3779B97F4A7C15 & MASK
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB & MASK
    return ((mixed ^ (mixed >> 31)) >> 11) * 2.0**-53


def param_bound(shape):
    return shape["H"] ** -0.5


def lengths_of(shape):
    """A length a row, uniform in [T/10, T]; None where all rows have all steps."""
    T, N = shape["T"], shape["N"]
    if shape["sequence"] == "full":
        return None
    shortest = max(1, T // 10)
    lengths = [shortest + int(uniform_at(LENGTHS_SEED + n) * float(T - shortest + 1)) for n in range(N)]
    lengths[-1] = T
    return sorted(lengths, reverse=True) if shape["sequence"] == "packed" else lengths


def batch_sizes_of(lengths):
    return [sum(length > t for length in lengths) for t in range(max(lengths))]


def positions_of(shape):
    """How many valid rows of x there are."""
    lengths = lengths_of(shape)
    return shape["T"] * shape["N"] if lengths is None else sum(lengths)


def probe_places(elements):
    """Which elements of a result are told, evenly spread."""
    return [(2 * k + 1) * elements // (2 * PROBES) for k in range(PROBES)]
