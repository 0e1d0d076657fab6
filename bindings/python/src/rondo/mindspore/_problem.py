"""One module's problem on NumPy arrays: what its calls must look like, forward and backward.

An absent argument is None or an array of the shape ABSENT, because a compiled graph has no None to hand over."""

from __future__ import annotations

import ctypes
import itertools
import math
from dataclasses import dataclass, replace
from typing import Any, Sequence, Tuple

import numpy as np

from rondo._memory import HostBlock
from rondo._plans import FULL, INFERENCE, LENGTHS, TRAINING, Plan, Pointers, plan_for
from rondo._spec import Spec

ABSENT = (1,) * 7  # no argument has seven dimensions
SECOND = "rondo.mindspore: a second derivative was asked for; only first derivatives are available"
FLOATS = ("float16", "float32", "float64")
INTEGERS = ("int32", "int64")

Argument = Tuple[Tuple[int, ...], str]  # a shape and an element type


@dataclass(frozen=True)
class Problem:
    """`spec` leaves the element type open: x says it at each call. `order[i]` is the place of rondo's i-th parameter
    among MindSpore's, which has all weight_ih first, then all weight_hh, then the biases."""

    name: str
    spec: Spec
    order: tuple[int, ...]

    @property
    def rank(self) -> int:
        return 2 if self.spec.single_cell else 3

    def sizes(self, shape: Sequence[int]) -> tuple[int, int]:
        """T and N of an x that was checked."""
        if self.spec.single_cell:
            return 1, shape[0]
        return (shape[1], shape[0]) if self.spec.batch_first else (shape[0], shape[1])

    def output_shapes(self, shape: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Of y and of hn, which is also cn's."""
        T, N = self.sizes(shape)
        spec = self.spec
        if spec.single_cell:
            return (N, spec.hidden_size), (N, spec.hidden_size)
        width = spec.directions * spec.hidden_size
        y = (N, T, width) if spec.batch_first else (T, N, width)
        return y, (spec.num_layers * spec.directions, N, spec.hidden_size)

    def check(self, x: Argument, h0: Argument, c0: Argument, lengths: Argument, *params: Argument) -> None:
        """Raises ValueError where a shape does not fit and TypeError where an element type does not, each argument
        given by both: the library sees addresses only. The parameters, in MindSpore's order, or one flat array."""
        shape, dtype = x
        if len(shape) != self.rank or shape[-1] != self.spec.input_size:
            letters = {2: "N", 3: "N, T" if self.spec.batch_first else "T, N"}[self.rank]
            raise ValueError(f"{self.name}: x has the shape {shape}, expected ({letters}, {self.spec.input_size})")
        if dtype not in FLOATS:
            raise TypeError(f"{self.name}: x has the type {dtype}, expected one of {', '.join(FLOATS)}")
        _, state = self.output_shapes(shape)
        for name, found in (("hx[0]" if self.spec.has_cell_state else "hx", h0), ("hx[1]", c0)):
            if found[0] != ABSENT:
                self._check_one(name, found, (state, dtype))
        if lengths[0] != ABSENT:
            if lengths[1] not in INTEGERS:
                raise TypeError(
                    f"{self.name}: seq_length has the type {lengths[1]}, expected one of {', '.join(INTEGERS)}"
                )
            self._check_one("seq_length", lengths, ((self.sizes(shape)[1],), lengths[1]))
        if len(params) == 1:
            self._check_one("the parameters", params[0], ((self.spec.flat_size,), dtype))
            return
        for place, parameter in zip(self.order, self.spec.parameters):
            self._check_one(parameter.name, params[place], (parameter.shape, dtype))

    def _check_one(self, name: str, found: Argument, expected: Argument) -> None:
        if found[0] != expected[0]:
            raise ValueError(f"{self.name}: {name} has the shape {found[0]}, expected {expected[0]}")
        if found[1] != expected[1]:
            raise TypeError(f"{self.name}: {name} has the type {found[1]}, expected {expected[1]}")

    def plan(self, shape: Sequence[int], dtype: str, has_lengths: bool, keep: bool, drop: bool) -> Plan:
        """The plan of a call. keep: for a backward call to come; drop: with dropout."""
        T, N = self.sizes(shape)
        spec = replace(self.spec, dtype=dtype, dropout=self.spec.dropout if drop else 0.0)
        mode = TRAINING if keep or spec.dropout else INFERENCE
        return plan_for(spec, mode, LENGTHS if has_lengths else FULL, T, N)

    def split(self, flat: Any) -> list[Any]:
        """The parameters in a flat array that has them in MindSpore's order, without a copy."""
        shapes = [shape for _, shape in sorted(zip(self.order, (p.shape for p in self.spec.parameters)))]
        ends = list(itertools.accumulate(map(math.prod, shapes)))
        flat = np.ascontiguousarray(flat)
        return [flat[end - math.prod(shape) : end].reshape(shape) for end, shape in zip(ends, shapes)]

    def _pointers(self, arrays: Sequence[Any]) -> Pointers:
        return Pointers([address(arrays[place]) for place in self.order])


def address(array: Any) -> int:
    """0 for what is absent."""
    if array is None or array.shape == ABSENT:
        return 0
    return array.__array_interface__["data"][0]  # type: ignore[no-any-return]


def present(array: Any) -> Any:
    """A contiguous array, or None."""
    return None if array is None or array.shape == ABSENT else np.ascontiguousarray(array)


def _lengths(array: Any) -> dict[str, int]:
    if array is None:
        return {}
    return {"lengths32" if array.dtype == np.int32 else "lengths": address(array)}


def forward(
    problem: Problem, x: Any, h0: Any, c0: Any, lengths: Any, params: Sequence[Any], keep: bool, drop: bool
) -> tuple[Any, Any, Any, HostBlock | None]:
    """y (None for a cell), hn, cn (None but for LSTM), and what backward needs if `keep` says it will come.

    The arrays are contiguous and were checked, except lengths' values, which the library checks."""
    spec = problem.spec
    plan = problem.plan(x.shape, x.dtype.name, lengths is not None, keep, drop)
    reserve = HostBlock(plan.reserve_size) if plan.reserve_size else None
    y_shape, state_shape = problem.output_shapes(x.shape)
    y = None if spec.single_cell else np.empty(y_shape, x.dtype)
    hn = np.empty(state_shape, x.dtype)
    cn = np.empty(state_shape, x.dtype) if spec.has_cell_state else None
    # mindspore.set_seed seeds NumPy's generator; a draw from MindSpore's own is not possible while a graph runs.
    seed = int(np.random.randint(2**63 - 1, dtype=np.int64)) if drop and spec.dropout else 0
    T, N = problem.sizes(x.shape)
    plan.forward(
        T,
        N,
        x=address(x),
        h0=address(h0),
        c0=address(c0),
        params=problem._pointers(params),
        y=address(y),
        hn=address(hn),
        cn=address(cn),
        seed=seed,
        reserve=reserve.address if reserve else 0,
        **_lengths(lengths),
    )
    return y, hn, cn, reserve


def backward(
    problem: Problem,
    arrays: tuple[Any, Any, Any, Any],
    params: Sequence[Any],
    y: Any,
    reserve: HostBlock | None,
    gradients: tuple[Any, Any, Any],
    wanted: Sequence[bool],
    drop: bool,
) -> list[Any]:
    """dx, dh0, dc0 and the parameters' gradients, None where `wanted` says no.

    arrays: x, h0, c0, lengths, as in forward; gradients: of y, hn, cn, None for zeros."""
    x, h0, c0, lengths = arrays
    plan = problem.plan(x.shape, x.dtype.name, lengths is not None, True, drop)
    inputs = (x, h0, c0, *params)
    made = [np.empty_like(a) if want and a is not None else None for a, want in zip(inputs, wanted)]
    T, N = problem.sizes(x.shape)
    plan.backward(
        T,
        N,
        x=address(x),
        h0=address(h0),
        c0=address(c0),
        params=problem._pointers(params),
        y=address(y),
        dy=address(gradients[0]),
        dhn=address(gradients[1]),
        dcn=address(gradients[2]),
        dx=address(made[0]),
        dh0=address(made[1]),
        dc0=address(made[2]),
        dparams=problem._pointers(made[3:]),
        reserve=reserve.address if reserve else 0,
        **_lengths(lengths),
    )
    return made


def block_of(array: Any) -> HostBlock:
    """A reserve that was handed on as an array, at an address the library accepts."""
    block = HostBlock(array.nbytes)
    ctypes.memmove(block.address, address(array), array.nbytes)
    return block


def array_of(block: HostBlock) -> Any:
    """The other way, without a copy; the array keeps the block alive."""
    buffer = (ctypes.c_uint8 * block.size).from_address(block.address)
    buffer.block = block  # type: ignore[attr-defined]
    return np.frombuffer(buffer, np.uint8)
