#!/usr/bin/env python3
"""The arrows test can fail: each fault planted in a small tree is caught, and the tree without it is clean."""
import pathlib
import sys
import tempfile

import arrows

COMMENT = "// A file of the self-test.\n"
CLEAN = {
    "include/rondo/rondo.h": "/* The header. */\n#include <stdint.h>\n",
    "src/api/plan.cpp": COMMENT + '#include "plan/plan.h"\n#include "core/status.h"\n#include "rondo/rondo.h"\n',
    "src/plan/plan.h": COMMENT + '#include "backend/backend.h"\n',
    "src/plan/plan.cpp": COMMENT + '#include "plan.h"\n#include <vector>\n',
    "src/core/status.h": COMMENT + "#include <rondo/rondo.h>\n",
    "src/backend/backend.h": COMMENT + '#include "core/status.h"\n',
    "src/backend/registry.cpp": COMMENT + '#include "backend/cpu/cpu.h"\n#include "backend/backend.h"\n',
    "src/backend/cpu/cpu.h": COMMENT + '#include "backend/backend.h"\n#include "kernels/cpu/gemm.h"\n',
    "src/backend/cuda/device.h": COMMENT,
    "src/backend/fused/fused.cpp": COMMENT + '#include "backend/cuda/device.h"\n#include <cuda_runtime.h>\n',
    "src/cli/main.cpp": COMMENT + "#include <CLI/CLI.hpp>\n#include <nlohmann/json.hpp>\n",
    "kernels/cell/philox.h": COMMENT,
    "kernels/cpu/gemm.h": COMMENT + "#include <cstdint>\n#include <hwy/highway.h>\n",
    "kernels/cpu/gemm.cpp": COMMENT + '#define HWY_TARGET_INCLUDE "kernels/cpu/gemm.cpp"\n#include "kernels/cpu/gemm.h"\n',
    "tests/reference/oracle.cpp": COMMENT + "#include <cmath>\n",
    "tests/unit/gemm.cpp": COMMENT + '#include "kernels/cpu/gemm.h"\n#include <catch2/catch.hpp>\n',
}
# File, the line that makes it wrong, and words of the complaint.
PLANTED = [
    ("src/api/plan.cpp", '#include "backend/backend.h"', "src/api may include"),
    ("src/api/plan.cpp", '#include "kernels/cpu/gemm.h"', "src/api may include"),
    ("src/api/plan.cpp", "#include <nlohmann/json.hpp>", "only src/cli"),
    ("src/api/plan.cpp", "#include <hwy/highway.h>", "only kernels"),
    ("src/api/plan.cpp", '#include "core/missing.h"', "no file of this project"),
    ("src/plan/plan.h", '#include "api/plan.cpp"', "src/plan may include"),
    ("src/plan/plan.cpp", '#include "kernels/cpu/gemm.h"', "src/plan may include"),
    ("src/plan/plan.cpp", '#include "backend/cpu/cpu.h"', "only src/backend/registry.cpp"),
    ("src/core/status.h", '#include "plan/plan.h"', "src/core may include"),
    ("src/core/status.h", '#include "../plan/plan.h"', "src/core may include"),
    ("src/core/status.h", '#include "kernels/cpu/gemm.h"', "src/core may include"),
    ("src/core/status.h", "#include <cuda_runtime.h>", "only kernels/cuda"),
    ("src/backend/backend.h", '#include "plan/plan.h"', "src/backend may include"),
    ("src/backend/backend.h", '#include "backend/cpu/cpu.h"', "only src/backend/registry.cpp"),
    ("src/backend/fused/fused.cpp", '#include "backend/cpu/cpu.h"', "only src/backend/registry.cpp"),
    ("src/backend/cpu/cpu.h", '#include "backend/cuda/device.h"', "only src/backend/registry.cpp"),
    ("src/cli/main.cpp", '#include "core/status.h"', "src/cli may include"),
    ("kernels/cpu/gemm.h", '#include "rondo/rondo.h"', "kernels may include nothing"),
    ("kernels/cpu/gemm.h", '#  include "core/status.h"', "kernels may include nothing"),
    ("kernels/cpu/gemm.h", "#include <boost/any.hpp>", "neither standard nor on the list"),
    ("tests/reference/oracle.cpp", '#include "kernels/cell/philox.h"', "tests/reference may include"),
    ("kernels/cpu/gemm.cpp", "\n" * arrows.MAX_LINES, "is the limit"),
]


def complaints(tree):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder).resolve()
        for name, text in tree.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        return list(arrows.faults(root))


def main():
    failures = [f"clean tree: {fault}" for fault in complaints(CLEAN)]
    for name, line, words in PLANTED:
        found = complaints({**CLEAN, name: CLEAN[name] + line + "\n"})
        if len(found) != 1 or not found[0].startswith(name) or words not in found[0]:
            failures.append(f"{name} with {line.strip()!r}: wanted '{words}', got {found}")
    found = complaints({**CLEAN, "src/core/bare.cpp": "#include <vector>\n"})
    if len(found) != 1 or "does not open with a comment" not in found[0]:
        failures.append(f"a file without an opening comment: got {found}")
    for failure in failures:
        print(failure)
    print(f"arrows self-test: {len(PLANTED) + 2} cases, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
