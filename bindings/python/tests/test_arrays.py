"""Arrays of other libraries in and out without a copy, and device arrays over the emulated CUDA of the library's tests.

RONDO_TEST_EMULATED names the folder of emulated modules; the tests that need them are skipped without it."""

from __future__ import annotations

import os

import numpy as np
import pytest

import rondo
from rondo import _arrays

EMULATED = os.environ.get("RONDO_TEST_EMULATED")


class ByDLPack:
    """Any library's array: nothing but the protocol."""

    def __init__(self, array):
        self.array, self.exports = array, 0

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()

    def __dlpack__(self, **options):
        self.exports += 1
        return self.array.__dlpack__(**options)


class ByInterface:
    """An array of nothing but __cuda_array_interface__."""

    def __init__(self, interface, owner):
        self.__cuda_array_interface__, self.owner = interface, owner


# ---- host ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int64, np.int32, np.uint8, np.bool_])
def test_dlpack_in_is_a_view(dtype):
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    if dtype is np.bool_ and np.lib.NumpyVersion(np.__version__) < "1.25.0":
        pytest.skip("this NumPy does not export truth values")
    for given in (
        array,
        array.T,
        array[:, ::2],
        array[::-1],
        array[:0],
        array[0, 0, 0:1],
        array.reshape(24)[:1].reshape(()),
    ):
        found = rondo.from_dlpack(ByDLPack(given))
        assert found.dtype == dtype
        assert np.array_equal(found, given)
        assert given.size == 0 or np.shares_memory(found, given)


def test_modules_take_dlpack_arrays():
    module = rondo.LSTM(3, 4).eval()
    x = np.random.default_rng(0).standard_normal((5, 2, 3), np.float32)
    h0 = np.ones((1, 2, 4), np.float32)
    expected = module(x, (h0, h0), [5, 2])
    given = ByDLPack(x)
    found = module(given, (ByDLPack(h0), h0), ByDLPack(np.array([5, 2])))
    assert np.array_equal(found[0], expected[0])
    assert given.exports == 1
    strided = ByDLPack(np.asfortranarray(x))
    assert np.array_equal(module(strided, (h0, h0), [5, 2])[0], expected[0])


def test_the_memory_of_a_capsule_outlives_its_giver():
    import gc

    found = rondo.from_dlpack(ByDLPack(np.arange(100000.0)))
    gc.collect()
    junk = [np.full(100000, -1.0) for _ in range(5)]
    assert found.sum() == sum(range(100000))
    assert len(junk) == 5


def test_bfloat16_goes_by_dlpack_too():
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    array = np.arange(6).reshape(2, 3).astype(ml_dtypes.bfloat16)

    class Capsule:
        def __dlpack_device__(self):
            return 1, 0

        def __dlpack__(self, **_):
            return rondo.to_dlpack(array)

    found = rondo.from_dlpack(Capsule())
    assert found.dtype == array.dtype
    assert np.array_equal(found, array)
    assert np.shares_memory(found, array)
    array[0, 0] = 7
    assert found[0, 0] == 7


def test_dlpack_refusals():
    class Wrong:
        def __dlpack_device__(self):
            return 1, 0

        def __dlpack__(self, **_):
            return "no capsule"

    with pytest.raises(ValueError, match="PyCapsule"):
        rondo.from_dlpack(Wrong())
    with pytest.raises(TypeError, match="x is of type object, expected an array"):
        rondo.from_dlpack(object())
    with pytest.raises(TypeError, match="x has DLPack type 5 of 64 bits"):
        rondo.from_dlpack(ByDLPack(np.ones(2, np.complex64)))
    with pytest.raises(TypeError, match="array is of type int"):
        rondo.to_dlpack(5)


def test_arrays_of_torch_both_ways():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    module = rondo.GRU(3, 4)
    x = torch.randn(5, 2, 3)
    y, hn = module(x, torch.zeros(1, 2, 4))
    back = torch.from_dlpack(y)
    assert np.shares_memory(back.numpy(), y)
    assert module.backward(back, hn)[0].shape == (5, 2, 3)
    with pytest.raises((BufferError, RuntimeError), match="grad"):
        module(x.requires_grad_())
    pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    half = rondo.GRU(3, 4, dtype=torch.bfloat16)
    y, _ = half(torch.ones(5, 2, 3, dtype=torch.bfloat16))
    back = torch.from_dlpack(rondo.to_dlpack(y))
    assert back.dtype == torch.bfloat16
    assert back.data_ptr() == y.ctypes.data
    assert np.array_equal(back.float().numpy(), y.astype(np.float32))


def test_addresses():
    for array in (np.ones(3), np.ones((2, 0)), np.broadcast_to(1.0, ()), np.frombuffer(b"12345678", np.float64)):
        assert _arrays.address_of(array) == array.ctypes.data


# ---- device --------------------------------------------------------------------------------------------------------


def test_device_arrays_need_a_device(python):
    out = python(
        "import numpy, rondo\n"
        "for call in (lambda: rondo.DeviceArray((3,)), lambda: rondo.LSTM(3, 4, device='cuda')):\n"
        "    try: call()\n"
        "    except rondo.RondoError as error: print(error.status_name, error)\n"
        "try: rondo.LSTM(3, 4)(type('OnDevice', (), {'__cuda_array_interface__': {}})())\n"
        "except ValueError as error: print(error)\n",
        RONDO_MODULE_PATH="",
    )
    if "RONDO_ERROR" not in out:
        pytest.skip("a CUDA device is here")
    assert out.count("RONDO_ERROR_UNSUPPORTED") == 2
    assert "x is on cuda, expected an array on the cpu, the module's device" in out


@pytest.mark.skipif(not EMULATED, reason="RONDO_TEST_EMULATED names no folder of emulated modules")
@pytest.mark.parametrize("backend", ["cudnn", "fused"])
def test_modules_on_a_device(python, backend):
    python(PROGRAM_MODULES.replace("BACKEND", repr(backend)), RONDO_MODULE_PATH=EMULATED)


@pytest.mark.skipif(not EMULATED, reason="RONDO_TEST_EMULATED names no folder of emulated modules")
def test_device_arrays(python):
    python(PROGRAM_ARRAYS, RONDO_MODULE_PATH=EMULATED)


PROGRAM_MODULES = """
import copy, pickle
import numpy as np
import rondo

rng = np.random.default_rng(0)
x = rng.standard_normal((5, 3, 4))
for kind in (rondo.RNN, rondo.LSTM, rondo.GRU):
    host = kind(4, 6, 2, bidirectional=True, dtype="float64")
    module = kind(4, 6, 2, bidirectional=True, dtype="float64", device="cuda", backend=BACKEND)
    module.load_state_dict(host.state_dict())
    module = pickle.loads(pickle.dumps(copy.deepcopy(module)))
    assert module.explain(5, 3).startswith(BACKEND + ": "), module.explain(5, 3)
    packed = rondo.pack_padded_sequence(x, [2, 5, 3], enforce_sorted=False)
    on_device = packed.with_data(rondo.DeviceArray.from_numpy(packed.data))
    for given, here, lengths in ((x, x, None), (rondo.DeviceArray.from_numpy(x), x, [2, 5, 0]), (on_device, packed, None)):
        y, hn = module(given, None, lengths)
        expected, last = host(here, None, lengths)
        data = (lambda v: v.data) if isinstance(y, rondo.PackedSequence) else (lambda v: v)
        pairs = [(data(y), data(expected))]
        hns, lasts = (hn, last) if isinstance(hn, tuple) else ((hn,), (last,))
        pairs += list(zip(hns, lasts))
        dx, dh0, grads = module.backward(data(y), hn)
        wanted = host.backward(data(expected), last)
        pairs += [(data(dx), data(wanted[0]))] + [(grads[name], wanted[2][name]) for name in grads]
        for found, correct in pairs:
            assert type(found) is rondo.DeviceArray and type(correct) is np.ndarray
            assert found.shape == correct.shape
            assert found.size == 0 or abs(found.numpy() - correct).max() < 1e-11
    module.eval(), host.eval()
    assert abs(module(x)[0].numpy() - host(x)[0]).max() < 1e-11
    assert abs(module(module_input := rondo.DeviceArray.from_numpy(x), hn)[0].numpy() - host(x, last)[0]).max() < 1e-11
cell = rondo.LSTMCell(4, 6, device="cuda", backend=BACKEND)
h, c = cell(x[0].astype("f"))
assert cell.backward((h, None))[0].shape == (3, 4) and h.numpy().shape == c.numpy().shape == (3, 6)
try:
    cell(x[0])
except ValueError as error:
    assert "x has dtype float64, expected float32" in str(error), error
else:
    raise SystemExit("a wrong type was taken")
"""

PROGRAM_ARRAYS = """
import gc, pickle
import numpy as np
import rondo
from test_arrays import ByDLPack, ByInterface

for dtype in ("f8", "f4", "f2", "i8"):
    host = np.arange(24).reshape(2, 3, 4).astype(dtype)
    device = rondo.DeviceArray.from_numpy(host)
    assert device.__dlpack_device__() == (2, 0) and (device.ndim, device.size, len(device)) == (3, 24, 2)
    assert np.array_equal(device.numpy(), host) and np.array_equal(np.asarray(device), host)
    assert np.array_equal(pickle.loads(pickle.dumps(device)).numpy(), host)
    assert repr(device) == f"DeviceArray(shape=(2, 3, 4), dtype={host.dtype})"
    taken = rondo.from_dlpack(ByDLPack(device))
    assert taken.address == device.address and taken.dtype == host.dtype
    del device
    gc.collect()
    assert np.array_equal(taken.numpy(), host)
    interface = taken.__cuda_array_interface__
    other = rondo.from_dlpack(ByInterface(interface, taken))
    assert other.address == taken.address and np.array_equal(other.numpy(), host)
    step = host.dtype.itemsize
    for view, first in ((host.transpose(2, 0, 1), 0), (host[:, ::-1, ::2], 8 * step)):
        strided = {**interface, "shape": view.shape, "strides": view.strides,
                   "data": (interface["data"][0] + first, False), "stream": None}
        assert np.array_equal(rondo.from_dlpack(ByInterface(strided, taken)).numpy(), view)
empty = rondo.DeviceArray((0, 3))
assert empty.numpy().shape == (0, 3) and rondo.from_dlpack(ByDLPack(empty)).shape == (0, 3)
for call, error in (
    (lambda: rondo.DeviceArray((-1,)), ValueError),
    (lambda: empty.__dlpack__(copy=True), BufferError),
    (lambda: empty.__dlpack__(dl_device=(1, 0)), BufferError),
    (lambda: np.array(empty, copy=False) if np.__version__ >= "2" else empty.__array__(copy=False), ValueError),
    (lambda: len(rondo.DeviceArray(())), TypeError),
):
    try:
        call()
    except error:
        continue
    raise SystemExit("no error")
try:
    import ml_dtypes
except ImportError:
    raise SystemExit(0)
half = rondo.DeviceArray.from_numpy(np.arange(6).astype(ml_dtypes.bfloat16))
assert not hasattr(half, "__cuda_array_interface__")
assert np.array_equal(rondo.from_dlpack(ByDLPack(half)).numpy(), np.arange(6).astype(ml_dtypes.bfloat16))
"""
