#!/usr/bin/env python3
"""Tests proof.py and kernel_hash.py on made-up results and sources in a scratch folder: what earns a row and what not."""
import copy
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from kernel_hash import GENERATED, OWN, SHARED, kernel_hash  # noqa: E402
from proof import proven, rows  # noqa: E402

FUSED = ["numeric-fused", "sanitizer", "capture"]


def section(name):
    return {"name": name, "status": "passed", "quick": False, "passed": 9, "failed": 0, "skipped": 0}


def result():
    names = [*FUSED, "numeric-cudnn", "fused-single", "fused-grid", "fused-grid-f32", "fused-cluster"]
    hashes = {"fused": "f0", "cudnn": "c0"}
    return {"capability": 90, "hashes": hashes, "sections": [section(name) for name in names]}


def check_what_earns_a_row():
    assert proven(result(), FUSED)
    for key, value in [("status", "failed"), ("status", "skipped"), ("quick", True), ("passed", 0), ("failed", 1)]:
        spoilt = copy.deepcopy(result())
        spoilt["sections"][1][key] = value
        assert not proven(spoilt, FUSED), (key, value)
    spoilt = result()
    spoilt["sections"][1]["skipped"] = 1  # one of the sanitizer's tools
    assert not proven(spoilt, FUSED)
    del spoilt["sections"][1]
    assert not proven(spoilt, FUSED)


def check_rows(folder):
    (folder / "a.json").write_text(json.dumps(result()))
    other = result()
    other["capability"] = 120
    other["sections"][0]["status"] = "failed"
    other["sections"][-1]["skipped"] = 1  # a tier that the GPU is too old for, in part
    (folder / "b.json").write_text(json.dumps(other))
    wanted = [("cudnn", 90, "c0"), ("cudnn", 120, "c0"), ("fused cluster", 90, "f0"), ("fused grid", 90, "f0")]
    wanted += [("fused grid", 120, "f0"), ("fused grid f32", 90, "f0"), ("fused grid f32", 120, "f0")]
    wanted += [("fused single", 90, "f0"), ("fused single", 120, "f0")]
    wanted += [("fused stepwise", 90, "f0")]
    assert rows(folder) == wanted, rows(folder)


def check_hash(root):
    for number, name in enumerate([*SHARED, *OWN.values()]):
        (root / name).mkdir(parents=True)
        (root / name / "a.h").write_text(str(number))
    before = {variant: kernel_hash(root, variant) for variant in OWN}
    for name in GENERATED:
        (root / name).write_text("a row")
    assert before == {variant: kernel_hash(root, variant) for variant in OWN}
    (root / OWN["fused"] / "a.h").write_text("changed")
    assert kernel_hash(root, "fused") != before["fused"] and kernel_hash(root, "cudnn") == before["cudnn"]
    (root / SHARED[0] / "b.h").write_text("")  # even an empty file
    assert kernel_hash(root, "cudnn") != before["cudnn"]


def check_command(root):
    """A row is written, found to be there, and missed when it is not."""

    def run(*options):
        return subprocess.run([sys.executable, "-B", HERE / "proof.py", root, *options], capture_output=True, check=False)

    folder = root / "tests/gpu_results"
    folder.mkdir(parents=True)
    shown = result()
    shown["hashes"] = {variant: kernel_hash(root, variant) for variant in OWN}
    (folder / "h200.json").write_text(json.dumps(shown))
    assert run("--check").returncode == 1
    assert run().returncode == 0
    checked = run("--check")
    assert checked.returncode == 0 and b"fused stepwise: proven on sm_90 " in checked.stdout, checked
    (root / SHARED[1] / "a.h").write_text("changed since")
    assert b"fused stepwise: proven on nothing" in run("--check").stdout
    (folder / "h200.json").unlink()
    assert run("--check").returncode == 1


def main():
    with tempfile.TemporaryDirectory() as scratch:
        folder, root = pathlib.Path(scratch, "results"), pathlib.Path(scratch, "root")
        folder.mkdir()
        check_what_earns_a_row()
        check_rows(folder)
        check_hash(root)
        check_command(root)
    print("proof: 4 passed, 0 failed")


if __name__ == "__main__":
    main()
