"""What all modules for NumPy arrays share: parameters, modes, forward and backward over arrays of either device.

Inputs are checked once per shape, and the plan found for it is remembered; what else a call gives, the library checks."""

from __future__ import annotations

import threading
from typing import Any, Callable

import numpy as np

from ._arrays import address_of, dtype_name, host_array, invalid, numpy_dtype
from ._device import DeviceArray
from ._library import RondoError
from ._memory import block
from ._packed import PackedSequence
from ._parameters import IncompatibleKeys, Parameters, loaded, value_for
from ._plans import FULL, INFERENCE, LENGTHS, PACKED, TRAINING, Plan, Pointers, plan_for
from ._random import draw
from ._spec import Spec

_SHAPES = 256  # remembered per module and mode
_STATE = 4  # RONDO_ERROR_STATE


class Problem:
    """What a call's shape decides: the plan, sizes, and the shapes of what comes out (y_shape None: no y)."""

    __slots__ = ("N", "S", "T", "c_shape", "h_shape", "plan", "y_shape")

    def __init__(self, plan: Plan, T: int, N: int, S: int, y_shape: Any, h_shape: tuple, c_shape: tuple) -> None:
        self.plan, self.T, self.N, self.S = plan, T, N, S
        self.y_shape, self.h_shape, self.c_shape = y_shape, h_shape, c_shape


class _Saved:
    """What backward needs of a forward call; `sequence` is what was given of lengths or packing, by argument name."""

    __slots__ = ("c0", "h0", "packing", "parameters", "problem", "reserve", "sequence", "x", "y")
    problem: Problem
    parameters: Parameters
    reserve: Any
    sequence: dict[str, Any] | None
    packing: PackedSequence | None
    x: Any
    h0: Any
    c0: Any
    y: Any


class _Thread(threading.local):
    saved: _Saved | None = None


class _Nothing:
    """The type of no array: all must be looked at."""


def _device_address(array: DeviceArray) -> int:
    return array.address


def _host_part(flat: np.ndarray, offset: int, shape: tuple) -> np.ndarray:
    size = shape[0] * (shape[1] if len(shape) > 1 else 1)
    return flat[offset : offset + size].reshape(shape)


class Module:
    """The base of rondo's modules. `training` decides the kind of plan: only train() keeps what backward needs."""

    input_size: int
    hidden_size: int
    bias: bool
    training: bool
    _spec: Spec
    _parameters: Parameters

    def __init__(self, device: Any, dtype: Any, **attributes: Any) -> None:
        device = "cpu" if device is None else device
        if device not in ("cpu", "cuda"):
            raise ValueError(f"device is {device!r}, expected 'cpu' or 'cuda'")
        for name in ("bias", "batch_first", "bidirectional"):
            if not isinstance(attributes.get(name, False), bool):
                raise TypeError(f"{name} is {attributes[name]!r}, expected True or False")
        self._prepare(Spec(device=device, dtype=dtype_name(dtype), **attributes))
        self._parameters = Parameters.initial(self._spec)
        self.training = True

    def _prepare(self, spec: Spec) -> None:
        """All that follows from the description, and nothing that is ever pickled."""
        self._spec = spec
        self._dtype = numpy_dtype(spec.dtype)
        wide = np.dtype(np.float32) if self._dtype.itemsize == 2 else self._dtype
        self._cell_dtype = wide if spec.cell_state_type == "float32" else self._dtype
        self._grad_dtype = wide if spec.param_grad_type == "float32" else self._dtype
        self._has_cell_state = spec.has_cell_state
        self._dropout = spec.dropout if spec.num_layers > 1 else 0.0
        self._problems: tuple[dict, dict] = ({}, {})  # by mode, then by x's shape
        self._thread = _Thread()
        self._take: Callable[[str, Any, np.dtype], Any]
        self._empty: Callable[[Any, np.dtype], Any]
        self._address: Callable[[Any], int]
        self._part: Callable[[Any, int, tuple], Any]
        if spec.on_cpu:
            self._ready: Any = np.ndarray
            self._take, self._empty, self._address, self._part = host_array, np.empty, address_of, _host_part
        else:
            self._ready = _Nothing
            self._take, self._empty, self._address, self._part = (
                DeviceArray.of,
                DeviceArray,
                _device_address,
                DeviceArray.part,
            )
        self._prepared = {*vars(self), "_prepared", "_parameters"}

    # ---- parameters and modes ----------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            arrays = self._parameters.arrays
            if name in arrays:
                return arrays[name]
            if name in Spec.__dataclass_fields__:
                return getattr(self._spec, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        parameters = self.__dict__.get("_parameters")
        if parameters is not None and name in parameters.arrays:
            values = {name: value_for(name, value, parameters.arrays[name])}
            value, name = parameters.replaced(self._spec, values), "_parameters"
        elif name in Spec.__dataclass_fields__:
            raise AttributeError(f"{name} is decided when the module is made")
        object.__setattr__(self, name, value)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._parameters.arrays, *Spec.__dataclass_fields__]

    def state_dict(self) -> dict[str, np.ndarray]:
        """The parameters under torch's names: copies, on the host."""
        return {name: array.copy() for name, array in self._parameters.arrays.items()}

    def load_state_dict(self, state_dict: Any, strict: bool = True) -> IncompatibleKeys:
        """Takes values under torch's names, from arrays of any library; with an error nothing is changed."""
        self._parameters, keys = loaded(type(self).__name__, self._parameters, self._spec, state_dict, strict)
        return keys

    def train(self, mode: bool = True) -> Any:
        """Calls keep what backward needs, and dropout is on; returns the module."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        return self

    def eval(self) -> Any:
        """Calls for their outputs alone; returns the module."""
        return self.train(False)

    def explain(self, T: int = 1, N: int = 1, sequence: str = "full") -> str:
        """Which back end serves calls of these sizes in the present mode, and why; sequence: full, lengths or packed."""
        kinds = {"full": FULL, "lengths": LENGTHS, "packed": PACKED}
        if sequence not in kinds:
            raise ValueError(f"sequence is {sequence!r}, expected one of {', '.join(kinds)}")
        return plan_for(self._spec, self._mode(), kinds[sequence], int(T), int(N)).explain()

    def _mode(self) -> int:
        return TRAINING if self.training else INFERENCE

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in vars(self).items() if name not in self._prepared}
        return {**state, "_state": (self._spec, self.state_dict())}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        spec, arrays = state.pop("_state")
        self._prepare(spec)
        models = {p.name: np.broadcast_to(self._dtype.type(0), p.shape) for p in spec.parameters}
        self._parameters = Parameters(spec, {n: value_for(n, arrays[n], model) for n, model in models.items()})
        self.__dict__.update(state)

    # ---- calls -------------------------------------------------------------------------------------------------------

    def _problem(self, shape: tuple) -> Problem:
        """For full sequences, remembered."""
        problem = self._full_problem(shape)
        known = self._problems[self.training]
        if len(known) >= _SHAPES:
            known.clear()
        known[shape] = problem
        return problem

    def _full_problem(self, shape: tuple) -> Problem:
        raise NotImplementedError

    def _state(self, name: str, value: Any, shape: tuple, dtype: np.dtype) -> Any:
        array = self._take(name, value, dtype)
        if array.shape != shape:
            raise invalid(f"{name} has shape {array.shape}, expected {shape}")
        return array

    def _states(self, names: tuple[str, str], hx: Any, problem: Problem) -> tuple[Any, Any]:
        """h and c of a pair (h alone where the cell has no c); each may be None in what backward gets."""
        if not self._has_cell_state:
            return (None if hx is None else self._state(names[0], hx, problem.h_shape, self._dtype)), None
        if hx is None:
            return None, None
        if not isinstance(hx, (tuple, list)) or len(hx) != 2:
            what = f"{len(hx)} values" if isinstance(hx, (tuple, list)) else type(hx).__name__
            raise TypeError(f"({', '.join(names)}) is {what}, expected a pair of arrays")
        h, c = hx
        return (
            None if h is None else self._state(names[0], h, problem.h_shape, self._dtype),
            None if c is None else self._state(names[1], c, problem.c_shape, self._cell_dtype),
        )

    def _run(self, problem: Problem, x: Any, hx: Any, sequence: dict[str, Any] | None) -> tuple[Any, Any, Any]:
        """y, hn and cn (None where there is none) of arrays that fit; sequence: lengths or packing by argument name."""
        address, empty, dtype = self._address, self._empty, self._dtype
        parameters, plan = self._parameters, problem.plan
        h0 = c0 = y = cn = None
        if hx is not None:
            h0, c0 = self._states(("h0", "c0"), hx, problem)
        if problem.y_shape is not None:
            y = empty(problem.y_shape, dtype)
        hn = empty(problem.h_shape, dtype)
        if self._has_cell_state:
            cn = empty(problem.c_shape, self._cell_dtype)
        training = plan.mode
        packed = seed = 0
        reserve = None
        if training:
            reserve = self._reserve(plan)
            if self._dropout:
                seed = draw()
        else:
            packed = parameters.packed.address(plan)
        plan.forward(
            problem.T,
            problem.N,
            address(x),
            0 if h0 is None else address(h0),
            0 if c0 is None else address(c0),
            None if packed else parameters.pointers,
            packed,
            0 if y is None else address(y),
            address(hn),
            0 if cn is None else address(cn),
            problem.S,
            seed=seed,
            reserve=0 if reserve is None else reserve.address,
            **{} if sequence is None else {name: address_of(array) for name, array in sequence.items()},
        )
        if training:
            saved = _Saved()
            saved.problem, saved.parameters, saved.reserve, saved.sequence = problem, parameters, reserve, sequence
            saved.x, saved.h0, saved.c0, saved.y, saved.packing = x, h0, c0, y, None
            self._thread.saved = saved
        return y, hn, cn

    def _reserve(self, plan: Plan) -> Any:
        """Memory for a forward call in training: that of this thread's last call where it is large enough."""
        last, self._thread.saved = self._thread.saved, None
        if last is not None and plan.reserve_size <= last.reserve.size <= 2 * plan.reserve_size:
            return last.reserve
        return block(plan.device, plan.reserve_size)

    def _saved(self) -> _Saved:
        saved = self._thread.saved
        if saved is None:
            raise RondoError(_STATE, "backward: no forward call before it in this thread, expected one in train() mode")
        return saved

    def _gradients(self, saved: _Saved, dy: Any, dh: Any, dc: Any) -> tuple[Any, Any, dict[str, Any]]:
        """dx, dh0 or (dh0, dc0), and the parameters' gradients, of gradients that fit."""
        address, empty, problem = self._address, self._empty, saved.problem
        dx = empty(saved.x.shape, self._dtype)
        dh0 = empty(problem.h_shape, self._dtype)
        dc0 = empty(problem.c_shape, self._cell_dtype) if self._has_cell_state else None
        flat = empty((self._spec.flat_size,), self._grad_dtype)
        base, step = address(flat), self._grad_dtype.itemsize
        sequence = {} if saved.sequence is None else {n: address_of(array) for n, array in saved.sequence.items()}
        given = {"x": saved.x, "h0": saved.h0, "c0": saved.c0, "y": saved.y, "dy": dy, "dhn": dh, "dcn": dc}
        problem.plan.backward(
            problem.T,
            problem.N,
            **{name: address(array) for name, array in given.items() if array is not None},
            params=saved.parameters.pointers,
            dx=address(dx),
            dh0=address(dh0),
            dc0=0 if dc0 is None else address(dc0),
            dparams=Pointers([base + step * parameter.offset for parameter in self._spec.parameters]),
            S=problem.S,
            reserve=saved.reserve.address,
            **sequence,
        )
        gradients = {p.name: self._part(flat, p.offset, p.shape) for p in self._spec.parameters}
        return dx, (dh0 if dc0 is None else (dh0, dc0)), gradients
