#!/usr/bin/env python3
"""Tests the pure parts of the CPU comparison: rows and goals, arithmetic, tables, README's block, a peer that dies.

It measures nothing and needs the standard library only; where numpy is at hand lengths are drawn with it too.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import cpu_figures  # noqa: E402
import cpu_lengths  # noqa: E402
import cpu_report  # noqa: E402
import cpu_rows  # noqa: E402
import cpu_workers  # noqa: E402
import peer_shapes  # noqa: E402


def near(a, b):
    return abs(a - b) < 1e-9 * max(1, abs(b))


def refuses(action, *arguments):
    try:
        action(*arguments)
    except ValueError:
        return True
    return False


def check_rows():
    assert cpu_rows.goals_of("x2 / 1.8", 2) == [2.0, 1.8] and cpu_rows.goals_of("1.1", 3) == [1.1] * 3
    assert refuses(cpu_rows.goals_of, "2 1.8", 3) and refuses(cpu_rows.goals_of, "0", 1)
    rows = {row["name"]: row for row in cpu_rows.all_rows()}
    assert len(rows) == len(cpu_rows.all_rows()) and sum(row["quick"] for row in rows.values()) >= 20
    row = rows["lstm-f32-t100-n1-h128-inference"]
    assert row["goal"] == 1.8 and row["title"] == "LSTM 100,1,128" and row["shape"]["I"] == 128 and not row["quick"]
    assert rows["lstm-bf16-t25-n4-h1024-inference"]["goal"] == 1.1
    padded = rows["lstm-f32-t100-n32-h512-l2-lengths-training"]
    assert padded["goal"] == 5 and padded["goal_over"] == cpu_rows.TORCH_PACKED
    assert cpu_figures.peers_of_row(padded, ["rondo", "torch"]) == ["rondo", "torch", cpu_rows.TORCH_PACKED]
    assert cpu_figures.peers_of_row(padded, ["rondo"]) == ["rondo"]
    packed = rows["lstm-f32-t100-n32-h512-l2-packed-training"]
    assert cpu_figures.shape_for(cpu_rows.TORCH_PACKED, padded["shape"]) == packed["shape"]


def check_lengths():
    shape = cpu_rows.shape_of("lstm", "f32", "training", {"T": 100, "N": 32, "H": 8}, "packed")
    lengths = peer_shapes.lengths_of(shape)
    assert lengths[0] == 100 and lengths == sorted(lengths, reverse=True) and min(lengths) >= 10
    assert peer_shapes.positions_of(shape) == sum(lengths) == sum(peer_shapes.batch_sizes_of(lengths))
    assert peer_shapes.positions_of({**shape, "sequence": "full"}) == 3200
    assert near(peer_shapes.uniform_at(0), 0.8833108082136426)
    try:
        import numpy
    except ImportError:
        return
    whole = peer_shapes.uniform_at(numpy.arange(1000, dtype=numpy.uint64))
    assert all(whole[k] == peer_shapes.uniform_at(k) for k in range(1000))


def check_arithmetic():
    rounds = {"1": {"a": [4.0, 5.0, 6.0]}, "2": {"a": [3.0, 2.0, 4.0], "b": [2.5, 2.6, 9.0]}, "4": {"a": [1.0]}}
    way = cpu_figures.best_way(rounds)  # one that was given up does not count
    assert way == {"threads": 2, "variant": "b", "ms": 2.6, "rounds": [2.5, 2.6, 9.0]}
    assert cpu_figures.best_way({}) is None
    # Slow rounds came at different times for the two: by medians ours would be the slower.
    told = cpu_figures.ratio({"ms": 4.0, "rounds": [2.0, 4.0, 4.0]}, {"ms": 3.5, "rounds": [3.0, 3.5, 6.0]})
    assert told == {"ratio": 1.5, "rounds": [1.5, 0.875, 1.5], "least": 0.875, "most": 1.5}, told
    shape = cpu_rows.shape_of("lstm", "f32", "inference", {"T": 10, "N": 1, "H": 64})
    assert cpu_figures.multiply_adds(shape, 10) == 10 * 4 * 64 * 128
    deep = {**shape, "L": 2, "D": 2, "mode": "training"}
    assert cpu_figures.multiply_adds(deep, 10) == 3 * 10 * 2 * 4 * 64 * (128 + 192)
    assert cpu_figures.weight_bytes(shape) == (4 * 4 * 64 * 128, 4 * 4 * 64 * 64 * 11)
    ceilings = {"threads": {"1": {"fma_f32_gflops": 100.0, "read_gb_s": {"2097152": 50.0, "524288": 100.0}}}}
    found = cpu_figures.fractions(shape, 10, {"threads": 1, "ms": 0.01}, ceilings)
    assert near(found["gflops"], 65.536) and near(found["of_arithmetic"], 0.65536), found
    assert near(found["of_reading"], 0.720896) and found["working_set"] == 524288, found
    figures, caches = {"read_gb_s": {"100": 9.0, "300": 5.0, "5000": 1.0}}, {"l2": 50, "l3": 320}
    wanted = {90: (9.0, 100), 101: (5.0, 300), 350: (5.0, 300), 400: (1.0, 5000), 6000: (1.0, 5000)}
    assert {held: cpu_figures.reading_ceiling(figures, held, caches) for held in wanted} == wanted
    assert "of_reading" not in cpu_figures.fractions(shape, 10, {"threads": 2, "ms": 0.01}, ceilings)
    assert "of_arithmetic" not in cpu_figures.fractions(shape, 10, {"threads": 1, "ms": 0.01}, {"skipped": "why"})


def way(ms):
    return {"threads": 1, "variant": "v", "ms": ms, "rounds": [ms, ms]}


def check_judgement():
    row = {"goal": 2.0, "goal_over": None}
    told = cpu_figures.judge(row, {"rondo": way(1.0), "torch": way(3.0), "onednn": way(1.5)})
    assert told["best_peer"] == "onednn" and told["ratio"] == 1.5 and told["met"] is False and told["slower"] is False
    # The best peer is the one over which ours gains least in the rounds, whatever its own median says.
    peers = {"torch": {**way(1.0), "rounds": [3.0, 3.0, 1.0]}, "onednn": {**way(2.0), "rounds": [2.0, 2.0, 2.0]}}
    told = cpu_figures.judge(row, {"rondo": {**way(1.0), "rounds": [1.0] * 3}, **peers})
    assert told["best_peer"] == "onednn" and told["ratio"] == 2.0 and told["met"] is True
    over = {"goal": 5.0, "goal_over": "torch packed"}
    told = cpu_figures.judge(over, {"rondo": way(1.0), "torch": way(0.5), "torch packed": way(6.0)})
    assert told["met"] is True and told["ratio"] == 6.0 and told["slower"] is True
    assert cpu_figures.judge(row, {"torch": way(1.0)})["ratio"] is None
    assert cpu_figures.judge(row, {"rondo": way(1.0)})["met"] is None


def check_steadiness():
    def rounds(*ratios):
        return [{("rondo", 1): {"cpu": 1.0}, ("torch", 2): {"nn": each}, ("ort", 1): {"a": 9.0}} for each in ratios]

    steady = cpu_figures.is_steady
    assert steady(rounds(1.0, 1.03, 1.04)) and not steady(rounds(1.0, 1.03, 1.06))
    # One of four and two of eight may lie outside at either end, no more.
    assert steady(rounds(1.0, 1.04, 0.5, 9.0)) and steady(rounds(*[1.0] * 4, 0.5, 0.6, 3.0, 4.0))
    assert not steady(rounds(1.0, 1.04, 0.5, 0.6, 1.02))
    alone = [{("rondo", 1): {"cpu": 1.0}}, {("rondo", 1): {"cpu": 3.0}}]
    assert steady(alone) and steady([])
    two_ways = {("rondo", 1): {"cpu": 4.0}, ("rondo", 2): {"cpu": 2.0}, ("torch", 1): {"nn": 8.0, "jit": 2.0}}
    assert steady([two_ways, *rounds(1.0)])


def check_decisions():
    def judged(*ratios, others=(9.0,)):
        ratios = {"torch": {"rounds": list(ratios)}, "ort": {"rounds": list(others)}}
        return {"best_peer": "torch", "ratios": ratios}

    decided = cpu_figures.is_decided
    assert decided(1.3, judged(1.0, 1.1, 1.2, 1.2)) and decided(None, judged(1.0, 1.5, 1.9))
    # Its goal, and the line of a slower row against any peer; a round on the other side of four leaves nothing open.
    assert not decided(1.3, judged(1.2, 1.3, 1.4)) and decided(1.3, judged(1.2, 1.3, 1.3, 1.4))
    assert not decided(None, judged(0.9, 1.1, 1.2)) and decided(None, judged(0.9, 1.1, 1.2, 1.3))
    assert not decided(1.3, judged(2.0, others=(0.9, 1.0))) and decided(1.3, judged(2.0, others=(0.9, 0.9)))
    assert decided(1.3, judged(2.0, others=(1.2, 1.4)))
    assert decided(1.3, {"best_peer": None, "ratios": {}})


def check_differences():
    probes = {"rondo": {"cpu 1": [1.0, 2.0]}, "torch": {"nn 1": [1.0, 2.5]}, "ort": {"session 1": [1.0, 2.5]}}
    assert cpu_figures.worst_difference(probes) == {"difference": 0.5, "library": "rondo", "reference": "torch"}
    assert cpu_figures.worst_difference({"rondo": {"a": [1.0], "b": [1.0]}}) is None
    for wrong in ([1.0, float("nan")], [1.0]):
        assert cpu_figures.worst_difference({"rondo": {"a": wrong}, "torch": {"b": [1.0, 2.0]}})["difference"] > 1e300


def document():
    """A result of two rows: one at its goal, one slower than a peer."""
    rows = []
    figures = {"lstm-f32-t100-n1-h64-inference": (1.0, 2.5), "gru-f32-t1-n32-h512-training": (2.0, 1.0)}
    for name, (ours, theirs) in figures.items():
        row = next(each for each in cpu_rows.all_rows() if each["name"] == name)
        ways = {"rondo": way(ours), "torch": way(theirs)}
        told = {**row, "libraries": {**ways, "onednn": {"skipped": "absent"}}, **cpu_figures.judge(row, ways)}
        told.update(agrees=True, disturbed_rounds=0, repeated_rounds=0, foreign_processors=0.0, y=None, dx=None)
        rows.append(told)
    machine = {"processor": "P & Co", "family": "", "processors": 2, "instruction_sets": ["avx2"], "caches": ["L1 32K"]}
    head = {"date": "2030-01-02T00:00:00Z", "commit": "0123456789abcdef", "command": "./build.sh bench", "quick": False}
    versions = {"torch": "PyTorch 9", "onednn": "absent"}
    sizes = {"T": 100, "N": 32, "H": 128}
    gain = {"what": "steps", "gain": 1.5, "possible": 2.0, "reached": 0.75}
    head["lengths"] = [{"sizes": sizes, "part": "forward", **gain}]
    head["beside_others"] = ["2 threads   beside a busy process"]
    return {**head, "machine": machine, "versions": versions, "ceilings": {}, "rows": rows}


def check_report():
    text = cpu_report.table(document())
    assert "| LSTM 100,1,64 | 1 (1) | - | 2.5 (1) | 2.50 (2.50 to 2.50) | 2 | yes | - |" in text, text
    assert "| GRU 1,32,512 | 2 (1) | - | 1 (1) | 0.50 (0.50 to 0.50) | 1.5 | no | - |" in text, text
    assert "in 1 of 2 rows; no slower than any peer in 1 of 2, under 0.97 of one in 1. Lowest ratio: 0.50" in text, text
    assert "- LSTM 100,32,128 forward: steps x1.50 of x2.00 (75 %)" in text, text
    assert "- 2 threads beside a busy process" in text, text
    drawn = cpu_report.plot(document())
    assert drawn.count(cpu_report.SLOW) == 1 and drawn.startswith("<svg") and drawn.endswith("</svg>\n")


def check_readme(folder):
    readme, results = folder / "README.md", folder / "results"
    results.mkdir()
    readme.write_text(f"before\n{cpu_report.BEGIN}\nold\n{cpu_report.END}\nafter\n")
    (text,) = cpu_report.outputs(readme, results).values()
    assert "No result is committed yet" in text and text.endswith(f"{cpu_report.END}\nafter\n") and "old" not in text
    (results / "a.json").write_text(json.dumps(document()))
    (results / "b.json").write_text(json.dumps({**document(), "date": "2029-01-01", "commit": "older"}))
    (results / "c.json").write_text(json.dumps({**document(), "date": "2031-01-01", "quick": True}))
    wanted = cpu_report.outputs(readme, results)
    assert "0123456789ab:" in wanted[readme] and "PyTorch 9." in wanted[readme], wanted[readme]
    readme.write_text(wanted[readme])
    assert cpu_report.outputs(readme, results) == wanted  # written once, it stays
    readme.write_text("no markers")
    assert refuses(cpu_report.outputs, readme, results)
    command = [sys.executable, "-B", HERE / "cpu_report.py", results / "a.json"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert b"RNN" not in done.stdout and b"GRU 1,32,512" in done.stdout


PEER = """
import json, sys
for line in sys.stdin:
    do = json.loads(line)["do"]
    if do == "die":
        sys.exit("broken")
    if do != "wait":
        print(json.dumps({"error": "no"} if do == "no" else {"is": do}), flush=True)
"""


def check_lengths_worth():
    """Steps and large products told apart by a narrow and a wide input."""
    told = {}
    for mode, factor in (("inference", 1.0), ("training", 3.0)):
        for sequence, steps, products in (("full", 4.0, 9.0), ("lengths", 2.0, 6.0)):
            told[mode, sequence, cpu_lengths.NARROW] = factor * steps
            told[mode, sequence, cpu_lengths.WIDE] = factor * (steps + products)
    assert cpu_lengths.gains_of(told) == {"forward": (2.0, 1.5), "backward": (2.0, 1.5)}
    for sizes in cpu_lengths.SIZES:
        steps, products = cpu_lengths.fastest_possible(sizes)
        assert 1 < steps <= products < 10, (steps, products)
    assert "skipped" in cpu_lengths.measure("/nonexistent", 1, 1)


def check_workers():
    """What a peer may do: answer, refuse, die, be late, be absent."""
    worker = cpu_workers.Worker([sys.executable, "-c", PEER], {}, 1)
    assert worker.ask({"do": "this"}, 30) == {"is": "this"}
    assert worker.settle()
    for request, error, told in (("no", RuntimeError, "no"), ("die", cpu_workers.PeerGone, "status 1: broken")):
        try:
            worker.ask({"do": request}, 30)
        except error as caught:
            assert told in str(caught), caught
        else:
            raise AssertionError(request)
    late = cpu_workers.Worker([sys.executable, "-c", PEER], {}, 1)
    try:
        late.ask({"do": "wait"}, 0.5)
    except cpu_workers.PeerGone as caught:
        assert "no answer within" in str(caught)
    pool = cpu_workers.Pool("/nonexistent", [1])
    for _ in range(2):
        try:
            pool.ask("rondo", 1, {"do": "close"}, 1)
        except cpu_workers.PeerGone as caught:
            assert "No such file" in str(caught), caught
    assert len(pool.failures["rondo"]) == 1  # asked once, and never again


def main():
    checks = [check_rows, check_lengths, check_arithmetic, check_judgement, check_steadiness, check_decisions]
    checks += [check_differences, check_report, check_lengths_worth, check_workers]
    for check in checks:
        check()
    with tempfile.TemporaryDirectory() as scratch:
        check_readme(pathlib.Path(scratch))
    print(f"cpu comparison: {len(checks) + 1} passed, 0 failed")


if __name__ == "__main__":
    main()
