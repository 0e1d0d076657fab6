"""What a module is beside its numbers: its state, copies, plans, memory, randomness, threads.

Plans and packed parameters are watched through the names by which the operators call them."""

import copy
import gc
import io
import pickle

import pytest
import torch
from torch_cases import CELLS, H, I, LENGTHS, N, T, again, call, compare, flatten, gradients, initial, pair

import rondo.torch as rt
from rondo.torch import _network, _operators, _packing, _threads


@pytest.fixture
def plans(monkeypatch):
    """What the operators ask of plans, in order."""
    asked = []

    def spy(name):
        original = getattr(_operators, name)

        def function(*arguments, **more):
            asked.append(name)
            return original(*arguments, **more)

        monkeypatch.setattr(_operators, name, function)

    spy("plan_for")
    spy("training_plan")
    return asked


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_state_dict_both_ways(cell, bidirectional):
    theirs, ours = pair(cell, 2, bidirectional=bidirectional)
    assert [(n, p.shape) for n, p in theirs.named_parameters()] == [(n, p.shape) for n, p in ours.named_parameters()]
    with torch.no_grad():
        for p in ours.parameters():
            p.add_(1)
    theirs.load_state_dict(ours.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(theirs.parameters(), ours.parameters()))
    with pytest.raises(RuntimeError, match="Missing key"):
        ours.load_state_dict({name: value for name, value in list(theirs.state_dict().items())[1:]})
    assert len(ours.all_weights) == len(theirs.all_weights) and vars(ours).keys() == vars(theirs).keys()


@pytest.mark.parametrize("how", ["deepcopy", "pickle", "save"])
def test_copies(how):
    _, ours = pair("lstm", 2)
    x = torch.randn(T, N, I, dtype=torch.float64)
    with torch.no_grad():
        expected = ours(x)
    if how == "deepcopy":
        other = copy.deepcopy(ours)
    elif how == "pickle":
        other = pickle.loads(pickle.dumps(ours))
    else:
        file = io.BytesIO()
        torch.save(ours, file)
        file.seek(0)
        other = torch.load(file, weights_only=False)
    assert type(other) is rt.LSTM and repr(other) == repr(ours)
    with torch.no_grad():
        compare(flatten(other(x)), flatten(expected), 0.0)
        other.weight_hh_l0.zero_()
        compare(flatten(ours(x)), flatten(expected), 0.0)
        assert not torch.equal(other(x)[0], expected[0])


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_inference_takes_the_inference_plan(plans, mode):
    _, ours = pair("lstm", 2)
    x = torch.randn(T, N, I, dtype=torch.float64)
    expected = flatten(ours(x))
    assert plans == ["training_plan"]
    with mode():
        compare(flatten(ours(x)), [t.detach() for t in expected], 1e-12)
    assert plans == ["training_plan", "plan_for"]
    ours.requires_grad_(False)
    ours(x)
    assert plans[2:] == ["plan_for"]


def test_packed_parameters_follow_their_values(monkeypatch):
    made = []
    original = _packing._Held.__init__
    monkeypatch.setattr(_packing._Held, "__init__", lambda self, *a: (made.append(1), original(self, *a))[1])
    _, ours = pair("lstm")
    x = torch.randn(T, N, I, dtype=torch.float64)

    def check():
        with torch.no_grad():
            for _ in range(3):
                found = ours(x)
        compare(flatten(found), [t.detach() for t in flatten(ours(x))], 1e-12)

    check()
    assert len(made) == 1
    torch.optim.SGD(ours.parameters(), 0.1).step()  # no gradients: nothing changes
    check()
    assert len(made) == 1
    ours(x)[0].sum().backward()
    torch.optim.SGD(ours.parameters(), 0.1).step()
    check()
    assert len(made) == 2
    ours.weight_ih_l0 = torch.nn.Parameter(torch.randn_like(ours.weight_ih_l0))
    check()
    ours.bias_hh_l0.data = torch.randn_like(ours.bias_hh_l0)
    check()
    assert len(made) == 4
    ours.weight_hh_l0.data.mul_(2)  # unseen, but for eval
    ours.eval()
    check()
    assert len(made) == 5
    key = id(ours.weight_ih_l0)
    assert key in _packing._held
    del ours
    gc.collect()
    assert key not in _packing._held


def test_training_again_and_again_retains_nothing_wrong():
    _, ours = pair("gru", 2, bidirectional=True)
    x = torch.randn(T, N, I, dtype=torch.float64, requires_grad=True)
    y = ours(x)[0].sum()
    first = torch.autograd.grad(y, [x, *ours.parameters()], retain_graph=True)
    other = ours(torch.randn(T + 1, N, I, dtype=torch.float64))[0].sum()  # another plan between
    second = torch.autograd.grad(y, [x, *ours.parameters()])
    compare(list(second), list(first), 0.0)
    other.backward()


def test_second_derivative_is_a_clear_error():
    _, ours = pair("lstm")
    x = torch.randn(T, N, I, dtype=torch.float64, requires_grad=True)
    (dx,) = torch.autograd.grad(ours(x)[0].sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="rondo has no second derivatives"):
        dx.sum().backward()


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_any_subset_of_gradients(cell, monkeypatch):
    """Gradients nobody asks for are not computed: they are absent from what the operator is asked."""
    asked = []
    original = _operators.Plan.backward
    monkeypatch.setattr(
        _operators.Plan, "backward", lambda self, *a, **k: (asked.append(k), original(self, *a, **k))[1]
    )
    _, ours = pair(cell, 2)
    x = torch.randn(T, N, I, dtype=torch.float64)
    hx = initial(ours, N, torch.float64)
    leaves = [again(x), *flatten(again(hx)), *ours.parameters()]
    state = leaves[1] if cell == "gru" else (leaves[1], leaves[2])
    everything = gradients(ours(leaves[0], state), leaves)
    names = ["dx", "dh0", "dc0"][: len(leaves) - len(list(ours.parameters()))]
    for chosen in range(len(leaves)):
        for index, leaf in enumerate(leaves):
            leaf.requires_grad_(index == chosen)
        found = gradients(ours(leaves[0], state), [leaves[chosen]])
        compare(found, [everything[chosen]], 1e-12)
        wanted = [name for name in ("dx", "dh0", "dc0") if asked[-1][name]]
        assert wanted == ([names[chosen]] if chosen < len(names) else [])
        assert (asked[-1]["dparams"] is not None) == (chosen >= len(names))


def test_only_one_output_used():
    for index in range(3):
        theirs, ours = pair("lstm", 2, bidirectional=True)
        x = torch.randn(T, N, I, dtype=torch.float64)
        found = []
        for module in (theirs, ours):
            own = again(x)
            found.append(torch.autograd.grad(flatten(module(own))[index].sum(), [own, *module.parameters()]))
        compare(list(found[1]), list(found[0]), 1e-12)


def test_not_contiguous():
    theirs, ours = pair("lstm", 2)
    x = torch.randn(N, I, T, dtype=torch.float64).permute(2, 0, 1)
    hx = tuple(torch.randn(N, 2, H, dtype=torch.float64).transpose(0, 1) for _ in range(2))
    with torch.no_grad():
        for module in (theirs, ours):
            module.weight_hh_l0 = torch.nn.Parameter(torch.ones(H, 4 * H, dtype=torch.float64).t() * 0.1)
        compare(flatten(ours(x, hx)), flatten(theirs(x, hx)), 1e-12)
    x.requires_grad_()
    found = []
    for module in (theirs, ours):
        y, _ = module(x, hx)
        found.append(torch.autograd.grad(y.transpose(0, 2).sum(), [x, *module.parameters()]))
    compare(list(found[1]), list(found[0]), 1e-12)


def test_dropout_follows_manual_seed():
    ours = rt.GRU(I, H, 3, dropout=0.5)
    x = torch.randn(T, N, I)

    def run(seed):
        torch.manual_seed(seed)
        return ours(x)[0].detach()

    assert torch.equal(run(1), run(1)) and not torch.equal(run(1), run(2))
    with torch.no_grad():
        assert torch.equal(run(1), run(1)) and not torch.equal(run(1), run(2))
    ours.eval()
    assert torch.equal(run(1), run(2))
    plain = rt.GRU(I, H, 3)
    plain.load_state_dict(ours.state_dict())
    compare([run(1)], [plain(x)[0].detach()], 0.0)


def test_dropout_drops_what_it_says():
    """The second layer copies a constant first layer's output: what is 0 was dropped, what is kept is scaled."""
    ours = rt.RNN(1, 64, 2, nonlinearity="relu", bias=False, dropout=0.25)
    with torch.no_grad():
        ours.weight_ih_l0.fill_(1)
        ours.weight_hh_l0.zero_()
        ours.weight_hh_l1.zero_()
        ours.weight_ih_l1.copy_(torch.eye(64))
    y, _ = ours(torch.ones(50, 8, 1))
    assert y.unique().tolist() == [0.0, pytest.approx(4 / 3)]
    assert abs((y == 0).float().mean().item() - 0.25) < 0.01


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=["bf16", "f16"])
def test_autocast(dtype):
    """Types of results are torch's; on the CPU torch's LSTM itself has no f16, which then is as its bf16."""
    x = torch.randn(T, N, I)
    for name in ("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"):
        theirs, ours = getattr(torch.nn, name)(I, H), getattr(rt, name)(I, H)
        ours.load_state_dict(theirs.state_dict())
        own = x if "Cell" not in name else x[0]
        with torch.autocast("cpu", dtype=dtype):
            found = flatten(ours(own))
            if not (name == "LSTM" and dtype == torch.float16):
                expected = flatten(theirs(own))
                assert [t.dtype for t in found] == [t.dtype for t in expected]
        exact = flatten(theirs(own))
        compare([t.float() for t in found], [t.detach() for t in exact], 4 * T * torch.finfo(dtype).eps)
        sum(t.float().sum() for t in found).backward()
        assert all(p.grad.dtype == torch.float32 for p in ours.parameters())
    with torch.autocast("cpu", dtype=dtype):
        _, double = pair("gru")
        assert double(x.double())[0].dtype == torch.float64


def test_lstm_cell_keeps_its_state_under_autocast():
    """c is f32 from step to step: many small sums that bf16 would lose."""
    cell = rt.LSTMCell(I, H)
    with torch.no_grad():
        for p in cell.parameters():
            p.zero_()
        cell.bias_ih[: 2 * H] = 20  # i = f = 1
        cell.bias_ih[2 * H : 3 * H] = 2**-9  # g
    state = (torch.zeros(1, H), torch.ones(1, H))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for _ in range(64):
            state = cell(torch.zeros(1, I), state)
    compare([state[1].detach()], [torch.full((1, H), 1 + 64 * 2**-9)], 1e-3)


def test_checkpointing_recomputes_the_same():
    torch.manual_seed(0)
    ours = rt.LSTM(I, H, 2, dropout=0.5)
    x = torch.randn(T, N, I, requires_grad=True)
    found = []
    for use in (False, True):
        torch.manual_seed(5)
        run = (lambda x: torch.utils.checkpoint.checkpoint(ours, x, use_reentrant=False)) if use else ours
        found.append(list(torch.autograd.grad(run(x)[0].square().sum(), [x, *ours.parameters()])))
    compare(found[1], found[0], 0.0)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
@pytest.mark.parametrize("layers,bidirectional", [(1, False), (3, True)])
def test_reserve_bound(cell, dtype, layers, bidirectional):
    """Never below what a plan asks, and at most a few rounded arrays above it."""
    name = "rnn_tanh" if cell == "rnn_tanh" else cell.split("_proj")[0]
    spec = _network.Spec(
        cell=name,
        input_size=5,
        hidden_size=17,
        proj_size=3 if cell == "lstm_proj" else 0,
        num_layers=layers,
        bidirectional=bidirectional,
        dtype=dtype,
    )
    for kind in (_network.FULL, _network.LENGTHS, _network.PACKED):
        for steps, rows in ((1, 1), (1, 7), (3, 5), (100, 1), (17, 33), (1000, 3)):
            for S in {steps * rows, steps * rows - steps // 2, max(steps, rows)}:
                size = _network.training_plan(spec, kind, steps, rows, S).reserve_size
                bound = _network.reserve_bound(spec, kind, S)
                assert size <= bound <= size * 1.01 + 8192


def test_flatten_parameters_changes_nothing():
    _, ours = pair("lstm", 2)
    before = [p.data_ptr() for p in ours.parameters()]
    ours.flatten_parameters()
    ours.half().double()
    assert len(before) == len(list(ours.parameters()))
    y, _ = ours(torch.randn(T, N, I, dtype=torch.float64))
    assert y.dtype == torch.float64


def test_threads_share_a_module():
    from concurrent.futures import ThreadPoolExecutor

    _, ours = pair("lstm", 2)
    inputs = [torch.randn(T, n, I, dtype=torch.float64) for n in range(1, 9)]
    expected = [[t.detach() for t in flatten(call(ours, "full", x, None))] for x in inputs]

    def run(index):
        with torch.no_grad():
            return flatten(ours(inputs[index]))

    with ThreadPoolExecutor(4) as pool:
        for index, found in enumerate(pool.map(run, list(range(8)) * 4)):
            compare(found, expected[index % 8], 1e-12)


def test_lengths_constant_is_sorted_nowhere():
    """The caller's order of rows is kept throughout."""
    _, ours = pair("gru")
    x = torch.randn(T, N, I, dtype=torch.float64)
    y, hn = ours(x, lengths=LENGTHS)
    for row, length in enumerate(LENGTHS):
        one, h = ours(x[:length, row])
        compare([y[:length, row], hn[:, row]], [one, h], 1e-12)


def test_room_is_made_for_large_calls_alone(monkeypatch):
    """torch's threads are sent to sleep before a call of much work, and serve again after it."""
    asked = []
    original = _threads._pause
    monkeypatch.setattr(_threads, "_pause", lambda kind: (asked.append(kind), original(kind) if original else 0)[1])
    torch.set_num_threads(2)
    matrix = torch.randn(300, 300)
    product = matrix @ matrix
    ours = rt.LSTM(64, 128)
    ours(torch.randn(T, N, 64))
    assert asked == []
    ours(torch.randn(64, 16, 64))[0].sum().backward()
    assert len(asked) == 2
    assert torch.equal(matrix @ matrix, product)
    torch.set_num_threads(1)
    ours(torch.randn(64, 16, 64))
    assert len(asked) == 2
