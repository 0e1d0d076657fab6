#!/usr/bin/env python3
"""What the compiler made of the device code: architectures, registers and memory of every kernel, read from the modules.

Usage: device_code.py [--architectures LIST] MODULE.so...    LIST as sm_75,sm_90a,compute_120; default: the release's.

Fails where an architecture is missing or a kernel uses local memory, a stack or spills. Exits 77 without cuobjdump,
which is looked for on PATH, in the toolkit and in .venv (PyPI's nvidia-cuda-cuobjdump). A module without device code,
as the cuDNN one may be, is told and no fault.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys

RELEASE = "sm_75,sm_80,sm_86,sm_89,sm_90a,sm_100,sm_120,compute_80,compute_120"
SKIPPED = 77
FUNCTION = re.compile(r"^\s*Function\s+(\S+?):?\s*$")
USAGE = re.compile(r"\b(REG|STACK|SHARED|LOCAL):(\d+)")


def find_tool(name):
    """One of the toolkit's programs, or None. PyTorch's Triton brings some along."""
    packages = pathlib.Path(__file__).resolve().parents[2] / ".venv"
    places = [shutil.which(name), *pathlib.Path("/usr/local").glob(f"cuda*/bin/{name}")]
    places += packages.glob(f"lib/python3*/site-packages/nvidia/*/bin/{name}")
    places += packages.glob(f"lib/python3*/site-packages/triton/backends/nvidia/bin/{name}")
    return next((str(place) for place in places if place), None)


def output_of(tool, option, module):
    done = subprocess.run([tool, option, module], capture_output=True, text=True, check=False)
    # Without any device code cuobjdump says so and fails.
    if done.returncode != 0 and "does not contain device code" not in done.stdout + done.stderr:
        sys.exit(f"device_code.py: cuobjdump {option} {module}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def architectures(tool, module):
    """Those the module holds: sm_* as machine code, compute_* as PTX."""
    found = set(re.findall(r"\.(sm_\d+[a-z]?)\.cubin", output_of(tool, "--list-elf", module)))
    # PTX files too are named by sm_*.
    found |= {"compute_" + name for name in re.findall(r"\.sm_(\d+[a-z]?)\.ptx", output_of(tool, "--list-ptx", module))}
    return found


def kernels(tool, module):
    """(architecture, function, {REG: .., STACK: .., ..}) of every kernel."""
    architecture, function = "?", None
    for line in output_of(tool, "--dump-resource-usage", module).splitlines():
        if match := re.match(r"\s*arch = (sm_\d+[a-z]?)", line):
            architecture = match[1]
        elif match := FUNCTION.match(line):
            function = match[1]
        elif function and (usage := dict(USAGE.findall(line))):
            yield architecture, function, {name: int(value) for name, value in usage.items()}
            function = None


def demangle(names):
    if not shutil.which("c++filt"):
        return dict(zip(names, names))
    done = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=True)
    return dict(zip(names, done.stdout.splitlines()))


def family(name):
    """A kernel's name without namespaces, template arguments and parameters."""
    name = re.sub(r"^void ", "", name.replace("(anonymous namespace)::", ""))
    return re.split(r"[<(]", name)[0].rpartition("::")[2]


def report(tool, module, wanted):
    """Prints one module's table; gives back its faults."""
    size = pathlib.Path(module).stat().st_size
    found = architectures(tool, module)
    print(f"{module}: {size / 1024:.0f} KiB; device code for {', '.join(sorted(found)) or 'none'}")
    if not found:
        return []
    faults = [f"{module}: no code for {name}" for name in wanted if name not in found]
    all_kernels = list(kernels(tool, module))
    if not all_kernels and any(name.startswith("sm_") for name in found):
        faults.append(f"{module}: cuobjdump tells no kernel's resources")
    names = demangle(sorted({function for _, function, _ in all_kernels}))
    families = {}
    for architecture, function, usage in all_kernels:
        families.setdefault((family(names[function]), architecture), []).append(usage)
        for kind in ("STACK", "LOCAL"):
            if usage.get(kind, 0) > 0:
                faults.append(f"{module}: {names[function]} on {architecture}: {kind.lower()} {usage[kind]} bytes")
    print(f"  {'kernel':<36} {'on':<8} {'count':>5} {'registers':>9} {'shared':>7} {'stack':>6} {'local':>6}")
    for (name, architecture), usages in sorted(families.items()):
        most = {kind: max(usage.get(kind, 0) for usage in usages) for kind in ("REG", "SHARED", "STACK", "LOCAL")}
        print(f"  {name:<36} {architecture:<8} {len(usages):>5} {most['REG']:>9} {most['SHARED']:>7} "
              f"{most['STACK']:>6} {most['LOCAL']:>6}")
    return faults


def main():
    parser = argparse.ArgumentParser(description="Architectures and resources of the modules' device code")
    parser.add_argument("--architectures", default=RELEASE)
    parser.add_argument("modules", nargs="+", metavar="MODULE.so")
    options = parser.parse_args()
    tool = find_tool("cuobjdump")
    if tool is None:
        print("skipped: there is no cuobjdump (PyPI: nvidia-cuda-cuobjdump)")
        return SKIPPED
    wanted = [name for name in options.architectures.split(",") if name]
    faults = [fault for module in options.modules for fault in report(tool, module, wanted)]
    for fault in faults:
        print(fault)
    print(f"device code: {len(options.modules)} modules, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
