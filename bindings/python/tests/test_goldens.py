"""Every golden case through the modules: outputs and all gradients, packed cases also as padded rows with lengths.

The bounds are those of the library's own golden tests."""

from __future__ import annotations

import goldens
import numpy as np
import pytest

import rondo

LAYERS = {"rnn_tanh": rondo.RNN, "rnn_relu": rondo.RNN, "lstm": rondo.LSTM, "gru": rondo.GRU}
CELLS = {"rnn_tanh": rondo.RNNCell, "rnn_relu": rondo.RNNCell, "lstm": rondo.LSTMCell, "gru": rondo.GRUCell}


def module_of(case, tensors, dtype, **more):
    options = {"bias": case["bias"], "dtype": dtype, **more}
    if case["cell"].startswith("rnn"):
        options["nonlinearity"] = case["cell"][4:]
    if case["single_cell"]:
        module = CELLS[case["cell"]](case["I"], case["H"], **options)
    else:
        if case["P"]:
            options["proj_size"] = case["P"]
        module = LAYERS[case["cell"]](
            case["I"],
            case["H"],
            case["L"],
            batch_first=case["batch_major"],
            dropout=case["dropout"],
            bidirectional=case["D"] == 2,
            **options,
        )
    module.load_state_dict(split(module, case, tensors["params"]))
    return module


def split(module, case, flat):
    shapes = {name: array.shape for name, array in module.state_dict().items()}
    assert list(shapes) == case["params"]
    offsets = np.cumsum([0] + [int(np.prod(shape)) for shape in shapes.values()])
    assert offsets[-1] == flat.size
    return {name: flat[o : o + int(np.prod(s))].reshape(s) for (name, s), o in zip(shapes.items(), offsets)}


def pair(tensors, h, c):
    if h not in tensors:
        return None
    return (tensors[h], tensors[c]) if c in tensors else tensors[h]


def split_state(state):
    return state if isinstance(state, tuple) else (state, None)


def check(pairs, bound):
    worst = {name: goldens.error(found, expected) for name, (found, expected) in pairs.items()}
    assert max(worst.values()) <= bound, worst


def check_states(case, tensors, states, names, bound):
    found = {name: state for name, state in zip(names, split_state(states)) if state is not None}
    if case["states"] or names[0][0] != "d":
        check({name: (state, tensors[name].reshape(state.shape)) for name, state in found.items()}, bound)


def cases():
    return [(name, dtype) for name in goldens.names() for dtype in ("float64", "float32")]


@pytest.mark.parametrize(("name", "dtype"), cases())
def test_case(name, dtype):
    case, tensors = goldens.case(name, dtype)
    module = module_of(case, tensors, dtype)
    forward, gradients = goldens.FORWARD[dtype], goldens.GRADIENTS[dtype]
    states = pair(tensors, "h0", "c0")
    if case["single_cell"]:
        out = module(tensors["x"].reshape(-1, case["I"]), squeezed(states))
        check_states(case, tensors, out, ("hn", "cn"), forward)
        # The goldens' loss weighs y and hn, which are one here.
        dh = tensors["dhn"] + tensors["dy"].reshape(tensors["dhn"].shape)
        dx, dh0, dparams = module.backward(squeezed(pair({**tensors, "dhn": dh}, "dhn", "dcn")))
        dx = dx.reshape(tensors["dx"].shape)
    elif case["sequence"] == "packed":
        order = np.array(case["sorted_indices"], np.int64) if case["sorted_indices"] else None
        y, out = module(rondo.PackedSequence(tensors["x"], case["batch_sizes"], order), states)
        check({"y": (y.data, tensors["y"])}, forward)
        check_states(case, tensors, out, ("hn", "cn"), forward)
        dx, dh0, dparams = module.backward(tensors["dy"], pair(tensors, "dhn", "dcn"))
        dx = dx.data
    else:
        y, out = module(tensors["x"], states)
        check({"y": (y, tensors["y"])}, forward)
        check_states(case, tensors, out, ("hn", "cn"), forward)
        dx, dh0, dparams = module.backward(tensors["dy"], pair(tensors, "dhn", "dcn"))
    check({"dx": (dx, tensors["dx"])}, gradients)
    check_states(case, tensors, dh0, ("dh0", "dc0"), gradients)
    expected = split(module, case, tensors["dparams"])
    assert list(dparams) == list(expected)
    check({name: (dparams[name], expected[name]) for name in expected}, gradients)


def squeezed(states):
    if states is None:
        return None
    if isinstance(states, tuple):
        return tuple(squeezed(state) for state in states)
    return states.reshape(-1, states.shape[-1])


@pytest.mark.parametrize("lengths_type", [np.int64, np.int32, list])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("name", [name for name in goldens.names() if "packed" in name])
def test_packed_case_as_padded_rows(name, batch_first, lengths_type):
    case, tensors = goldens.case(name, "float64")
    module = module_of({**case, "batch_major": batch_first}, tensors, "float64")
    order = np.array(case["sorted_indices"], np.int64) if case["sorted_indices"] else None

    def padded(data):
        return rondo.pad_packed_sequence(
            rondo.PackedSequence(data, case["batch_sizes"], order), batch_first, padding_value=np.nan
        )[0]

    lengths = case["lengths"] if lengths_type is list else np.array(case["lengths"], lengths_type)
    y, out = module(padded(tensors["x"]), pair(tensors, "h0", "c0"), lengths)
    check({"y": (y, np.nan_to_num(padded(tensors["y"])))}, 1e-12)
    check_states(case, tensors, out, ("hn", "cn"), 1e-12)
    dx, dh0, dparams = module.backward(padded(tensors["dy"]), pair(tensors, "dhn", "dcn"))
    check({"dx": (dx, np.nan_to_num(padded(tensors["dx"])))}, 1e-12)
    check_states(case, tensors, dh0, ("dh0", "dc0"), 1e-12)
    expected = split(module, case, tensors["dparams"])
    check({key: (dparams[key], expected[key]) for key in expected}, 1e-12)


@pytest.mark.parametrize("name", [name for name in goldens.names() if "cell" not in name and "dropout" not in name])
def test_inference_gives_training_outputs(name):
    case, tensors = goldens.case(name, "float64")
    module = module_of(case, tensors, "float64").eval()
    x, states = tensors["x"], pair(tensors, "h0", "c0")
    if case["sequence"] == "packed":
        order = np.array(case["sorted_indices"], np.int64) if case["sorted_indices"] else None
        y, out = module(rondo.PackedSequence(x, case["batch_sizes"], order), states)
        y = y.data
    else:
        y, out = module(x, states)
    check({"y": (y, tensors["y"])}, 1e-12)
    check_states(case, tensors, out, ("hn", "cn"), 1e-12)
    with pytest.raises(rondo.RondoError, match=r"expected one in train\(\) mode"):
        module.backward(y)
