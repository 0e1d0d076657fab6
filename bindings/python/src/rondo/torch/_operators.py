"""The operators rondo::forward and rondo::backward: schemas, kernels, fake kernels and derivatives.

A kernel checks every tensor before it gives its address away: the library cannot know how long an array is."""

from __future__ import annotations

from typing import Dict, Optional, Sequence, Tuple

import torch
from torch import Tensor

from .._plans import INFERENCE, Plan, Pointers, Spec, plan_for
from ._network import FULL, LENGTHS, PACKED, reserve_bound, spec_of, training_plan
from ._packing import held_params, packed_address
from ._threads import make_room

# `rows` is N, which a packed call's shapes do not tell. `network` is _network.spec_of's text. training: a reserve is
# written, and dropout applied with `seed`. What a cell has not (hn of a single cell, cn) is an empty tensor.
_SCHEMAS = (
    "forward(Tensor x, Tensor? h0, Tensor? c0, Tensor[] params, Tensor? lengths, Tensor? batch_sizes, SymInt rows, "
    "Tensor? seed, str network, bool training) -> (Tensor y, Tensor hn, Tensor cn, Tensor reserve)",
    # The gradients of those of x, h0, c0 and the params that are wanted, in this order.
    "backward(Tensor? dy, Tensor? dhn, Tensor? dcn, Tensor x, Tensor? h0, Tensor? c0, Tensor[] params, Tensor y, "
    "Tensor reserve, Tensor? lengths, Tensor? batch_sizes, SymInt rows, str network, bool[] wanted) -> Tensor[]",
)

library = torch.library.Library("rondo", "DEF")
for _schema in _SCHEMAS:
    library.define(_schema, tags=(torch.Tag.pt2_compliant_tag,))


def _cell_state_dtype(spec: Spec, x: Tensor) -> torch.dtype:
    if spec.cell_state_type == "storage" or x.dtype == torch.float64:
        return x.dtype
    return torch.float32


# ---- shapes, of fake and of real tensors ----------------------------------------------------------------------------


def _kind(lengths: Tensor | None, batch_sizes: Tensor | None) -> int:
    return PACKED if batch_sizes is not None else LENGTHS if lengths is not None else FULL


def _steps(spec: Spec, x: Tensor, batch_sizes: Tensor | None) -> int:
    """T."""
    if spec.single_cell:
        return 1
    return batch_sizes.size(0) if batch_sizes is not None else x.size(1 if spec.batch_first else 0)


def _state_shapes(spec: Spec, N: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Of h and c."""
    if spec.single_cell:
        return (N, spec.hidden_size), (N, spec.hidden_size)
    stacked = spec.num_layers * spec.directions
    return (stacked, N, spec.output_size), (stacked, N, spec.hidden_size)


def _empty_like(tensor: Tensor) -> Tensor:
    return torch.empty_like(tensor, memory_format=torch.contiguous_format)


def _outputs(spec: Spec, x: Tensor, N: int) -> tuple[Tensor, Tensor, Tensor]:
    """y, hn and cn, not yet written."""
    h, c = _state_shapes(spec, N)
    y = x.new_empty((*x.shape[:-1], spec.directions * spec.output_size))
    hn = x.new_empty((0,) if spec.single_cell else h)
    cn = x.new_empty(c if spec.has_cell_state else (0,), dtype=_cell_state_dtype(spec, x))
    return y, hn, cn


@torch.library.register_fake("rondo::forward", lib=library)
def _forward_fake(  # type: ignore[no-untyped-def]
    x, h0, c0, params, lengths, batch_sizes, rows, seed, network, training
):
    spec = spec_of(network, x)
    size = 0
    if training:
        S = x.size(0) if spec.single_cell or batch_sizes is not None else x.size(0) * x.size(1)
        size = reserve_bound(spec, _kind(lengths, batch_sizes), S)
    return (*_outputs(spec, x, rows), x.new_empty((size,), dtype=torch.uint8))


@torch.library.register_fake("rondo::backward", lib=library)
def _backward_fake(  # type: ignore[no-untyped-def]
    dy, dhn, dcn, x, h0, c0, params, y, reserve, lengths, batch_sizes, rows, network, wanted
):
    return [_empty_like(tensor) for tensor, want in zip((x, h0, c0, *params), wanted) if want]


# ---- checks ---------------------------------------------------------------------------------------------------------


def _expect(name: str, tensor: Tensor, like: Tensor, shape: tuple[int, ...], dtype: torch.dtype | None = None) -> None:
    dtype = dtype or like.dtype
    if tensor.dtype != dtype or tensor.device != like.device or tensor.shape != shape:
        raise RuntimeError(
            f"{name} is {tensor.dtype} {list(tensor.shape)} on {tensor.device}, "
            f"expected {dtype} {list(shape)} on {like.device}"
        )


def _check_params(spec: Spec, x: Tensor, params: Sequence[Tensor]) -> None:
    expected = spec.parameters
    if len(params) != len(expected):
        raise RuntimeError(f"params has {len(params)} tensors, expected {len(expected)}")
    for param, parameter in zip(params, expected):
        _expect(parameter.name, param, x, parameter.shape)


def _check_sequences(spec: Spec, x: Tensor, lengths: Tensor | None, batch_sizes: Tensor | None, N: int) -> None:
    rank = 2 if spec.single_cell or batch_sizes is not None else 3
    if x.dim() != rank:
        raise RuntimeError(f"input has {x.dim()} dimensions, expected {rank}")
    if x.size(-1) != spec.input_size:
        raise RuntimeError(f"input.size(-1) is {x.size(-1)}, expected {spec.input_size}, the input_size")
    cpu = torch.device("cpu")
    if batch_sizes is not None:
        if batch_sizes.dim() != 1 or batch_sizes.dtype != torch.int64 or batch_sizes.device != cpu:
            raise RuntimeError(
                f"batch_sizes is {batch_sizes.dtype} {list(batch_sizes.shape)} on {batch_sizes.device}, "
                "expected torch.int64 [T] on cpu"
            )
        if batch_sizes.size(0) == 0 or int(batch_sizes[0]) != N:
            raise RuntimeError(f"batch_sizes begins {batch_sizes[:1].tolist()}, expected [{N}], the rows of hx")
        return
    rows = x.size(0 if spec.single_cell or spec.batch_first else 1)
    if rows != N:
        raise RuntimeError(f"rows is {N}, expected {rows}, the rows of input")
    if not spec.single_cell and x.size(1 if spec.batch_first else 0) == 0:
        raise RuntimeError("input has 0 steps, expected 1 or more")
    if lengths is not None:
        if lengths.dtype not in (torch.int64, torch.int32) or lengths.device != cpu or lengths.shape != (N,):
            raise RuntimeError(
                f"lengths is {lengths.dtype} {list(lengths.shape)} on {lengths.device}, "
                f"expected torch.int64 or torch.int32 [{N}] on cpu"
            )
        if N and int(lengths.min()) == 0:
            raise RuntimeError(f"lengths[{int(lengths.argmin())}] is 0, expected 1 or more")


def _check_states(spec: Spec, x: Tensor, N: int, states: Sequence[tuple[str, Tensor | None, bool]]) -> None:
    """Of (name, tensor, whether it is a c)."""
    for name, tensor, is_c in states:
        if tensor is None:
            continue
        if is_c and not spec.has_cell_state:
            raise RuntimeError(f"{name} is a tensor, expected None: {spec.cell} has no cell state")
        _expect(name, tensor, x, _state_shapes(spec, N)[is_c], _cell_state_dtype(spec, x) if is_c else None)


# ---- kernels --------------------------------------------------------------------------------------------------------


def _address(tensor: Tensor | None) -> int:
    return 0 if tensor is None else tensor.data_ptr()


def _contiguous(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else tensor.contiguous()


_Arguments = Tuple[Dict[str, int], Optional[Tensor]]  # of a call, and a tensor that must live as long as it lasts


def _sequence_arguments(x: Tensor, lengths: Tensor | None, batch_sizes: Tensor | None) -> _Arguments:
    if batch_sizes is not None:
        batch_sizes = batch_sizes.contiguous()
        return {"S": x.size(0), "batch_sizes": batch_sizes.data_ptr()}, batch_sizes
    if lengths is not None:
        lengths = lengths.contiguous()
        return {"lengths" if lengths.dtype == torch.int64 else "lengths32": lengths.data_ptr()}, lengths
    return {}, None


def _place_arguments(plan: Plan, x: Tensor, steps: int) -> _Arguments:
    """On cuda the current stream, and a workspace of torch's own memory, which the stream's order protects."""
    if not x.is_cuda:
        make_room(steps * plan.spec.flat_size)
        return {}, None
    workspace = torch.empty(plan.workspace_size, dtype=torch.uint8, device=x.device)
    stream = torch.cuda.current_stream(x.device).cuda_stream
    return {"stream": stream, "workspace": workspace.data_ptr()}, workspace


def _forward(x, *arguments):  # type: ignore[no-untyped-def]
    if x.is_cuda:
        with torch.cuda.device(x.device):
            return _forward_here(x, *arguments)
    return _forward_here(x, *arguments)


def _forward_here(  # type: ignore[no-untyped-def]
    x, h0, c0, params, lengths, batch_sizes, rows, seed, network, training
):
    spec = spec_of(network, x)
    _check_sequences(spec, x, lengths, batch_sizes, rows)
    _check_states(spec, x, rows, (("h0", h0, False), ("c0", c0, True)))
    if seed is not None and (seed.dtype != torch.int64 or seed.device != x.device or seed.numel() != 1):
        raise RuntimeError(f"seed is {seed.dtype} {list(seed.shape)}, expected torch.int64 [1] on {x.device}")
    T, kind = _steps(spec, x, batch_sizes), _kind(lengths, batch_sizes)
    S = x.size(0) if kind == PACKED else 0
    x, h0, c0 = x.contiguous(), _contiguous(h0), _contiguous(c0)
    y, hn, cn = _outputs(spec, x, rows)
    packed = 0
    if training:
        _check_params(spec, x, params)
        plan = training_plan(spec, kind, T, rows, S)
        size = max(reserve_bound(spec, kind, S or T * rows), plan.reserve_size)
        held = None
    else:
        plan = plan_for(spec, INFERENCE, kind, T, rows, S)
        size = 0
        held = held_params(params, lambda: _check_params(spec, x, params))
        if held is not None:
            packed = packed_address(held, plan, x.device)
    reserve = torch.empty(size, dtype=torch.uint8, device=x.device)
    if held is None:
        params = [p.contiguous() for p in params]
        pointers = Pointers([p.data_ptr() for p in params])
    else:
        pointers = held.pointers
    sequences, _keep = _sequence_arguments(x, lengths, batch_sizes)
    more, _workspace = _place_arguments(plan, x, T * rows)
    plan.forward(
        T,
        rows,
        x=x.data_ptr(),
        h0=_address(h0),
        c0=_address(c0),
        params=None if packed else pointers,
        packed_params=packed,
        y=y.data_ptr(),
        hn=hn.data_ptr(),
        cn=cn.data_ptr(),
        seed_ptr=_address(seed),
        reserve=reserve.data_ptr(),
        **sequences,
        **more,
    )
    return y, hn, cn, reserve


def _backward(dy, dhn, dcn, x, *arguments):  # type: ignore[no-untyped-def]
    if x.is_cuda:
        with torch.cuda.device(x.device):
            return _backward_here(dy, dhn, dcn, x, *arguments)
    return _backward_here(dy, dhn, dcn, x, *arguments)


def _backward_here(  # type: ignore[no-untyped-def]
    dy, dhn, dcn, x, h0, c0, params, y, reserve, lengths, batch_sizes, rows, network, wanted
):
    spec = spec_of(network, x)
    _check_sequences(spec, x, lengths, batch_sizes, rows)
    _check_params(spec, x, params)
    states = (("h0", h0, False), ("c0", c0, True), ("dhn", dhn, False), ("dcn", dcn, True))
    _check_states(spec, x, rows, states)
    shape = (*x.shape[:-1], spec.directions * spec.output_size)
    for name, tensor in (("y", y), ("dy", dy)):
        if tensor is not None:
            _expect(name, tensor, x, shape)
    inputs = (x, h0, c0, *params)
    if len(wanted) != len(inputs):
        raise RuntimeError(f"wanted has {len(wanted)} entries, expected {len(inputs)}")
    T, kind = _steps(spec, x, batch_sizes), _kind(lengths, batch_sizes)
    plan = training_plan(spec, kind, T, rows, x.size(0) if kind == PACKED else 0)
    if reserve.dtype != torch.uint8 or reserve.device != x.device or reserve.numel() < plan.reserve_size:
        raise RuntimeError(
            f"reserve is {reserve.dtype} [{reserve.numel()}] on {reserve.device}, "
            f"expected torch.uint8 [{plan.reserve_size}] or more on {x.device}, as rondo::forward made it"
        )
    gradients = [_empty_like(tensor) if want else None for tensor, want in zip(inputs, wanted)]
    dx, dh0, dc0, *dparams = map(_address, gradients)
    x, h0, c0, y, dy, dhn, dcn = map(_contiguous, (x, h0, c0, y, dy, dhn, dcn))
    params = [p.contiguous() for p in params]
    sequences, _keep = _sequence_arguments(x, lengths, batch_sizes)
    more, _workspace = _place_arguments(plan, x, T * rows)
    plan.backward(
        T,
        rows,
        x=x.data_ptr(),
        h0=_address(h0),
        c0=_address(c0),
        params=Pointers([p.data_ptr() for p in params]),
        y=y.data_ptr(),
        dy=_address(dy),
        dhn=0 if spec.single_cell else _address(dhn),
        dcn=_address(dcn),
        dx=dx,
        dh0=dh0,
        dc0=dc0,
        dparams=Pointers(dparams) if any(dparams) else None,
        reserve=reserve.data_ptr(),
        **sequences,
        **more,
    )
    return [g for g in gradients if g is not None]


for _key in ("CPU", "CUDA"):
    library.impl("forward", _forward, _key)
    library.impl("backward", _backward, _key)


# ---- derivatives ----------------------------------------------------------------------------------------------------
# Functions of autograd's own, registered below: torch.library.register_autograd's takes lists of tensors apart and puts
# them together again in every call, which costs as much as a small network's step.


class _Forward(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[no-untyped-def]
        ctx, keyset, x, h0, c0, lengths, batch_sizes, rows, seed, network, training, *params
    ):
        with torch._C._AutoDispatchBelowAutograd():
            y, hn, cn, reserve = forward.redispatch(
                keyset, x, h0, c0, list(params), lengths, batch_sizes, rows, seed, network, training
            )
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(reserve)
        ctx.save_for_backward(x, h0, c0, y, reserve, lengths, batch_sizes, *params)
        ctx.rows, ctx.network, ctx.training = rows, network, training
        return y, hn, cn, reserve

    @staticmethod
    def backward(ctx, dy, dhn, dcn, _):  # type: ignore[no-untyped-def]
        if not ctx.training:
            raise RuntimeError("rondo::forward was called with training=False, which leaves nothing for backward")
        x, h0, c0, y, reserve, lengths, batch_sizes, *params = ctx.saved_tensors
        needs = ctx.needs_input_grad
        wanted = [needs[1], needs[2], needs[3], *needs[10:]]
        found = iter(
            backward(dy, dhn, dcn, x, h0, c0, params, y, reserve, lengths, batch_sizes, ctx.rows, ctx.network, wanted)
        )
        dx, dh0, dc0, *dparams = [next(found) if w else None for w in wanted]
        return None, dx, dh0, dc0, None, None, None, None, None, None, *dparams


class _Backward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, keyset, arguments, *_):  # type: ignore[no-untyped-def]
        with torch._C._AutoDispatchBelowAutograd():
            return tuple(backward.redispatch(keyset, *arguments))

    @staticmethod
    def backward(ctx, *_):  # type: ignore[no-untyped-def]
        raise RuntimeError(
            "rondo has no second derivatives: a gradient of rondo.torch's modules was differentiated again "
            "(expected create_graph=False, or torch.nn's modules for this part of the model)"
        )


def _forward_autograd(  # type: ignore[no-untyped-def]
    keyset, x, h0, c0, params, lengths, batch_sizes, rows, seed, network, training
):
    keyset = keyset & torch._C._after_autograd_keyset
    if torch.is_grad_enabled() and torch._C._any_requires_grad(x, h0, c0, params):
        return _Forward.apply(keyset, x, h0, c0, lengths, batch_sizes, rows, seed, network, training, *params)
    with torch._C._AutoDispatchBelowAutograd():
        return forward.redispatch(keyset, x, h0, c0, params, lengths, batch_sizes, rows, seed, network, training)


def _backward_autograd(keyset, *arguments):  # type: ignore[no-untyped-def]
    keyset = keyset & torch._C._after_autograd_keyset
    if torch.is_grad_enabled() and torch._C._any_requires_grad(*arguments):
        dy, dhn, dcn, x, h0, c0, params, *_ = arguments
        return list(_Backward.apply(keyset, arguments, dy, dhn, dcn, x, h0, c0, *params))
    with torch._C._AutoDispatchBelowAutograd():
        return backward.redispatch(keyset, *arguments)


library.impl("forward", _forward_autograd, "Autograd", with_keyset=True)
library.impl("backward", _backward_autograd, "Autograd", with_keyset=True)

forward = torch.ops.rondo.forward.default
backward = torch.ops.rondo.backward.default
