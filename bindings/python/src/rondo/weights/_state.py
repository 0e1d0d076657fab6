"""A state_dict with torch's names, taken apart into layers and directions and put together again.
Which cell it holds follows from shapes alone: weight_hh has G*H rows, G = 1 for RNN, 3 for GRU and 4 for LSTM."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

import numpy as np

# torch's order of the gates, by the letters of include/rondo/rondo.h; a system's own order is written in the same.
TORCH_ORDER = {1: "h", 3: "rzn", 4: "ifgo"}
CELLS = {1: "RNN", 3: "GRU", 4: "LSTM"}

_KINDS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
_NAME = re.compile("(" + "|".join(_KINDS) + r")(?:_l(0|[1-9][0-9]{0,6})(_reverse)?)?")


class Direction(NamedTuple):
    """One direction of one layer, in torch's shapes and order of gates."""

    weight_ih: np.ndarray
    weight_hh: np.ndarray
    bias_ih: Optional[np.ndarray] = None
    bias_hh: Optional[np.ndarray] = None
    weight_hr: Optional[np.ndarray] = None

    @property
    def gates(self) -> int:
        """G."""
        rows, outputs = self.weight_hh.shape
        return rows // (outputs if self.weight_hr is None else self.weight_hr.shape[1])

    def one_bias(self) -> Optional[np.ndarray]:
        """The sum of both biases, in the order of torch; it stands for both everywhere but in the n of a GRU."""
        return None if self.bias_ih is None or self.bias_hh is None else self.bias_ih + self.bias_hh


def array(name: str, value: Any, *dims: Optional[int]) -> np.ndarray:
    """`value` as an array of floats with these dimensions, None standing for any size from 1."""
    result = np.asarray(value)
    if result.dtype.kind != "f" and result.dtype.name != "bfloat16":
        raise TypeError(f"{name} has dtype {result.dtype}, expected a floating-point type")
    fits = len(dims) == result.ndim and all(
        size > 0 if dim is None else size == dim for size, dim in zip(result.shape, dims)
    )
    if not fits:
        wanted = ", ".join("any" if dim is None else str(dim) for dim in dims)
        raise ValueError(f"{name} has shape {list(result.shape)}, expected [{wanted}]")
    return result


def gates_of(name: str, rows: int, hidden: int) -> int:
    """G, where `rows` is G*H."""
    gates, rest = divmod(rows, hidden) if hidden > 0 else (0, 0)
    if rest or gates not in CELLS:
        raise ValueError(
            f"{name} has {rows} rows of gates at hidden size {hidden}, expected {hidden} (RNN), {3 * hidden} (GRU) or "
            f"{4 * hidden} (LSTM)"
        )
    return gates


def expect(name: str, value: Any, expected: Sequence[Any], why: str) -> None:
    """Refuses an attribute with which the other system computes something else."""
    if not any(value == one for one in expected):
        known = " or ".join(repr(one) for one in expected)
        raise ValueError(f"{name} is {value!r}, expected {known}: {why}")


def reordered(value: np.ndarray, before: str, after: str, axis: int = 0) -> np.ndarray:
    """A copy with the blocks of gates along `axis`, which lie as in `before`, in the order `after`."""
    blocks = dict(zip(before, np.split(value, len(before), axis)))
    return np.ascontiguousarray(np.concatenate([blocks[gate] for gate in after], axis))


def named(layers: Sequence[Sequence[Direction]], first: Optional[int] = 0) -> Dict[str, np.ndarray]:
    """The state_dict of these layers, numbered from `first`; None gives the names of a single cell."""
    if first is None:
        if [len(directions) for directions in layers] != [1]:
            raise ValueError("layer is None, as for a single cell, but the arrays are of several layers or directions")
    elif isinstance(first, bool) or operator.index(first) < 0:
        raise ValueError(f"layer is {first}, expected 0 or more, or None for the names of a single cell")
    result = {}
    for layer, directions in enumerate(layers):
        for reverse, direction in enumerate(directions):
            for kind, value in zip(_KINDS, direction):
                if value is not None:
                    name = _name(kind, None if first is None else first + layer, reverse)
                    result[name] = np.asarray(value, order="C")
    return result


def taken_apart(state_dict: Mapping[str, Any]) -> List[List[Direction]]:
    """Layers and directions of a state_dict, of which every name and shape has been checked."""
    found = _by_place(state_dict)
    single = (None, 0) in found
    wanted = {"weight_ih", "weight_hh"}.union(*found.values())
    if wanted & {"bias_ih", "bias_hh"}:
        wanted |= {"bias_ih", "bias_hh"}
    last = max((layer for layer, _ in found if layer is not None), default=0)
    directions = 1 + max(reverse for _, reverse in found)
    layers: List[List[Direction]] = []
    for layer in range(last + 1):
        row = []
        for reverse in range(directions):
            place = (None if single else layer, reverse)
            values = found.get(place, {})
            for kind in _KINDS:
                if kind in wanted and kind not in values:
                    raise ValueError(f"state_dict has no '{_name(kind, *place)}'")
            width = None if layer == 0 else directions * layers[0][0].weight_hh.shape[1]
            row.append(_direction(place, values, width, (layers + [row])[0][:1]))  # against the very first of all
        layers.append(row)
    return layers


def one_layer(state_dict: Mapping[str, Any], layer: Optional[int], system: str) -> List[Direction]:
    """The directions of one layer, for a system that knows no projection."""
    layers = taken_apart(state_dict)
    if layers[0][0].weight_hr is not None:
        raise ValueError(f"state_dict has 'weight_hr_l0', expected none: {system} has no LSTM with projection")
    index = 0 if layer is None else operator.index(layer)
    if not 0 <= index < len(layers):
        raise ValueError(f"layer is {layer}, expected 0 to {len(layers) - 1}")
    return layers[index]


def _name(kind: str, layer: Optional[int], reverse: int) -> str:
    return kind if layer is None else f"{kind}_l{layer}" + ("_reverse" if reverse else "")


def _by_place(state_dict: Mapping[str, Any]) -> Dict[Any, Dict[str, Any]]:
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"state_dict is a {type(state_dict).__name__}, expected a mapping of names to arrays")
    found: Dict[Any, Dict[str, Any]] = {}
    for name, value in state_dict.items():
        match = _NAME.fullmatch(name) if isinstance(name, str) else None
        if match is None:
            raise ValueError(f"state_dict has {name!r}, expected torch's names, as 'weight_ih_l0' or 'weight_ih'")
        kind, layer, reverse = match.groups()
        found.setdefault((None if layer is None else int(layer), int(bool(reverse))), {})[kind] = value
    if not found:
        raise ValueError("state_dict is empty, expected torch's names, as 'weight_ih_l0'")
    if (None, 0) in found and len(found) > 1:
        raise ValueError("state_dict has names of a single cell, as 'weight_ih', beside names of layers")
    return found


def _direction(place: Any, values: Mapping[str, Any], width: Optional[int], first: Sequence[Direction]) -> Direction:
    """The parameters of one place; all of a state_dict have the sizes of the first."""

    def label(kind: str) -> str:
        return f"state_dict['{_name(kind, *place)}']"

    if first:
        rows, outputs = first[0].weight_hh.shape
    else:
        rows, outputs = array(label("weight_hh"), values["weight_hh"], None, None).shape
        if "weight_hr" not in values:
            gates_of(label("weight_hh"), rows, outputs)
        elif rows % 4 or outputs >= rows // 4:
            raise ValueError(
                f"{label('weight_hh')} has shape {[rows, outputs]}, expected [4*H, P] with P below H: only an LSTM "
                "has a projection"
            )
    if width is None and first:
        width = first[0].weight_ih.shape[1]
    dims = ((rows, width), (rows, outputs), (rows,), (rows,), (outputs, rows // 4))
    return Direction(
        *(array(label(kind), values[kind], *dim) if kind in values else None for kind, dim in zip(_KINDS, dims))
    )
