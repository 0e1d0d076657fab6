"""torch.compile(fullgraph=True), torch.export and opcheck, with nothing of torch's configuration changed.

Most use aot_eager, which runs the fake kernels and the traced derivative; inductor, which is slow, runs once."""

import shutil

import pytest
import torch
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence
from torch_cases import CELLS, H, I, LENGTHS, N, T, compare, flatten, gradients, initial, pair

import rondo.torch as rt

# Dynamo's own, of a PackedSequence's data that asks for its gradient and is no leaf.
pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")


@pytest.fixture(autouse=True)
def _fresh():
    torch._dynamo.reset()


def compiled(module, **options):
    return torch.compile(module, fullgraph=True, backend="aot_eager", **options)


@pytest.mark.parametrize("hx", [True, False], ids=["hx", "no_hx"])
@pytest.mark.parametrize("form", ["full", "packed", "unsorted", "lengths"])
@pytest.mark.parametrize("cell", CELLS)
def test_compile(cell, form, hx):
    _, ours = pair(cell, 2, bidirectional=True)
    x = torch.randn(T, N, I, dtype=torch.float64, requires_grad=True)
    state = initial(ours, N, torch.float64) if hx else None
    lengths = torch.tensor(LENGTHS if form != "packed" else sorted(LENGTHS, reverse=True))
    run = compiled(ours)
    found = []
    for module in (ours, run):
        if form == "full":
            result = module(x, state)
        elif form == "lengths":
            result = module(x, state, lengths)
        else:
            result = module(pack_padded_sequence(x, lengths, enforce_sorted=form == "packed"), state)
        found.append(([t.detach() for t in flatten(result)], gradients(result, [x, *ours.parameters()])))
    compare(found[1][0], found[0][0], 0.0)
    compare(found[1][1], found[0][1], 0.0)


@pytest.mark.parametrize("name", ["RNNCell", "LSTMCell", "GRUCell"])
def test_compile_cells(name):
    ours = getattr(rt, name)(I, H)
    x = torch.randn(N, I, requires_grad=True)
    found = []
    for module in (ours, compiled(ours)):
        result = module(x)
        found.append(([t.detach() for t in flatten(result)], gradients(result, [x, *ours.parameters()])))
    compare(found[1][0], found[0][0], 0.0)
    compare(found[1][1], found[0][1], 0.0)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_compile_inference(mode):
    _, ours = pair("gru", 2, dropout=0.5)
    ours.eval()
    x = torch.randn(T, N, I, dtype=torch.float64)
    with mode():
        compare(flatten(compiled(ours)(x)), flatten(ours(x)), 0.0)


def test_compile_dynamic_sizes_once():
    """The reserve's size is a formula of symbols: other sizes do not compile again."""
    _, ours = pair("lstm", 2)
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    run = torch.compile(ours, fullgraph=True, backend=backend, dynamic=True)
    for steps, rows in ((5, 3), (7, 4), (11, 6)):
        x = torch.randn(steps, rows, I, dtype=torch.float64)
        compare(flatten(run(x)), flatten(ours(x)), 0.0)
    assert len(graphs) == 1


def test_compile_autocast_and_dropout():
    torch.manual_seed(3)
    ours = rt.LSTM(I, H, 2, dropout=0.5)
    x = torch.randn(T, N, I)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, _ = compiled(ours)(x)
    assert y.dtype == torch.bfloat16
    y.float().sum().backward()
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in ours.parameters())


def test_compile_whole_step_with_replace():
    """A model that torch.nn's own LSTM would break: replaced, it is one graph."""

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = torch.nn.Embedding(11, I)
            self.rnn = torch.nn.LSTM(I, H, batch_first=True)
            self.head = torch.nn.Linear(H, 11)

        def forward(self, tokens):
            return self.head(self.rnn(self.embed(tokens))[0])

    model = Model()
    tokens = torch.randint(0, 11, (N, T))
    expected = model(tokens)
    assert rt.replace(model) == ["rnn"]
    compare([compiled(model)(tokens)], [expected], 1e-5)


@pytest.mark.skipif(shutil.which("c++") is None and shutil.which("g++") is None, reason="inductor needs a C++ compiler")
def test_compile_inductor():
    ours = rt.GRU(I, H)
    run = torch.compile(ours, fullgraph=True)
    x = torch.randn(T, N, I, requires_grad=True)
    found = []
    for module in (ours, run):
        result = module(x)
        found.append(([t.detach() for t in flatten(result)], gradients(result, [x, *ours.parameters()])))
    compare(found[1][0], found[0][0], 1e-6)
    compare(found[1][1], found[0][1], 1e-6)


class Packed(torch.nn.Module):
    """Takes a PackedSequence apart, which torch.export does not take as an input."""

    def __init__(self, rnn):
        super().__init__()
        self.rnn = rnn

    def forward(self, data, batch_sizes):
        y, states = self.rnn(PackedSequence(data, batch_sizes))
        return y.data, states


@pytest.mark.parametrize("strict", [False, True], ids=["nonstrict", "strict"])
@pytest.mark.parametrize("form", ["full", "packed", "lengths"])
@pytest.mark.parametrize("cell", CELLS)
def test_export(cell, form, strict):
    _, ours = pair(cell, 2, bidirectional=True)
    x = torch.randn(T, N, I, dtype=torch.float64)
    if form == "packed":
        packed = pack_padded_sequence(x, torch.tensor([5, 4, 2]))
        module, arguments = Packed(ours), (packed.data, packed.batch_sizes)
    else:
        module, arguments = ours, (x,) if form == "full" else (x, None, torch.tensor(LENGTHS))
    with torch.no_grad():
        program = torch.export.export(module, arguments, strict=strict)
        compare(flatten(program.module()(*arguments)), flatten(module(*arguments)), 0.0)


@pytest.mark.parametrize("strict", [False, True], ids=["nonstrict", "strict"])
def test_export_dynamic(strict):
    _, ours = pair("lstm", 2)
    steps, rows = torch.export.Dim("steps", min=2, max=4096), torch.export.Dim("rows", min=2, max=4096)
    x = torch.randn(T, N, I, dtype=torch.float64)
    program = torch.export.export(ours, (x,), dynamic_shapes=({0: steps, 1: rows},), strict=strict)
    for shape in ((5, 3), (9, 7)):
        x = torch.randn(*shape, I, dtype=torch.float64)
        compare(flatten(program.module()(x)), flatten(ours(x)), 0.0)


def test_export_cells():
    for name in ("RNNCell", "LSTMCell", "GRUCell"):
        ours = getattr(rt, name)(I, H)
        x = torch.randn(N, I)
        compare(flatten(torch.export.export(ours, (x,)).module()(x)), flatten(ours(x)), 0.0)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("form", ["full", "packed", "lengths"])
def test_opcheck(form, training):
    _, ours = pair("lstm", dtype=torch.float32)
    params = [p.detach().requires_grad_(training) for p in ours.parameters()]
    x = torch.randn(*((sum(LENGTHS), I) if form == "packed" else (T, N, I)), requires_grad=training)
    lengths = torch.tensor(LENGTHS) if form == "lengths" else None
    batch_sizes = torch.tensor([3, 3, 2, 2, 1]) if form == "packed" else None
    network = ours._network(0.0)
    arguments = (x, None, None, params, lengths, batch_sizes, N, None, network, training)
    # What lies in the reserve between its arrays is never written, so two runs' outputs differ there; the modules'
    # tests compare a traced run's outputs and gradients.
    checks = ["test_schema", "test_autograd_registration", "test_faketensor"]
    checks += [] if training else ["test_aot_dispatch_dynamic"]
    torch.library.opcheck(torch.ops.rondo.forward.default, arguments, test_utils=checks)
    if training:
        y, hn, cn, reserve = (t.detach() for t in torch.ops.rondo.forward(*arguments))
        wanted = [True, False, False, *[True] * len(params)]
        detached = [p.detach() for p in params]
        torch.library.opcheck(
            torch.ops.rondo.backward.default,
            (y, hn, cn, x.detach(), None, None, detached, y, reserve, lengths, batch_sizes, N, network, wanted),
            test_utils=["test_schema", "test_autograd_registration", "test_faketensor", "test_aot_dispatch_dynamic"],
        )
