"""Finding the library, what an unfit one is told, the structs against the header, info and errors.

The header is read where the tests lie in a source tree."""

from __future__ import annotations

import ctypes
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

import rondo
from rondo import _library, _structs

HEADER = pathlib.Path(__file__).parents[3] / "include" / "rondo" / "rondo.h"
PACKAGE = pathlib.Path(rondo.__file__).parent

needs_header = pytest.mark.skipif(not HEADER.exists(), reason="no source tree around these tests")


def import_error(package: pathlib.Path, **environment: str) -> str:
    program = (
        "try: import rondo\n"
        "except ImportError as error: print('refused:', error)\n"
        "else: print('loaded', rondo.info()['library'])\n"
    )
    clean = {k: v for k, v in os.environ.items() if k not in ("RONDO_LIBRARY", "LD_LIBRARY_PATH", "PYTHONPATH")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**clean, "PYTHONPATH": str(package), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def copy(tmp_path):
    """A copy of the package that is told its version, without a library."""
    shutil.copytree(
        PACKAGE, tmp_path / "rondo", ignore=shutil.ignore_patterns("lib*", "torch", "mindspore", "__pycache__")
    )
    (tmp_path / "rondo" / "_version.py").write_text(f"version = {rondo.__version__!r}\n")
    return tmp_path


def compiled(folder: pathlib.Path, source: str) -> str:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler is here")
    (folder / "other.c").write_text(source)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", folder / "other.so", folder / "other.c"], check=True)
    return str(folder / "other.so")


def test_a_missing_library_says_where_it_was_looked_for(copy):
    out = import_error(copy)
    if out.startswith("loaded"):
        pytest.skip("a librondo is installed in this system")
    assert "librondo.so.0 was not found" in out
    for place in ("RONDO_LIBRARY (not set)", str(copy / "rondo" / "lib*"), "the system's loader"):
        assert place in out


def test_the_environments_library_is_the_only_one_tried(copy):
    out = import_error(copy, RONDO_LIBRARY="/no/such/librondo.so")
    assert "refused: rondo: the shared library that RONDO_LIBRARY names cannot be loaded: /no/such/librondo.so" in out


def test_the_packages_own_library_is_found(copy):
    (copy / "rondo" / "lib64").mkdir()
    shutil.copy(_library.library_path, copy / "rondo" / "lib64" / "librondo.so.0")
    assert import_error(copy).strip() == f"loaded {copy / 'rondo' / 'lib64' / 'librondo.so.0'}"


def test_other_libraries_are_refused(copy):
    other = compiled(copy, "int something;")
    assert "is no library of rondo: it has no rondo_version_string" in import_error(copy, RONDO_LIBRARY=other)
    other = compiled(copy, 'const char *rondo_version_string(void) { return "9.8.7"; }')
    out = import_error(copy, RONDO_LIBRARY=other)
    assert f"other.so is version 9.8.7, expected {rondo.__version__}, this package's version" in out
    other = compiled(copy, f'const char *rondo_version_string(void) {{ return "{rondo.__version__}"; }}')
    assert "lacks a function of it" in import_error(copy, RONDO_LIBRARY=other)


def test_the_version_is_the_librarys(copy):
    assert rondo.__version__ == _library.lib.rondo_version_string().decode() == rondo.info()["version"]
    (copy / "rondo" / "_version.py").write_text("version = '0.0.1'\n")
    out = import_error(copy, RONDO_LIBRARY=_library.library_path)
    assert f"is version {rondo.__version__}, expected 0.0.1, this package's version" in out
    (copy / "rondo" / "_version.py").unlink()
    assert "rondo's version is unknown" in import_error(copy)


def members(text: str, name: str) -> list[str]:
    body = re.search(
        rf"typedef struct {name}_s \{{(.*?)\}} {name}_t;", re.sub(r"/\*.*?\*/", "", text, flags=re.S), re.S
    )
    found = []
    for statement in body.group(1).split(";"):
        found += [re.sub(r"\[\d+\]", "", part).split()[-1].lstrip("*") for part in statement.split(",") if part.strip()]
    return found


@needs_header
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (_structs.PlanArgs, "rondo_plan_args"),
        (_structs.ParamInfo, "rondo_param_info"),
        (_structs.AttributeInfo, "rondo_attribute_info"),
        (_structs.BackendInfo, "rondo_backend_info"),
        (_structs.Packing, "rondo_packing"),
        (_structs.Batch, "rondo_batch"),
        (_structs.ForwardArgs, "rondo_forward_args"),
        (_structs.BackwardArgs, "rondo_backward_args"),
    ],
)
def test_structs_are_the_headers(tmp_path, kind, name):
    text = HEADER.read_text()
    names = [member for member, _ in kind._fields_]
    assert names == members(text, name)
    offsets = ", ".join(f"offsetof({name}_t, {member})" for member in names)
    library = ctypes.CDLL(
        compiled(
            tmp_path,
            f'#include "{HEADER}"\nconst size_t facts[] = {{sizeof({name}_t), {offsets}}};\n',
        )
    )
    facts = (ctypes.c_size_t * (1 + len(names))).in_dll(library, "facts")
    assert list(facts) == [ctypes.sizeof(kind), *(getattr(kind, member).offset for member in names)]


@needs_header
def test_prototypes_are_the_headers():
    """Every declared function's number of arguments, and whether it returns a status."""
    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.S)
    found = {
        name: (result, args)
        for result, name, args in re.findall(r"RONDO_API ([\w ]+?[ *]+)(\w+)\((.*?)\);", text, re.S)
    }
    for name, arguments in _library._STATUS_FUNCTIONS.items():
        assert found[name][0].strip() == "rondo_status_t"
        assert len(found[name][1].split(",")) == len(arguments), name
    for name, (_, arguments) in _library._OTHER_FUNCTIONS.items():
        assert found[name][0].strip() != "rondo_status_t"
        assert len([a for a in found[name][1].split(",") if a.strip() != "void"]) == len(arguments), name


def test_packed_members_reach_their_places():
    for kind in (_structs.ForwardArgs, _structs.BackwardArgs):
        count = len(_structs._format(kind))
        raw = kind.from_buffer_copy(_structs.packer(kind)(*range(1, count + 1)))
        flat = []
        for name, member in kind._fields_:
            value = getattr(raw, name)
            flat += [getattr(value, inner) for inner, _ in member._fields_] if member is _structs.Batch else [value]
        assert flat == list(range(1, count + 1))


def test_cuda_libraries_come_from_pythons_packages(copy, tmp_path):
    """Of modules beside the library, the files they name are loaded from the nvidia packages before the first use."""
    compiled(tmp_path, 'const char *who(void) { return "the stand-in"; }')
    folder = tmp_path / "nvidia" / "cudnn" / "lib"
    folder.mkdir(parents=True)
    shutil.copy(tmp_path / "other.so", folder / "libcudnn.so.9")
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "librondo_cudnn.so").write_bytes(b"...\0libcudnn.so.9\0...")
    program = (
        "import rondo\n"
        "def loaded(): return 'nvidia/cudnn/lib/libcudnn.so.9' in open('/proc/self/maps').read()\n"
        "rondo.LSTM(2, 3)\n"
        "print(loaded(), end=' ')\n"
        "detail = [b['detail'] for b in rondo.info()['backends'] if b['name'] == 'cudnn'][0]\n"
        "print(loaded(), 'librondo_cudnn.so cannot be loaded' in detail)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={
            **os.environ,
            "PYTHONPATH": str(copy),
            "RONDO_LIBRARY": _library.library_path,
            "RONDO_MODULE_PATH": str(modules),
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.split() == ["False", "True", "True"], done.stderr


def test_info():
    info = rondo.info()
    assert [backend["name"] for backend in info["backends"]][-1] == "cpu"
    assert info["backends"][-1]["available"] is True
    assert info["threads"] >= 1
    assert all(backend["detail"] for backend in info["backends"])


def test_overhead_is_measured(python):
    path = pathlib.Path(__file__).parents[1] / "bench" / "overhead.py"
    if not path.exists():
        pytest.skip("no source tree around these tests")
    out = python(
        f"import runpy; m = runpy.run_path({str(path)!r}); g = m['best'].__globals__\n"
        "g['CALLS'] = g['ROUNDS'] = 2; m['main']()\n"
    )
    assert "rondo_forward through ctypes" in out
    assert "rondo.LSTM, train()" in out
