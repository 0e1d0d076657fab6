"""Blocks of host and device memory for workspaces, reserves and packed parameters, and each thread's workspaces.

Workspaces only grow, and none is shared by two threads; on a device there is one per stream as well."""

from __future__ import annotations

import ctypes
import threading

import numpy as np

from ._library import check, lib, prepare_cuda

ALIGNMENT = 64  # what the library asks of workspace, reserve and packed parameters


class HostBlock:
    """Bytes of host memory, their address a multiple of 64, as long as the object lives."""

    __slots__ = ("_memory", "address", "size")

    def __init__(self, size: int) -> None:
        self._memory = np.empty(size + ALIGNMENT, np.uint8)
        address = self._memory.ctypes.data
        self.address = address + -address % ALIGNMENT
        self.size = size


class DeviceBlock:
    """Bytes of memory of the current CUDA device, freed with the object; the device waits for its work before that."""

    __slots__ = ("_free", "address", "size")

    def __init__(self, size: int) -> None:
        prepare_cuda()
        self._free = lib.rondo_device_free
        self.address = 0
        self.size = size
        memory = ctypes.c_void_p()
        check(lib.rondo_device_alloc(size, ctypes.byref(memory)))
        self.address = memory.value or 0

    def __del__(self) -> None:
        if getattr(self, "address", 0):
            self._free(self.address)  # a failure at this point has nobody to tell


def block(device: str, size: int) -> HostBlock | DeviceBlock:
    """A new block on "cpu" or "cuda"."""
    return HostBlock(size) if device == "cpu" else DeviceBlock(size)


class _Workspaces(threading.local):
    def __init__(self) -> None:
        self.host = HostBlock(0)
        self.device: dict[tuple[str, int], DeviceBlock] = {}


_workspaces = _Workspaces()


def host_workspace(size: int) -> int:
    """Address of this thread's host workspace of at least so many bytes."""
    held = _workspaces.host
    if held.size < size:
        held = _workspaces.host = HostBlock(size)
    return held.address


def device_workspace(device: str, stream: int, size: int) -> int:
    """Address of this thread's workspace for a stream of a device, as "cuda:1"; the device must be the current one."""
    held = _workspaces.device.get((device, stream))
    if held is None or held.size < size:
        held = _workspaces.device[device, stream] = DeviceBlock(size)
    return held.address
