"""RNN, LSTM and GRU against torch.nn: outputs and all gradients, in every form that sequences can have."""

import pytest
import torch
from torch_cases import CELLS, H, I, N, T, call, compare, compare_modules, flatten, initial, pair

import rondo.torch as rt

# torch.nn's own, of the module that is compared with.
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["f64", "f32"])
@pytest.mark.parametrize("form", ["full", "batch_first", "packed", "unsorted", "lengths"])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["one", "both"])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_equals_torch(cell, layers, bidirectional, form, dtype):
    batch_first = form == "batch_first"
    theirs, ours = pair(cell, layers, dtype, bidirectional=bidirectional, batch_first=batch_first)
    x = torch.randn((N, T, I) if batch_first else (T, N, I), dtype=dtype)
    compare_modules(theirs, ours, form, x, initial(theirs, N, dtype))


@pytest.mark.parametrize("form", ["full", "packed", "unsorted", "lengths"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("cell", CELLS)
def test_without_hx(cell, form, bias):
    theirs, ours = pair(cell, 2, bias=bias)
    compare_modules(theirs, ours, form, torch.randn(T, N, I, dtype=torch.float64), None)


@pytest.mark.parametrize("form", ["packed", "unsorted", "lengths"])
def test_batch_first_lengths(form):
    theirs, ours = pair("gru", batch_first=True, bidirectional=True)
    compare_modules(theirs, ours, form, torch.randn(N, T, I, dtype=torch.float64), initial(theirs, N, torch.float64))


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_unbatched(cell, batch_first):
    theirs, ours = pair(cell, 2, batch_first=batch_first)
    x = torch.randn(T, I, dtype=torch.float64)
    hx = initial(theirs, N, torch.float64)
    one = hx[:, 0].detach() if isinstance(hx, torch.Tensor) else tuple(h[:, 0].detach() for h in hx)
    compare_modules(theirs, ours, "full", x, None)
    compare_modules(theirs, ours, "full", x, one)


@pytest.mark.parametrize("cell", ["rnn_tanh", "lstm", "gru"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=["f16", "bf16"])
def test_16_bits(cell, dtype):
    """Against torch in f32, from the same 16-bit parameters: T roundings of states below 1 to 11 or 8 bits."""
    _, ours = pair(cell, 2, dtype)
    exact, _ = pair(cell, 2, torch.float32)
    exact.load_state_dict({name: value.float() for name, value in ours.state_dict().items()})
    x = torch.randn(T, N, I).to(dtype)
    y, states = ours(x)
    bound = 4 * T * torch.finfo(dtype).eps
    compare([t.float() for t in flatten((y, states))], flatten(exact(x.float())), bound)
    y.sum().backward()
    exact(x.float())[0].sum().backward()
    ours_grad = [p.grad.float() for p in ours.parameters()]
    compare(ours_grad, [p.grad for p in exact.parameters()], 8 * T * torch.finfo(dtype).eps)


def test_lengths_of_every_kind():
    _, ours = pair("gru")
    x = torch.randn(T, N, I, dtype=torch.float64)
    expected = ours(x, lengths=torch.tensor([5, 2, 4]))
    for lengths in ([5, 2, 4], torch.tensor([5, 2, 4], dtype=torch.int32), torch.tensor([5, 9, 2, 9, 4, 9])[::2]):
        compare(flatten(ours(x, lengths=lengths)), flatten(expected), 0.0)
    assert expected[0][2:, 1].eq(0).all()
    assert torch.equal(expected[1][0, 1], expected[0][1, 1])


def test_padding_is_never_read():
    _, ours = pair("lstm", 2, bidirectional=True)
    x = torch.randn(T, N, I, dtype=torch.float64)
    x[2:, 1] = x[4:, 2] = float("nan")
    x.requires_grad_()
    results = flatten(call(ours, "lengths", x, None))
    assert all(t.isfinite().all() for t in results)
    results[0].sum().backward()
    assert x.grad.isfinite().all() and x.grad[2:, 1].eq(0).all()
    assert all(p.grad.isfinite().all() for p in ours.parameters())


@pytest.mark.parametrize("cell", CELLS)
def test_no_rows(cell):
    theirs, ours = pair(cell, 2)
    x = torch.randn(T, 0, I, dtype=torch.float64)
    compare(flatten(ours(x)), [t.detach() for t in flatten(theirs(x))], 0.0)
    ours(x)[0].sum().backward()
    assert all(p.grad.eq(0).all() for p in ours.parameters())


def test_seeds_of_the_issue():
    """torch.nn's documentation's own examples: only the module's name differs, the numbers do not."""
    results = []
    for library in (torch.nn, rt):
        torch.manual_seed(0)
        found = []
        for name in ("GRU", "RNN"):
            rnn = getattr(library, name)(10, 16 if name == "GRU" else 20, 2)
            input = torch.randn(5, 3, 10)
            h0 = torch.randn(2, 3, rnn.hidden_size)
            output, hn = rnn(input, h0)
            found += [output, hn]
        rnn = library.LSTM(10, 20, 2)
        output, (hn, cn) = rnn(torch.randn(5, 3, 10), (torch.randn(2, 3, 20), torch.randn(2, 3, 20)))
        found += [output, hn, cn]
        for name in ("GRUCell", "RNNCell"):
            rnn = getattr(library, name)(10, 20)
            input = torch.randn(6, 3, 10)
            hx = torch.randn(3, 20)
            for i in range(6):
                hx = rnn(input[i], hx)
                found.append(hx)
        rnn = library.LSTMCell(10, 20)
        input = torch.randn(2, 3, 10)
        hx, cx = torch.randn(3, 20), torch.randn(3, 20)
        for i in range(2):
            hx, cx = rnn(input[i], (hx, cx))
            found += [hx, cx]
        results.append(found)
    assert [tuple(t.shape) for t in results[1][:4]] == [(5, 3, 16), (2, 3, 16), (5, 3, 20), (2, 3, 20)]
    compare(results[1], results[0], 1e-5)


def test_initial_values_are_torchs():
    for name, arguments in CELLS.values():
        values = []
        for library in (torch.nn, rt):
            torch.manual_seed(7)
            module = getattr(library, name)(I, H, 2, bidirectional=True, **arguments)
            values.append((repr(module), module.state_dict()))
        assert values[0][0] == values[1][0]
        assert list(values[0][1]) == list(values[1][1])
        assert all(torch.equal(a, b) for a, b in zip(values[0][1].values(), values[1][1].values()))
