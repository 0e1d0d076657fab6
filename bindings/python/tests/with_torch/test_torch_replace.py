"""replace, and modules whose parameters torch's own tools have taken over.

What a model holds beside its recurrent modules' classes must be the very same objects afterwards."""

import pytest
import torch
from torch_cases import H, I, N, T, compare, flatten, pair

import rondo.torch as rt


def test_replace_keeps_everything():
    class Own(torch.nn.GRU):
        pass

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = torch.nn.LSTM(I, H, 2, bidirectional=True, dropout=0.3)
            self.parts = torch.nn.ModuleList([torch.nn.GRU(I, H), torch.nn.Linear(H, 2), torch.nn.GRUCell(I, H)])
            self.own = Own(I, H)
            self.parametrized = torch.nn.utils.parametrizations.weight_norm(torch.nn.LSTM(I, H), "weight_hh_l0")

    model = Model().eval()
    model.parts[0].train()
    parameters = [(name, id(p)) for name, p in model.named_parameters()]
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    hooked = []
    model.encoder.register_forward_hook(lambda module, *_: hooked.append(type(module)))
    x = torch.randn(T, N, I)
    expected = flatten(model.encoder(x))
    assert rt.replace(model) == ["encoder", "parts.0", "parts.2"]
    assert rt.replace(model) == []
    assert type(model.own) is Own and isinstance(model.parametrized, torch.nn.LSTM)
    assert [(name, id(p)) for name, p in model.named_parameters()] == parameters
    assert not model.encoder.training and model.parts[0].training
    found = model.encoder(x)
    compare(flatten(found), expected, 1e-5)
    assert hooked == [torch.nn.LSTM, rt.LSTM]
    before = model.encoder.weight_ih_l0.detach().clone()
    found[0].sum().backward()
    optimizer.step()
    assert not torch.equal(before, model.encoder.weight_ih_l0)
    root = torch.nn.LSTMCell(I, H)
    assert rt.replace(root) == [""] and type(root) is rt.LSTMCell
    with pytest.raises(TypeError, match="expected a torch.nn.Module"):
        rt.replace([root])


def test_parametrized():
    torch.manual_seed(1)
    theirs, ours = pair("gru")
    for module in (theirs, ours):
        torch.nn.utils.parametrizations.weight_norm(module, "weight_hh_l0")
    x = torch.randn(T, N, I, dtype=torch.float64)
    found = [list(torch.autograd.grad(m(x)[0].sum(), list(m.parameters()))) for m in (theirs, ours)]
    compare(found[1], found[0], 1e-12)
    with torch.no_grad():
        compare(flatten(ours(x)), flatten(theirs(x)), 1e-12)
