"""info(): what the library is, where it lies and what it can run on here.

Asking for the back ends loads those that are modules."""

from __future__ import annotations

import ctypes
from typing import Any

from ._library import __version__, check, lib, library_path, prepare_cuda
from ._plans import context
from ._spec import DEVICES
from ._structs import BackendInfo


def info() -> dict[str, Any]:
    """version, library (its path), threads, and backends: a dict each of name, device, available and detail."""
    prepare_cuda()
    threads = ctypes.c_int64()
    check(lib.rondo_context_get_threads(context(), ctypes.byref(threads)))
    devices = {number: name for name, number in DEVICES.items()}
    backends = []
    found = BackendInfo(ctypes.sizeof(BackendInfo))
    for index in range(lib.rondo_backend_count()):
        check(lib.rondo_backend_info(index, ctypes.byref(found)))
        backends.append(
            {
                "name": found.name.decode(),
                "device": devices[found.device],
                "available": bool(found.available),
                "detail": found.detail.decode(),
            }
        )
    return {"version": __version__, "library": library_path, "threads": threads.value, "backends": backends}
