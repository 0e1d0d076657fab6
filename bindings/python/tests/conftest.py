"""What the tests share: a subprocess of this Python that sees the same package and library.

The package is the one that Python finds, so the same tests run on a source tree and on an installed wheel."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest

import rondo

HERE = pathlib.Path(__file__).parent


@pytest.fixture
def python(tmp_path):
    """Runs a program in another process of this Python; a crash there is a failing test here."""

    path = [str(HERE), str(pathlib.Path(rondo.__file__).parents[1]), os.environ.get("PYTHONPATH")]

    def run(program: str, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path)), **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=280,
        )
        assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run
