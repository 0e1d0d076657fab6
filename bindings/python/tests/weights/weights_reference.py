"""torch's modules and their numbers, which every converter's tests are measured by.
Its parameters are those of torch's own initialisation, where both biases differ from zero and from each other."""

import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the reference is PyTorch, which is not installed")

T, N, I, H = 5, 3, 4, 6
CELLS = {"tanh": torch.nn.RNN, "relu": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}


def module(cell, *, inputs=I, dtype=torch.float32, **options):
    """A module of torch.nn for one of the names of CELLS."""
    torch.manual_seed(7)
    if CELLS[cell] is torch.nn.RNN:
        options["nonlinearity"] = cell
    return CELLS[cell](inputs, H, **options).to(dtype)


def state_of(model):
    """Its state_dict as NumPy arrays."""
    return {name: value.numpy() for name, value in model.state_dict().items()}


def sequence(dtype=np.float32, inputs=I):
    """x [T, N, inputs]."""
    return np.random.default_rng(3).standard_normal((T, N, inputs)).astype(dtype)


def output(model, x):
    """y [T, N, D*O]."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="LSTM with projections is not supported with oneDNN")
        return model(torch.from_numpy(x))[0].numpy()


def assert_same(state, expected):
    """The same names in the same order, and the same bytes."""
    assert list(state) == list(expected)
    for name, value in expected.items():
        assert state[name].dtype == value.dtype and state[name].flags.c_contiguous, name
        np.testing.assert_array_equal(state[name], value, err_msg=name)


def assert_one_bias(state, expected):
    """As `assert_same`, but for the biases, of which only the sum must be the same."""
    assert list(state) == list(expected)
    for name, value in expected.items():
        if name.startswith("weight"):
            np.testing.assert_array_equal(state[name], value, err_msg=name)
        elif name.startswith("bias_ih"):
            other = name.replace("bias_ih", "bias_hh")
            np.testing.assert_allclose(state[name] + state[other], value + expected[other], rtol=1e-6, err_msg=name)


def steps(step, x, states, reverse=False):
    """y [T, N, O] of `step`, which gives the next states, h first, from one x and the states."""
    y = [None] * len(x)
    for t in range(len(x))[:: -1 if reverse else 1]:
        states = step(x[t], *states)
        y[t] = states[0]
    return np.stack(y)


def sigmoid(a):
    """1 / (1 + exp(-a))."""
    return 1 / (1 + np.exp(-a))
