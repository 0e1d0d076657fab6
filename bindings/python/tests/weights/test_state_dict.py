"""What every `to_` refuses of a state_dict, by name and shape, with what was expected."""

import numpy as np
import pytest
from weights_reference import module, state_of

from rondo import weights


@pytest.mark.parametrize(
    "change, text",
    [
        ({"weight_ih": np.zeros((24, 4))}, "names of a single cell, as 'weight_ih', beside names of layers"),
        ({"rnn.weight_ih_l0": np.zeros((24, 4))}, "state_dict has 'rnn.weight_ih_l0', expected torch's names"),
        ({"weight_ih_l00": np.zeros((24, 4))}, "state_dict has 'weight_ih_l00', expected torch's names"),
        ({3: np.zeros((24, 4))}, "state_dict has 3, expected torch's names"),
        ({"bias_hh_l0": None}, "state_dict has no 'bias_hh_l0'"),
        ({"weight_ih_l999999": np.zeros((24, 4))}, "state_dict has no 'weight_ih_l2'"),
        ({"weight_hh_l1_reverse": None}, "state_dict has no 'weight_hh_l1_reverse'"),
        ({"weight_hh_l0": np.zeros((24, 5))}, r"state_dict\['weight_hh_l0'\] has 24 rows of gates at hidden size 5"),
        ({"weight_hh_l0": np.zeros((0, 0))}, r"state_dict\['weight_hh_l0'\] has shape \[0, 0\], expected \[any, any\]"),
        ({"weight_hh_l0": np.zeros(24)}, r"state_dict\['weight_hh_l0'\] has shape \[24\], expected \[any, any\]"),
        ({"weight_ih_l1": np.zeros((24, 6))}, r"state_dict\['weight_ih_l1'\] has shape \[24, 6\], expected \[24, 12\]"),
        ({"bias_ih_l1": np.zeros(6)}, r"state_dict\['bias_ih_l1'\] has shape \[6\], expected \[24\]"),
    ],
)
@pytest.mark.parametrize("convert", [weights.to_onnx, weights.to_keras, weights.to_cudnn, weights.to_haste])
def test_names_and_shapes(convert, change, text):
    state = state_of(module("lstm", num_layers=2, bidirectional=True))
    state.update(change)
    state = {name: value for name, value in state.items() if value is not None}
    with pytest.raises(ValueError, match=text):
        convert(state)


@pytest.mark.parametrize("convert", [weights.to_onnx, weights.to_keras, weights.to_haste])
def test_a_projection_where_there_is_none(convert):
    with pytest.raises(ValueError, match="has 'weight_hr_l0', expected none: (ONNX|Keras|Haste) has no LSTM with"):
        convert(state_of(module("lstm", proj_size=2)))


def test_a_projection_of_another_cell():
    state = {"weight_ih_l0": np.zeros((18, 4)), "weight_hh_l0": np.zeros((18, 6)), "weight_hr_l0": np.zeros((6, 6))}
    with pytest.raises(ValueError, match=r"has shape \[18, 6\], expected \[4\*H, P\] with P below H"):
        weights.to_cudnn(state)


def test_a_layer_that_is_not_there():
    with pytest.raises(ValueError, match="layer is 2, expected 0 to 1"):
        weights.to_onnx(state_of(module("lstm", num_layers=2)), layer=2)
    with pytest.raises(ValueError, match="layer is 5, expected 0 to 0, or None for all"):
        weights.to_onednn(state_of(module("lstm")), layer=5)


def test_what_is_no_mapping_and_what_is_empty():
    with pytest.raises(TypeError, match="state_dict is a list, expected a mapping"):
        weights.to_cudnn([])
    with pytest.raises(ValueError, match="state_dict is empty"):
        weights.to_cudnn({})
    with pytest.raises(TypeError, match=r"state_dict\['weight_hh_l0'\] has dtype object"):
        weights.to_cudnn({"weight_hh_l0": None, "weight_ih_l0": None})


def test_results_are_copies():
    state = state_of(module("tanh"))
    matrices, biases = weights.to_cudnn(state)
    arrays = [*weights.to_onnx(state), *weights.to_keras(state), *matrices[0], *biases[0]]
    arrays += [value for value in weights.to_onednn(state)[1:] if value is not None]
    arrays += weights.from_cudnn(matrices, biases).values()
    sources = [*state.values()]
    for one in arrays:
        assert one.flags.c_contiguous
        assert not any(np.shares_memory(one, source) for source in sources)
