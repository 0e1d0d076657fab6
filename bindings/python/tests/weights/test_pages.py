"""The Python of the migration pages, as printed: what newcomers copy first must work.
Blocks of a page run in the order of the page, in a folder of their own; other languages are not run."""

import importlib
import re
from pathlib import Path
from textwrap import dedent

import pytest

PAGES = Path(__file__).resolve().parents[3] / "docs"
BLOCK = re.compile(r"^( *)```python\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
MODULES = {
    "torch": ("torch", "safetensors"),
    "mindspore": ("mindspore",),
    "cudnn": (),
    "onnxruntime": ("onnx", "onnxruntime"),
}


@pytest.mark.parametrize("page", MODULES)
def test_page(page, tmp_path, monkeypatch):
    for name in MODULES[page]:
        pytest.importorskip(name, reason=f"{name} is not installed")
    importlib.import_module("rondo")
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall((PAGES / f"{page}.md").read_text(encoding="utf-8"))
    assert blocks
    for _, block in blocks:
        exec(compile(dedent(block), f"{page}.md", "exec"), {"__name__": "__main__"})
