#!/usr/bin/env python3
"""rondo's CPU back end against oneDNN, ONNX Runtime and PyTorch, all in turn inside one run, at one thread and at all.

A peer that is absent, refuses a row or breaks is noted with its reason and never ends the run. Standard library only.
"""
import argparse
import datetime
import fnmatch
import json
import os
import pathlib
import shlex
import subprocess
import sys
import time

import cpu_figures
import cpu_lengths
import cpu_machine
import cpu_report
import cpu_rows
import cpu_workers
from peer_shapes import positions_of

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PEERS = ["rondo", "onednn", "ort", "torch"]
ANSWER_SECONDS = 120
# Of one library's turn in a round, and of one request in it; a turn is told by its median request.
TURN_SECONDS = 0.12
REQUEST_SECONDS = 0.02
# A thread count that is this much slower after one round, in a row this slow, is given up.
CLEARLY_SLOWER, LONG_TURN = 1.6, 0.25
MOST_REPEATS = {False: 6, True: 2}
# Visits of a row, so many rounds each, until all its rounds agree, then until they decide; all of them count. What
# disturbs a virtual machine from outside lasts longer than one visit, so the next comes when all other rows have had
# theirs.
MOST_VISITS = {False: 6, True: 1}
UNTIL_STEADY = 3
REPEAT_PAUSE = 1.0
BETWEEN_SECONDS = 1.0  # for the ceilings between sections


def note(text):
    print(text, file=sys.stderr, flush=True)


class Row:
    """One row under way: whom it has at work, and the rounds so far."""

    def __init__(self, row, pool, options):
        self.row, self.pool, self.quick = row, pool, options.quick
        self.peers = cpu_figures.peers_of_row(row, options.peers)
        self.refused, self.probes, self.dx_probes, self.explained = {}, {}, {}, {}
        self.rounds = []  # [({(peer, threads): {variant: ms}}, foreign processors, whether that is too much)]
        self.wanted = 0
        self.open = [(peer, threads) for peer in self.peers for threads in pool.thread_counts]

    def visit(self, rounds):
        """So many rounds more; of those that took part to the end of the last visit."""
        self.wanted += rounds
        before, self.open = self.open, []
        for peer, threads in before:
            self.open_one(peer, threads)
            self.pool.settle(peer, threads)
        self.measure()
        self.close()

    def quiet(self):
        return [times for times, _, too_much in self.rounds if not too_much]

    def is_settled(self, visits):
        """Whether nothing is to be gained by another visit after so many."""
        if not self.open:
            return True
        if len(self.quiet()) >= self.wanted and cpu_figures.is_steady(self.quiet()):
            return True
        judged = cpu_figures.judge(self.row, self.ways())
        return visits >= UNTIL_STEADY and cpu_figures.is_decided(self.row["goal"], judged)

    def open_one(self, peer, threads):
        request = {"do": "open", "shape": cpu_figures.shape_for(peer, self.row["shape"]), "seconds": REQUEST_SECONDS}
        try:
            if peer not in self.pool.versions:
                self.pool.versions[peer] = version_of(self.pool, peer, threads)
            answer = self.pool.ask(peer, threads, request, ANSWER_SECONDS)
        except (cpu_workers.PeerGone, RuntimeError, ValueError) as error:
            self.refused[peer] = str(error)
            return
        if not answer["variants"]:
            self.refused[peer] = "; ".join(answer["refused"].values()) or "it has no way to run this"
            return
        self.open.append((peer, threads))
        if peer == "onednn":  # its one variant is its version
            self.pool.versions[peer] = answer["variants"][0]
        for told, kept in (("probe", self.probes), ("probe_dx", self.dx_probes), ("explain", self.explained)):
            if answer.get(told):
                kept.setdefault(peer, {}).update({f"{name} {threads}": it for name, it in answer[told].items()})

    def turn(self, peer, threads):
        """{variant: milliseconds} of one library at one thread count, each the median over some requests."""
        told, start = {}, time.monotonic()
        while True:
            for variant, ms in self.pool.ask(peer, threads, {"do": "round"}, ANSWER_SECONDS)["ms"].items():
                told.setdefault(variant, []).append(ms)
            if time.monotonic() - start >= TURN_SECONDS:
                break
        return {variant: cpu_figures.median(list_) for variant, list_ in told.items()}

    def round(self, number):
        """Everyone's turn, who begins changing from round to round."""
        watch, times = cpu_machine.Watch(self.pool.processor_seconds), {}
        first = number % max(1, len(self.open))
        for peer, threads in self.open[first:] + self.open[:first]:
            try:
                times[peer, threads] = self.turn(peer, threads)
            except (cpu_workers.PeerGone, RuntimeError, ValueError) as error:
                self.refused[peer] = str(error)
                self.open = [one for one in self.open if one != (peer, threads)]
            self.pool.settle(peer, threads)
        foreign, too_much = watch.foreign()
        self.rounds.append((times, foreign, too_much))

    def give_up_slow(self):
        """Leaves out, in rows that take long, thread counts that have no chance to be a library's better one."""
        times = self.rounds[-1][0]
        best = {}
        for (peer, _), ms in times.items():
            best[peer] = min([best.get(peer, float("inf")), *ms.values()])
        for key, ms in times.items():
            fastest = min(ms.values())
            if fastest > 1e3 * LONG_TURN and fastest > CLEARLY_SLOWER * best[key[0]]:
                self.open = [one for one in self.open if one != key]

    def measure(self):
        """Rounds until as many were undisturbed as are wanted; at the limit the least disturbed ones fill up."""
        repeats = 0
        while self.open and len(self.quiet()) < self.wanted:
            self.round(len(self.rounds))
            if self.rounds[-1][2]:
                repeats += 1
                if repeats > MOST_REPEATS[self.quick] and len(self.rounds) >= self.wanted:
                    break
                time.sleep(REPEAT_PAUSE)
            elif len(self.quiet()) == 1:
                self.give_up_slow()
        order = sorted(range(len(self.rounds)), key=lambda k: (self.rounds[k][2], self.rounds[k][1]))
        kept = order[: max(self.wanted, len(self.quiet()))]
        self.kept = [self.rounds[k] for k in sorted(kept)]

    def close(self):
        for peer, threads in self.open:
            try:
                self.pool.ask(peer, threads, {"do": "close"}, ANSWER_SECONDS)
            except (cpu_workers.PeerGone, RuntimeError, ValueError) as error:
                note(f"  {peer}: {error}")

    def rounds_of(self, peer):
        by_threads = {}
        for times, _, _ in self.kept:
            for (who, threads), ms in times.items():
                for variant, value in ms.items() if who == peer else ():
                    by_threads.setdefault(str(threads), {}).setdefault(variant, []).append(value)
        return by_threads

    def ways(self):
        """{library: its best way} of those that have one."""
        best = {peer: cpu_figures.best_way(self.rounds_of(peer)) for peer in self.peers}
        return {peer: way for peer, way in best.items() if way is not None}

    def result(self, ceilings):
        row, shape, ways = self.row, self.row["shape"], self.ways()
        told = {key: row[key] for key in ("name", "title", "section", "shape", "goal", "goal_over")}
        told["libraries"] = {}
        for peer in self.peers:
            whole = {**ways[peer], "all": self.rounds_of(peer)} if peer in ways else {}
            refused = {"skipped": self.refused[peer]} if peer in self.refused else {}
            told["libraries"][peer] = {**whole, **refused} or {"skipped": "no round of it came to an end"}
        told.update(cpu_figures.judge(row, ways))
        if "rondo" in ways:
            told["fractions"] = cpu_figures.fractions(shape, positions_of(shape), ways["rondo"], ceilings)
            way = f"{ways['rondo']['variant']} {ways['rondo']['threads']}"
            told["explain"] = self.explained.get("rondo", {}).get(way)
        told["rounds"] = len(self.kept)
        told["repeated_rounds"] = len(self.rounds) - len(self.kept)
        told["disturbed_rounds"] = sum(too_much for _, _, too_much in self.kept)
        told["foreign_processors"] = max((foreign for _, foreign, _ in self.kept), default=0.0)
        comparable = {peer: probes for peer, probes in self.probes.items() if peer != cpu_rows.TORCH_PACKED}
        told["y"] = cpu_figures.worst_difference(comparable)
        told["dx"] = cpu_figures.worst_difference(self.dx_probes)
        bound = cpu_figures.TOLERANCE[shape["dtype"]]
        told["agrees"] = all(told[key] is None or told[key]["difference"] <= bound for key in ("y", "dx"))
        return told


def version_of(pool, peer, threads):
    try:
        return pool.ask(peer, threads, {"do": "version"}, ANSWER_SECONDS)["version"]
    except RuntimeError:  # a peer in C++ does not tell
        return f"rondo {rondo_version()}" if peer == "rondo" else peer


def rondo_version():
    numbers = {}
    for line in (ROOT / "include/rondo/rondo.h").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if len(words) == 3 and words[0] == "#define" and words[1].startswith("RONDO_VERSION_"):
            numbers[words[1].removeprefix("RONDO_VERSION_")] = words[2]
    return ".".join(numbers.get(part, "?") for part in ("MAJOR", "MINOR", "PATCH"))


def commit():
    def git(*words):
        done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("-changed" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def parse(arguments):
    parser = argparse.ArgumentParser(prog="./build.sh bench", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the telling rows only, within five minutes on two cores")
    parser.add_argument("--rows", action="append", metavar="PATTERN", help="rows by name or title, * and ? allowed")
    rounds = "undisturbed rounds a visit; a row whose rounds disagree has three, one they leave open six (default 3)"
    parser.add_argument("--rounds", type=int, default=3, help=rounds)
    where = "where the JSON goes (default build/bench/cpu-DATE.json)"
    parser.add_argument("--out", type=pathlib.Path, metavar="FILE", help=where)
    parser.add_argument("--peers", default=",".join(PEERS), help=f"some of {','.join(PEERS)}")
    release = ROOT / "build/release"
    parser.add_argument("--build", type=pathlib.Path, default=release, help="the build whose programs run")
    parser.add_argument("--list", action="store_true", help="the rows' names and titles, and no run")
    options = parser.parse_args(arguments)
    options.peers = options.peers.split(",")
    unknown = set(options.peers) - set(PEERS)
    if unknown or options.rounds < 1:
        parser.error(f"no peer {', '.join(sorted(unknown))}" if unknown else "--rounds takes 1 or more")
    return options


def chosen_rows(options):
    def wanted(row):
        patterns = options.rows or ["*"]
        return any(fnmatch.fnmatchcase(name, pattern) for name in (row["name"], row["title"]) for pattern in patterns)

    return [row for row in cpu_rows.all_rows() if wanted(row) and (row["quick"] or not options.quick)]


def told_of(row):
    """One line of progress."""
    figures = [f"{name} {each['ms']:.4g}" for name, each in row["libraries"].items() if "ms" in each]
    line = f"{row['title']} ({row['section']}): {', '.join(figures) or 'nothing ran'}"
    if row["ratio"] is not None:
        line += f"; x{row['ratio']:.2f}" + (f", goal x{row['goal']:g}" if row["goal"] else "")
    if row["repeated_rounds"] or row["disturbed_rounds"]:
        line += f"; {row['repeated_rounds']} rounds repeated, {row['disturbed_rounds']} kept although disturbed"
    return line if row["agrees"] else line + f"; RESULTS DIFFER: y {row['y']}, dx {row['dx']}"


def run(options, document, pool):
    document["ceilings"] = cpu_machine.measured_ceilings(options.build)
    document["ceilings_again"] = []
    rows = [Row(row, pool, options) for row in chosen_rows(options)]
    for visit in range(MOST_VISITS[options.quick]):
        section = None
        unsettled = [row for row in rows if visit == 0 or not row.is_settled(visit)]
        for done, row in enumerate(unsettled, 1):
            if visit == 0 and section not in (None, row.row["section"]):
                again = cpu_machine.measured_ceilings(options.build, ["--seconds", str(BETWEEN_SECONDS)])
                document["ceilings_again"].append({"after": section, **again})
            section = row.row["section"]
            row.visit(options.rounds)
            note(f"[{visit + 1}: {done}/{len(unsettled)}] {told_of(row.result(document['ceilings']))}")
    document["rows"] = [row.result(document["ceilings"]) for row in rows]
    if not options.quick and not options.rows:
        document["lengths"] = cpu_lengths.measure(options.build, max(pool.thread_counts), options.rounds)
        document["beside_others"] = cpu_machine.beside_others(options.build)
    document["versions"] = {peer: pool.versions.get(peer, "absent") for peer in options.peers}
    document["awake_after_ms"] = {peer: round(1e3 * seconds, 1) for peer, seconds in pool.slept_after.items()}


def main(arguments):
    options = parse(arguments)
    if options.list:
        for row in chosen_rows(options):
            print(f"{row['name']:48} {row['title']}")
        return 0
    now = datetime.datetime.now(datetime.timezone.utc)
    out = options.out or ROOT / "build/bench" / f"cpu-{now:%Y%m%d-%H%M%S}.json"
    counts = sorted({1, cpu_machine.processors()})
    document = {
        "machine": cpu_machine.describe(),
        "date": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "commit": commit(),
        "command": shlex.join(["./build.sh", "bench", *arguments]),
        "quick": options.quick,
        "thread_counts": counts,
    }
    pool = cpu_workers.Pool(options.build, counts)
    try:
        run(options, document, pool)
    finally:
        pool.close()
    document["seconds"] = round((datetime.datetime.now(datetime.timezone.utc) - now).total_seconds())
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(cpu_report.table(document))
    print(f"\n{os.path.relpath(out)}: {document['seconds']} s")
    return 0 if all(row["agrees"] for row in document["rows"]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
