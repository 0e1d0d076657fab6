"""The machine of a CPU comparison: what it is, how fast it can be at best, and whether others use it meanwhile.

Ceilings come from the program rondo_bench_ceilings; without it every fraction of a ceiling is absent.
"""
import json
import os
import pathlib
import platform
import subprocess
import time

from cpu_workers import TICK

FOREIGN_SHARE = 0.05  # of one processor, beside the roundings of the system's clock
FOREIGN_SLACK = 0.03
PROGRAM_SECONDS = 180


def text_of(path):
    try:
        return pathlib.Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def processors():
    return len(os.sched_getaffinity(0))


def caches():
    """Data and unified caches of the first processor, as ["L1 48K", ..]."""
    found = []
    for index in sorted(pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        if text_of(index / "type") != "Instruction":
            found.append(f"L{text_of(index / 'level')} {text_of(index / 'size')}")
    return found


def describe():
    fields = {}
    for line in text_of("/proc/cpuinfo").splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    flags = set(fields.get("flags", fields.get("Features", "")).split())
    telling = ["avx2", "avx512f", "avx512_bf16", "amx_bf16", "sve", "bf16"]
    return {
        "processor": fields.get("model name", platform.machine()),
        "family": f"{fields['cpu family']}.{fields.get('model', '?')}" if "cpu family" in fields else "",
        "processors": processors(),
        "instruction_sets": [flag for flag in telling if flag in flags],
        "caches": caches(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{platform.system()} {platform.release()}",
    }


def busy_seconds():
    """Processor time that anyone used since the machine began, stolen time included."""
    first = text_of("/proc/stat").partition("\n")[0].split()[1:9]
    user, nice, system, _, _, interrupts, soft_interrupts, stolen = (int(field) for field in first)
    return (user + nice + system + interrupts + soft_interrupts + stolen) * TICK


class Watch:
    """How much of the processors others used between its making and foreign()."""

    def __init__(self, own_seconds):
        self.own_seconds = own_seconds
        self.start = self.now()

    def now(self):
        return time.monotonic(), busy_seconds(), self.own_seconds() + time.process_time()

    def foreign(self):
        """(processors' worth of time that others used on average, whether that is too much)."""
        elapsed, busy, own = (now - then for now, then in zip(self.now(), self.start))
        other = max(0.0, busy - own)
        return other / max(elapsed, 1e-9), other > FOREIGN_SHARE * elapsed + FOREIGN_SLACK


def measured_ceilings(build, options=()):
    """What the ceilings program prints, or {"skipped": why}."""
    try:
        done = subprocess.run(
            [str(pathlib.Path(build) / "bin/rondo_bench_ceilings"), *options],
            capture_output=True,
            text=True,
            timeout=PROGRAM_SECONDS,
            check=False,
        )
        if done.returncode == 0:
            return json.loads(done.stdout)
        reason = (done.stderr.strip().splitlines() or [""])[-1]
        return {"skipped": f"rondo_bench_ceilings ended with status {done.returncode}: {reason}"}
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return {"skipped": f"rondo_bench_ceilings: {error}"}


def beside_others(build):
    """The lines of rondo_oversubscribed: calls beside a process or another context, and what threads burn after one."""
    try:
        command = [str(pathlib.Path(build) / "bin/rondo_oversubscribed")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROGRAM_SECONDS, check=False)
        return done.stdout.splitlines() + done.stderr.splitlines()
    except (OSError, subprocess.TimeoutExpired) as error:
        return [f"not measured: {error}"]
