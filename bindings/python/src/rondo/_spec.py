"""Spec, the frozen description of what to compute, and the parameters that it has.

Its fields are named as the library's attributes are, so that a value finds its attribute by name."""

from __future__ import annotations

import ctypes
import dataclasses
import functools
from dataclasses import dataclass
from typing import Any, NamedTuple

from . import _structs
from ._library import check, lib

# What the library numbers. The cells' and types' names are NumPy's and PyTorch's.
CELLS = {"rnn_tanh": 0, "rnn_relu": 1, "lstm": 2, "gru": 3}
DTYPES = {"float64": 0, "float32": 1, "float16": 2, "bfloat16": 3}
DEVICES = {"auto": 0, "cpu": 1, "cuda": 2}
_WORDS: dict[str, dict[str, int]] = {
    "cell": CELLS,
    "dtype": DTYPES,
    "device": DEVICES,
    "backend": {"auto": 0, "cpu": 1, "cudnn": 2, "fused": 3},
    "cell_state_type": {"storage": 0, "float32": 1},
    "param_grad_type": {"storage": 0, "float32": 1},
    "persistent": {"auto": 0, "never": 1, "require": 2},
}


class Parameter(NamedTuple):
    """One parameter: `offset` counts elements in one flat buffer of all."""

    name: str
    shape: tuple[int, ...]
    offset: int
    layer: int
    direction: int


@dataclass(frozen=True)
class Spec:
    """What to compute: the library's attributes, with its defaults, but for the device, which is the CPU.

    `device` may name a CUDA device's number, as "cuda:1": plans are cached for each, and the caller makes that device
    the current one."""

    cell: str = "lstm"
    input_size: int = 0
    hidden_size: int = 0
    proj_size: int = 0
    num_layers: int = 1
    bidirectional: bool = False
    bias: bool = True
    dropout: float = 0.0
    dtype: str = "float32"
    batch_first: bool = False
    device: str = "cpu"
    single_cell: bool = False
    deterministic: bool = False
    cell_state_type: str = "storage"
    param_grad_type: str = "storage"
    padding_value: float = 0.0
    consume_reserve: bool = False
    backend: str = "auto"
    fixed_batch: bool = False
    persistent: str = "auto"
    autotune: bool = False
    allow_tf32: bool = False

    def __post_init__(self) -> None:
        values = dataclasses.astuple(self)
        for field, value in zip(dataclasses.fields(self), values):
            _check(field.name, value)
        object.__setattr__(self, "_hash", hash(values))

    def __hash__(self) -> int:
        return self._hash  # type: ignore[attr-defined,no-any-return]

    def __reduce__(self) -> tuple[Any, ...]:
        return Spec, dataclasses.astuple(self)  # not the hash: another process hashes texts differently

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def output_size(self) -> int:
        """O, the width of h."""
        return self.proj_size or self.hidden_size

    @property
    def has_cell_state(self) -> bool:
        return self.cell == "lstm"

    @property
    def on_cpu(self) -> bool:
        return self.device == "cpu"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """In the library's order, which is PyTorch's."""
        return _parameters(self)

    @property
    def flat_size(self) -> int:
        """Elements of all parameters together."""
        return _flat_size(self)


def _check(name: str, value: Any) -> None:
    """What the library cannot be asked about: a word it has no number for, and a number it cannot be given."""
    words = _WORDS.get(name)
    if words is not None:
        word = value.split(":")[0] if name == "device" and isinstance(value, str) else value
        if word not in words:
            raise ValueError(f"{name} is {value!r}, expected one of {', '.join(words)}")
    elif name in ("dropout", "padding_value"):
        float(value)
    elif not isinstance(value, int):
        raise TypeError(f"{name} is {value!r}, expected an integer")
    elif not -(2**63) <= value < 2**63:
        raise ValueError(f"{name} is {value}, expected an integer of 64 bits")


@functools.lru_cache(maxsize=None)
def _attributes() -> dict[str, int]:
    found = {}
    number = ctypes.c_int32()
    for field in dataclasses.fields(Spec):
        name = "layout" if field.name == "batch_first" else field.name
        check(lib.rondo_attribute_find(name.encode(), ctypes.byref(number)))
        found[field.name] = number.value
    return found


class Description:
    """A rondo_rnn_t for a Spec, for as long as a `with` lasts."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec

    def __enter__(self) -> ctypes.c_void_p:
        self._handle = ctypes.c_void_p()
        check(lib.rondo_rnn_create(ctypes.byref(self._handle)))
        try:
            for name, number in _attributes().items():
                self._set(name, number)
        except BaseException:
            self.__exit__()
            raise
        return self._handle

    def _set(self, name: str, number: int) -> None:
        value = getattr(self._spec, name)
        if isinstance(value, float):
            check(lib.rondo_rnn_set_float(self._handle, number, value))
            return
        if isinstance(value, str):
            value = _WORDS[name][value.split(":")[0]]
        if name in ("dropout", "padding_value"):
            check(lib.rondo_rnn_set_float(self._handle, number, float(value)))
        elif name not in ("input_size", "hidden_size") or value != 0:
            check(lib.rondo_rnn_set_int(self._handle, number, int(value)))

    def __exit__(self, *_: object) -> None:
        lib.rondo_rnn_destroy(self._handle)


@functools.lru_cache(maxsize=256)
def _parameters(spec: Spec) -> tuple[Parameter, ...]:
    info = _structs.ParamInfo(ctypes.sizeof(_structs.ParamInfo))
    count = ctypes.c_int64()
    found = []
    with Description(spec) as rnn:
        check(lib.rondo_rnn_param_count(rnn, ctypes.byref(count)))
        for index in range(count.value):
            check(lib.rondo_rnn_param_info(rnn, index, ctypes.byref(info)))
            shape = (info.rows, info.columns) if info.rank == 2 else (info.rows,)
            found.append(Parameter(info.name.decode(), shape, info.offset, info.layer, info.direction))
    return tuple(found)


@functools.lru_cache(maxsize=256)
def _flat_size(spec: Spec) -> int:
    elements = ctypes.c_int64()
    with Description(spec) as rnn:
        check(lib.rondo_rnn_flat_size(rnn, ctypes.byref(elements)))
    return elements.value


def init_params(spec: Spec, seed: int, addresses: list[int]) -> None:
    """Writes initial values, a pure function of seed (64 bits), to host memory of the storage type."""
    pointers = (ctypes.c_void_p * len(addresses))(*addresses)
    with Description(spec) as rnn:
        check(lib.rondo_rnn_init_params(rnn, seed % 2**64, pointers, len(addresses)))
