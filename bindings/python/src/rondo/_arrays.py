"""Arrays of a call: NumPy's as they are, other libraries' through DLPack or the CUDA array interface, without a copy.

NumPy itself cannot import or export bfloat16 by DLPack, so capsules are read here; exported ones are NumPy's, amended."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from ._library import INVALID_ARGUMENT, RondoValueError
from ._spec import DTYPES

_byte_at: Any = ctypes.c_char.from_buffer
_address = ctypes.addressof


def invalid(text: str) -> RondoValueError:
    """The error for an argument whose size or type does not fit: RuntimeError and ValueError, as torch's are."""
    return RondoValueError(INVALID_ARGUMENT, text)


def address_of(array: np.ndarray) -> int:
    """The address of a contiguous array's data."""
    try:
        return _address(_byte_at(array))
    except (TypeError, ValueError, BufferError):  # read-only, empty, or of a type without the buffer protocol
        return array.ctypes.data


# ---- element types -------------------------------------------------------------------------------------------------

_numpy_dtypes = {name: np.dtype(name) for name in DTYPES if name != "bfloat16"}


def numpy_dtype(name: str) -> np.dtype:
    """NumPy's type of one of the library's names; bfloat16 is that of ml_dtypes, which must be installed."""
    found = _numpy_dtypes.get(name)
    if found is None:
        try:
            import ml_dtypes
        except ImportError as error:
            raise ImportError(f"dtype {name} needs the package ml_dtypes, which is not installed") from error
        found = _numpy_dtypes[name] = np.dtype(ml_dtypes.bfloat16)
    return found


def dtype_name(dtype: Any) -> str:
    """The library's name of a type given as NumPy's type, a name, or another library's type, as torch.float32."""
    if dtype is None:
        return "float32"
    text = dtype if isinstance(dtype, str) else str(dtype)
    name = text.rsplit(".", 1)[-1]
    if name not in DTYPES:
        try:
            name = np.dtype(dtype).name
        except TypeError:
            name = ""
    if name not in DTYPES:
        raise TypeError(f"dtype is {dtype!r}, expected one of {', '.join(DTYPES)}")
    return name


# ---- DLPack --------------------------------------------------------------------------------------------------------


class _DLTensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


DL_CPU, DL_CUDA, DL_CUDA_HOST, DL_CUDA_MANAGED = 1, 2, 3, 13
_KINDS = {0: "i", 1: "u", 2: "f", 6: "b"}
_BFLOAT = 4

_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype = ctypes.c_void_p
_capsule_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]


def _tensor_in(capsule: Any) -> _DLTensor:
    return _DLTensor.from_address(_capsule_pointer(capsule, b"dltensor"))


class Foreign:
    """Memory of another library, alive as long as this object: `strides` are bytes, or None for contiguous."""

    def __init__(self, address: int, shape: tuple, strides: tuple | None, dtype: np.dtype, owner: Any) -> None:
        self.address = address
        self.shape = shape
        self.dtype = dtype
        self.owner = owner
        contiguous, step = True, dtype.itemsize
        if strides is not None:
            for size, stride in zip(reversed(shape), reversed(strides)):
                contiguous = contiguous and (stride == step or size == 1)
                step *= size
        self.strides = None if contiguous or 0 in shape else strides

    @property
    def __array_interface__(self) -> dict:
        """For memory of the host only."""
        return {
            "version": 3,
            "shape": self.shape,
            "strides": self.strides,
            "typestr": f"<V{self.dtype.itemsize}" if self.dtype.kind == "V" else self.dtype.str,
            "data": (self.address, False),
        }

    def array(self) -> np.ndarray:
        """A view of memory of the host."""
        return np.asarray(self).view(self.dtype)


def from_capsule(name: str, capsule: Any) -> tuple[Foreign, int]:
    """What a DLPack capsule describes, and its kind of device. The capsule is kept, not consumed: it frees its memory."""
    tensor = _tensor_in(capsule)
    if tensor.code == _BFLOAT and tensor.bits == 16 and tensor.lanes == 1:
        dtype = numpy_dtype("bfloat16")
    elif tensor.code in _KINDS and tensor.bits % 8 == 0 and tensor.lanes == 1:
        try:
            dtype = np.dtype(f"{_KINDS[tensor.code]}{tensor.bits // 8}")
        except TypeError:
            raise TypeError(f"{name} has DLPack type {tensor.code} of {tensor.bits} bits, which is not known") from None
    else:
        raise TypeError(f"{name} has DLPack type {tensor.code} of {tensor.bits} bits, which is not known")
    shape = tuple(tensor.shape[i] for i in range(tensor.ndim))
    strides = tuple(tensor.strides[i] * dtype.itemsize for i in range(tensor.ndim)) if tensor.strides else None
    return Foreign((tensor.data or 0) + tensor.byte_offset, shape, strides, dtype, capsule), tensor.device_type


def to_capsule(owner: Any, address: int, shape: tuple, dtype: np.dtype, device: tuple[int, int]) -> Any:
    """A DLPack capsule that keeps `owner` alive. NumPy makes it, of an array that is never read, and so frees it rightly
    in any thread and at the interpreter's end; device and type are then set to what they are."""
    stand_in = np.dtype(np.uint16) if dtype.kind == "V" else dtype
    capsule = np.asarray(Foreign(address, shape, None, stand_in, owner)).__dlpack__()
    tensor = _tensor_in(capsule)
    tensor.device_type, tensor.device_id = device
    if stand_in is not dtype:
        tensor.code = _BFLOAT
    return capsule


# ---- host arrays ---------------------------------------------------------------------------------------------------


def dlpack_device(value: Any) -> int:
    """The kind of device of an object's memory by its own word, or 0 where it has none."""
    device = getattr(value, "__dlpack_device__", None)
    return int(device()[0]) if device is not None and hasattr(value, "__dlpack__") else 0


def is_on_device(value: Any) -> bool:
    """Whether an object says its memory is a CUDA device's."""
    if isinstance(value, np.ndarray):
        return False
    return hasattr(value, "__cuda_array_interface__") or dlpack_device(value) in (DL_CUDA, DL_CUDA_MANAGED)


def host_view(name: str, value: Any) -> np.ndarray:
    """An object's memory as a NumPy array, which may be strided."""
    if isinstance(value, np.ndarray):
        return value
    if is_on_device(value):
        raise invalid(f"{name} is on cuda, expected an array on the cpu, the module's device")
    if dlpack_device(value) in (DL_CPU, DL_CUDA_HOST):
        return from_capsule(name, value.__dlpack__())[0].array()
    if hasattr(value, "__array_interface__") or hasattr(value, "__array__"):
        return np.asarray(value)
    raise TypeError(f"{name} is of type {type(value).__name__}, expected an array")


def host_array(name: str, value: Any, dtype: np.dtype) -> np.ndarray:
    """An object's memory as a contiguous NumPy array of a type that must be its own; copied only where it is strided."""
    array = host_view(name, value)
    if array.dtype != dtype:
        raise invalid(f"{name} has dtype {array.dtype}, expected {dtype}, the module's")
    flags = array.flags
    if not (flags.c_contiguous and flags.aligned):
        array = np.array(array, order="C", subok=False)
    return array


def integers(name: str, value: Any) -> np.ndarray:
    """A contiguous int64 or int32 array of whole numbers: from an array or a sequence of numbers."""
    if isinstance(value, (list, tuple)) or np.isscalar(value):
        array = np.asarray(value)
        if array.size == 0:
            array = array.astype(np.int64)
    else:
        array = host_view(name, value)
    if array.dtype.kind not in "iu" or array.dtype == np.uint64:
        raise TypeError(f"{name} has dtype {array.dtype}, expected int64 or int32")
    return np.ascontiguousarray(array, None if array.dtype == np.int32 else np.int64)


# ---- public: any library's arrays ----------------------------------------------------------------------------------


def from_dlpack(x: Any) -> Any:
    """An array of another library without a copy: NumPy's for the host, a DeviceArray for CUDA; bfloat16 included."""
    from ._device import DeviceArray

    if is_on_device(x):
        return DeviceArray.of("x", x)
    return host_view("x", x)


def to_dlpack(array: Any) -> Any:
    """A DLPack capsule of a NumPy array or DeviceArray, without a copy; bfloat16 included."""
    if not isinstance(array, np.ndarray):
        if not hasattr(array, "__dlpack__"):
            raise TypeError(f"array is of type {type(array).__name__}, expected an array")
        return array.__dlpack__()
    if array.dtype.name != "bfloat16":
        return array.__dlpack__()
    array = np.ascontiguousarray(array)
    return to_capsule(array, array.ctypes.data, array.shape, array.dtype, (DL_CPU, 0))
