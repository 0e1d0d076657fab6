"""DeviceArray, a contiguous array in CUDA memory that other libraries read without a copy.

What fills one runs on the default stream; whoever takes it on another stream is made to wait for that first."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._arrays import DL_CUDA, DL_CUDA_MANAGED, Foreign, dlpack_device, from_capsule, host_array, invalid, to_capsule
from ._library import check, lib, prepare_cuda
from ._memory import DeviceBlock

_DEFAULT_STREAM = 1  # the legacy default stream, in both protocols


class DeviceArray:
    """An array of `shape` and NumPy `dtype` on the current CUDA device, C-contiguous, its values not set."""

    __slots__ = ("_device_id", "_owner", "address", "dtype", "shape")

    def __init__(self, shape: Any, dtype: Any = np.float32) -> None:
        self.shape = tuple(int(size) for size in shape)
        self.dtype = np.dtype(dtype)
        if any(size < 0 for size in self.shape):
            raise ValueError(f"shape is {self.shape}, expected sizes of 0 or more")
        owner = DeviceBlock(max(self.nbytes, 1))
        self._owner: Any = owner
        self._device_id = 0
        self.address = owner.address

    @classmethod
    def _over(cls, owner: Any, address: int, shape: tuple, dtype: np.dtype) -> DeviceArray:
        array = cls.__new__(cls)
        array.shape, array.dtype, array.address = shape, dtype, address
        array._owner, array._device_id = owner, 0
        return array

    @classmethod
    def from_numpy(cls, array: np.ndarray) -> DeviceArray:
        """A copy of a host array, on the device when this returns."""
        array = np.ascontiguousarray(array)
        made = cls(array.shape, array.dtype)
        if array.size:
            check(lib.rondo_copy(made.address, array.ctypes.data, made.nbytes, None))
            check(lib.rondo_stream_synchronize(None))
        return made

    @classmethod
    def of(cls, name: str, value: Any, dtype: np.dtype | None = None) -> DeviceArray:
        """Any array: one on the device as it is (a copy where it is strided), one of the host copied there."""
        if isinstance(value, cls):
            found = value
        elif hasattr(value, "__cuda_array_interface__") and not isinstance(value, np.ndarray):
            found = cls._contiguous(_from_interface(name, value))
        elif dlpack_device(value) in (DL_CUDA, DL_CUDA_MANAGED):
            found = cls._contiguous(from_capsule(name, value.__dlpack__(stream=_DEFAULT_STREAM))[0])
        else:
            return cls.from_numpy(host_array(name, value, np.asarray(value).dtype if dtype is None else dtype))
        if dtype is not None and found.dtype != dtype:
            raise invalid(f"{name} has dtype {found.dtype}, expected {dtype}, the module's")
        return found

    @classmethod
    def _contiguous(cls, foreign: Foreign) -> DeviceArray:
        prepare_cuda()
        if foreign.strides is None:
            return cls._over(foreign, foreign.address, foreign.shape, foreign.dtype)
        # Gathered on the host: the span of memory that the elements lie in, then the elements.
        reach = [(size - 1) * stride for size, stride in zip(foreign.shape, foreign.strides)]
        low = sum(r for r in reach if r < 0)
        span = np.empty(sum(r for r in reach if r > 0) - low + foreign.dtype.itemsize, np.uint8)
        check(lib.rondo_copy(span.ctypes.data, foreign.address + low, span.nbytes, None))
        check(lib.rondo_stream_synchronize(None))
        return cls.from_numpy(np.ndarray(foreign.shape, foreign.dtype, span, -low, foreign.strides))

    def part(self, offset: int, shape: tuple) -> DeviceArray:
        """A view of the elements from `offset` on, of another shape."""
        return self._over(self._owner, self.address + offset * self.dtype.itemsize, shape, self.dtype)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        count = 1
        for size in self.shape:
            count *= size
        return count

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def numpy(self) -> np.ndarray:
        """A copy in host memory, when all work before it is done."""
        array = np.empty(self.shape, self.dtype)
        if array.size:
            check(lib.rondo_copy(array.ctypes.data, self.address, array.nbytes, None))
            check(lib.rondo_stream_synchronize(None))
        return array

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        if copy is False:
            raise ValueError("copy is False, expected True or None: the array is in the device's memory")
        array = self.numpy()
        return array if dtype is None else array.astype(dtype, copy=False)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without dimensions")
        return self.shape[0]

    def __repr__(self) -> str:
        return f"DeviceArray(shape={self.shape}, dtype={self.dtype})"

    def __reduce__(self) -> Any:
        return DeviceArray.from_numpy, (self.numpy(),)

    @property
    def __cuda_array_interface__(self) -> dict:
        if self.dtype.kind == "V":
            raise AttributeError("__cuda_array_interface__ has no bfloat16; DLPack has")
        return {
            "version": 3,
            "shape": self.shape,
            "strides": None,
            "typestr": self.dtype.str,
            "data": (self.address if self.size else 0, False),
            "stream": _DEFAULT_STREAM,
        }

    def __dlpack_device__(self) -> tuple[int, int]:
        return DL_CUDA, self._device_id

    def __dlpack__(self, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: Any = None) -> Any:
        if dl_device is not None and tuple(dl_device) != self.__dlpack_device__():
            raise BufferError(f"dl_device is {dl_device}, expected {self.__dlpack_device__()}, where the array is")
        if copy:
            raise BufferError("copy is True, expected False or None: the array is handed out as it is")
        if stream not in (None, -1, _DEFAULT_STREAM):
            check(lib.rondo_stream_synchronize(None))
        return to_capsule(self, self.address, self.shape, self.dtype, self.__dlpack_device__())


def _from_interface(name: str, value: Any) -> Foreign:
    """What __cuda_array_interface__ describes, with all work on the stream it names done."""
    given = value.__cuda_array_interface__
    stream = given.get("stream")
    if stream not in (None, _DEFAULT_STREAM):
        prepare_cuda()
        check(lib.rondo_stream_synchronize(stream))
    shape = tuple(int(size) for size in given["shape"])
    strides = given.get("strides")
    address = int(given["data"][0] or 0)
    return Foreign(address, shape, None if strides is None else tuple(strides), np.dtype(given["typestr"]), value)
