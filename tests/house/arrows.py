#!/usr/bin/env python3
"""The arrows of the house (src/README.md), read off the #include lines; also file lengths and opening comments.

Usage: arrows.py ROOT     prints each fault and exits 1 where there is one.
"""
import pathlib
import re
import sys

MAX_LINES = 400
MAX_LINES_OF = {"include/rondo/rondo.h": 500}  # the whole public interface, one file by design
FOLDERS = ["include", "src", "kernels", "tests", "cmake", "examples", "bindings", ".ci"]
ROOT_FILES = ["CMakeLists.txt", "build.sh"]
SUFFIXES = {".h", ".hpp", ".c", ".cc", ".cpp", ".cu", ".cuh", ".py", ".cmake", ".sh", ".map"}

PUBLIC = "include/rondo"
# Pure mathematics that core's rules share with the kernels: number formats and the random generator.
PURE = ["kernels/cell/dtype.h", "kernels/cell/half.h", "kernels/cell/philox.h"]
# What persistent kernels are predicted to take, without CUDA.
COST_MODEL = ["kernels/cuda/tiers.h", "kernels/cuda/gpu_facts.h", "kernels/cell/numbers.h"]
# What the two GPU back ends share; the only sibling a back end may include.
GPU_BACKENDS = ["src/backend/fused", "src/backend/cudnn"]
GPU_TESTS = ["tests/emulator", "tests/gpu", "tests/bench"]
REGISTRY = "src/backend/registry.cpp"

# Each folder and what its files may include beside their own folder, longest folder first. A trailing * takes
# sub-folders in; without it only files lying directly in the folder count.
ARROWS = [
    ("src/backend/*", ["src/backend", "src/core*", "kernels*", PUBLIC]),  # one back end; see siblings()
    ("src/backend", ["src/core*", "kernels*", PUBLIC]),
    ("src/plan", ["src/backend", "src/core*", PUBLIC]),
    ("src/api", ["src/plan*", "src/core*", PUBLIC]),
    ("src/core", [PUBLIC] + PURE),
    ("src/cli", [PUBLIC, "kernels/cpu/peak.h"] + COST_MODEL),
    ("kernels", []),
    ("include", []),
    ("examples", [PUBLIC]),
    ("tests/api", [PUBLIC]),
    ("tests/consumer", [PUBLIC]),
    ("tests/reference", [PUBLIC]),  # the oracle shares no code with the library
    ("tests/numeric", [PUBLIC, "tests/reference*", "tests/support*"]),
    ("tests/support", [PUBLIC, "tests/reference*"]),
    ("tests", ["src*", "kernels*", "tests*", PUBLIC]),
]

# Include paths of the tests' own targets.
TEST_BASES = ["tests", "tests/support", "tests/reference"]

# Third-party headers and the folders that may use them.
THIRD_PARTY = [
    (r"CLI/|CLI11", ["src/cli", "examples", "tests"]),
    (r"nlohmann/", ["src/cli", "examples", "tests"]),
    (r"catch2/", ["tests"]),
    (r"hwy/", ["kernels", "src/backend", "tests"]),
    (r"rondo_emulator/", ["kernels/cuda/primitives.h", "tests/emulator"]),
    (r"cuda_(bf16|fp16)", ["kernels/cuda/primitives.h"]),  # the toolkit's device headers
    (r"cuda|cublas", ["kernels/cuda", "src/backend/cuda"] + GPU_BACKENDS + GPU_TESTS),
    (r"cudnn", ["src/backend/cudnn"] + GPU_TESTS),
    (r"dnnl", ["tests/bench"]),  # oneDNN, a peer of the benchmark
    (r"sanitizer/", ["tests/emulator"]),
]
# Standard C and C++ (a bare name, or a C header), the system's own interface, and vendors' intrinsics.
STANDARD = re.compile(r"[a-z_]+(\.h)?$|[a-z]+int\.h$|(sys|linux|bits)/[a-z_]+\.h$")
INCLUDE = re.compile(r'\s*#\s*(?:include|define\s+HWY_TARGET_INCLUDE)\s*([<"])([^>"]+)[>"]')


def source_files(root):
    """Every source file of the project, relative to the root."""
    for name in ROOT_FILES:
        if (root / name).is_file():
            yield name
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                if path.suffix in SUFFIXES or path.name == "CMakeLists.txt" or folder == ".ci":
                    yield path.relative_to(root).as_posix()


def inside(path, folder):
    return path == folder or path.startswith(folder + "/")


def matches(target, pattern):
    """Whether an included file is what an entry of ARROWS names."""
    if pattern.endswith("*"):
        return inside(target, pattern[:-1])
    return target == pattern or target.rpartition("/")[0] == pattern


def home_of(path):
    """The folder whose arrows hold for a file, and what they allow; (None, None) where there are none."""
    for folder, allowed in ARROWS:
        if folder.endswith("/*"):
            parent = folder[:-2]
            if inside(path, parent) and path.count("/") > parent.count("/") + 1:
                return "/".join(path.split("/")[: parent.count("/") + 2]), allowed
        elif inside(path, folder):
            return folder, allowed
    return None, None


def resolve(root, path, name):
    """The project's file that an include names, or None."""
    here = path.rpartition("/")[0]
    for base in [here, "src", "", "include"] + (TEST_BASES if inside(path, "tests") else []):
        candidate = (root / base / name).resolve()
        if candidate.is_file() and candidate.is_relative_to(root):
            return candidate.relative_to(root).as_posix()
    return None


def include_fault(root, path, quote, name):
    """What is wrong with one include of one file, or None."""
    folder, allowed = home_of(path)
    if folder is None:
        return None
    target = resolve(root, path, name)
    if target is None:
        return third_party_fault(path, quote, name)
    if path == REGISTRY and inside(target, "src/backend"):
        return None
    if folder in GPU_BACKENDS and inside(target, "src/backend/cuda"):
        return None
    if inside(target, "src/backend") and inside(path, "src") and target.count("/") > 2:
        if not inside(target, folder) or folder == "src/backend":
            return f"includes {target}: only {REGISTRY} and that back end itself may name it"
    if inside(target, folder) or any(matches(target, pattern) for pattern in allowed):
        return None
    return f"includes {target}: {folder} may include {', '.join(allowed) or 'nothing'} beside itself"


def third_party_fault(path, quote, name):
    """What is wrong with an include of a file that is not the project's, or None."""
    for pattern, folders in THIRD_PARTY:
        if re.match(pattern, name):
            if any(inside(path, folder) for folder in folders):
                return None
            return f"includes {name}: only {', '.join(folders)} may use it"
    if quote == '"':
        return f'includes "{name}", which is no file of this project'
    if not STANDARD.match(name):
        return f"includes <{name}>, which is neither standard nor on the list of this test"
    return None


def length_fault(path, lines):
    limit = MAX_LINES_OF.get(path, MAX_LINES)
    return f"has {len(lines)} lines; {limit} is the limit" if len(lines) > limit else None


def opening_fault(path, lines):
    """A file opens with a comment that says what it is."""
    first = next((line for line in lines if not line.startswith("#!")), "")
    hash_comments = path.endswith((".py", ".sh", ".cmake", "CMakeLists.txt")) or inside(path, ".ci")
    opening = ("#", '"""') if hash_comments or path == "build.sh" else ("//", "/*")
    return None if first.startswith(opening) else "does not open with a comment that says what it is"


def faults(root):
    for path in source_files(root):
        lines = (root / path).read_text(encoding="utf-8").splitlines()
        for fault in (length_fault(path, lines), opening_fault(path, lines)):
            if fault:
                yield f"{path}: {fault}"
        for number, line in enumerate(lines, 1):
            include = INCLUDE.match(line) if pathlib.PurePath(path).suffix in SUFFIXES else None
            fault = include and include_fault(root, path, *include.groups())
            if fault:
                yield f"{path}:{number}: {fault}"


def main(arguments):
    if len(arguments) != 2 or not pathlib.Path(arguments[1], "src").is_dir():
        print("usage: arrows.py ROOT, the folder that holds src/", file=sys.stderr)
        return 2
    root = pathlib.Path(arguments[1]).resolve()
    found = list(faults(root))
    for fault in found:
        print(fault)
    print(f"arrows: {sum(1 for _ in source_files(root))} files, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
