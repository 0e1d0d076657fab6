"""from_keras and to_keras against Keras, on its PyTorch back end: its layers must give torch's numbers.
Both ways: weights set into a Keras layer, and a Keras layer's own weights read out of it."""

import os

import numpy as np
import pytest
from weights_reference import H, I, assert_one_bias, assert_same, module, output, sequence, state_of

from rondo import weights

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras", reason="Keras is not installed")
torch = pytest.importorskip("torch")

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own

RNN = keras.layers.SimpleRNN
LAYERS = {"tanh": RNN, "relu": RNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}
CASES = [(cell, ways, bias) for cell in LAYERS for ways, bias in ((1, True), (1, False), (2, True), (2, False))]


def keras_layer(cell, ways, bias):
    options = {"activation": "relu"} if cell == "relu" else {}
    layer = LAYERS[cell](H, return_sequences=True, use_bias=bias, **options)
    layer = keras.layers.Bidirectional(layer) if ways == 2 else layer
    layer.build((None, None, I))
    return layer


def run(layer, x):
    """y [T, N, D*H]; Keras is batch-major."""
    with torch.no_grad():
        return layer(x.transpose(1, 0, 2).copy()).cpu().numpy().transpose(1, 0, 2)


@pytest.mark.parametrize("cell, ways, bias", CASES)
def test_keras_computes_what_torch_does(cell, ways, bias):
    model, x = module(cell, bidirectional=ways == 2, bias=bias), sequence()
    layer = keras_layer(cell, ways, bias)
    layer.set_weights(weights.to_keras(state_of(model)))
    np.testing.assert_allclose(run(layer, x), output(model, x), rtol=0, atol=1e-5)


@pytest.mark.parametrize("cell, ways, bias", CASES)
def test_torch_computes_what_keras_does(cell, ways, bias):
    model, x = module(cell, bidirectional=ways == 2, bias=bias), sequence()
    layer = keras_layer(cell, ways, bias)
    values = np.random.default_rng(5)
    layer.set_weights([values.uniform(-0.4, 0.4, one.shape).astype(one.dtype) for one in layer.get_weights()])
    state = weights.from_keras(layer.get_weights(), activation="relu" if cell == "relu" else "tanh")
    model.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    np.testing.assert_allclose(run(layer, x), output(model, x), rtol=0, atol=1e-5)


@pytest.mark.parametrize("cell", LAYERS)
def test_and_back(cell):
    state = state_of(module(cell, num_layers=2, bidirectional=True))
    back = {}
    for layer in range(2):
        back.update(weights.from_keras(weights.to_keras(state, layer=layer), layer=layer))
    (assert_same if cell == "gru" else assert_one_bias)(back, state)


def test_a_gru_of_the_other_kind_is_refused():
    layer = keras.layers.GRU(H, reset_after=False)
    layer.build((None, None, I))
    with pytest.raises(ValueError, match=r"weights\[2\] has shape \[18\], expected \[2, 18\]"):
        weights.from_keras(layer.get_weights())
    with pytest.raises(ValueError, match="reset_after is False, expected True: .*before the product"):
        weights.from_keras(layer.get_weights(), reset_after=False)


@pytest.mark.parametrize(
    "change, text",
    [
        ({"activation": "relu"}, r"activation is 'relu', expected 'tanh'"),
        ({"recurrent_activation": "hard_sigmoid"}, r"recurrent_activation is 'hard_sigmoid', expected 'sigmoid'"),
        ({"merge_mode": "sum"}, r"merge_mode is 'sum', expected 'concat'"),
        ({"go_backwards": True}, r"go_backwards is True, expected False"),
        ({"weights": [np.zeros((I, 4 * H))]}, r"weights has 1 arrays, expected 2 or 3"),
        ({"weights": [np.zeros((I, 4 * H)), np.zeros((H, 5 * H))]}, r"weights\[1\], transposed, has 30 rows of gates"),
        ({"weights": [np.zeros((I, H)), np.zeros((H, 4 * H))]}, r"weights\[0\] has shape \[4, 6\], expected"),
        (
            {"weights": [np.zeros((I, H)), np.zeros((H, H)), np.zeros((I + 1, H)), np.zeros((H, H))]},
            r"weights has directions of different sizes",
        ),
    ],
)
def test_what_differs_is_refused(change, text):
    given = {"weights": weights.to_keras(state_of(module("lstm")))}
    given.update(change)
    with pytest.raises(ValueError, match=text):
        weights.from_keras(**given)
