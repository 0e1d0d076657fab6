"""Calls in PyNative mode: MindSpore's autograd over the problem's forward and backward.

The gradient is itself a recorded function, so that a second derivative is an error and not a silent zero."""

from __future__ import annotations

from typing import Any, Sequence

from mindspore import Tensor, _Function
from mindspore.graph.api import _pynative_executor

from ._problem import ABSENT, SECOND, Problem, backward, forward, present


def call(problem: Problem, drop: bool, tensors: Sequence[Any], params: Sequence[Any]) -> tuple[Any, ...]:
    """y, hn, cn, None where the problem has none; tensors: x, h0, c0, seq_length."""
    problem.check(*((tensor.shape, str(tensor.dtype).lower()) for tensor in (*tensors, *params)))
    outputs = _Forward.apply(problem, drop, *tensors, *params)
    if isinstance(outputs, Tensor):
        outputs = (outputs,)
    return (None, *outputs) if problem.spec.single_cell else outputs


def _array(tensor: Any) -> Any:
    """Its memory, or None where it is absent; waits for its value."""
    return None if tensor is None or tensor.shape == ABSENT else present(tensor.asnumpy())


def _outputs(arrays: Sequence[Any]) -> Any:
    """As tensors on the same memory; one alone is not in a tuple, as autograd has it."""
    tensors = tuple(Tensor.from_numpy(array) for array in arrays if array is not None)
    return tensors if len(tensors) > 1 else tensors[0]


class _Forward(_Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, problem: Problem, drop: bool, *tensors: Any) -> Any:
        needed = ctx.needs_input_grad[2:]
        wanted = [need and tensor.shape != ABSENT for need, tensor in zip(needed, tensors)]
        wanted[3] = False  # seq_length, which autograd asks about like any other
        keep = any(wanted) and _pynative_executor.grad_flag()
        x, h0, c0, lengths, *params = map(_array, tensors)
        y, hn, cn, reserve = forward(problem, x, h0, c0, lengths, params, keep, drop)
        outputs = _outputs((y, hn, cn))
        if keep:
            ctx.set_materialize_grads(False)
            ctx.save_for_backward(*tensors)
            ctx.call = problem, drop, reserve, wanted, None if y is None else outputs[0]
        return outputs

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        problem, drop, reserve, wanted, y = ctx.call
        # A cell has no y, and only LSTM has cn.
        given = (None, *gradients) if problem.spec.single_cell else gradients
        given = (*given, None)[:3]
        made = _Backward.apply(problem, drop, reserve, wanted, y, *given, *ctx.saved_tensors)
        rest = iter(made if isinstance(made, tuple) else (made,))
        return (None, None, *(next(rest) if want else None for want in wanted))


class _Backward(_Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, problem: Problem, drop: bool, reserve: Any, wanted: Sequence[bool], *tensors: Any) -> Any:
        y, dy, dhn, dcn, x, h0, c0, lengths, *params = map(_array, tensors)
        wanted = (*wanted[:3], *wanted[4:])
        return _outputs(
            backward(problem, (x, h0, c0, lengths), params, y, reserve, (dy, dhn, dcn), wanted, drop)
        )

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        raise RuntimeError(SECOND)
