"""RNNCell, LSTMCell and GRUCell against torch.nn: outputs, gradients, gradcheck; and gradcheck of the layers."""

import pytest
import torch
from torch_cases import BOUNDS, CELLS, H, I, LENGTHS, N, again, call, compare, flatten, gradients, pair

import rondo.torch as rt

CELL_CLASSES = {
    "rnn_tanh": ("RNNCell", {}),
    "rnn_relu": ("RNNCell", {"nonlinearity": "relu"}),
    "lstm": ("LSTMCell", {}),
    "gru": ("GRUCell", {}),
}


def cell_pair(cell, dtype=torch.float64, **more):
    name, arguments = CELL_CLASSES[cell]
    theirs = getattr(torch.nn, name)(I, H, dtype=dtype, **arguments, **more)
    ours = getattr(rt, name)(I, H, dtype=dtype, **arguments, **more)
    ours.load_state_dict(theirs.state_dict())
    assert repr(ours) == repr(theirs)
    theirs.load_state_dict(ours.state_dict())
    return theirs, ours


def states(cell, shape, dtype):
    h = torch.randn(shape, dtype=dtype)
    return (h, torch.randn(shape, dtype=dtype)) if cell == "lstm" else h


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["f64", "f32"])
@pytest.mark.parametrize("batched", [True, False], ids=["batch", "row"])
@pytest.mark.parametrize("hx", [True, False], ids=["hx", "no_hx"])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no_bias"])
@pytest.mark.parametrize("cell", CELL_CLASSES)
def test_equals_torch(cell, bias, hx, batched, dtype):
    modules = cell_pair(cell, dtype, bias=bias)
    rows = (N,) if batched else ()
    x = torch.randn(*rows, I, dtype=dtype)
    state = states(cell, (*rows, H), dtype) if hx else None
    results, grads = [], []
    for module in modules:
        own_x, own_state = again(x), again(state)
        result = module(own_x, own_state)
        inputs = [own_x, *(flatten(own_state) if hx else []), *module.parameters()]
        results.append(flatten(result))
        grads.append(gradients(result, inputs))
    compare(results[1], results[0], BOUNDS[dtype][0])
    compare(grads[1], grads[0], BOUNDS[dtype][1])


@pytest.mark.parametrize("cell", CELL_CLASSES)
def test_no_rows(cell):
    _, ours = cell_pair(cell)
    assert flatten(ours(torch.zeros(0, I, dtype=torch.float64)))[0].shape == (0, H)


@pytest.mark.parametrize("cell", CELL_CLASSES)
def test_cell_gradcheck(cell):
    _, ours = cell_pair(cell)
    x = torch.randn(2, I, dtype=torch.float64, requires_grad=True)
    state = again(states(cell, (2, H), torch.float64))
    tensors = [x, *flatten(state), *ours.parameters()]

    def function(x, *rest):
        count = 2 if cell == "lstm" else 1
        names = [name for name, _ in ours.named_parameters()]
        hx = rest[:2] if cell == "lstm" else rest[0]
        return torch.func.functional_call(ours, dict(zip(names, rest[count:])), (x, hx))

    # Finite differences of a rectifier mean little at its corner; the seed keeps clear of it.
    assert torch.autograd.gradcheck(function, tensors)


@pytest.mark.parametrize("form", ["full", "packed", "unsorted", "lengths"])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["one", "both"])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_layer_gradcheck(cell, layers, bidirectional, form):
    _, ours = pair(cell, layers, bidirectional=bidirectional)
    x = torch.randn(max(LENGTHS), N, I, dtype=torch.float64, requires_grad=True)
    names = [name for name, _ in ours.named_parameters()]

    class Function(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = ours

        def forward(self, x):
            return tuple(flatten(call(ours, form, x, None)))

    def function(x, *params):
        return torch.func.functional_call(Function(), {f"rnn.{n}": p for n, p in zip(names, params)}, (x,))

    assert torch.autograd.gradcheck(function, [x, *ours.parameters()], fast_mode=True)
