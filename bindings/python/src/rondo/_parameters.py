"""One set of parameter values of a module: read-only arrays, what the library is given of them, and loading.

A set never changes; a module changes its parameters by taking another set, so a call keeps the one it began with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ._arrays import host_view, is_on_device, numpy_dtype
from ._device import DeviceArray
from ._plans import PackedParams, Pointers
from ._random import draw
from ._spec import Spec, init_params


class IncompatibleKeys(NamedTuple):
    """What load_state_dict(strict=False) found missing and unexpected."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Parameters:
    """`arrays`: name to read-only host array, in the library's order; `pointers`: to these, or to copies on the device."""

    __slots__ = ("_on_device", "arrays", "packed", "pointers")

    def __init__(self, spec: Spec, arrays: dict[str, np.ndarray]) -> None:
        self.arrays = arrays
        if spec.on_cpu:
            self._on_device: list[DeviceArray] = []
            self.pointers = Pointers([array.ctypes.data for array in arrays.values()])
        else:
            self._on_device = [DeviceArray.from_numpy(array) for array in arrays.values()]
            self.pointers = Pointers([array.address for array in self._on_device])
        self.packed = PackedParams(self.pointers)

    @classmethod
    def initial(cls, spec: Spec) -> Parameters:
        """The library's initial values for the next seed."""
        dtype = numpy_dtype(spec.dtype)
        made = [np.empty(parameter.shape, dtype) for parameter in spec.parameters]
        init_params(spec, draw(), [array.ctypes.data for array in made])
        return cls(spec, {p.name: _locked(array) for p, array in zip(spec.parameters, made)})

    def replaced(self, spec: Spec, values: dict[str, np.ndarray]) -> Parameters:
        """Another set with other values for some names."""
        return Parameters(spec, {**self.arrays, **values})


def _locked(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array.view()  # a view of a read-only array cannot be made writable again


def value_for(name: str, value: Any, model: np.ndarray) -> np.ndarray:
    """A read-only copy of a value in the type of the parameter it shall replace; its shape must be the same."""
    array = value.numpy() if isinstance(value, DeviceArray) else _any_view(name, value)
    if array.shape != model.shape:
        raise ValueError(
            f"size mismatch for {name}: copying a param with shape {array.shape} from checkpoint, "
            f"the shape in current model is {model.shape}."
        )
    if array.dtype != model.dtype and array.dtype.kind not in "fiub" and array.dtype.name != "bfloat16":
        raise TypeError(f"{name} has dtype {array.dtype}, expected {model.dtype} or another type of real numbers")
    return _locked(np.array(array, dtype=model.dtype, order="C", subok=False))


def _any_view(name: str, value: Any) -> np.ndarray:
    return DeviceArray.of(name, value).numpy() if is_on_device(value) else host_view(name, value)


def loaded(
    module: str, current: Parameters, spec: Spec, state_dict: Any, strict: bool
) -> tuple[Parameters, IncompatibleKeys]:
    """The set that a state_dict makes of the current one, all of it or none; the errors are torch's."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
    missing = [name for name in current.arrays if name not in state_dict]
    unexpected = [str(name) for name in state_dict if name not in current.arrays]
    errors = []
    if strict and missing:
        errors.append("Missing key(s) in state_dict: {}. ".format(", ".join(f'"{name}"' for name in missing)))
    if strict and unexpected:
        errors.append("Unexpected key(s) in state_dict: {}. ".format(", ".join(f'"{name}"' for name in unexpected)))
    values = {}
    for name, model in current.arrays.items():
        if name in state_dict:
            try:
                values[name] = value_for(name, state_dict[name], model)
            except (TypeError, ValueError) as error:
                errors.append(str(error))
    if errors:
        raise RuntimeError("Error(s) in loading state_dict for {}:\n\t{}".format(module, "\n\t".join(errors)))
    return current.replaced(spec, values), IncompatibleKeys(missing, unexpected)
