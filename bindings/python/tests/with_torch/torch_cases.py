"""Pairs of modules, torch.nn's and rondo.torch's with one state_dict, and the comparison of all that they give.

Where `lengths` are given, torch.nn's answer is that of packing, computing and padding again."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import rondo.torch as rt

# A name, the class's, and arguments.
CELLS = {
    "rnn_tanh": ("RNN", {}),
    "rnn_relu": ("RNN", {"nonlinearity": "relu"}),
    "lstm": ("LSTM", {}),
    "lstm_proj": ("LSTM", {"proj_size": 3}),
    "gru": ("GRU", {}),
}
T, N, I, H = 5, 3, 4, 6
LENGTHS = [5, 2, 4]
# max|a-b| / max(1, max|b|): forward, gradients.
BOUNDS = {torch.float64: (1e-12, 1e-12), torch.float32: (1e-5, 1e-4)}


def pair(cell: str, layers: int = 1, dtype=torch.float64, **more):
    """torch.nn's module and rondo's, equal parameters."""
    name, arguments = CELLS[cell]
    arguments = {"num_layers": layers, "dtype": dtype, **arguments, **more}
    theirs = getattr(nn, name)(I, H, **arguments)
    ours = getattr(rt, name)(I, H, **arguments)
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


def flatten(result) -> list[torch.Tensor]:
    """All tensors of a module's result, in order; a PackedSequence gives its data."""
    if isinstance(result, nn.utils.rnn.PackedSequence):
        return [result.data]
    if isinstance(result, torch.Tensor):
        return [result]
    return [tensor for part in result for tensor in flatten(part)]


def initial(module, rows: int, dtype, generator=None):
    """hx of unit normals that asks for its gradient."""
    stacked = module.num_layers * (2 if module.bidirectional else 1)
    h = torch.randn(stacked, rows, module.proj_size or H, dtype=dtype, generator=generator).requires_grad_()
    if module.mode != "LSTM":
        return h
    return h, torch.randn(stacked, rows, H, dtype=dtype, generator=generator).requires_grad_()


def again(tensors):
    """Leaves of the same values."""
    if isinstance(tensors, torch.Tensor):
        return tensors.detach().clone().requires_grad_()
    return None if tensors is None else tuple(again(t) for t in tensors)


def call(module, form: str, x, hx, lengths=LENGTHS):
    """y, hn (, cn) of one of the forms: full, batch_first (the module's own), packed, unsorted, lengths."""
    if form in ("full", "batch_first"):
        return module(x, hx)
    if form == "lengths" and isinstance(module, (rt.RNN, rt.LSTM, rt.GRU)):
        return module(x, hx, lengths=torch.tensor(lengths))
    ordered = form != "packed"
    counts = torch.tensor(lengths if ordered else sorted(lengths, reverse=True))
    packed = pack_padded_sequence(x, counts, batch_first=module.batch_first, enforce_sorted=not ordered)
    y, states = module(packed, hx)
    assert torch.equal(y.batch_sizes, packed.batch_sizes)
    if form == "lengths":
        y, _ = pad_packed_sequence(y, batch_first=module.batch_first, total_length=T)
    return y, states


def gradients(result, inputs, weights=None) -> list[torch.Tensor]:
    """Of a sum of all results, each element weighed by a fixed number; zeros where there is none."""
    total = 0
    for index, tensor in enumerate(flatten(result)):
        generator = torch.Generator().manual_seed(index)
        total = total + (tensor * torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype)).sum()
    return list(torch.autograd.grad(total, inputs, allow_unused=True, materialize_grads=True))


def error(ours, theirs) -> float:
    return ((ours - theirs).abs().max() / max(1.0, theirs.abs().max())).item() if theirs.numel() else 0.0


def compare(ours: list[torch.Tensor], theirs: list[torch.Tensor], bound: float) -> None:
    assert [t.shape for t in ours] == [t.shape for t in theirs]
    assert [t.dtype for t in ours] == [t.dtype for t in theirs]
    worst = max((error(a, b) for a, b in zip(ours, theirs)), default=0.0)
    assert worst <= bound, f"error {worst:.3g}, bound {bound:.3g}"


def compare_modules(theirs, ours, form: str, x, hx) -> None:
    """Outputs, and gradients of x, hx and every parameter."""
    bound = BOUNDS[x.dtype]
    results, grads = [], []
    for module in (theirs, ours):
        own_x, own_hx = again(x), again(hx)
        result = call(module, form, own_x, own_hx)
        inputs = [own_x, *(flatten(own_hx) if hx is not None else []), *module.parameters()]
        results.append([t.detach() for t in flatten(result)])
        grads.append(gradients(result, inputs))
    compare(results[1], results[0], bound[0])
    compare(grads[1], grads[0], bound[1])
