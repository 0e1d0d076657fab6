#!/usr/bin/env python3
"""The hash of a kernel variant's sources: what a result on hardware was shown with, and what a module is built from.

Usage: kernel_hash.py ROOT fused|cudnn    CMake, the bundle and proof.py all ask here, so that they cannot differ.
"""
import hashlib
import pathlib
import sys

SHARED = ["kernels/cell", "kernels/cuda", "src/backend/cuda"]
OWN = {"fused": "src/backend/fused", "cudnn": "src/backend/cudnn"}
# What a result changes must not unmake the result.
GENERATED = {"src/backend/cuda/proof_rows.inc"}


def hashed_files(root, variant):
    for folder in SHARED + [OWN[variant]]:
        for path in (root / folder).rglob("*"):
            name = path.relative_to(root).as_posix()
            if path.is_file() and name not in GENERATED:
                yield name


def kernel_hash(root, variant):
    digest = hashlib.sha256()
    for name in sorted(hashed_files(root, variant)):
        content = (root / name).read_bytes()
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:32]


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[2] not in OWN:
        sys.exit("usage: kernel_hash.py ROOT fused|cudnn")
    print(kernel_hash(pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]))
