"""What the operators need beside tensors: a network's text as a Spec, plans for training, and the reserve's bound.

A backward call must find the very plan of its forward call: training plans are exact, with a cache of their own."""

from __future__ import annotations

import functools
import os
from typing import Any

import torch

from .._plans import FULL, LENGTHS, PACKED, TRAINING, Plan, Spec

__all__ = ["FULL", "LENGTHS", "PACKED", "reserve_bound", "spec_of", "training_plan"]

# A plan that leaves the cache between its forward and its backward call makes that backward fail, with the library's
# text: one autograd graph may hold calls of this many different shapes.
_TRAINING_PLANS = 4096


def _value(text: str) -> Any:
    """Of a network's text: an integer, a number or a word."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


@functools.lru_cache(maxsize=1024)
def _spec(network: str, dtype: torch.dtype, device: str) -> Spec:
    cell, *options = network.split()
    attributes = {name: _value(value) for name, _, value in (option.partition("=") for option in options)}
    for name in ("bidirectional", "bias", "batch_first", "single_cell", "deterministic", "allow_tf32"):
        if name in attributes:
            attributes[name] = bool(attributes[name])
    return Spec(cell=cell, dtype=str(dtype).rpartition(".")[2], device=device, **attributes)


def spec_of(network: str, tensor: torch.Tensor) -> Spec:
    """The Spec of a text as "lstm input_size=10 hidden_size=20 num_layers=2", for a tensor's type and device."""
    device = tensor.device
    return _spec(network, tensor.dtype, f"cuda:{device.index or 0}" if device.type == "cuda" else "cpu")


@functools.lru_cache(maxsize=_TRAINING_PLANS)
def training_plan(spec: Spec, sequence: int, T: int, N: int, S: int) -> Plan:
    """The plan of training calls of just these sizes."""
    return Plan(spec, TRAINING, sequence, T, N, S)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=training_plan.cache_clear)


# ---- the reserve's bound --------------------------------------------------------------------------------------------

# Shapes (T, N) that the sizes are asked of: S is 256 in all of the first row, 4096 in all of the second.
_PROBES = (((1, 256), (16, 16), (256, 1)), ((1, 4096), (64, 64), (4096, 1)))
_CELL_PROBES = (((1, 256),), ((1, 4096),))
# A reserve is a few arrays of so many bytes a step, each rounded up to the back end's alignment, 64 to 512 bytes.
_ROUNDING = 4096


@functools.lru_cache(maxsize=1024)
def _coefficients(spec: Spec, sequence: int) -> tuple[int, int]:
    def size(shape: tuple[int, int]) -> int:
        T, N = shape
        return Plan(spec, TRAINING, sequence, T, N, T * N).reserve_size

    small, large = _CELL_PROBES if spec.single_cell else _PROBES
    per_step = max(-(-(size(b) - size(a)) // 3840) for a, b in zip(small, large))
    fixed = max(size(shape) - 256 * per_step for shape in small)
    return per_step, max(fixed, 0) + _ROUNDING


def reserve_bound(spec: Spec, sequence: int, S: int) -> int:
    """Bytes that hold the reserve of any call with S valid steps: a*S + b, also where S is a symbol.

    a and b follow from the Spec alone, by asking plans of two values of S."""
    per_step, fixed = _coefficients(spec, sequence)
    return per_step * S + fixed
