"""Plans: one problem on one back end, called with raw addresses; a cache of them; packed parameters.

A call's struct is made anew each time, as bytes, so plans may be used by several threads at once."""

from __future__ import annotations

import ctypes
import os
import threading
from collections import OrderedDict
from typing import Sequence

from . import _structs
from ._library import check, failure, lib, prepare_cuda
from ._memory import DeviceBlock, HostBlock, block, device_workspace, host_workspace
from ._spec import DEVICES, Description, Parameter, Spec, init_params

__all__ = [
    "FULL",
    "INFERENCE",
    "LENGTHS",
    "PACKED",
    "TRAINING",
    "DeviceBlock",
    "HostBlock",
    "PackedParams",
    "Parameter",
    "Plan",
    "Pointers",
    "Spec",
    "block",
    "context",
    "init_params",
    "plan_for",
    "round_up",
]

# rondo_mode_t and rondo_sequence_t.
INFERENCE, TRAINING = 0, 1
FULL, LENGTHS, PACKED = 0, 1, 2

_pack_forward = _structs.packer(_structs.ForwardArgs)
_pack_backward = _structs.packer(_structs.BackwardArgs)
_FORWARD_SIZE = ctypes.sizeof(_structs.ForwardArgs)
_BACKWARD_SIZE = ctypes.sizeof(_structs.BackwardArgs)
_forward = lib.rondo_forward
_backward = lib.rondo_backward


class Pointers:
    """An array of pointers for `params` and `dparams`: `address` is the array's own. 0 is NULL."""

    __slots__ = ("_array", "address", "count")

    def __init__(self, addresses: Sequence[int]) -> None:
        self._array = (ctypes.c_void_p * len(addresses))(*addresses)
        self.address = ctypes.addressof(self._array)
        self.count = len(addresses)


class _Context:
    def __init__(self) -> None:
        self.handle = ctypes.c_void_p()
        check(lib.rondo_context_create(ctypes.byref(self.handle)))
        self._destroy = lib.rondo_context_destroy

    def __del__(self) -> None:
        self._destroy(self.handle)


_lock = threading.RLock()
_context: _Context | None = None


def context() -> ctypes.c_void_p:
    """The process's rondo_context_t, made at first use."""
    global _context
    with _lock:
        if _context is None:
            _context = _Context()
        return _context.handle


class Plan:
    """A plan for calls of at most max_T steps, max_N rows and max_S valid steps in all (0: max_T*max_N)."""

    __slots__ = (
        "_destroy",
        "_handle",
        "_on_cpu",
        "backend_name",
        "device",
        "max_N",
        "max_S",
        "max_T",
        "mode",
        "packed_format",
        "packed_size",
        "reserve_size",
        "sequence",
        "spec",
        "workspace_size",
    )

    def __init__(self, spec: Spec, mode: int, sequence: int, max_T: int, max_N: int, max_S: int = 0) -> None:
        self._handle = None
        self._destroy = lib.rondo_plan_destroy
        self.spec = spec
        self.mode, self.sequence = mode, sequence
        self.max_T, self.max_N, self.max_S = max_T, max_N, max_S
        for name, value in (("max_T", max_T), ("max_N", max_N), ("max_S", max_S)):
            if value >= 2**63:
                raise ValueError(f"{name} is {value}, expected less than 2**63")
        if not spec.on_cpu:
            prepare_cuda()
        args = _structs.PlanArgs(ctypes.sizeof(_structs.PlanArgs), mode, sequence, max_T, max_N, max_S)
        handle = ctypes.c_void_p()
        with Description(spec) as rnn:
            check(lib.rondo_plan_create(context(), rnn, ctypes.byref(args), ctypes.byref(handle)))
        self._handle = handle.value
        self.workspace_size = self._ask(lib.rondo_plan_workspace_size, ctypes.c_int64())
        self.reserve_size = self._ask(lib.rondo_plan_reserve_size, ctypes.c_int64())
        self.packed_size = self._ask(lib.rondo_plan_packed_size, ctypes.c_int64())
        self.packed_format = self._ask(lib.rondo_plan_packed_format, ctypes.c_uint64())
        self._on_cpu = self._ask(lib.rondo_plan_device, ctypes.c_int32()) == DEVICES["cpu"]
        self.device = "cpu" if self._on_cpu else "cuda"
        self.backend_name = lib.rondo_plan_backend_name(self._handle).decode()

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._destroy(self._handle)

    def _ask(self, function, value):  # type: ignore[no-untyped-def]
        check(function(self._handle, ctypes.byref(value)))
        return value.value

    def explain(self) -> str:
        """What was chosen, why, and why each other back end was not."""
        return lib.rondo_plan_explain(self._handle).decode()  # type: ignore[no-any-return]

    def pack_params(self, params: Pointers, packed: int) -> None:
        """Parameters to `packed_size` bytes at an address, for forward calls in inference."""
        check(lib.rondo_plan_pack_params(self._handle, params.address, params.count, packed, self.packed_size))

    def forward(
        self,
        T: int,
        N: int,
        x: int = 0,
        h0: int = 0,
        c0: int = 0,
        params: Pointers | None = None,
        packed_params: int = 0,
        y: int = 0,
        hn: int = 0,
        cn: int = 0,
        S: int = 0,
        lengths: int = 0,
        lengths32: int = 0,
        batch_sizes: int = 0,
        sorted_indices: int = 0,
        seed: int = 0,
        offset: int = 0,
        reserve: int = 0,
        workspace: int = 0,
        stream: int = 0,
        seed_ptr: int = 0,
        offset_ptr: int = 0,
    ) -> None:
        """rondo_forward. All but sizes and seeds are addresses, 0 is NULL; workspace 0: this thread's own.

        `reserve` has reserve_size bytes. A single cell has T = 1. seed and offset: 0 to 2**64 - 1."""
        size = self.workspace_size
        if not workspace and size:
            workspace = host_workspace(size) if self._on_cpu else device_workspace(self.spec.device, stream, size)
        if params is None:
            pointers = count = 0
        else:
            pointers = params.address
            count = params.count
        # fmt: off
        status = _forward(self._handle, _pack_forward(
            _FORWARD_SIZE, T, N, S, lengths, lengths32, batch_sizes, sorted_indices, 0, 0, 0, 0,
            x, h0, c0, pointers, count, packed_params, y, hn, cn, seed, offset, seed_ptr, offset_ptr,
            workspace, size, reserve, self.reserve_size, stream))
        # fmt: on
        if status:
            raise failure(status)

    def backward(
        self,
        T: int,
        N: int,
        x: int = 0,
        h0: int = 0,
        c0: int = 0,
        params: Pointers | None = None,
        y: int = 0,
        dy: int = 0,
        dhn: int = 0,
        dcn: int = 0,
        dx: int = 0,
        dh0: int = 0,
        dc0: int = 0,
        dparams: Pointers | None = None,
        S: int = 0,
        lengths: int = 0,
        lengths32: int = 0,
        batch_sizes: int = 0,
        sorted_indices: int = 0,
        reserve: int = 0,
        accumulate: int = 0,
        workspace: int = 0,
        stream: int = 0,
    ) -> None:
        """rondo_backward, with addresses as in forward; a gradient whose address is 0 is not computed."""
        size = self.workspace_size
        if not workspace and size:
            workspace = host_workspace(size) if self._on_cpu else device_workspace(self.spec.device, stream, size)
        # fmt: off
        status = _backward(self._handle, _pack_backward(
            _BACKWARD_SIZE, T, N, S, lengths, lengths32, batch_sizes, sorted_indices, 0, 0, 0, 0,
            x, h0, c0, params.address if params else 0, params.count if params else 0, y, dy, dhn, dcn, dx, dh0, dc0,
            dparams.address if dparams else 0, accumulate, 0,
            workspace, size, reserve, self.reserve_size, stream))
        # fmt: on
        if status:
            raise failure(status)


# ---- the cache -----------------------------------------------------------------------------------------------------

_PLANS = 64  # kept, most recently made or looked up last
_CALLS = 1024  # sizes of calls remembered in front of them
_plans: OrderedDict[tuple, Plan] = OrderedDict()
_calls: dict[tuple, Plan] = {}


def round_up(size: int) -> int:
    """To a number of at most three binary digits and zeros: at most a quarter more, four numbers per doubling."""
    unit = 1 << max(size.bit_length() - 3, 0)
    return -(-size // unit) * unit


def plan_for(spec: Spec, mode: int, sequence: int, T: int, N: int, S: int = 0, exact: bool = False) -> Plan:
    """A plan that serves calls of T steps, N rows and S valid steps (0: T*N), from the cache or made now.

    Its maxima are rounded up, or with `exact` just these. It may be shared with other threads."""
    call = (spec, mode, sequence, T, N, S, exact)
    plan = _calls.get(call)
    if plan is not None:
        return plan
    if min(T, N, S) < 0:
        raise ValueError(f"T is {T}, N is {N}, S is {S}, expected 0 or more each")
    if exact or spec.fixed_batch:
        maxima = (T, N, S)
    else:
        maxima = (round_up(T), round_up(N), min(round_up(S), round_up(T) * round_up(N)))
    key = (spec, mode, sequence, *maxima)
    with _lock:
        plan = _plans.get(key)
        if plan is None:
            plan = _plans[key] = Plan(spec, mode, sequence, *maxima)
            if len(_plans) > _PLANS:
                _plans.popitem(last=False)
                _calls.clear()  # they may hold the plan that went
        else:
            _plans.move_to_end(key)
        if len(_calls) >= _CALLS:
            _calls.clear()
        _calls[call] = plan
    return plan


class PackedParams:
    """One set of parameter values rearranged for inference, once per format, at first use.

    Make a new one when the values change: plans called with the old one meanwhile keep it alive themselves."""

    __slots__ = ("_blocks", "_params")

    def __init__(self, params: Pointers) -> None:
        self._params = params
        self._blocks: dict[int, HostBlock | DeviceBlock] = {}

    def address(self, plan: Plan) -> int:
        """For `packed_params`, or 0 where the plan has no packed form."""
        held = self._blocks.get(plan.packed_format)
        if held is not None:
            return held.address
        if not plan.packed_format or not plan.packed_size:
            return 0
        with _lock:
            held = self._blocks.get(plan.packed_format)
            if held is None:
                held = block(plan.device, plan.packed_size)
                plan.pack_params(self._params, held.address)
                self._blocks[plan.packed_format] = held
        return held.address


def _after_fork_in_child() -> None:
    """A context made before a fork runs on one thread in the child, and another thread may have held the lock."""
    global _lock, _context
    _lock = threading.RLock()
    _context = None
    _plans.clear()
    _calls.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
