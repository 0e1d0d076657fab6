#!/usr/bin/env python3
"""What rondo's CPU back end gains by variable lengths, in its steps and its large products, over full rows.

Neither is timed from inside: the same shape with a narrow and a wide input differs by the large products alone.
"""
import argparse
import json
import pathlib
import sys
from statistics import median

import cpu_machine
import cpu_rows
import cpu_workers
from peer_shapes import batch_sizes_of, lengths_of

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SIZES = [{"T": 100, "N": 32, "H": 128}, {"T": 100, "N": 32, "H": 512}]
NARROW, WIDE = 16, 1040  # input sizes; both leave N 32 with products ahead of the steps
REGISTER_BLOCK = 6  # rows of LSTM's register blocks, to which a step's rows are rounded up
ROUND_SECONDS, ANSWER_SECONDS = 0.05, 60
PARTS = {"forward": ["inference"], "backward": ["training", "inference"]}  # the second is taken from the first


def shape(sizes, mode, sequence, I):
    return cpu_rows.shape_of("lstm", "f32", mode, {**sizes, "I": I}, sequence)


def fastest_possible(sizes):
    """Of full rows over these lengths: (steps, large products)."""
    T, N = sizes["T"], sizes["N"]
    lengths = lengths_of(shape(sizes, "inference", "lengths", NARROW))
    blocks = sum(-(-rows // REGISTER_BLOCK) for rows in batch_sizes_of(lengths))
    return T * N / (blocks * REGISTER_BLOCK), T * N / sum(lengths)


def round_of(worker, sizes):
    """{(mode, sequence, input size): milliseconds}, one after another."""
    told = {}
    for mode in ("inference", "training"):
        for I in (NARROW, WIDE):
            for sequence in ("full", "lengths"):
                problem = shape(sizes, mode, sequence, I)
                worker.ask({"do": "open", "shape": problem, "seconds": ROUND_SECONDS}, ANSWER_SECONDS)
                told[mode, sequence, I] = min(worker.ask({"do": "round"}, ANSWER_SECONDS)["ms"].values())
    return told


def gains_of(told):
    """Of one round: {part: (steps, large products)}, how many times as fast lengths are as full rows."""
    gains = {}
    for part, modes in PARTS.items():

        def ms(sequence, I, modes=modes):
            first, *rest = (told[mode, sequence, I] for mode in modes)
            return first - sum(rest)

        products = [ms(sequence, WIDE) - ms(sequence, NARROW) for sequence in ("full", "lengths")]
        gains[part] = ms("full", NARROW) / ms("lengths", NARROW), products[0] / max(products[1], 1e-9)
    return gains


def measure(build, threads, rounds):
    """A list of {"sizes", "part", "what", "gain", "possible", "reached"}; {"skipped": why} where rondo cannot run."""
    command, environment = cpu_workers.commands(build, sys.executable, threads)["rondo"]
    found = []
    try:
        worker = cpu_workers.Worker(command, environment, threads)
        try:
            for sizes in SIZES:
                possible = fastest_possible(sizes)
                several = [gains_of(round_of(worker, sizes)) for _ in range(rounds)]
                for part in PARTS:
                    for k, what in enumerate(("steps", "large products")):
                        gain = median(each[part][k] for each in several)
                        told = {"sizes": sizes, "part": part, "what": what, "gain": gain}
                        found.append({**told, "possible": possible[k], "reached": gain / possible[k]})
        finally:
            worker.stop()
    except (cpu_workers.PeerGone, RuntimeError) as error:
        return {"skipped": str(error)}
    return found


def lines_of(found):
    """A line a size and part."""
    if "skipped" in found:
        return [f"not measured: {found['skipped']}"]
    lines = {}
    for each in found:
        title = f"LSTM {each['sizes']['T']},{each['sizes']['N']},{each['sizes']['H']} {each['part']}"
        words = f"{each['what']} x{each['gain']:.2f} of x{each['possible']:.2f} ({100 * each['reached']:.0f} %)"
        lines.setdefault(title, []).append(words)
    return [f"{title}: {', '.join(words)}" for title, words in lines.items()]


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release", help="the build that is measured")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    found = measure(options.build, cpu_machine.processors(), options.rounds)
    print(json.dumps(found, indent=1) if options.json else "\n".join(lines_of(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
