"""Packed sequences for NumPy arrays, with the semantics of torch.nn.utils.rnn.

Rows of length 0 are allowed, which torch refuses; their number is known from sorted_indices, which is then never None."""

from __future__ import annotations

import ctypes
from typing import Any, NamedTuple, Sequence

import numpy as np

from ._arrays import address_of, host_view, integers, invalid
from ._library import check, lib
from ._spec import DTYPES
from ._structs import Packing


class _Fields(NamedTuple):
    data: Any
    batch_sizes: np.ndarray
    sorted_indices: Any
    unsorted_indices: Any


class PackedSequence(_Fields):
    """`data` [S, *]: the rows of step 0, then of step 1, and so on; batch_sizes[t] rows in step t, longest row first.

    sorted_indices[r] is the row of the batch that is r-th here, unsorted_indices its inverse; None: they are in order."""

    __slots__ = ()

    def __new__(
        cls, data: Any, batch_sizes: Any = None, sorted_indices: Any = None, unsorted_indices: Any = None
    ) -> PackedSequence:
        if batch_sizes is None:
            if not isinstance(data, (list, tuple)) or len(data) != 2:
                raise TypeError("batch_sizes is missing, expected PackedSequence(data, batch_sizes)")
            data, batch_sizes = data
        if not hasattr(data, "shape"):
            raise TypeError(f"data is of type {type(data).__name__}, expected an array")
        batch_sizes = _indices("batch_sizes", batch_sizes)
        if len(data.shape) < 1 or data.shape[0] != int(batch_sizes.sum()):
            raise invalid(
                f"data has shape {tuple(data.shape)}, expected {int(batch_sizes.sum())} rows, the sum of batch_sizes"
            )
        if sorted_indices is not None:
            sorted_indices = _indices("sorted_indices", sorted_indices)
            if unsorted_indices is None:
                unsorted_indices = _inverse(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    @property
    def rows(self) -> int:
        """N, the rows of the batch."""
        if self.sorted_indices is not None:
            return len(self.sorted_indices)
        return int(self.batch_sizes[0]) if len(self.batch_sizes) else 0

    def with_data(self, data: Any) -> PackedSequence:
        """Other data of the same rows and steps."""
        return _Fields.__new__(PackedSequence, data, *self[1:])

    def __repr__(self) -> str:
        return "PackedSequence" + super().__repr__()[len(type(self).__name__) :]


def _indices(name: str, value: Any) -> np.ndarray:
    array = np.ascontiguousarray(integers(name, value), np.int64)
    if array.ndim != 1:
        raise invalid(f"{name} has shape {array.shape}, expected one dimension")
    return array


def _inverse(permutation: np.ndarray) -> np.ndarray:
    inverse = np.full(len(permutation), -1, np.int64)
    inside = (permutation >= 0) & (permutation < len(permutation))
    inverse[permutation[inside]] = np.flatnonzero(inside)
    if len(permutation) and inverse.min() < 0:
        raise invalid(
            f"sorted_indices is {permutation.tolist()}, expected a permutation of 0 to {len(permutation) - 1}"
        )
    return inverse


def _packing(dtype: str, batch_first: bool, N: int, F: int, padded_T: int, packed: Any, padding: float) -> Packing:
    _, batch_sizes, sorted_indices, _ = packed
    return Packing(
        ctypes.sizeof(Packing),
        DTYPES[dtype],
        int(batch_first),
        len(batch_sizes),
        N,
        F,
        padded_T,
        address_of(batch_sizes),
        None if sorted_indices is None else address_of(sorted_indices),
        padding,
    )


def pack_padded_sequence(
    input: Any, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Packs a padded array [T, N, *] ([N, T, *] with batch_first) of rows of the given lengths, of any element type."""
    array = host_view("input", input)
    if array.ndim < 2:
        raise invalid(f"input has shape {array.shape}, expected {'(N, T, *)' if batch_first else '(T, N, *)'}")
    N, T = array.shape[:2] if batch_first else array.shape[1::-1]
    lengths = _indices("lengths", lengths)
    if len(lengths) != N:
        raise invalid(f"lengths has {len(lengths)} entries, expected {N}, the batch size of input")
    if N and lengths.max() > T:
        row = int(lengths.argmax())
        raise invalid(f"lengths[{row}] is {lengths[row]}, but T is {T}")
    batch_sizes = np.empty(T, np.int64)
    order = np.empty(N, np.int64)
    steps, S = ctypes.c_int64(), ctypes.c_int64()
    # fmt: off
    check(lib.rondo_batch_sizes_from_lengths(
        address_of(lengths), N, int(bool(enforce_sorted)), address_of(batch_sizes), T,
        ctypes.byref(steps), ctypes.byref(S), address_of(order), None))
    # fmt: on
    in_order = enforce_sorted and (N == 0 or lengths[-1] > 0)
    shape = (S.value, *array.shape[2:])
    fields = (None, batch_sizes[: steps.value].copy(), None if in_order else order, None)

    def pack(padded: np.ndarray, name: str, packed: np.ndarray) -> np.ndarray:
        F = packed.size // S.value if S.value else 0
        packing = _packing(name, batch_first, N, F, T, fields, 0.0)
        check(lib.rondo_pack_padded(ctypes.byref(packing), address_of(padded), address_of(packed)))
        return packed

    if array.dtype.name in DTYPES and array.dtype.isnative:
        data = pack(np.ascontiguousarray(array), array.dtype.name, np.empty(shape, array.dtype))
    else:  # the places of the rows are packed, and the rows taken from them
        places = np.arange(N * T, dtype=np.float64)
        rows = pack(places, "float64", np.empty(S.value)).astype(np.int64)
        data = array.reshape(N * T, *array.shape[2:])[rows]
    return PackedSequence(data, *fields[1:])


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The padded array and each row's length, rows in their first order; at least total_length steps where it is given."""
    if not isinstance(sequence, PackedSequence):
        raise TypeError(f"sequence is of type {type(sequence).__name__}, expected a PackedSequence")
    array = host_view("sequence.data", sequence.data)
    N, steps, S = sequence.rows, len(sequence.batch_sizes), len(array)
    if total_length is None:
        total_length = steps
    elif total_length < steps:
        raise ValueError(f"total_length is {total_length}, expected {steps}, the longest row's length, or more")
    shape = (N, total_length) if batch_first else (total_length, N)
    lengths = np.empty(N, np.int64)

    def pad(packed: np.ndarray, name: str, padded: np.ndarray, padding: float) -> np.ndarray:
        F = packed.size // S if S else int(np.prod(padded.shape[2:]))
        packing = _packing(name, batch_first, N, F, total_length, sequence, padding)
        check(lib.rondo_pad_packed(ctypes.byref(packing), address_of(packed), address_of(padded), address_of(lengths)))
        return padded

    if array.dtype.name in DTYPES and array.dtype.isnative:
        packed = np.ascontiguousarray(array)
        padded = np.empty((*shape, *array.shape[1:]), array.dtype)
        return pad(packed, array.dtype.name, padded, float(padding_value)), lengths
    # As above: every place gets the number of its row, and -1 beyond the rows' lengths.
    places = pad(np.arange(S, dtype=np.float64), "float64", np.empty(shape), -1.0).astype(np.int64)
    padded = np.full((*shape, *array.shape[1:]), padding_value, array.dtype)
    padded[places >= 0] = array[places[places >= 0]]
    return padded, lengths


def pack_sequence(sequences: Sequence[Any], enforce_sorted: bool = True) -> PackedSequence:
    """Packs a list of arrays [T, *] of different lengths."""
    if not isinstance(sequences, (list, tuple)):
        raise TypeError(f"sequences is of type {type(sequences).__name__}, expected a list of arrays")
    arrays = [host_view(f"sequences[{i}]", s) for i, s in enumerate(sequences)]
    if not arrays:
        raise invalid("sequences is empty, expected one array or more")
    first = arrays[0]
    for i, array in enumerate(arrays):
        if array.ndim < 1 or array.shape[1:] != first.shape[1:] or array.dtype != first.dtype:
            expected = f"(T, {', '.join(map(str, first.shape[1:]))})" if first.ndim > 1 else "(T,)"
            raise invalid(
                f"sequences[{i}] has shape {array.shape} and dtype {array.dtype}, "
                f"expected shape {expected} and dtype {first.dtype}, as sequences[0]"
            )
    lengths = [len(array) for array in arrays]
    padded = np.zeros((len(arrays), max(lengths), *first.shape[1:]), first.dtype)
    for row, array in zip(padded, arrays):
        row[: len(array)] = array
    return pack_padded_sequence(padded, lengths, batch_first=True, enforce_sorted=enforce_sorted)
