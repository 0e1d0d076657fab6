"""The built wheel in a new virtual environment: its name, what is in it, and README's program.

RONDO_WHEEL names it; else the one that `./build.sh wheel` leaves in build/wheel is taken; without one tests are skipped."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys
import zipfile

import pytest

import rondo

ROOT = pathlib.Path(__file__).parents[3]
README = pathlib.Path(__file__).parents[1] / "README.md"


def wheel() -> pathlib.Path:
    named = os.environ.get("RONDO_WHEEL")
    found = [pathlib.Path(named)] if named else sorted((ROOT / "build" / "wheel").glob("rondo-*.whl"))
    if not found:
        pytest.skip("no wheel: ./build.sh wheel makes one")
    return found[-1]


def snippet() -> str:
    (program,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.S)
    assert program.count("\n") == 5
    return program


def test_readmes_program_runs_here(python):
    assert python(snippet()).strip() == "(5, 3, 20) (2, 3, 20) (5, 3, 10) bias_hh_l0"


def test_name_and_contents():
    path = wheel()
    assert re.fullmatch(rf"rondo-{re.escape(rondo.__version__)}-py3-none-manylinux_\S+\.whl", path.name)
    names = zipfile.ZipFile(path).namelist()
    assert "rondo/py.typed" in names
    assert "rondo/lib/librondo.so.0" in names
    libraries = {name.split("/")[-1].split(".so")[0].split("-")[0] for name in names if ".so" in name}
    assert libraries - {"librondo_fused", "librondo_cudnn"} == {"librondo", "libhwy"}


def test_readmes_program_runs_in_a_new_environment(tmp_path):
    path = wheel()
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    names = ("RONDO_LIBRARY", "RONDO_MODULE_PATH", "PYTHONPATH", "LD_LIBRARY_PATH")
    clean = {name: value for name, value in os.environ.items() if name not in names}
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", path]
    subprocess.run(install, check=True, env=clean, timeout=280)
    program = snippet() + (
        "maps = open('/proc/self/maps').read()\n"
        "print('rondo.libs/libhwy' in maps, 'rondo/lib/librondo.so.0' in maps, 'libcu' in maps)\n"
        "import rondo.weights\n"
    )
    done = subprocess.run([python, "-c", program], cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == ["(5, 3, 20) (2, 3, 20) (5, 3, 10) bias_hh_l0", "True True False"]
