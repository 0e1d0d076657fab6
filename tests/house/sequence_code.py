#!/usr/bin/env python3
"""The machine code of the sequence kernels, as a table: registers, memory, and what a step's product is made of.

Usage: sequence_code.py [--architectures LIST] [--each] [--readme README [--check]] FILE...
FILE: a module, an object file or a cubin. --readme writes the table between the README's markers; --check compares
instead, and skips where another compiler made the files.

Fails where a kernel spills, uses a stack or local memory, or has no tensor-core instructions in its product loop (of f32
storage no multiply-adds and no 16-byte loads of shared memory, or any tensor-core instruction; of tf32 none of tf32), and
where an architecture has none of the kernels. Exits 77 without cuobjdump and nvdisasm (PyPI: nvidia-cuda-cuobjdump,
nvidia-cuda-nvdisasm). Loops are those of the control flow, never of the code's order: parts of a loop lie elsewhere.
"""
import argparse
import collections
import pathlib
import re
import subprocess
import sys
import tempfile

from device_code import SKIPPED, demangle, find_tool, kernels

QUICK = "sm_80,sm_90a,sm_120"
BEGIN = "<!-- sequence-code: written by tests/house/sequence_code.py -->"
END = "<!-- end of sequence-code -->"
NAME = re.compile(r"(projected_|)(forward|backward)_sequence_kernel<"
                  r"(?:(?:\w+::)*(\w+?)Cell(?:<(?:\w+::)*(\w+?)Activation>\s*)?, )?"
                  r"(?:\w+::)*(\w+), (\d+), (\d+)(?:, (\d+))?>")
INSTRUCTION = re.compile(r"\s+/\*[0-9a-f]+\*/\s+(?:(@!?U?P\w+)\s+)?([A-Z][\w.]*)\s*(.*?)\s*;")
LABEL = re.compile(r"\.L_x_\d+")
ENDS = {"EXIT", "RET", "BPT"}
# What a product's main loop is made of, and what it reads its operands with: by the storage type where it is not 16-bit.
PRODUCTS = {"float": r"FFMA2?\b", "Tf32": r"HMMA\.1688\b.*TF32"}
READS = {"float": r"LDS\b.*\.128"}
# As the table has them, where it has them apart.
NAMES = {"float": "f32", "Tf32": "tf32"}
TENSOR, MATRICES = r"HMMA\b", r"LDSM\b"

Instruction = collections.namedtuple("Instruction", "guard name operands")
Row = collections.namedtuple("Row", "backward cell storage tiles parts held capability architecture found")


def cubins_of(cuobjdump, file, folder):
    """(architecture, its machine code's file) for each architecture and source."""
    folder.mkdir()
    done = subprocess.run([cuobjdump, "-xelf", "all", str(file.resolve())], cwd=folder, capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        sys.exit(f"sequence_code.py: cuobjdump {file}: {done.stderr.strip() or done.stdout.strip()}")
    for cubin in sorted(folder.glob("*.cubin")):
        yield cubin.suffixes[-2].lstrip("."), cubin


def functions(nvdisasm, cubin):
    """(mangled name, instructions, label -> index of the instruction behind it) of every kernel in a cubin."""
    done = subprocess.run([nvdisasm, "-c", str(cubin)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"sequence_code.py: nvdisasm {cubin}: {done.stderr.strip()}")
    name, code, labels = None, [], {}
    for line in done.stdout.splitlines():
        if match := INSTRUCTION.match(line):
            code.append(Instruction(*match.groups()))
        elif line.startswith(".L_x_"):
            labels[line.rstrip(":")] = len(code)
        elif line.startswith(".text."):
            if name:
                yield name, code, labels
            name, code, labels = line[len(".text."):].rstrip(":"), [], {}
    if name:
        yield name, code, labels


def flow(code, labels):
    """For each instruction those that may come next. A called function is passed over."""
    following = []
    meets = {}  # where the threads that BSYNC waits for meet, by its register
    for k, (guard, name, operands) in enumerate(code):
        kind = name.partition(".")[0]
        to = [labels[label] for label in LABEL.findall(operands) if label in labels]
        goes_on = True
        if kind == "BSSY":
            meets[operands.partition(",")[0]] = to
            to = []
        elif kind == "BSYNC":
            to = meets.get(operands.strip(), [])
            goes_on = not to or guard is not None
        elif kind in ENDS:
            to = []
            goes_on = guard is not None
        elif kind in ("BRA", "BRX", "JMP"):
            # An operand before the label is a condition too.
            goes_on = guard is not None or not operands.startswith(("`", "("))
        elif kind == "CALL" and to:
            pass  # ptxas takes some branches within a function so
        else:
            to = []
        following.append({next_one for next_one in to + [k + 1] * goes_on if next_one < len(code)})
    return following


def reached(start, edges, within):
    seen, front = set(), [start]
    while front:
        for one in edges[front.pop()]:
            if one in within and one not in seen:
                seen.add(one)
                front.append(one)
    return seen


def loop_of(start, following, before, within):
    """All instructions on ways from `start` to itself; empty where it is in no loop."""
    return reached(start, following, within) & reached(start, before, within)


def loops_of(starts, following, before, within):
    found = []
    for start in starts:
        if start in within and not any(start in loop for loop in found):
            if loop := loop_of(start, following, before, within):
                found.append(loop)
    return found


def shortest(starts, ends, blocked, following, within):
    """Instructions between one of `starts` and one of `ends` on the shortest way around `blocked`; None: no way."""
    front, seen, length = set(starts), set(starts), -1
    while front:
        front = {to for one in front for to in following[one] if to in within and to not in seen}
        length += 1
        if front & ends:
            return length
        front -= blocked
        seen |= front
    return None


def facts(code, labels, storage, held):
    """What is told of one kernel's instructions; held: steps of K whose W_hh it has in registers."""
    following = flow(code, labels)
    before = [set() for _ in code]
    for k, to in enumerate(following):
        for one in to:
            before[one].add(k)

    def those(pattern, among=range(len(code))):
        match = re.compile(pattern).match
        return {k for k in among if match(code[k].name)}

    everything = set(range(len(code)))
    products = those(PRODUCTS.get(storage, TENSOR))
    steps = loops_of(sorted(products), following, before, everything)
    step = set().union(*steps)
    # Without where a step begins, what is left of its loop are the loops inside.
    inside = step - {k for loop in steps for k in loop if any(one not in loop for one in before[k])}
    loops = loops_of(sorted(products), following, before, inside)
    inner = max(loops, key=lambda loop: len(products & loop), default=set())
    straight = products & step - set().union(*loops)
    result = {
        "hmma": len(products & inner),
        "straight": len(straight) if held else 0,
        "ldsm": len(those(READS.get(storage, MATRICES), inner)),
        "tensor": len(those(TENSOR)),
        "inner": len(inner),
        "local": len(those(r"(LDL|STL)\b")),
        "copies": len(those(r"LDGSTS\b.*\.128", everything - step)),
        "fetches": len(those(r"LDGSTS\b.*\.128", step)),
        "loads": len(those(r"(LDG|LD)\b", step)),
        "wide_loads": len(those(r"(LDG|LD)\b.*\.128", step)),
        "stores": len(those(r"(STG|ST)\b", step)),
        "wide_stores": len(those(r"(STG|ST)\b.*\.128", step)),
        "sends": len(those(r"STAS\b.*\.128", step)),
    }
    cluster = those(r"SYNCS\b.*\.TRYWAIT", step)
    block = those(r"BAR\.SYNC", step)
    for key, waits in (("after_cluster", cluster), ("after_block", block)):
        first = straight if held else products & inner
        result[key] = shortest(waits, first, cluster | block | products, following, step)
    return result


def rows_of(tools, architecture, cubin):
    """A Row for every sequence kernel of a cubin."""
    usages = {function: usage for _, function, usage in kernels(tools["cuobjdump"], str(cubin))}
    names = demangle([function for function in sorted(usages) if "ward_sequence_kernel" in function])
    matches = {function: NAME.search(name) for function, name in names.items()}
    if unknown := [names[function] for function, match in matches.items() if match is None]:
        sys.exit(f"sequence_code.py: what kernel is {unknown[0]}? (c++filt has to be there)")
    for function, code, labels in functions(tools["nvdisasm"], cubin):
        if match := matches.get(function):
            projected, direction, cell, activation, storage, tiles, parts, held = match.groups()
            # Those with a projection are an LSTM's and hold nothing.
            cell, activation, held = ("lstm", "proj", 0) if projected else (cell, activation, int(held))
            found = facts(code, labels, storage, held)
            usage = {kind: usages[function].get(kind, 0) for kind in ("REG", "STACK", "SHARED", "LOCAL")}
            found.update(registers=usage["REG"], stack=usage["STACK"], shared=usage["SHARED"])
            found["local"] += usage["LOCAL"]
            yield Row(direction == "backward", " ".join(filter(None, (cell, activation))).lower(),
                      NAMES.get(storage, storage.lower()), int(tiles), int(parts), held,
                      int(re.search(r"\d+", architecture)[0]), architecture, found)


def measure(tools, files, wanted):
    """The files' rows, and the compilers' releases."""
    rows, compilers = [], set()
    with tempfile.TemporaryDirectory() as scratch:
        for number, file in enumerate(files):
            for architecture, cubin in cubins_of(tools["cuobjdump"], file, pathlib.Path(scratch) / str(number)):
                content = cubin.read_bytes()
                if architecture in wanted and b"ward_sequence_kernel" in content:
                    compilers |= set(re.findall(rb"release \d+\.\d+", content))
                    rows += rows_of(tools, architecture, cubin)
    return rows, sorted(text.decode() for text in compilers)


def name_of(row, each):
    name = f"{'backward' if row.backward else 'forward':<8} {row.cell}"
    if not each:
        return f"{name} {row.storage}".rstrip()
    return f"{name:<18} {row.storage:<4} {row.tiles} x {row.parts} {row.held:>2} held"


def faults_of(rows, wanted):
    faults = [f"{name}: no sequence kernels" for name in wanted if all(row.architecture != name for row in rows)]
    for row in rows:
        name, found = f"{name_of(row, True)} on {row.architecture}", row.found
        if found["stack"] or found["local"]:
            faults.append(f"{name}: stack of {found['stack']} bytes, {found['local']} uses of local memory")
        if not found["hmma"]:
            kind = {"f32": "multiply-add", "tf32": "tf32 instruction"}.get(row.storage, "tensor-core instruction")
            faults.append(f"{name}: no {kind} in a loop inside the steps'")
        elif row.storage == "f32" and (found["tensor"] or not found["ldsm"]):
            faults.append(f"{name}: {found['tensor']} tensor-core instructions, {found['ldsm']} 16-byte loads in the "
                          "product")
        elif found["straight"] < row.held:
            faults.append(f"{name}: no tensor-core instruction for what is held in registers")
        elif found["after_block"] is None or found["after_cluster"] is None and row.capability >= 90:
            faults.append(f"{name}: no wait before the product")
        elif not found["fetches"]:
            faults.append(f"{name}: no fetches from other blocks of a grid")
    return faults


def span(numbers):
    """The least and the most."""
    numbers = sorted(number for number in numbers if number is not None)
    if not numbers:
        return "-"
    texts = [f"{number:.2f}" if isinstance(number, float) else str(number) for number in (numbers[0], numbers[-1])]
    return texts[0] if texts[0] == texts[1] else "-".join(texts)


COLUMNS = (
    ("registers", 9, lambda f: f["registers"]),
    ("shared", 9, lambda f: f["shared"]),
    ("stack", 5, lambda f: f["stack"]),
    ("local", 5, lambda f: f["local"]),
    ("held", 6, lambda f: f["straight"]),
    ("hmma", 6, lambda f: f["hmma"]),
    ("ldsm/hmma", 9, lambda f: f["ldsm"] / f["hmma"] if f["hmma"] else None),
    ("all/hmma", 9, lambda f: f["inner"] / f["hmma"] if f["hmma"] else None),
    ("copies", 6, lambda f: f["copies"]),
    ("loads", 6, lambda f: f["loads"]),
    ("of 16", 5, lambda f: f["wide_loads"]),
    ("stores", 6, lambda f: f["stores"]),
    ("of 16", 5, lambda f: f["wide_stores"]),
    ("sends", 5, lambda f: f["sends"]),
    ("fetches", 7, lambda f: f["fetches"]),
    ("cluster", 7, lambda f: f["after_cluster"]),
    ("block", 7, lambda f: f["after_block"]),
)


def table(rows, each):
    groups = collections.defaultdict(list)
    for row in rows:
        apart = row.storage if row.storage in NAMES.values() else ""
        key = row if each else row._replace(storage=apart, tiles=0, parts=0, held=0)
        groups[key._replace(found=None)].append(row.found)
    width = 38 if each else 22
    lines = [f"{'kernel':<{width}} {'on':<6} {'of':>3} | " + " ".join(f"{name:>{size}}" for name, size, _ in COLUMNS)]
    for row, found in sorted(groups.items()):
        spans = " ".join(f"{span(map(value, found)):>{size}}" for _, size, value in COLUMNS)
        lines.append(f"{name_of(row, each):<{width}} {row.architecture:<6} {len(found):>3} | {spans}")
    return "\n".join(lines) + "\n"


LEGEND = """\
A row is a cell's kernels of one direction on one architecture (f16 and bf16, 8 to 32 rows, 1 to 8 parts of K, some of W_hh
in registers or none; or f32 or tf32, 8, 16 or 32 rows, 1 to 4 parts; proj: with a projection, 1 to 4 parts), from the least
to the most. They come from the code as it stands: of alternatives, all count.
  shared   bytes beside the dynamic ones of the layout     stack, local   bytes; instructions on local memory: no spills
  held     tensor-core instructions of a step that take W_hh from registers, once for whole groups of K's steps and once for
           a part that ends within a group
  hmma     tensor-core instructions in one iteration of the product's main loop; for each of them the loop's ldsm (loads
           of matrices, 16 bytes a row) and all its instructions; of f32 multiply-adds and 16-byte loads
  copies   16-byte copies from global into shared memory, before the first step
  loads, stores, sends, fetches   in the loop over the steps: of global memory, and how many are of 16 bytes; to other blocks
           of a cluster and from other blocks of a grid, of 16
  cluster, block   instructions on the shortest way from the wait for the operand, by cluster or by block and grid, to the
           first hmma of what is held, or of the main loop where nothing is
"""


def report(rows, compilers):
    """What the README tells."""
    return f"Compiled by nvcc, {', '.join(compilers)}.\n{LEGEND}\n{table(rows, False)}"


def with_section(readme, text):
    """The README's text with the table between the markers, and the one it had; ValueError where it has none."""
    before, begin, rest = readme.partition(BEGIN)
    old, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"there is no {BEGIN} .. {END}")
    return f"{before}{BEGIN}\n```text\n{text}```\n{END}{after}", old


def section(path, check, text, compilers):
    """Writes or compares the README's; gives back the exit status."""
    readme = path.read_text(encoding="utf-8")
    try:
        written, old = with_section(readme, text)
    except ValueError as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 1
    if not check:
        path.write_text(written, encoding="utf-8")
    elif written != readme:
        if (release := re.findall(r"release \d+\.\d+", old)) and release != compilers:
            print(f"skipped: {path} tells of nvcc {', '.join(release)}, not {', '.join(compilers)}")
            return SKIPPED
        print(f"{path}: the sequence kernels' table is out of date; run sequence_code.py --readme", file=sys.stderr)
        return 1
    return 0


def main():
    parser = argparse.ArgumentParser(description="The machine code of the sequence kernels")
    parser.add_argument("--architectures", default=QUICK)
    parser.add_argument("--each", action="store_true", help="a line for every kernel")
    parser.add_argument("--readme", type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("files", nargs="+", metavar="FILE", type=pathlib.Path)
    options = parser.parse_args()
    tools = {name: find_tool(name) for name in ("cuobjdump", "nvdisasm")}
    if missing := [name for name, tool in tools.items() if tool is None]:
        print(f"skipped: there is no {' and no '.join(missing)} (PyPI: nvidia-cuda-cuobjdump, nvidia-cuda-nvdisasm)")
        return SKIPPED
    wanted = [name for name in options.architectures.split(",") if name]
    rows, compilers = measure(tools, options.files, wanted)
    faults = faults_of(rows, wanted)
    status = 0
    if options.readme is None:
        print(table(rows, True) if options.each else report(rows, compilers), end="")
    elif not faults:
        status = section(options.readme, options.check, report(rows, compilers), compilers)
    for fault in faults:
        print(fault)
    print(f"sequence kernels' code: {len(rows)} kernels, {len(faults)} faults")
    return 1 if faults else status


if __name__ == "__main__":
    sys.exit(main())
