#!/usr/bin/env python3
"""Writes src/backend/cuda/proof_rows.inc from the result files beside this script: what hardware has proven.

Usage: proof.py ROOT [--check]    --check writes nothing and fails where the committed rows are others.

A row is {"variant", capability, "hash of the sources"}. It is earned by a result whose sections below all passed in
full; a --quick run earns none. A row whose hash is not that of the sources as they are proves nothing about them: the
library compares, and says "not yet proven on hardware".
"""
import json
import pathlib
import sys

from kernel_hash import kernel_hash

# Variant as src/backend/cuda/proof.h names it: the hash that counts, and the sections that prove it.
TIERS = [f"fused {tier}{types}" for tier in ("single", "cluster", "grid") for types in ("", " f32", " tf32")]
VARIANTS = {
    "fused stepwise": ("fused", ["numeric-fused", "sanitizer", "capture"]),
    # Launches and meetings are shown with 16-bit types.
    **{tier: ("fused", sorted({"-".join(tier.split()[:2]), tier.replace(" ", "-")})) for tier in TIERS},
    "cudnn": ("cudnn", ["numeric-cudnn"]),
}
# Where a step that was left out, as one of the sanitizer's tools, leaves the proof incomplete.
COMPLETE = ["sanitizer", *(section for tier in TIERS for section in VARIANTS[tier][1])]
ROWS = "src/backend/cuda/proof_rows.inc"
HEADING = """// What hardware has proven, generated from the result files of tests/gpu_results; never edited by hand.
// A row a line: {"variant", compute capability as 90, "hash of the kernels' sources"},
"""


def proven(result, sections):
    """Whether every one of the sections passed, in full and with cases."""
    found = {section["name"]: section for section in result["sections"]}
    for name in sections:
        section = found.get(name)
        if section is None or section["status"] != "passed" or section["quick"]:
            return False
        if section["passed"] < 1 or section["failed"] > 0 or section["skipped"] > 0 and name in COMPLETE:
            return False
    return True


def rows(folder):
    result_rows = set()
    for path in sorted(folder.glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        for variant, (hashed, sections) in VARIANTS.items():
            if proven(result, sections) and result["capability"] > 0:
                result_rows.add((variant, result["capability"], result["hashes"][hashed]))
    return sorted(result_rows)


def text_of(all_rows):
    return HEADING + "".join(f'{{"{variant}", {capability}, "{digest}"}},\n' for variant, capability, digest in all_rows)


def main(arguments):
    check = arguments[2:] == ["--check"]
    if len(arguments) < 2 or arguments[2:] not in ([], ["--check"]):
        print("usage: proof.py ROOT [--check]", file=sys.stderr)
        return 2
    root = pathlib.Path(arguments[1]).resolve()
    all_rows = rows(root / "tests/gpu_results")
    text = text_of(all_rows)
    path = root / ROWS
    if not check:
        path.write_text(text, encoding="utf-8")
    elif not path.is_file() or path.read_text(encoding="utf-8") != text:
        print(f"{ROWS} is not what the result files say: run tests/gpu_results/proof.py .")
        return 1
    for variant, (hashed, _) in VARIANTS.items():
        now = kernel_hash(root, hashed)
        capabilities = sorted(capability for name, capability, digest in all_rows if name == variant and digest == now)
        shown = ", ".join(f"sm_{capability}" for capability in capabilities) or "nothing"
        print(f"proof: {variant}: proven on {shown} (sources {now})")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
