"""from_cudnn and to_cudnn against cuDNN's documented equations by linLayerID, stated here in NumPy: no GPU is asked.
The statement takes no gate's place from the converter."""

import numpy as np
import pytest
from weights_reference import H, I, N, assert_same, module, output, sequence, sigmoid, state_of, steps

from rondo import weights

P = 3
CASES = [
    (cell, projection, layers, bidirectional, bias)
    for cell, projection in (("tanh", 0), ("relu", 0), ("gru", 0), ("lstm", 0), ("lstm", P))
    for layers, bidirectional, bias in ((1, False, True), (3, False, False), (2, True, True))
]


def pseudo_layer(cell, matrices, biases, x, reverse):
    """One direction of one layer. linLayerID: RNN 0 input, 1 recurrent; GRU 0-2 and 3-5: reset, update, new memory;
    LSTM 0-3 and 4-7: input, forget, new memory, output; 8 the projection."""
    biases = [0] * len(matrices) if biases is None else biases

    def lin(k, value):
        return value @ matrices[k].T + biases[k]

    def rnn(x_t, h):
        a = lin(0, x_t) + lin(1, h)
        return (np.tanh(a) if cell == "tanh" else np.maximum(a, 0),)

    def gru(x_t, h):
        r, z = sigmoid(lin(0, x_t) + lin(3, h)), sigmoid(lin(1, x_t) + lin(4, h))
        return ((1 - z) * np.tanh(lin(2, x_t) + r * lin(5, h)) + z * h,)

    def lstm(x_t, h, c):
        i, f, o = (sigmoid(lin(k, x_t) + lin(k + 4, h)) for k in (0, 1, 3))
        c = f * c + i * np.tanh(lin(2, x_t) + lin(6, h))
        h = o * np.tanh(c)
        return (h if len(matrices) == 8 else h @ matrices[8].T), c

    outputs = len(matrices[8]) if len(matrices) == 9 else H
    states = (np.zeros((N, outputs)), np.zeros((N, H)))
    if cell == "lstm":
        return steps(lstm, x, states, reverse)
    return steps(gru if cell == "gru" else rnn, x, states[:1], reverse)


@pytest.mark.parametrize("cell, projection, layers, bidirectional, bias", CASES)
def test_cudnn_computes_what_torch_does(cell, projection, layers, bidirectional, bias):
    options = {"proj_size": projection} if projection else {}
    model = module(cell, num_layers=layers, bidirectional=bidirectional, bias=bias, **options)
    state, y, ways = state_of(model), sequence(), 1 + bidirectional
    matrices, biases = weights.to_cudnn(state)
    assert (biases is not None) == bias
    for layer in range(layers):
        each = [
            pseudo_layer(cell, matrices[at], biases and biases[at], y, at % ways == 1)
            for at in range(layer * ways, (layer + 1) * ways)
        ]
        y = np.concatenate(each, axis=2)
    np.testing.assert_allclose(y, output(model, sequence()), rtol=0, atol=1e-5)
    assert_same(weights.from_cudnn(matrices, biases, bidirectional=bidirectional), state)


@pytest.mark.parametrize("kept", [0, 1])
def test_a_single_bias_leaves_the_other_zero(kept):
    state = state_of(module("gru"))
    matrices, biases = weights.to_cudnn(state)
    one = [value if k // 3 == kept else None for k, value in enumerate(biases[0])]
    state[("bias_hh_l0", "bias_ih_l0")[kept]] = np.zeros(3 * H, np.float32)
    assert_same(weights.from_cudnn(matrices, [one]), state)


def test_what_differs_is_refused():
    matrices, biases = weights.to_cudnn(state_of(module("lstm", num_layers=3)))
    with pytest.raises(ValueError, match="matrices has 3 pseudo-layers, expected 1 or more, 2 to a layer"):
        weights.from_cudnn(matrices, biases, bidirectional=True)
    with pytest.raises(ValueError, match="matrices has 0 pseudo-layers"):
        weights.from_cudnn([])
    with pytest.raises(ValueError, match="biases has 2 pseudo-layers, expected 3"):
        weights.from_cudnn(matrices, biases[:2])
    with pytest.raises(ValueError, match=r"biases\[0\] has 4 vectors, expected 8"):
        weights.from_cudnn(matrices, [one[:4] for one in biases])
    with pytest.raises(ValueError, match=r"matrices\[1\] has 7 matrices, expected 2 \(RNN\), 6 \(GRU\), 8 \(LSTM\)"):
        weights.from_cudnn([matrices[0], matrices[1][:7]])
    with pytest.raises(ValueError, match=r"matrices\[0\] has no input matrix, expected one"):
        weights.from_cudnn([[None] * 4 + matrices[0][4:]])
    with pytest.raises(ValueError, match=r"matrices\[0\]\[4\] has shape \[6, 4\], expected \[6, 6\]"):
        weights.from_cudnn([matrices[0][:4] * 2])
    with pytest.raises(ValueError, match=r"matrices\[0\]\[6\] has shape \[6, 4\], expected \[6, 6\]"):
        weights.from_cudnn([matrices[0][:6] + [matrices[0][0]] * 2])
    with pytest.raises(ValueError, match=rf"state_dict\['weight_ih_l1'\] has shape \[24, {I}\], expected \[24, 6\]"):
        weights.from_cudnn([matrices[0], matrices[0]])
