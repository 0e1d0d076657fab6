"""Runs one oneDNN primitive over plain f32 arrays, through the C API of oneDNN 3.
The library is the one of dnnl_DIR, where CMake finds its package, or the system's; numbers are dnnl_types.h's."""

import ctypes
import ctypes.util
import os

import numpy as np
import pytest

_ARGUMENTS = {"x": 1, "y": 17, "weights_layer": 33, "weights_iter": 34, "weights_projection": 36, "bias": 41}
_ACTIVATIONS = {"relu": 0x20, "tanh": 0x21}
_INFERENCE, _CPU, _F32, _LEFT_TO_RIGHT, _CONCAT = 96, 1, 3, 1, 3


class _Argument(ctypes.Structure):
    _fields_ = [("number", ctypes.c_int), ("memory", ctypes.c_void_p)]


class _Version(ctypes.Structure):
    _fields_ = [("major", ctypes.c_int)]


def load():
    """The library, or the reason why the test is skipped."""
    folder = os.environ.get("dnnl_DIR")
    path = os.path.join(folder, "..", "..", "libdnnl.so") if folder else ctypes.util.find_library("dnnl")
    if path is None:
        pytest.skip("oneDNN is not installed")
    library = ctypes.CDLL(path)
    library.dnnl_version.restype = ctypes.POINTER(_Version)
    if library.dnnl_version().contents.major != 3:
        pytest.skip(f"oneDNN {library.dnnl_version().contents.major} is here, the test speaks to 3")
    return library


class Primitive:
    """One forward call; what it makes lives as long as the process, which is a test's."""

    def __init__(self, library):
        self._library = library
        self._engine = self._made("engine_create", _CPU, ctypes.c_size_t(0))
        self._stream = self._made("stream_create", self._engine, 0)

    def _made(self, name, *rest):
        result = ctypes.c_void_p()
        status = getattr(self._library, "dnnl_" + name)(ctypes.byref(result), *rest)
        assert status == 0, f"dnnl_{name}: status {status}"
        return result

    def run(self, cell, x, weights_of):
        """y [T, N, D*O] of `weights_of`, a rondo.weights.OneDNN."""
        layers, directions, _, gates, hidden = weights_of.weights_layer.shape
        outputs = weights_of.weights_iter.shape[2]
        bias = weights_of.bias
        if bias is None:  # lbr_gru has no form without
            bias = np.zeros((layers, directions, gates + (gates == 3), hidden), np.float32)
        y = np.empty((*x.shape[:2], directions * outputs), np.float32)
        arrays = dict(weights_of._asdict(), x=x, y=y, bias=bias)
        descriptions, arguments = {name: None for name in _ARGUMENTS}, []
        for name, number in _ARGUMENTS.items():
            value = arrays[name]
            if value is None:
                continue
            assert value.dtype == np.float32 and value.flags.c_contiguous
            dims = (ctypes.c_int64 * value.ndim)(*value.shape)
            strides = (ctypes.c_int64 * value.ndim)(*(stride // 4 for stride in value.strides))
            descriptions[name] = self._made("memory_desc_create_with_strides", value.ndim, dims, _F32, strides)
            address = ctypes.c_void_p(value.ctypes.data)
            arguments.append(_Argument(number, self._made("memory_create", descriptions[name], self._engine, address)))
        d, none = descriptions, None
        way = _CONCAT if directions == 2 else _LEFT_TO_RIGHT
        head = (self._engine, _INFERENCE)
        ends = (d["bias"], d["y"], none)
        if gates == 4:
            inputs = (d["x"], none, none, d["weights_layer"], d["weights_iter"], none, d["weights_projection"])
            made = self._made("lstm_forward_primitive_desc_create", *head, way, *inputs, *ends, none, 0, none)
        elif gates == 3:
            inputs = (d["x"], none, d["weights_layer"], d["weights_iter"])
            made = self._made("lbr_gru_forward_primitive_desc_create", *head, way, *inputs, *ends, 0, none)
        else:
            inputs = (d["x"], none, d["weights_layer"], d["weights_iter"])
            name = "vanilla_rnn_forward_primitive_desc_create"
            slopes = (ctypes.c_float(0), ctypes.c_float(0))
            made = self._made(name, *head, _ACTIVATIONS[cell], way, *inputs, *ends, 0, *slopes, none)
        primitive = self._made("primitive_create", made)
        status = self._library.dnnl_primitive_execute(
            primitive, self._stream, len(arguments), (_Argument * len(arguments))(*arguments)
        )
        assert status == 0 and self._library.dnnl_stream_wait(self._stream) == 0, f"status {status}"
        return y
