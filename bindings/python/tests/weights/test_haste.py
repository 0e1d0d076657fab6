"""from_haste and to_haste against Haste's documented layout, stated here in NumPy; PyPI has it only as CUDA sources.
The statement takes no gate's place from the converter."""

import numpy as np
import pytest
from weights_reference import H, I, N, assert_one_bias, assert_same, module, output, sequence, sigmoid, state_of, steps

from rondo import weights


def haste_lstm(layer, x, reverse):
    """kernel [in, 4*H], recurrent_kernel [H, 4*H], bias [4*H], gates i, g, f, o."""

    def step(x_t, h, c):
        v = x_t @ layer["kernel"] + h @ layer["recurrent_kernel"] + layer["bias"]
        i, g, f, o = v[:, :H], v[:, H : 2 * H], v[:, 2 * H : 3 * H], v[:, 3 * H :]
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c

    return steps(step, x, (np.zeros((N, H)), np.zeros((N, H))), reverse)


def haste_gru(layer, x, reverse):
    """As the LSTM, gates z, r, h, the reset after the product, and a recurrent_bias beside bias."""

    def step(x_t, h):
        a = x_t @ layer["kernel"] + layer["bias"]
        b = h @ layer["recurrent_kernel"] + layer["recurrent_bias"]
        z, r = sigmoid(a[:, :H] + b[:, :H]), sigmoid(a[:, H : 2 * H] + b[:, H : 2 * H])
        return (z * h + (1 - z) * np.tanh(a[:, 2 * H :] + r * b[:, 2 * H :]),)

    return steps(step, x, (np.zeros((N, H)),), reverse)


RUN = {"lstm": haste_lstm, "gru": haste_gru}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("cell", RUN)
def test_haste_computes_what_torch_does(cell, bias):
    model, x = module(cell, num_layers=2, bidirectional=True, bias=bias), sequence()
    y = x
    for layer in range(2):
        ways = [weights.to_haste(state_of(model), layer=layer, reverse=reverse) for reverse in (False, True)]
        y = np.concatenate([RUN[cell](way, y, reverse) for reverse, way in enumerate(ways)], axis=2)
    np.testing.assert_allclose(y, output(model, x), rtol=0, atol=1e-5)


@pytest.mark.parametrize("cell", RUN)
def test_and_back(cell):
    state = state_of(module(cell, bidirectional=True))
    back = {}
    for reverse in (False, True):
        back.update(weights.from_haste(weights.to_haste(state, reverse=reverse), reverse=reverse))
    (assert_same if cell == "gru" else assert_one_bias)(back, state)


def test_names_and_shapes_are_those_of_haste():
    assert {name: value.shape for name, value in weights.to_haste(state_of(module("gru"))).items()} == {
        "kernel": (I, 3 * H),
        "recurrent_kernel": (H, 3 * H),
        "bias": (3 * H,),
        "recurrent_bias": (3 * H,),
    }


def test_what_differs_is_refused():
    lstm, gru = (weights.to_haste(state_of(module(cell))) for cell in ("lstm", "gru"))
    with pytest.raises(ValueError, match="zoneout is 0.1, expected 0"):
        weights.from_haste(lstm, zoneout=0.1)
    with pytest.raises(ValueError, match=r"weights has the names \['bias', 'gamma', .*expected \['kernel', "):
        weights.from_haste(dict(lstm, gamma=lstm["bias"]))
    with pytest.raises(ValueError, match=r"weights\['recurrent_kernel'\] has shape \[6, 24\], expected \[6, 18\]"):
        weights.from_haste(dict(gru, recurrent_kernel=lstm["recurrent_kernel"]))
    with pytest.raises(ValueError, match=r"weights\['bias'\] has shape \[18\], expected \[24\]"):
        weights.from_haste(dict(lstm, bias=gru["bias"]))
    with pytest.raises(ValueError, match="reverse is True, expected False where layer is None"):
        weights.from_haste(lstm, layer=None, reverse=True)
    with pytest.raises(ValueError, match="reverse is True, expected False: the state_dict has one direction"):
        weights.to_haste(state_of(module("lstm")), reverse=True)
    with pytest.raises(ValueError, match="is that of an RNN, expected LSTM or GRU"):
        weights.to_haste(state_of(module("tanh")))
    with pytest.raises(TypeError, match="weights is a list, expected a mapping"):
        weights.from_haste([])
