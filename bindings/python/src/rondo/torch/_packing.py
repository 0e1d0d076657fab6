"""Parameters packed once for inference and kept as long as they stay what they were: same tensors, versions, addresses.

A write through `.data` changes none of the three and is not seen; Module.train, eval and flatten_parameters drop what
is kept."""

from __future__ import annotations

import weakref
from typing import Sequence

import torch

from .._plans import PackedParams, Plan, Pointers


class _Held:
    __slots__ = ("addresses", "formats", "packed", "pointers", "references", "versions")

    def __init__(self, params: Sequence[torch.Tensor], forget) -> None:  # type: ignore[no-untyped-def]
        self.references = [weakref.ref(params[0], forget), *(weakref.ref(p) for p in params[1:])]
        self.versions = [p._version for p in params]
        self.addresses = [p.data_ptr() for p in params]
        self.pointers = Pointers(self.addresses)
        self.packed = PackedParams(self.pointers)
        self.formats: set[int] = set()  # packed already

    def is_current(self, params: Sequence[torch.Tensor]) -> bool:
        if len(params) != len(self.references):
            return False
        for p, reference, version, address in zip(params, self.references, self.versions, self.addresses):
            if reference() is not p or p._version != version or p.data_ptr() != address:
                return False
        return True


_held: dict[int, _Held] = {}


def held_params(params: Sequence[torch.Tensor], check) -> _Held | None:  # type: ignore[no-untyped-def]
    """What is kept of a network's parameters, after `check()` where that is new; None if they are not to be kept.

    Kept are a module's own: what else comes, as autocast's copies, is new in every call."""
    first = params[0]
    key = id(first)
    held = _held.get(key)
    if held is not None and held.is_current(params):
        return held
    check()
    for p in params:
        if not isinstance(p, torch.nn.Parameter) or p.is_inference() or not p.is_contiguous():
            return None
    held = _held[key] = _Held(params, lambda _: _held.pop(key, None))
    return held


def packed_address(held: _Held, plan: Plan, device: torch.device) -> int:
    """For `packed_params`; 0 where the plan has no packed form or the parameters cannot be packed now."""
    if device.type == "cuda":
        if torch.cuda.is_current_stream_capturing():
            return 0
        if plan.packed_format not in held.formats:
            # Packing runs on the default stream, the parameters may be on their way on this one.
            torch.cuda.current_stream(device).synchronize()
            held.formats.add(plan.packed_format)
    return held.packed.address(plan)


def forget(params: Sequence[object]) -> None:
    """Drops what is kept of these parameters."""
    for p in params:
        _held.pop(id(p), None)
