"""from_onednn and to_onednn against oneDNN's documented layout, stated here in NumPy, and against oneDNN 3 where it is.
The statement takes no gate's place from the converter."""

import numpy as np
import onednn_library
import pytest
from weights_reference import H, I, N, assert_one_bias, module, output, sequence, sigmoid, state_of, steps

from rondo import weights

P = 4  # as wide as I, so that one array holds both layers of one direction
CASES = [
    (cell, projection, layers, bidirectional, bias)
    for cell, projection in (("tanh", 0), ("relu", 0), ("gru", 0), ("lstm", 0), ("lstm", P))
    for layers, bidirectional, bias in ((1, False, True), (1, True, False), (2, False, True))
]


def statement(cell, packed, at, way, x):
    """One direction of one layer: ldigo weights and ldgo bias; LSTM i, f, c, o; lbr_gru u, r, o and o's second bias."""
    layer, recurrent = packed.weights_layer[at, way], packed.weights_iter[at, way]
    bias = np.zeros((4, H)) if packed.bias is None else packed.bias[at, way]

    def gates(x_t, h):
        a, b = np.einsum("ni,igo->gno", x_t, layer), np.einsum("ni,igo->gno", h, recurrent)
        return a + bias[: len(a), None], b

    def rnn(x_t, h):
        a, b = gates(x_t, h)
        return (np.tanh(a[0] + b[0]) if cell == "tanh" else np.maximum(a[0] + b[0], 0),)

    def lbr_gru(x_t, h):
        a, b = gates(x_t, h)
        u, r = sigmoid(a[0] + b[0]), sigmoid(a[1] + b[1])
        return (u * h + (1 - u) * np.tanh(a[2] + r * (b[2] + bias[3])),)

    def lstm(x_t, h, c):
        a, b = gates(x_t, h)
        i, f, g, o = a + b
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        return (h if packed.weights_projection is None else h @ packed.weights_projection[at, way]), c

    states = (np.zeros((N, recurrent.shape[0])), np.zeros((N, H)))
    if cell == "lstm":
        return steps(lstm, x, states, way == 1)
    return steps(lbr_gru if cell == "gru" else rnn, x, states[:1], way == 1)


def case_of(cell, projection, layers, bidirectional, bias):
    """Module, x and what to_onednn gives; inputs are as wide as what a second layer takes."""
    options = {"proj_size": projection} if projection else {}
    inputs = I if layers == 1 else (1 + bidirectional) * (projection or H)
    model = module(cell, inputs=inputs, num_layers=layers, bidirectional=bidirectional, bias=bias, **options)
    return model, sequence(inputs=inputs), weights.to_onednn(state_of(model))


@pytest.mark.parametrize("cell, projection, layers, bidirectional, bias", CASES)
def test_the_layout_computes_what_torch_does(cell, projection, layers, bidirectional, bias):
    model, x, packed = case_of(cell, projection, layers, bidirectional, bias)
    y = x
    for at in range(layers):
        y = np.concatenate([statement(cell, packed, at, way, y) for way in range(1 + bidirectional)], axis=2)
    np.testing.assert_allclose(y, output(model, x), rtol=0, atol=1e-5)
    back, state = weights.from_onednn(*packed), state_of(model)
    assert_one_bias(back, state)
    if cell == "gru" and bias:
        np.testing.assert_array_equal(back["bias_hh_l0"][2 * H :], state["bias_hh_l0"][2 * H :])
        np.testing.assert_array_equal(back["bias_ih_l0"][2 * H :], state["bias_ih_l0"][2 * H :])


@pytest.mark.parametrize("cell, projection, layers, bidirectional, bias", CASES)
def test_onednn_computes_what_torch_does(cell, projection, layers, bidirectional, bias):
    library = onednn_library.load()
    model, x, packed = case_of(cell, projection, layers, bidirectional, bias)
    y = onednn_library.Primitive(library).run(cell, x, packed)
    np.testing.assert_allclose(y, output(model, x), rtol=0, atol=1e-5)


def test_layers_of_several_widths_are_converted_one_by_one():
    state = state_of(module("gru", num_layers=2, bidirectional=True))
    with pytest.raises(ValueError, match=r"'weight_ih_l1'\] takes 12 features and layer 0 4, expected one width"):
        weights.to_onednn(state)
    back = {}
    for layer in range(2):
        back.update(weights.from_onednn(*weights.to_onednn(state, layer=layer), layer=layer))
    assert_one_bias(back, state)


def test_a_bias_of_16_bit_weights_is_f32():
    import torch

    state = state_of(module("lstm", dtype=torch.float16))
    packed = weights.to_onednn(state)
    assert (packed.weights_iter.dtype, packed.bias.dtype) == (np.float16, np.float32)
    wide = state["bias_ih_l0"].astype(np.float32) + state["bias_hh_l0"].astype(np.float32)
    np.testing.assert_array_equal(packed.bias.ravel(), wide)
    assert all(value.dtype == np.float16 for value in weights.from_onednn(*packed).values())


@pytest.mark.parametrize(
    "change, text",
    [
        ({"alg_kind": "vanilla_gru"}, "alg_kind is 'vanilla_gru', expected .*'lbr_gru'"),
        ({"alg_kind": "lbr_gru"}, r"weights_iter has shape \[1, 1, 6, 4, 6\], expected \[any, any, any, 3, any\]"),
        ({"weights_peephole": np.zeros((1, 1, 3, H))}, "weights_peephole is given, expected None"),
        ({"direction": "bidirectional_sum"}, "direction is 'bidirectional_sum', expected 'unidirectional_left2right'"),
        ({"weights_iter": np.zeros((1, 3, H, 4, H))}, "weights_iter has 3 directions, expected 1 or 2"),
        ({"weights_iter": np.zeros((1, 1, P, 4, H))}, r"weights_iter has shape \[1, 1, 4, 4, 6\], expected \[1, 1, 6"),
        ({"weights_layer": np.zeros((1, 1, I, 3, H))}, r"weights_layer has shape .*, expected \[1, 1, any, 4"),
        ({"bias": np.zeros((1, 1, 3, H))}, r"bias has shape \[1, 1, 3, 6\], expected \[1, 1, 4, 6\]"),
        ({"weights_projection": np.zeros((1, 1, P, H))}, r"weights_projection has shape .*, expected \[1, 1, 6, 6"),
        ({"layer": 1.5}, None),
    ],
)
def test_what_differs_is_refused(change, text):
    given = weights.to_onednn(state_of(module("lstm")))._asdict()
    given.update(change)
    with pytest.raises(ValueError if text else TypeError, match=text):
        weights.from_onednn(**given)


def test_a_bias_of_three_gates_is_that_of_the_other_gru():
    packed = weights.to_onednn(state_of(module("gru")))
    with pytest.raises(ValueError, match=r"bias has shape \[1, 1, 3, 6\], expected \[1, 1, 4, 6\]"):
        weights.from_onednn(*packed._replace(bias=packed.bias[:, :, :3]))
    projection = np.zeros((1, 1, H, P), np.float32)
    with pytest.raises(ValueError, match="alg_kind is 'lbr_gru', expected 'vanilla_lstm': only an LSTM"):
        weights.from_onednn(*packed._replace(weights_projection=projection))
