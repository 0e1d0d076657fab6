"""The structs of rondo.h, and packers that write all members of one in a single call.

A packer's bytes are handed to the library as they are, so nothing of a call is shared between threads."""

from __future__ import annotations

import ctypes
import struct
from ctypes import c_char, c_char_p, c_double, c_int32, c_int64, c_size_t, c_uint64, c_void_p


class PlanArgs(ctypes.Structure):
    """rondo_plan_args_t."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("mode", c_int32),
        ("sequence", c_int32),
        ("max_T", c_int64),
        ("max_N", c_int64),
        ("max_S", c_int64),
    ]


class ParamInfo(ctypes.Structure):
    """rondo_param_info_t."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char * 56),
        ("rank", c_int64),
        ("rows", c_int64),
        ("columns", c_int64),
        ("offset", c_int64),
        ("layer", c_int64),
        ("direction", c_int64),
    ]


class AttributeInfo(ctypes.Structure):
    """rondo_attribute_info_t."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char_p),
        ("is_float", c_int32),
        ("reserved", c_int32),
        ("default_value", c_double),
        ("min_value", c_double),
        ("max_value", c_double),
    ]


class BackendInfo(ctypes.Structure):
    """rondo_backend_info_t."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("id", c_int32),
        ("device", c_int32),
        ("name", c_char_p),
        ("available", c_int32),
        ("reserved", c_int32),
        ("detail", c_char_p),
    ]


class Packing(ctypes.Structure):
    """rondo_packing_t."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("dtype", c_int32),
        ("layout", c_int32),
        ("T", c_int64),
        ("N", c_int64),
        ("F", c_int64),
        ("padded_T", c_int64),
        ("batch_sizes", c_void_p),
        ("sorted_indices", c_void_p),
        ("padding_value", c_double),
    ]


class Batch(ctypes.Structure):
    """rondo_batch_t."""

    _fields_ = [
        ("T", c_int64),
        ("N", c_int64),
        ("S", c_int64),
        ("lengths", c_void_p),
        ("lengths32", c_void_p),
        ("batch_sizes", c_void_p),
        ("sorted_indices", c_void_p),
        ("device_lengths", c_void_p),
        ("device_lengths32", c_void_p),
        ("device_faults", c_void_p),
        ("reserved", c_void_p),
    ]


class ForwardArgs(ctypes.Structure):
    """rondo_forward_args_t."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("batch", Batch),
        ("x", c_void_p),
        ("h0", c_void_p),
        ("c0", c_void_p),
        ("params", c_void_p),
        ("param_count", c_int64),
        ("packed_params", c_void_p),
        ("y", c_void_p),
        ("hn", c_void_p),
        ("cn", c_void_p),
        ("seed", c_uint64),
        ("offset", c_uint64),
        ("seed_ptr", c_void_p),
        ("offset_ptr", c_void_p),
        ("workspace", c_void_p),
        ("workspace_size", c_int64),
        ("reserve", c_void_p),
        ("reserve_size", c_int64),
        ("stream", c_void_p),
    ]


class BackwardArgs(ctypes.Structure):
    """rondo_backward_args_t."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("batch", Batch),
        ("x", c_void_p),
        ("h0", c_void_p),
        ("c0", c_void_p),
        ("params", c_void_p),
        ("param_count", c_int64),
        ("y", c_void_p),
        ("dy", c_void_p),
        ("dhn", c_void_p),
        ("dcn", c_void_p),
        ("dx", c_void_p),
        ("dh0", c_void_p),
        ("dc0", c_void_p),
        ("dparams", c_void_p),
        ("accumulate", c_int32),
        ("reserved", c_int32),
        ("workspace", c_void_p),
        ("workspace_size", c_int64),
        ("reserve", c_void_p),
        ("reserve_size", c_int64),
        ("stream", c_void_p),
    ]


_CODES = {c_size_t: "N", c_int32: "i", c_int64: "q", c_uint64: "Q", c_void_p: "P"}


def _format(kind):
    return "".join(_format(member) if member not in _CODES else _CODES[member] for _, member in kind._fields_)


def packer(kind):
    """The members of a struct, in order, to the struct's bytes; raises struct.error where a number does not fit."""
    packing = struct.Struct("@" + _format(kind))
    if packing.size != ctypes.sizeof(kind):
        raise ImportError(f"{kind.__name__} takes {ctypes.sizeof(kind)} bytes here, but its members {packing.size}")
    return packing.pack


__all__ = [
    "AttributeInfo",
    "BackendInfo",
    "BackwardArgs",
    "Batch",
    "ForwardArgs",
    "Packing",
    "ParamInfo",
    "PlanArgs",
    "packer",
]
