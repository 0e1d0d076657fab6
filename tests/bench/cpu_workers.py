"""The peers of the CPU comparison as worker processes, one a peer and thread count; tests/gpu/peer.h has the protocol.

A worker that waits for a request must be asleep: settle() waits out what its threads still spin after a call.
"""
import json
import os
import pathlib
import select
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TICK = 1 / os.sysconf("SC_CLK_TCK")
SETTLE_SECONDS = 1.0
SETTLE_STEP = 0.004
MOST_FAILURES = 3


class PeerGone(Exception):
    """A worker that ended, or did not answer in time; its text says why."""


def commands(build, python, threads):
    """Of every peer: what to run, and what it needs in the environment."""
    program = pathlib.Path(build) / "bin"
    count = str(threads)
    torch = [python, "-B", str(HERE / "torch_bench.py"), "cpu", count]
    return {
        "rondo": ([str(program / "rondo_gpu_bench")], {"RONDO_GPU_BENCH_BACKEND": "cpu", "RONDO_NUM_THREADS": count}),
        "onednn": ([str(program / "rondo_bench_onednn")], {}),
        "ort": ([python, "-B", str(HERE / "ort_bench.py"), count], {}),
        "torch": (torch, {}),
        "torch packed": (torch, {}),
    }


def processor_seconds(pid):
    """What a process has used since it began, threads that ended included; 0 where it is gone."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) * TICK


def running_seconds(pid):
    """What its threads have run, to the nanosecond where the kernel tells that."""
    total = 0
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            try:
                total += int(pathlib.Path(f"/proc/{pid}/task/{task}/schedstat").read_text(encoding="ascii").split()[0])
            except FileNotFoundError:
                if not pathlib.Path("/proc/self/schedstat").exists():
                    return processor_seconds(pid)
    except OSError:
        return 0.0
    return total * 1e-9


class Worker:
    def __init__(self, command, environment, threads):
        self.errors = tempfile.TemporaryFile()
        self.received = b""
        self.slept_after = 0.0  # the longest that threads were still busy after an answer
        settings = {"OMP_NUM_THREADS": str(threads), "OMP_DYNAMIC": "false", "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.errors,
                env={**os.environ, **settings, **environment},
                start_new_session=True,
            )
        except OSError as error:
            raise PeerGone(f"{error.strerror}: {os.path.basename(command[0])}") from error

    def ask(self, request, seconds):
        """The answer, as a dictionary; one that is {"error": text} becomes a RuntimeError."""
        deadline = time.monotonic() + seconds
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            raise PeerGone(self.last_words()) from None
        output = self.process.stdout.fileno()
        while b"\n" not in self.received:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([output], [], [], left)[0]:
                self.stop()
                raise PeerGone(f"no answer within {seconds:.0f} s")
            piece = os.read(output, 1 << 16)
            if not piece:
                raise PeerGone(self.last_words())
            self.received += piece
        line, _, self.received = self.received.partition(b"\n")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def last_words(self):
        self.stop()
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").strip().splitlines() or ["it told nothing"]
        status = self.process.returncode
        return lines[-1].removeprefix("skipped: ") if status == 77 else f"ended with status {status}: {lines[-1]}"

    def settle(self):
        """Waits until its threads sleep. Whether they do, and sets slept_after."""
        start, before = time.monotonic(), running_seconds(self.process.pid)
        while True:
            time.sleep(SETTLE_STEP)
            now = running_seconds(self.process.pid)
            elapsed = time.monotonic() - start
            if now - before < SETTLE_STEP / 20:
                self.slept_after = max(self.slept_after, elapsed - SETTLE_STEP)
                return True
            if elapsed > SETTLE_SECONDS:
                self.slept_after = SETTLE_SECONDS
                return False
            before = now

    def stop(self):
        """Ends this worker, and only this one."""
        for stream in (self.process.stdin, self.process.stdout):
            try:
                stream.close()
            except OSError:
                pass
        try:
            self.process.wait(0.5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Pool:
    """All workers of a run, started when they are first asked for and kept from row to row."""

    def __init__(self, build, thread_counts):
        self.build, self.thread_counts = build, thread_counts
        venv = HERE.parent.parent / ".venv/bin/python"
        self.python = str(venv) if venv.exists() else sys.executable
        self.workers, self.failures, self.versions, self.slept_after = {}, {}, {}, {}

    def ask(self, peer, threads, request, seconds):
        """As Worker.ask. A worker that is gone is replaced at the next call, a peer that goes three times is not."""
        key = (peer, threads)
        failed = self.failures.get(peer, [])
        if len(failed) >= MOST_FAILURES or any(absent for absent, _ in failed):
            raise PeerGone(failed[-1][1])
        try:
            if key not in self.workers:
                command, environment = commands(self.build, self.python, threads)[peer]
                self.workers[key] = Worker(command, environment, threads)
            return self.workers[key].ask(request, seconds)
        except PeerGone as error:
            worker = self.workers.pop(key, None)
            absent = worker is None or worker.process.returncode == 77
            self.failures.setdefault(peer, []).append((absent, str(error)))
            raise

    def settle(self, peer, threads):
        worker = self.workers.get((peer, threads))
        if worker is None:
            return
        worker.settle()
        self.slept_after[peer] = max(self.slept_after.get(peer, 0.0), worker.slept_after)

    def processor_seconds(self):
        """Used so far by all workers that live."""
        return sum(processor_seconds(worker.process.pid) for worker in self.workers.values())

    def close(self):
        for worker in self.workers.values():
            worker.stop()
        self.workers.clear()
