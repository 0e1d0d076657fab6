"""Finds librondo, loads it, and declares the functions of rondo.h that the package calls.

The library's version must be the package's own, because the structs' layouts are written down in both."""

from __future__ import annotations

import ctypes
import glob
import importlib.util
import mmap
import os
import re
import threading
from ctypes import POINTER, c_char_p, c_double, c_int32, c_int64, c_uint64, c_void_p

from . import _structs

OK = 0
STATUS_NAMES = {
    1: "INVALID_ARGUMENT",
    2: "UNSUPPORTED",
    3: "OUT_OF_MEMORY",
    4: "STATE",
    5: "VERSION",
    6: "DEVICE",
    7: "INTERNAL",
}
INVALID_ARGUMENT = 1


class RondoError(RuntimeError):
    """A call of the library failed: `status` is its number, `status_name` as "RONDO_ERROR_STATE", `text` the reason."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text)
        self.status = status
        self.text = text

    @property
    def status_name(self) -> str:
        return "RONDO_ERROR_" + STATUS_NAMES.get(self.status, "UNKNOWN")

    def __str__(self) -> str:
        return self.text


class RondoValueError(RondoError, ValueError):
    """A RondoError for an argument that is not valid, which is also a ValueError."""


def _package_version() -> str:
    """The version the package was made with: of the wheel, or in a source tree of the header itself."""
    try:
        from ._version import version
    except ImportError:
        here = os.path.dirname(os.path.abspath(__file__))
        header = os.path.normpath(os.path.join(here, *[os.pardir] * 4, "include", "rondo", "rondo.h"))
        try:
            with open(header, encoding="utf-8") as file:
                found = dict(re.findall(r"#define RONDO_VERSION_(MAJOR|MINOR|PATCH) +(\d+)", file.read()))
            return "{MAJOR}.{MINOR}.{PATCH}".format(**found)
        except (OSError, KeyError) as error:
            raise ImportError(
                f"rondo's version is unknown: this is neither an installed package with rondo/_version.py "
                f"nor a source tree with {header}"
            ) from error
    return str(version)


__version__ = _package_version()
_major = __version__.split(".")[0]

# ---- prototypes: every function here returns a status unless it stands in the second table -------------------------

_handle_out = POINTER(c_void_p)
_int64_out = POINTER(c_int64)

_STATUS_FUNCTIONS = {
    "rondo_context_create": [_handle_out],
    "rondo_context_set_threads": [c_void_p, c_int64],
    "rondo_context_get_threads": [c_void_p, _int64_out],
    "rondo_attribute_find": [c_char_p, POINTER(c_int32)],
    "rondo_attribute_info": [c_int32, POINTER(_structs.AttributeInfo)],
    "rondo_rnn_create": [_handle_out],
    "rondo_rnn_set_int": [c_void_p, c_int32, c_int64],
    "rondo_rnn_set_float": [c_void_p, c_int32, c_double],
    "rondo_rnn_param_count": [c_void_p, _int64_out],
    "rondo_rnn_param_info": [c_void_p, c_int64, POINTER(_structs.ParamInfo)],
    "rondo_rnn_flat_size": [c_void_p, _int64_out],
    "rondo_rnn_init_params": [c_void_p, c_uint64, c_void_p, c_int64],
    "rondo_plan_create": [c_void_p, c_void_p, POINTER(_structs.PlanArgs), _handle_out],
    "rondo_plan_workspace_size": [c_void_p, _int64_out],
    "rondo_plan_reserve_size": [c_void_p, _int64_out],
    "rondo_plan_device": [c_void_p, POINTER(c_int32)],
    "rondo_plan_packed_size": [c_void_p, _int64_out],
    "rondo_plan_packed_format": [c_void_p, POINTER(c_uint64)],
    "rondo_plan_pack_params": [c_void_p, c_void_p, c_int64, c_void_p, c_int64],
    # The structs of these two come as a packer's bytes.
    "rondo_forward": [c_void_p, c_void_p],
    "rondo_backward": [c_void_p, c_void_p],
    "rondo_device_alloc": [c_int64, _handle_out],
    "rondo_device_free": [c_void_p],
    "rondo_device_memory": [_int64_out, _int64_out],
    "rondo_copy": [c_void_p, c_void_p, c_int64, c_void_p],
    "rondo_stream_create": [_handle_out],
    "rondo_stream_synchronize": [c_void_p],
    "rondo_stream_destroy": [c_void_p],
    "rondo_batch_sizes_from_lengths": [
        c_void_p,
        c_int64,
        c_int32,
        c_void_p,
        c_int64,
        _int64_out,
        _int64_out,
        c_void_p,
        c_void_p,
    ],
    "rondo_pack_padded": [POINTER(_structs.Packing), c_void_p, c_void_p],
    "rondo_pad_packed": [POINTER(_structs.Packing), c_void_p, c_void_p, c_void_p],
    "rondo_backend_info": [c_int32, POINTER(_structs.BackendInfo)],
}
_OTHER_FUNCTIONS = {
    "rondo_last_error": (c_char_p, []),
    "rondo_version_string": (c_char_p, []),
    "rondo_context_destroy": (None, [c_void_p]),
    "rondo_rnn_destroy": (None, [c_void_p]),
    "rondo_attribute_count": (c_int32, []),
    "rondo_plan_destroy": (None, [c_void_p]),
    "rondo_plan_backend_name": (c_char_p, [c_void_p]),
    "rondo_plan_explain": (c_char_p, [c_void_p]),
    "rondo_backend_count": (c_int32, []),
}

# ---- finding and loading -------------------------------------------------------------------------------------------


def _candidates() -> list[str]:
    """Where the library may be, in order: the environment's word alone, else the package's folder, then the system."""
    named = os.environ.get("RONDO_LIBRARY")
    if named:
        return [named]
    here = os.path.dirname(os.path.abspath(__file__))
    own = os.path.join(glob.escape(here), "lib*")
    return [*sorted(glob.glob(os.path.join(own, f"librondo.so.{_major}"))), f"librondo.so.{_major}"]


def _load() -> tuple[ctypes.CDLL, str]:
    tried = []
    for path in _candidates():
        try:
            # CDLL, not PyDLL: the interpreter's lock is released during every call.
            library = ctypes.CDLL(path)
        except OSError as error:
            tried.append(f"{path} ({error})")
            continue
        _declare(library, path)
        return library, path
    if os.environ.get("RONDO_LIBRARY"):
        raise ImportError(f"rondo: the shared library that RONDO_LIBRARY names cannot be loaded: {tried[0]}")
    here = os.path.dirname(os.path.abspath(__file__))
    raise ImportError(
        f"rondo: the shared library librondo.so.{_major} was not found. Looked in: RONDO_LIBRARY (not set), "
        f"{os.path.join(here, 'lib*')}, the system's loader. Tried: " + "; ".join(tried)
    )


def _declare(library: ctypes.CDLL, path: str) -> None:
    try:
        library.rondo_version_string.restype = c_char_p
        found = library.rondo_version_string().decode()
    except AttributeError as error:
        raise ImportError(f"rondo: {path} is no library of rondo: it has no rondo_version_string") from error
    if found != __version__:
        raise ImportError(f"rondo: {path} is version {found}, expected {__version__}, this package's version")
    try:
        for name, arguments in _STATUS_FUNCTIONS.items():
            function = getattr(library, name)
            function.restype = c_int32
            function.argtypes = arguments
        for name, (result, arguments) in _OTHER_FUNCTIONS.items():
            function = getattr(library, name)
            function.restype = result
            function.argtypes = arguments
    except AttributeError as error:
        raise ImportError(f"rondo: {path} says it is version {found}, but lacks a function of it: {error}") from error


lib, library_path = _load()


def check(status: int) -> None:
    """Raises what the calling thread's last failure says, where `status` is one."""
    if status != OK:
        raise failure(status)


def failure(status: int) -> RondoError:
    """The error of the calling thread's last failure."""
    text = lib.rondo_last_error().decode(errors="replace")
    return RondoValueError(status, text) if status == INVALID_ARGUMENT else RondoError(status, text)


# ---- the CUDA libraries of Python's nvidia packages ----------------------------------------------------------------

_cuda_lock = threading.Lock()
_cuda_looked_for = False
_cuda_handles: list[ctypes.CDLL] = []  # kept: what they loaded stays for the process


def prepare_cuda() -> None:
    """Before the library may load a GPU back end: loads what such a module needs from Python's nvidia packages.

    A module names cuBLAS and cuDNN by file name only; one that is already in the process is the one it gets, and so
    this process has the same libraries as PyTorch. Without such packages the system's are found as always."""
    global _cuda_looked_for
    if _cuda_looked_for:
        return
    with _cuda_lock:
        if not _cuda_looked_for:
            for name in _needed_by_modules():
                for path in _in_nvidia_packages(name):
                    try:
                        _cuda_handles.append(ctypes.CDLL(path))
                        break
                    except OSError:
                        continue  # the library says in its own words why the module cannot be loaded
            _cuda_looked_for = True


def _needed_by_modules() -> list[str]:
    """File names, as libcudnn.so.9, that the modules the library would load are linked with."""
    folders = [folder for folder in os.environ.get("RONDO_MODULE_PATH", "").split(":") if folder]
    folders.append(os.path.join(os.path.dirname(os.path.realpath(library_path)), f"rondo-{_major}"))
    names: list[str] = []
    for module in ("librondo_fused.so", "librondo_cudnn.so"):
        path = next((p for p in (os.path.join(f, module) for f in folders) if os.path.exists(p)), None)
        if path is None:
            continue
        try:
            with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                found = re.search(rb"\0(lib(?:cublas|cudnn)\.so\.\d+)\0", content)
                name = found.group(1).decode() if found else ""
        except (OSError, ValueError):
            continue  # not readable, or empty: the library says so when it loads the module
        if name.startswith("libcublas"):
            names.append(name.replace("cublas", "cublasLt"))  # cuBLAS itself needs it, from the same folder
        if name:
            names.append(name)
    return names


def _in_nvidia_packages(name: str) -> list[str]:
    try:
        package = importlib.util.find_spec("nvidia")
    except (ImportError, ValueError):
        return []
    roots = [] if package is None else list(package.submodule_search_locations or [])
    return [path for root in roots for path in sorted(glob.glob(os.path.join(glob.escape(root), "*", "lib", name)))]
