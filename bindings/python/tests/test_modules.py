"""What modules do beyond their numbers: shapes, arguments, modes, and gradients by differences.

Numbers are compared with PyTorch's in test_goldens.py; state and threads are in test_state.py."""

from __future__ import annotations

import numpy as np
import pytest

import rondo

CELLS = [rondo.RNNCell, rondo.LSTMCell, rondo.GRUCell]
LAYERS = [rondo.RNN, rondo.LSTM, rondo.GRU]


@pytest.fixture(autouse=True)
def seeded():
    rondo.manual_seed(7)


def normal(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(dtype)


def both(hn):
    return hn if isinstance(hn, tuple) else (hn,)


# ---- shapes and constructors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", LAYERS)
def test_shapes_are_torchs(layer):
    module = layer(10, 16, 2, batch_first=True, bidirectional=True)
    y, hn = module(normal(3, 5, 10))
    assert y.shape == (3, 5, 32)
    assert all(state.shape == (4, 3, 16) for state in both(hn))
    y, hn = module(normal(5, 10))
    assert y.shape == (5, 32)
    assert all(state.shape == (4, 16) for state in both(hn))


def test_projection_shapes():
    y, (hn, cn) = rondo.LSTM(10, 16, 2, proj_size=3)(normal(5, 4, 10))
    assert (y.shape, hn.shape, cn.shape) == ((5, 4, 3), (2, 4, 3), (2, 4, 16))


@pytest.mark.parametrize("cell", CELLS)
def test_cell_shapes(cell):
    module = cell(10, 16)
    assert all(state.shape == (4, 16) for state in both(module(normal(4, 10))))
    assert all(state.shape == (16,) for state in both(module(normal(10))))


@pytest.mark.parametrize("layer", LAYERS)
def test_unbatched_is_a_batch_of_one(layer):
    module = layer(4, 6, 2, batch_first=True, dtype=np.float64)
    x = normal(5, 4, dtype=np.float64)
    y, hn = module(x)
    dx, dh0, dparams = module.backward(y, hn)
    batched_y, batched_hn = module(x[None])
    batched = module.backward(batched_y, batched_hn)
    assert np.array_equal(y, batched_y[0])
    assert np.array_equal(dx, batched[0][0])
    assert all(np.array_equal(a, b[:, 0]) for a, b in zip(both(dh0), both(batched[1])))
    assert all(np.array_equal(dparams[name], batched[2][name]) for name in dparams)


def test_constructors_take_torchs_order():
    lstm = rondo.LSTM(10, 20, 2, False, True, 0.5, True, 3, None, np.float64)
    assert (lstm.bias, lstm.batch_first, lstm.dropout, lstm.bidirectional, lstm.proj_size) == (
        False,
        True,
        0.5,
        True,
        3,
    )
    assert lstm.weight_ih_l0.dtype == np.float64
    rnn = rondo.RNN(10, 20, 2, "relu", False, True)
    assert (rnn.nonlinearity, rnn.bias, rnn.batch_first) == ("relu", False, True)
    cell = rondo.RNNCell(10, 20, False, "relu")
    assert (cell.nonlinearity, cell.bias) == ("relu", False)


@pytest.mark.parametrize(
    ("module", "text"),
    [
        (lambda: rondo.LSTM(10, 20), "LSTM(10, 20)"),
        (
            lambda: rondo.LSTM(10, 20, 2, bias=False, batch_first=True, dropout=0.5, bidirectional=True, proj_size=3),
            "LSTM(10, 20, proj_size=3, num_layers=2, bias=False, batch_first=True, dropout=0.5, bidirectional=True)",
        ),
        (lambda: rondo.RNNCell(1, 2, bias=False, nonlinearity="relu"), "RNNCell(1, 2, bias=False, nonlinearity=relu)"),
    ],
)
def test_repr_is_torchs(module, text):
    assert repr(module()) == text


def test_initial_values_follow_the_seed_and_their_bound():
    def made(seed):
        rondo.manual_seed(seed)
        return rondo.GRU(10, 16).state_dict()

    first, second, other = made(1), made(1), made(2)
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert not np.array_equal(first["weight_ih_l0"], other["weight_ih_l0"])
    assert all(np.abs(array).max() <= 0.25 for array in first.values())
    assert np.abs(first["weight_hh_l0"]).max() > 0.24


# ---- gradients by differences --------------------------------------------------------------------------------------


def _check_differences(module, forward, arrays, gradients):
    """forward() to a number; arrays and their gradients by name; two elements of each are tried."""
    for name, array in arrays.items():
        for at in (0, array.size - 1):
            kept, step = array.flat[at], 1e-6
            values = []
            for sign in (1, -1):
                array.flat[at] = kept + sign * step
                values.append(forward())
            array.flat[at] = kept
            difference = (values[0] - values[1]) / (2 * step)
            assert gradients[name].flat[at] == pytest.approx(difference, rel=1e-6, abs=1e-8), name


@pytest.mark.parametrize("lengths", [None, [3, 0, 5]])
@pytest.mark.parametrize(
    ("layer", "options"),
    [
        (rondo.RNN, {}),
        (rondo.RNN, {"nonlinearity": "relu"}),
        (rondo.LSTM, {"bidirectional": True}),
        (rondo.LSTM, {"proj_size": 2}),
        (rondo.GRU, {"bidirectional": True, "batch_first": True}),
    ],
)
def test_layer_gradients_by_differences(layer, options, lengths):
    module = layer(3, 4, 2, dtype=np.float64, **options)
    x = normal(*((3, 5, 3) if module.batch_first else (5, 3, 3)), dtype=np.float64)
    y, hn = module(x, lengths=lengths)
    hx = tuple(normal(*state.shape, dtype=np.float64, seed=1) for state in both(hn))
    dy = normal(*y.shape, dtype=np.float64, seed=2)
    dhn = tuple(normal(*state.shape, dtype=np.float64, seed=3) for state in both(hn))
    parameters = module.state_dict()

    def give(states):
        return states if layer is rondo.LSTM else states[0]

    def forward():
        module.load_state_dict(parameters)
        y, hn = module(x, give(hx), lengths)
        return float((dy * y).sum() + sum((d * h).sum() for d, h in zip(dhn, both(hn))))

    forward()
    dx, dh0, dparams = module.backward(dy, give(dhn))
    states = {f"state{i}": state for i, state in enumerate(hx)}
    gradients = {"x": dx, **dparams, **{f"state{i}": state for i, state in enumerate(both(dh0))}}
    _check_differences(module, forward, {"x": x, **parameters, **states}, gradients)


@pytest.mark.parametrize("cell", CELLS)
def test_cell_gradients_by_differences(cell):
    module = cell(3, 4, dtype=np.float64)
    x = normal(2, 3, dtype=np.float64)
    hx = tuple(normal(2, 4, dtype=np.float64, seed=seed) for seed in range(2 if cell is rondo.LSTMCell else 1))
    dh = tuple(normal(2, 4, dtype=np.float64, seed=9 + seed) for seed in range(len(hx)))
    parameters = module.state_dict()

    def give(states):
        return states if len(states) == 2 else states[0]

    def forward():
        module.load_state_dict(parameters)
        return float(sum((d * h).sum() for d, h in zip(dh, both(module(x, give(hx))))))

    forward()
    dx, dh0, dparams = module.backward(give(dh))
    states = {f"state{i}": state for i, state in enumerate(hx)}
    gradients = {"x": dx, **dparams, **{f"state{i}": state for i, state in enumerate(both(dh0))}}
    _check_differences(module, forward, {"x": x, **parameters, **states}, gradients)


def test_backward_runs_again_and_takes_none_for_zeros():
    module = rondo.LSTM(3, 4)
    y, (hn, cn) = module(normal(5, 2, 3))
    first, second = module.backward(y, (None, cn)), module.backward(y, (None, cn))
    zeros = module.backward(y, (np.zeros_like(hn), cn))
    for other in (second, zeros):
        assert np.array_equal(first[0], other[0])
        assert all(np.array_equal(first[2][name], other[2][name]) for name in first[2])
    assert not module.backward(None)[0].any()


# ---- modes, lengths, dropout ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", LAYERS)
def test_empty_calls(layer):
    module = layer(3, 4)
    for T, N in ((0, 2), (5, 0), (0, 0)):
        y, hn = module(np.empty((T, N, 3), np.float32))
        assert y.shape == (T, N, 4)
        assert all(state.shape == (1, N, 4) and not state.any() for state in both(hn))
        dx, _, dparams = module.backward(y)
        assert dx.shape == (T, N, 3)
        assert not any(gradient.any() for gradient in dparams.values())


def test_length_zero_keeps_the_state():
    module = rondo.GRU(3, 4).eval()
    h0 = normal(1, 2, 4)
    y, hn = module(normal(5, 2, 3), h0, lengths=[0, 5])
    assert np.array_equal(hn[:, 0], h0[:, 0])
    assert not y[:, 0].any()


def test_dropout_follows_the_seed_and_stops_in_eval():
    module = rondo.LSTM(6, 8, 2, dropout=0.5)
    x = normal(5, 3, 6)
    rondo.manual_seed(3)
    first, second = module(x)[0], module(x)[0]
    rondo.manual_seed(3)
    again = module(x)[0]
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)
    module.eval()
    assert np.array_equal(module(x)[0], module(x)[0])


def test_dropout_of_one_layer_warns():
    with pytest.warns(UserWarning, match="dropout is 0.5"):
        rondo.GRU(3, 4, dropout=0.5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_sixteen_bits(dtype):
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    module = rondo.LSTM(6, 8, dtype=dtype, cell_state_type="float32")
    wide = rondo.LSTM(6, 8)
    wide.load_state_dict(module.state_dict())
    x = normal(5, 3, 6).astype(module.weight_ih_l0.dtype)
    y, (hn, cn) = module(x)
    assert y.dtype.name == hn.dtype.name == dtype
    assert cn.dtype == np.float32
    assert np.abs(y.astype(np.float32) - wide(x.astype(np.float32))[0]).max() < 0.02
    dx, _, dparams = module.backward(y)
    assert {gradient.dtype.name for gradient in (dx, *dparams.values())} == {dtype}


def test_strided_reversed_and_unaligned_input_is_copied():
    module = rondo.LSTM(3, 4).eval()
    x = normal(5, 2, 3)
    expected = module(x)[0]
    unaligned = np.frombuffer(b"\0" + x.tobytes(), np.float32, offset=1).reshape(x.shape)
    for given in (np.asfortranarray(x), x[::-1][::-1], np.repeat(x, 2, axis=2)[:, :, ::2], unaligned):
        assert np.array_equal(module(given)[0], expected)
    wide = module(np.broadcast_to(x[:, :1], x.shape))[0]
    assert np.array_equal(wide, module(np.repeat(x[:, :1], 2, axis=1))[0])


def test_explain_names_the_back_end():
    text = rondo.LSTM(3, 4).explain(7, 2, "lengths")
    assert text.startswith("cpu: ")
    with pytest.raises(ValueError, match="sequence is 'none', expected one of full, lengths, packed"):
        rondo.LSTM(3, 4).explain(sequence="none")


def test_plans_are_shared_between_sizes():
    from rondo import _plans

    module = rondo.LSTM(3, 5)
    before = len(_plans._plans)
    made = {id(_plans.plan_for(module._spec, 0, 0, T, 4)) for T in range(33, 65)}
    assert len(made) == 4
    for T in range(1, 3000):
        _plans.plan_for(module._spec, 0, 0, T, T)
    assert before <= len(_plans._plans) <= _plans._PLANS
    assert all(size <= _plans.round_up(size) <= size * 1.25 for size in range(5000))
