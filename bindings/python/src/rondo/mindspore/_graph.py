"""Calls in graph mode: the problem as custom operators, which a compiled graph runs as Python functions.

An operator's inputs and outputs are fixed in number and never empty: what is absent has a placeholder, and the
parameters come as one flat array, in MindSpore's order."""

from __future__ import annotations

import functools
from typing import Any, Callable

import numpy as np
from mindspore import dtype as mstype
from mindspore import ops

from ._problem import ABSENT, SECOND, Problem, array_of, backward, block_of, forward, present

_NONE = (1,)  # the shape of an output that is not there


class _Operator(ops.Custom):  # type: ignore[misc]
    """`infer` is asked for the outputs' shapes and types together when a graph is compiled."""

    def __init__(self, function: Callable[..., Any], infer: Callable[..., Any], bprop: Callable[..., Any]) -> None:
        super().__init__(function, lambda *_: _NONE, lambda *_: mstype.uint8, func_type="pyfunc", bprop=bprop)
        self._infer = infer

    def __deepcopy__(self, _: Any) -> Any:
        return self  # a copied module computes the same, and an operator holds nothing of its own

    def __infer__(self, *inputs: Any) -> Any:
        shapes, types = zip(*self._infer(*((tuple(each["shape"]), each["dtype"]) for each in inputs)))
        return {"shape": shapes, "dtype": types, "value": None}


def _name(dtype: Any) -> str:
    """Of a type as inference has it, which is a Tensor's: "tensor[float32]"."""
    return str(dtype).lower().split("[")[-1].rstrip("]")


def _check(problem: Problem, inputs: Any) -> None:
    shape = inputs[0][0]
    if min(shape, default=0) < 0:
        raise ValueError(f"{problem.name}: x has the shape {shape}, but a graph needs sizes known when it is compiled")
    problem.check(*((shape, _name(dtype)) for shape, dtype in inputs))
    if 0 in shape:
        raise ValueError(f"{problem.name}: x has the shape {shape}, but a graph passes no empty array")


@functools.lru_cache(maxsize=None)
def operator(problem: Problem, training: bool) -> Any:
    """x, h0, c0, seq_length, parameters to y, hn, cn, reserve. Without training nothing is kept: backward makes it."""
    spec = problem.spec

    def run(x: Any, h0: Any, c0: Any, lengths: Any, flat: Any) -> Any:
        x, h0, c0, lengths = map(present, (x, h0, c0, lengths))
        y, hn, cn, reserve = forward(problem, x, h0, c0, lengths, problem.split(flat), training, training)
        none = np.zeros(_NONE, x.dtype)
        kept = array_of(reserve) if reserve else np.zeros(_NONE, np.uint8)
        return none if y is None else y, hn, none if cn is None else cn, kept

    def infer(*inputs: Any) -> Any:
        _check(problem, inputs)
        (shape, dtype), lengths = inputs[0], inputs[3][0]
        y, state = problem.output_shapes(shape)
        size = problem.plan(shape, _name(dtype), lengths != ABSENT, True, True).reserve_size if training else 0
        return (
            (_NONE if spec.single_cell else y, dtype),
            (state, dtype),
            (state if spec.has_cell_state else _NONE, dtype),
            ((size,) if size else _NONE, mstype.TensorType(mstype.uint8)),
        )

    gradients = _gradients(problem, training)

    def bprop(x, h0, c0, lengths, flat, out, dout):  # type: ignore[no-untyped-def]
        made = gradients(x, h0, c0, lengths, flat, out[0], out[3], dout[0], dout[1], dout[2])
        return made[0], made[1], made[2], ops.zeros_like(lengths), made[3]

    made = _Operator(run, infer, bprop)
    if training and spec.dropout:
        # Two calls on one input are two draws: without this word the compiler makes them one.
        made.add_prim_attr("side_effect_hidden", True)
    return made


def _gradients(problem: Problem, training: bool) -> Any:
    """x, h0, c0, seq_length, parameters, y, reserve, dy, dhn, dcn to the gradients of x, h0, c0, parameters."""
    spec = problem.spec

    def run(x, h0, c0, lengths, flat, y, reserve, dy, dhn, dcn):  # type: ignore[no-untyped-def]
        x, h0, c0, lengths = map(present, (x, h0, c0, lengths))
        params = problem.split(flat)
        if training:
            block = block_of(reserve)
        else:
            y, _, _, block = forward(problem, x, h0, c0, lengths, params, True, False)
        if spec.single_cell:
            y = dy = None
        given = dy, dhn, dcn if spec.has_cell_state else None
        made = backward(problem, (x, h0, c0, lengths), params, y, block, given, [True] * (3 + len(params)), training)
        states = [np.zeros(ABSENT, np.float32) if array is None else array for array in made[1:3]]
        return made[0], *states, np.concatenate([array.reshape(-1) for array in made[3:]])

    def infer(x: Any, h0: Any, c0: Any, lengths: Any, flat: Any, *_: Any) -> Any:
        return x, h0, c0, flat

    def bprop(x, h0, c0, lengths, flat, y, reserve, dy, dhn, dcn, out, dout):  # type: ignore[no-untyped-def]
        return _refuse(x), h0, c0, lengths, flat, y, reserve, dy, dhn, dcn

    return _Operator(run, infer, bprop)


def _refused(*_: Any) -> Any:
    raise RuntimeError(SECOND)


_refuse = _Operator(_refused, _refused, None)  # fails when a graph that needs it is compiled
