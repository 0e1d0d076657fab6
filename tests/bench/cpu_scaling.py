#!/usr/bin/env python3
"""What one step of rondo's CPU back end costs against H, N and T, fitted; and where each split takes over.

Inputs are narrow, so that a step is its product with W_hh, its cells and its meeting. Standard library only.
"""
import argparse
import datetime
import json
import os
import pathlib
import re
import sys
from statistics import median

import cpu_machine
import cpu_workers
from cpu_figures import GATES

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
WIDTHS = [16, 32, 64, 96, 128, 192, 256, 384, 512, 1024]
BATCHES = [1, 2, 4, 8, 16, 32, 64]
STEPS, INPUT = 50, 16
LENGTHS, LENGTH_SHAPES = [1, 10, 50, 100], [(32, 1), (128, 1), (512, 1), (128, 32)]
ROUND_SECONDS, ROUNDS, ANSWER_SECONDS, ATTEMPTS = 0.01, 5, 60, 4
# As src/backend/cpu/split.cpp counts: what its estimates are in, and from where weights lie beyond the second level.
MULTIPLY_ADDS_PER_NS, SECOND_LEVEL_BYTES = 8, 768 << 10
FEW_ROWS = 2  # rows whose products read a weight for every row or two: chains of sums, not register blocks
BESIDE = "one thread's steps beside the others' products"
SPLITS = {"one thread": "1", "split by columns": "c", "split by rows": "r", BESIDE: "b"}
TERMS = ["a step", "multiply-add", "KiB from beyond the second level", "vector of gates", "a meeting"]


class Bench:
    """The peer program, once with one thread and once with all."""

    def __init__(self, build, threads):
        self.workers = {}
        for count in sorted({1, threads}):
            command, environment = cpu_workers.commands(build, sys.executable, count)["rondo"]
            self.workers[count] = cpu_workers.Worker(command, environment, count)
        self.pids = [worker.process.pid for worker in self.workers.values()]

    def measure(self, cell, H, N, T):
        """A point; once more where others used the processors meanwhile, and marked where they still did at last."""
        for _ in range(ATTEMPTS):
            watch = cpu_machine.Watch(lambda: sum(map(cpu_workers.processor_seconds, self.pids)))
            point = self.measure_once(cell, H, N, T)
            point["foreign"], point["disturbed"] = watch.foreign()
            if not point["disturbed"]:
                break
        return point

    def measure_once(self, cell, H, N, T):
        """Per thread count the microseconds of a call, the split and the model's microseconds of a step."""
        point = {"cell": cell, "H": H, "N": N, "T": T, "us": {}, "split": {}, "model_us": {}}
        shape = {"name": "", "cell": cell, "dtype": "f32", "mode": "inference", "sequence": "full"}
        shape.update({"T": T, "N": N, "I": INPUT, "H": H, "L": 1, "D": 1})
        for threads, worker in self.workers.items():
            answer = worker.ask({"do": "open", "shape": shape, "seconds": ROUND_SECONDS}, ANSWER_SECONDS)
            rounds = [worker.ask({"do": "round"}, ANSWER_SECONDS)["ms"]["cpu"] for _ in range(ROUNDS)]
            worker.settle()
            point["lanes"], split, estimate = explained(answer["explain"]["cpu"])
            point["us"][threads], point["split"][threads] = 1e3 * median(rounds), split
            point["model_us"][threads] = estimate / MULTIPLY_ADDS_PER_NS / 1e3
        return point

    def close(self):
        for worker in self.workers.values():
            worker.stop()


def explained(text):
    """(lanes, split at the plan's batch, its estimate in vector multiply-adds), as the plan explains itself."""
    lanes = int(re.search(r"(\d+) f\d+ lanes", text).group(1))
    split = re.search(r"largest batch, \d+ threads: ([^;]*);", text).group(1)
    beside = r"one thread's beside the others' products ([\d.]+)"
    numbers = re.search(r"one thread ([\d.]+), split by columns ([\d.]+), by rows ([\d.]+), " + beside, text)
    return lanes, split, float(numbers.group(1 + list(SPLITS).index(split)))


def rows_of(split, N, threads):
    return -(-N // threads) if split == "split by rows" else N


def load_of(point, split, threads):
    """What the busiest member has to do in a step, in TERMS."""
    lanes, H, rows = point["lanes"], point["H"], rows_of(split, point["N"], threads)
    blocks = -(-H // lanes)  # a gate panel is as many units as lanes; W_hh is shared out in whole panels
    share = -(-blocks // threads) if split == "split by columns" else blocks
    vectors = GATES[point["cell"]] * share
    kib = vectors * lanes * H * 4 / 1024
    far, meetings = kib * 1024 > SECOND_LEVEL_BYTES, split == "split by columns"
    inputs = 0 if split == BESIDE else INPUT
    return [1.0, rows * vectors * (H + inputs), kib if far else 0.0, rows * vectors, float(meetings)]


def solve(matrix, right):
    """Of a symmetric system; None where it is singular."""
    n = len(right)
    rows = [list(row) + [value] for row, value in zip(matrix, right)]
    for k in range(n):
        if abs(rows[k][k]) < 1e-12:  # of sums of squares: no pivot would help
            return None
        for i in range(n):
            if i != k:
                factor = rows[i][k] / rows[k][k]
                rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k])]
    return [rows[k][n] / rows[k][k] for k in range(n)]


def fit(samples):
    """Least squares of relative errors over [(load, microseconds)]; terms that would be negative are left out."""
    kept = [j for j in range(len(TERMS)) if any(x[j] for x, _ in samples)]
    while kept:
        scale = {j: max(x[j] for x, _ in samples) for j in kept}
        columns = list(zip(*([x[j] / scale[j] / y for j in kept] for x, y in samples)))
        products = [[sum(a * b for a, b in zip(one, other)) for other in columns] for one in columns]
        solution = solve(products, [sum(column) for column in columns])
        if solution is None:
            kept.pop()
        elif min(solution) < 0:
            kept.pop(solution.index(min(solution)))
        else:
            found = {j: value / scale[j] for j, value in zip(kept, solution)}
            return [found.get(j, 0.0) for j in range(len(TERMS))]
    return [0.0] * len(TERMS)


def predicted(coefficients, x):
    return sum(c * value for c, value in zip(coefficients, x))


def regime_of(split, N, threads):
    return "1 or 2 rows" if rows_of(split, N, threads) <= FEW_ROWS else "more rows"


def fits_of(points):
    """Per regime the coefficients in microseconds and how far they are from what was measured."""
    regimes = {}
    for point in points:
        for threads, us in point["us"].items():
            split = point["split"][threads]
            if threads == 1 or split != "one thread":
                sample = (load_of(point, split, threads), us / point["T"])
                regimes.setdefault(regime_of(split, point["N"], threads), []).append(sample)
    result = {}
    for name, samples in sorted(regimes.items()):
        if len(samples) > len(TERMS):
            coefficients = fit(samples)
            errors = sorted(abs(predicted(coefficients, x) / y - 1) for x, y in samples)
            result[name] = {"us": coefficients, "points": len(samples), "median_error": median(errors)}
            result[name]["worst_error"] = errors[-1]
    return result


def crossovers(points, fits, threads):
    """Per cell and N: the least H that the plan splits, what that gains there, and the least H where the fits cross."""
    result = []
    for cell, N in sorted({(point["cell"], point["N"]) for point in points}):
        line = [point for point in points if (point["cell"], point["N"]) == (cell, N)]
        split = [point for point in line if point["split"][threads] != "one thread"]
        found = {"cell": cell, "N": N, "chosen_from_H": None, "fitted_from_H": None}
        if split:
            found["chosen_from_H"], found["split"] = split[0]["H"], split[0]["split"][threads]
            found["gain_there"] = split[0]["us"][1] / split[0]["us"][threads]
            single = fits.get(regime_of("one thread", N, 1))
            several = fits.get(regime_of(found["split"], N, threads))
            for H in range(line[0]["lanes"], WIDTHS[-1] + 1, line[0]["lanes"]):
                at = {**line[0], "H": H}
                if not (single and several):
                    break
                alone = predicted(single["us"], load_of(at, "one thread", 1))
                if predicted(several["us"], load_of(at, found["split"], threads)) < alone:
                    found["fitted_from_H"] = H
                    break
        result.append(found)
    return result


def length_line(points):
    """(fixed, step): microseconds of a call as fixed + step * T, through T 10 and T 50, where y stays in the caches."""
    (T0, us0), (T1, us1) = ((point["T"], min(point["us"].values())) for point in points[1:3])
    step = (us1 - us0) / (T1 - T0)
    return us0 - step * T0, step


def grid(points, text_of):
    lines = ["| H | " + " | ".join(f"N {N}" for N in BATCHES) + " |", "|--:" * (len(BATCHES) + 1) + "|"]
    for H in sorted({point["H"] for point in points}):
        texts = [text_of(point) for N in BATCHES for point in points if (point["H"], point["N"]) == (H, N)]
        lines.append(f"| {H} | " + " | ".join(texts) + " |")
    return "\n".join(lines)


def report(document):
    points, threads = document["points"], document["threads"]
    disturbed = sum(point["disturbed"] for point in points)
    print(f"{len(points)} points, {disturbed} of them kept although others used the processors")
    for cell in sorted({point["cell"] for point in points}):
        here = [point for point in points if point["cell"] == cell]
        print(f"\n{cell}: microseconds a step at the better thread count; the split of {threads} threads by the plan\n")
        print(grid(here, lambda p: f"{min(p['us'].values()) / p['T']:.3g} {SPLITS[p['split'][threads]]}"))
        print(f"\n{cell}: times as fast at {threads} threads as at 1\n")
        print(grid(here, lambda p: f"{p['us'][1] / p['us'][threads]:.2f}"))
        for count in sorted({1, threads}):
            print(f"\n{cell}: measured over the cost model's estimate, {count} threads\n")
            print(grid(here, lambda p, n=count: f"{p['us'][n] / p['T'] / p['model_us'][n]:.2f}"))
    print("\nfits: nanoseconds for each of the busiest member's")
    for name, each in document["fits"].items():
        terms = ", ".join(f"{1e3 * value:.4g} {term}" for value, term in zip(each["us"], TERMS) if value)
        off = f"{100 * each['median_error']:.0f} % off in the median, {100 * each['worst_error']:.0f} % at worst"
        print(f"  {name} ({each['points']} points): {terms}; {off}")
    print("\nwhere the split takes over: cell, N, from H by the plan, gain there, from H by the fits")
    for each in document["crossovers"]:
        gain = f"{each['split']} x{each['gain_there']:.2f}" if "split" in each else "-"
        print(f"  {each['cell']} N {each['N']}: {each['chosen_from_H']} {gain}, {each['fitted_from_H']}")
    print("\ncalls of several lengths: microseconds, and the line from T 10 to T 50")
    for line in document["lengths"]:
        times = ", ".join(f"T {point['T']} {min(point['us'].values()):.3g}" for point in line)
        fixed, step = length_line(line)
        print(f"  {line[0]['cell']} H {line[0]['H']} N {line[0]['N']}: {times}; {fixed:.2g} + {step:.3g} T")


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cells", default="lstm,gru", help="some of " + ",".join(GATES))
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release", help="the build that is measured")
    parser.add_argument("--out", type=pathlib.Path, help="where the JSON goes (default build/bench/scaling-DATE.json)")
    options = parser.parse_args(arguments)
    now = datetime.datetime.now(datetime.timezone.utc)
    threads, cells = cpu_machine.processors(), options.cells.split(",")
    document = {"machine": cpu_machine.describe(), "date": f"{now:%Y-%m-%dT%H:%M:%SZ}", "threads": threads}
    document["ceilings"] = cpu_machine.measured_ceilings(options.build, ["--seconds", "1"])
    bench = Bench(options.build, threads)
    try:
        document["points"] = [bench.measure(cell, H, N, STEPS) for cell in cells for H in WIDTHS for N in BATCHES]
        long = [(cell, H, N) for cell in cells for H, N in LENGTH_SHAPES]
        document["lengths"] = [[bench.measure(*shape, T) for T in LENGTHS] for shape in long]
    finally:
        bench.close()
    document["fits"] = fits = fits_of(document["points"])
    document["crossovers"] = crossovers(document["points"], fits, threads)
    report(document)
    out = options.out or ROOT / "build/bench" / f"scaling-{now:%Y%m%d-%H%M%S}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(f"\n{os.path.relpath(out)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
