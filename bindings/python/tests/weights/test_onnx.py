"""from_onnx and to_onnx against ONNX Runtime: one-node models must give torch's numbers.
Every layer of a stack is a node of its own, as ONNX has it."""

import numpy as np
import pytest
from weights_reference import H, I, N, T, assert_same, module, output, sequence, state_of

from rondo import weights

onnx = pytest.importorskip("onnx", reason="the package onnx is not installed")
runtime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")

CASES = [
    (cell, layers, bidirectional, bias)
    for cell in ("tanh", "relu", "gru", "lstm")
    for layers, bidirectional, bias in ((1, False, True), (1, True, False), (2, True, True))
]
ATTRIBUTES = {"tanh": {}, "relu": {"activations": ["Relu"]}, "gru": {"linear_before_reset": 1}, "lstm": {}}
OPERATORS = {"tanh": "RNN", "relu": "RNN", "gru": "GRU", "lstm": "LSTM"}


def attributes(cell, directions):
    result = dict(ATTRIBUTES[cell], direction=("forward", "bidirectional")[directions - 1])
    if "activations" in result:
        result["activations"] = result["activations"] * directions
    return result


def run_node(cell, x, W, R, B):
    """y [T, N, D*H] of a one-node model, whose Y is [T, D, N, H]."""
    tensors = {"W": W, "R": R} if B is None else {"W": W, "R": R, "B": B}
    node = onnx.helper.make_node(
        OPERATORS[cell], ["x", *tensors], ["y"], hidden_size=H, **attributes(cell, len(W))
    )
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [node],
        "one",
        [value("x", onnx.TensorProto.FLOAT, [T, N, x.shape[2]])],
        [value("y", onnx.TensorProto.FLOAT, [T, len(W), N, H])],
        [onnx.numpy_helper.from_array(tensor, name) for name, tensor in tensors.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 14)], ir_version=8)
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0].transpose(0, 2, 1, 3).reshape(T, N, -1)


@pytest.mark.parametrize("cell, layers, bidirectional, bias", CASES)
def test_runtime_computes_what_torch_does(cell, layers, bidirectional, bias):
    model = module(cell, num_layers=layers, bidirectional=bidirectional, bias=bias)
    state, x = state_of(model), sequence()
    y, back = x, {}
    for layer in range(layers):
        tensors = weights.to_onnx(state, layer=layer)
        y = run_node(cell, y, *tensors)
        back.update(weights.from_onnx(*tensors, **attributes(cell, 1 + bidirectional), layer=layer))
    np.testing.assert_allclose(y, output(model, x), rtol=0, atol=1e-5)
    assert_same(back, state)


def test_a_single_cell_has_no_numbers_in_its_names():
    import torch

    cell = {name: value.numpy() for name, value in torch.nn.GRUCell(I, H).state_dict().items()}
    tensors = weights.to_onnx(cell, layer=None)
    assert tensors[0].shape == (1, 3 * H, I)
    assert_same(weights.from_onnx(*tensors, linear_before_reset=1, layer=None), cell)


def test_double_precision_stays():
    import torch

    state = state_of(module("lstm", dtype=torch.float64))
    assert all(tensor.dtype == np.float64 for tensor in weights.to_onnx(state))
    assert_same(weights.from_onnx(*weights.to_onnx(state)), state)


def onnx_tensors(cell="lstm", **options):
    return weights.to_onnx(state_of(module(cell, **options)))


@pytest.mark.parametrize(
    "cell, change, text",
    [
        ("gru", {}, r"linear_before_reset is 0, expected 1: .*before the product"),
        ("lstm", {"P": np.zeros((1, 3 * H), np.float32)}, r"P is given, expected None: .*peepholes"),
        ("lstm", {"direction": "reverse"}, r"direction is 'reverse', expected 'forward'"),
        ("lstm", {"direction": "bidirectional"}, r"direction is 'bidirectional', expected 'forward'"),
        ("lstm", {"activations": ["Sigmoid", "Tanh", "Relu"]}, r"activations is .*Relu.*, expected .*'Tanh', 'Tanh'"),
        ("lstm", {"clip": 3.0}, r"clip is 3.0, expected None"),
        ("lstm", {"input_forget": 1}, r"input_forget is 1, expected 0"),
        ("lstm", {"layer": -1}, r"layer is -1, expected 0 or more"),
        ("lstm", {"W": np.zeros((1, 4 * H), np.float32)}, r"W has shape \[1, 24\], expected \[1, 24, any\]"),
        ("lstm", {"R": np.zeros((1, 4 * H, H + 1), np.float32)}, r"R has 24 rows of gates at hidden size 7"),
        ("lstm", {"R": np.zeros((3, 4 * H, H), np.float32)}, r"R has 3 directions, expected 1 or 2"),
        ("lstm", {"B": np.zeros((1, 4 * H), np.float32)}, r"B has shape \[1, 24\], expected \[1, 48\]"),
    ],
)
def test_what_differs_is_refused(cell, change, text):
    given = dict(zip("WRB", onnx_tensors(cell)))
    given.update(change)
    with pytest.raises(ValueError, match=text):
        weights.from_onnx(**given)


def test_integers_are_refused():
    W, R, _ = onnx_tensors()
    with pytest.raises(TypeError, match=r"W has dtype int64, expected a floating-point type"):
        weights.from_onnx(W.astype(np.int64), R)


def test_two_directions_are_no_single_cell():
    with pytest.raises(ValueError, match="layer is None, as for a single cell"):
        weights.from_onnx(*onnx_tensors(bidirectional=True), layer=None)
