#!/usr/bin/env python3
"""ONNX Runtime as a peer of rondo's CPU benchmark: a model of RNN, LSTM or GRU nodes made in memory, weights as
initializers so that they are packed beforehand, input and output bound once. Usage: ort_bench.py [THREADS]

Inference in f32 only. Without onnxruntime, onnx or numpy it ends with status 77 before the first answer.
"""
import math
import sys

try:
    import numpy as np
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    import peer_common
    import peer_shapes
except ImportError as error:
    print(f"skipped: {error}", file=sys.stderr)
    sys.exit(77)

THREADS = int(sys.argv[1]) if len(sys.argv) > 1 else 0
OPSET, IR_VERSION = 14, 8
# PyTorch's gates in ONNX's order: i o f c of i f g o, z r h of r z n.
GATES = {"rnn_tanh": [0], "rnn_relu": [0], "lstm": [0, 3, 1, 2], "gru": [1, 0, 2]}


def values(size, bound, array):
    return np.resize(peer_common.drawn(math.prod(size), bound, array).astype(np.float32), size)


def parameter_sizes(shape, layer):
    """Of one direction of one layer, in PyTorch's order: w_ih, w_hh, b_ih, b_hh."""
    rows, H = len(GATES[shape["cell"]]) * shape["H"], shape["H"]
    return [(rows, shape["I"] if layer == 0 else shape["D"] * H), (rows, H), (rows,), (rows,)]


def reordered(parameter, cell):
    gates = GATES[cell]
    return parameter.reshape(len(gates), -1, *parameter.shape[1:])[gates].reshape(parameter.shape)


def layer_parameters(shape, layer):
    """W, R and B of one layer as ONNX has them, directions stacked."""
    bound, directions = peer_shapes.param_bound(shape), []
    for direction in range(shape["D"]):
        first = peer_shapes.FIRST_PARAM_ARRAY + 4 * (layer * shape["D"] + direction)
        drawn = [values(size, bound, first + k) for k, size in enumerate(parameter_sizes(shape, layer))]
        directions.append([reordered(each, shape["cell"]) for each in drawn])
    w, r = (np.stack([each[k] for each in directions]) for k in (0, 1))
    return {"W": w, "R": r, "B": np.stack([np.concatenate(each[2:]) for each in directions])}


def make_model(shape):
    T, N, H, D, L = (shape[key] for key in "TNHDL")
    cell = shape["cell"]
    attributes = {"hidden_size": H, "direction": "bidirectional" if D == 2 else "forward"}
    if cell == "gru":
        attributes["linear_before_reset"] = 1
    if cell.startswith("rnn"):
        attributes["activations"] = [cell[4:].capitalize()] * D
    nodes, initializers = [], []
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, (T, N, shape["I"]))]
    lengths = peer_shapes.lengths_of(shape)
    if lengths is not None:
        initializers.append(numpy_helper.from_array(np.array(lengths, np.int32), "lengths"))
    rows = numpy_helper.from_array(np.array([T, N, D * H], np.int64), "rows")
    below = "x"
    for layer in range(L):
        for name, array in layer_parameters(shape, layer).items():
            initializers.append(numpy_helper.from_array(array, f"{name}{layer}"))
        names = [below, *(f"{name}{layer}" for name in "WRB"), "lengths" if lengths is not None else ""]
        kind = "RNN" if cell.startswith("rnn") else cell.upper()
        nodes.append(helper.make_node(kind, names, [f"y{layer}"], **attributes))
        if layer + 1 < L:  # [T, D, N, H] to the next layer's [T, N, D*H]
            nodes.append(helper.make_node("Transpose", [f"y{layer}"], [f"turned{layer}"], perm=[0, 2, 1, 3]))
            nodes.append(helper.make_node("Reshape", [f"turned{layer}", "rows"], [f"x{layer + 1}"]))
            below = f"x{layer + 1}"
    outputs = [helper.make_tensor_value_info(f"y{L - 1}", TensorProto.FLOAT, (T, D, N, H))]
    graph = helper.make_graph(nodes, "rnn", inputs, outputs, initializers + ([rows] if L > 1 else []))
    opsets = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION).SerializeToString()


class OrtVariant(peer_common.Variant):
    def __init__(self, shape):
        if shape["mode"] != "inference":
            raise ValueError("ONNX Runtime has no training")
        if shape["dtype"] != "f32" or shape["sequence"] == "packed":
            raise ValueError("its recurrent nodes on the CPU know f32 and padded sequences only")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(make_model(shape), options, providers=["CPUExecutionProvider"])
        T, N, H, D = (shape[key] for key in "TNHD")
        x = values((T, N, shape["I"]), peer_shapes.DATA_BOUND, peer_shapes.X_ARRAY)
        self.x = onnxruntime.OrtValue.ortvalue_from_numpy(x)
        self.y = onnxruntime.OrtValue.ortvalue_from_shape_and_type((T, D, N, H), np.float32)
        self.binding = self.session.io_binding()
        self.binding.bind_ortvalue_input("x", self.x)
        self.binding.bind_ortvalue_output(f"y{shape['L'] - 1}", self.y)

    def call(self):
        self.session.run_with_iobinding(self.binding)

    def probe(self):
        flat = self.y.numpy().transpose(0, 2, 1, 3).reshape(-1)
        return flat[peer_shapes.probe_places(flat.size)].astype(float).tolist()


def main():
    version = f"ONNX Runtime {onnxruntime.__version__}"
    return peer_common.serve(peer_common.Server(version, lambda _: [("session", OrtVariant)], Exception))


if __name__ == "__main__":
    sys.exit(main())
