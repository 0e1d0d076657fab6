"""The one source of seeds for initial values and dropout in modules for NumPy arrays.

A seed only says which of the library's values to take; the values themselves are the library's."""

from __future__ import annotations

import random

_generator = random.Random()


def manual_seed(seed: int) -> None:
    """From here on, modules get the same initial values and dropout as after any other manual_seed(seed)."""
    if not isinstance(seed, int):
        raise TypeError(f"seed is {seed!r}, expected an integer")
    _generator.seed(seed)


def draw() -> int:
    """The next 64 bits."""
    return _generator.getrandbits(64)
