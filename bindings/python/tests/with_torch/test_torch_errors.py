"""Bad input: torch.nn's exception types with rondo's texts, and no crash from operators called directly."""

import pytest
import torch
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

import rondo.torch as rt

X = torch.randn(3, 2, 4)


def h(name, *shape, **more):
    state = torch.zeros(*shape, **more)
    return (state, torch.zeros(*shape, **more)) if name.startswith("LSTM") else state


LAYER_CALLS = {
    "4-D": lambda name: (torch.zeros(1, 2, 3, 4),),
    "1-D": lambda name: (torch.zeros(4),),
    "f64": lambda name: (X.double(),),
    "integers": lambda name: (X.long(),),
    "width": lambda name: (torch.zeros(3, 2, 6),),
    "hx 2-D": lambda name: (X, h(name, 2, 5)),
    "hx 3-D unbatched": lambda name: (X[:, 0], h(name, 1, 1, 5)),
    "hx rows": lambda name: (X, h(name, 1, 3, 5)),
    "hx width": lambda name: (X, h(name, 1, 2, 6)),
    "hx layers": lambda name: (X, h(name, 2, 2, 5)),
    "hx f64": lambda name: (X, h(name, 1, 2, 5, dtype=torch.float64)),
    "hx meta": lambda name: (X, h(name, 1, 2, 5, device="meta")),
    "no steps": lambda name: (X[:0],),
    "None": lambda name: (None,),
    "packed hx": lambda name: (pack_padded_sequence(X, torch.tensor([3, 1])), h(name, 1, 3, 5)),
    "growing batch_sizes": lambda name: (PackedSequence(torch.zeros(4, 4), torch.tensor([1, 3])),),
}
CELL_CALLS = {
    "3-D": lambda name: (torch.zeros(2, 3, 4),),
    "width": lambda name: (torch.zeros(2, 3),),
    "f64": lambda name: (X[0].double(),),
    "hx 3-D": lambda name: (X[0], h(name, 1, 2, 5)),
    "hx width": lambda name: (X[0], h(name, 2, 6)),
    "hx rows": lambda name: (X[0], h(name, 3, 5)),
    "hx 1-D": lambda name: (X[0], h(name, 5)),
    "hx 2-D unbatched": lambda name: (X[0, 0], h(name, 1, 5)),
    "hx f64": lambda name: (X[0], h(name, 2, 5, dtype=torch.float64)),
}


@pytest.mark.parametrize("call", LAYER_CALLS)
@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_layer_calls(name, call):
    same_refusal(name, LAYER_CALLS[call](name))


@pytest.mark.parametrize("call", CELL_CALLS)
@pytest.mark.parametrize("name", ["RNNCell", "LSTMCell", "GRUCell"])
def test_cell_calls(name, call):
    same_refusal(name, CELL_CALLS[call](name))


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_packed_and_sorted_states_of_another_size(name, rows):
    """torch.nn picks the rows it finds of more, and refuses fewer by an IndexError or RuntimeError."""
    sequence = pack_padded_sequence(X, torch.tensor([1, 3]), enforce_sorted=False)
    with pytest.raises(RuntimeError, match=f"hx has {rows} rows, expected 2"):
        getattr(rt, name)(4, 5)(sequence, h(name, 1, rows, 5))


def same_refusal(name, arguments):
    with pytest.raises(Exception) as theirs:
        getattr(torch.nn, name)(4, 5)(*arguments)
    for grad in (True, False):
        with torch.set_grad_enabled(grad), pytest.raises(Exception) as ours:
            getattr(rt, name)(4, 5)(*arguments)
        assert issubclass(ours.type, theirs.type), f"{ours.value!r} is no {theirs.type}"
        assert "expected" in str(ours.value) or ours.type is AttributeError


CONSTRUCTIONS = [
    ("LSTM", (0, 5), {}),
    ("LSTM", (4, 0), {}),
    ("GRU", (4.0, 5), {}),
    ("GRU", (4, 5, 0), {}),
    ("RNN", (4, 5), {"nonlinearity": "sigmoid"}),
    ("RNN", (4, 5, 1, "sigmoid"), {}),
    ("RNN", (4, 5), {"proj_size": 2}),
    ("GRU", (4, 5), {"proj_size": 2}),
    ("LSTM", (4, 5), {"proj_size": 5}),
    ("LSTM", (4, 5), {"proj_size": -1}),
    ("LSTM", (4, 5), {"dropout": 1.5}),
    ("LSTM", (4, 5), {"bias": 1}),
    ("LSTM", (4, 5), {"batch_first": 1}),
    ("LSTM", (4,), {}),
    ("LSTM", (4, 5), {"no_such": 1}),
    ("GRUCell", (4,), {}),
]


@pytest.mark.parametrize("name,arguments,more", CONSTRUCTIONS)
def test_constructions(name, arguments, more):
    with pytest.raises(Exception) as theirs:
        getattr(torch.nn, name)(*arguments, **more)
    with pytest.raises(theirs.type):
        getattr(rt, name)(*arguments, **more)


def test_one_layer_with_dropout_warns_as_torch_does():
    with pytest.warns(UserWarning, match="dropout option adds dropout"):
        rt.LSTM(4, 5, dropout=0.5)


@pytest.mark.parametrize(
    "lengths,text",
    [
        ([3, 0], r"lengths\[1\] is 0"),
        ([3, 4], r"lengths\[1\] is 4"),
        ([3, -1], r"lengths\[1\] is -1"),
        ([3, 2, 1], r"lengths is torch.int64 \[3\].*expected.*\[2\]"),
        (torch.tensor([3.0, 2.0]), "lengths is torch.float32"),
    ],
)
def test_lengths(lengths, text):
    gru = rt.GRU(4, 5)
    for grad in (True, False):
        with torch.set_grad_enabled(grad), pytest.raises(RuntimeError, match=text):
            gru(X, lengths=lengths)
    with pytest.raises(ValueError, match="a PackedSequence has its own"):
        gru(pack_padded_sequence(X, torch.tensor([3, 1])), lengths=[3, 1])


def test_parameter_of_another_type():
    gru = rt.GRU(4, 5)
    gru.weight_hh_l0 = torch.nn.Parameter(gru.weight_hh_l0.double())
    for grad in (True, False):
        with torch.set_grad_enabled(grad), pytest.raises(RuntimeError, match="weight_hh_l0 is torch.float64"):
            gru(X)
    gru.weight_hh_l0 = torch.nn.Parameter(torch.zeros(3, 5))
    with pytest.raises(RuntimeError, match=r"weight_hh_l0 is torch.float32 \[3, 5\].*expected torch.float32 \[15, 5\]"):
        gru(X)


@pytest.mark.parametrize("dtype", [torch.complex64, torch.float8_e4m3fn])
def test_types_rondo_has_not(dtype):
    gru = rt.GRU(4, 5).to(torch.float32)
    for p in list(gru._flat_weights_names):
        setattr(gru, p, torch.nn.Parameter(getattr(gru, p).detach().to(dtype)))
    with pytest.raises((ValueError, RuntimeError), match="expected one of float64, float32, float16, bfloat16"):
        gru(X.to(dtype))


def test_device_mismatch_is_torchs():
    gru = rt.GRU(4, 5)
    with pytest.raises(RuntimeError, match="input is on meta, expected cpu"):
        gru(X.to("meta"))
    with pytest.raises(RuntimeError, match="input is on meta, expected cpu"):
        rt.GRUCell(4, 5)(X[0].to("meta"))
    with pytest.raises(RuntimeError, match="hx is on meta, expected cpu"):
        rt.LSTMCell(4, 5)(X[0], h("LSTM", 2, 5, device="meta"))
    y, _ = rt.GRU(4, 5, device="meta")(X.to("meta"))
    assert y.device.type == "meta" and y.shape == (3, 2, 5)


def test_operators_check_what_they_are_given():
    gru = rt.GRU(4, 5)
    params = [p.detach() for p in gru.parameters()]
    network = gru._network(0.0)
    call = torch.ops.rondo.forward
    with pytest.raises(RuntimeError, match="params has 3 tensors, expected 4"):
        call(X, None, None, params[:3], None, None, 2, None, network, False)
    with pytest.raises(RuntimeError, match="rows is 3, expected 2"):
        call(X, None, None, params, None, None, 3, None, network, True)
    with pytest.raises(RuntimeError, match="gru has no cell state"):
        call(X, None, torch.zeros(1, 2, 5), params, None, None, 2, None, network, True)
    with pytest.raises(RuntimeError, match="batch_sizes begins"):
        call(X[:, 0], None, None, params, None, torch.empty(0, dtype=torch.int64), 2, None, network, True)
    with pytest.raises(RuntimeError, match="seed is torch.int32"):
        call(X, None, None, params, None, None, 2, torch.zeros(1, dtype=torch.int32), network, True)
    with pytest.raises(ValueError, match="cell is 'grue'"):
        call(X, None, None, params, None, None, 2, None, network.replace("gru", "grue"), True)
    y, hn, _, reserve = call(X, None, None, params, None, None, 2, None, network, True)
    wanted = [True, False, False, *[True] * 4]
    rest = (X, None, None, params, y, reserve, None, None, 2, network)
    with pytest.raises(RuntimeError, match="dy is"):
        torch.ops.rondo.backward(y[:1], None, None, *rest, wanted)
    with pytest.raises(RuntimeError, match="wanted has 1 entries, expected 7"):
        torch.ops.rondo.backward(y, None, None, *rest, [True])
    with pytest.raises(RuntimeError, match=r"reserve is torch.uint8 \[8\]"):
        torch.ops.rondo.backward(
            y, hn, None, X, None, None, params, y, reserve[:8].clone(), None, None, 2, network, wanted
        )
    with pytest.raises(RuntimeError, match="training=False"):
        leaf = X.clone().requires_grad_()
        call(leaf, None, None, params, None, None, 2, None, network, False)[0].sum().backward()
