"""The arithmetic of the CPU comparison: from rounds to a row's figures. Nothing here measures or knows a file.

Rounds are {thread count as text: {variant: [milliseconds of round 0, 1, ..]}} of one library.
"""
import sys
from statistics import median

import cpu_rows

GATES = {"rnn_tanh": 1, "rnn_relu": 1, "lstm": 4, "gru": 3}
BYTES = {"f64": 8, "f32": 4, "f16": 2, "bf16": 2}
CEILING_OF = {"f32": "fma_f32_gflops", "bf16": "bf16_dot_gflops"}
TOLERANCE = {"f64": 1e-9, "f32": 1e-3, "f16": 0.03, "bf16": 0.06}
NO_NUMBER = sys.float_info.max  # JSON has no infinity
FEW_ROWS = 4  # up to here a step reads more weights than it computes with
SLOWER = 0.97  # under this ratio a row counts as slower than its peer
STEADY = 1.05  # rounds' ratios may lie this far apart, but for the outer quarters


def best_way(rounds):
    """A library at its better thread count and variant: {"threads", "variant", "ms", "rounds"}; None without rounds."""
    whole = max((len(list_) for by_variant in rounds.values() for list_ in by_variant.values()), default=0)
    ways = [
        {"threads": int(threads), "variant": variant, "ms": median(list_), "rounds": list_}
        for threads, by_variant in rounds.items()
        for variant, list_ in by_variant.items()
        if list_ and len(list_) == whole  # one that was given up had no chance
    ]
    return min(ways, key=lambda way: way["ms"], default=None)


def ratio(ours, theirs):
    """How many times as fast ours is: the median of the rounds' ratios.

    Not a ratio of medians: a virtual machine has seconds in which it is slower, and the two medians may be of rounds in
    different states, where both had their turns of one round in the same.
    """
    rounds = [their / our for our, their in zip(ours["rounds"], theirs["rounds"])]
    return {"ratio": median(rounds), "rounds": rounds, "least": min(rounds), "most": max(rounds)}


def inner_half(ratios):
    """In order, without the outer quarters."""
    return sorted(ratios)[len(ratios) // 4 : len(ratios) - len(ratios) // 4]


def is_steady(rounds):
    """Whether rounds, each {(library, threads): {variant: ms}}, agree on rondo's ratio over the best of the others.

    What a neighbour of a virtual machine takes shows nowhere but in the figures. The outer quarters count for nothing.
    """
    ratios = []
    for times in rounds:
        ours = [min(ms.values()) for (library, _), ms in times.items() if library == "rondo"]
        theirs = [min(ms.values()) for (library, _), ms in times.items() if library != "rondo"]
        if ours and theirs:
            ratios.append(min(theirs) / min(ours))
    inner = inner_half(ratios)
    return not inner or inner[-1] <= STEADY * inner[0]


def is_decided(goal, judged):
    """Whether the rounds say on which sides of its lines a row is: those of a peer and, over the best one, its goal.

    A line inside the inner half of the ratios is left open, whichever side their median is on.
    """
    lines = [(SLOWER, each["rounds"]) for each in judged["ratios"].values()]
    if goal is not None and judged["best_peer"] is not None:
        lines.append((goal, judged["ratios"][judged["best_peer"]]["rounds"]))
    inner = [(line, inner_half(rounds)) for line, rounds in lines]
    return not any(ratios[0] < line <= ratios[-1] for line, ratios in inner)


def multiply_adds(shape, positions):
    """Of both products over all valid positions; training has each product three times."""
    gates, H, D = GATES[shape["cell"]], shape["H"], shape["D"]
    total = 0
    for layer in range(shape["L"]):
        width = shape["I"] if layer == 0 else D * H
        total += D * positions * gates * H * (width + H)
    return total * (3 if shape["mode"] == "training" else 1)


def weight_bytes(shape):
    """(bytes of weights, bytes a call must read of them at least: input weights once, recurrent ones every step)."""
    gates, H, D = GATES[shape["cell"]], shape["H"], shape["D"]
    size = BYTES[shape["dtype"]]
    recurrent = size * shape["L"] * D * gates * H * H
    inputs = sum(size * D * gates * H * (shape["I"] if layer == 0 else D * H) for layer in range(shape["L"]))
    return recurrent + inputs, recurrent * shape["T"] + inputs


def reading_ceiling(figures, held, caches):
    """(GB/s, bytes) of the smallest measured working set that holds so many bytes, else of the largest.

    What the last cache still holds, with the ones before it, is measured by the largest set that fits in that cache.
    """
    sets = sorted((int(size), speed) for size, speed in figures.get("read_gb_s", {}).items())
    if not sets:
        return None
    size, speed = next((each for each in sets if each[0] >= held), sets[-1])
    last = max(caches.values(), default=0)
    fitting = [each for each in sets if each[0] <= last]
    if fitting and size > last and held <= sum(caches.values()):
        size, speed = fitting[-1]
    return speed, size


def fractions(shape, positions, way, ceilings):
    """What of the machine's ceilings, at its thread count, our call reached, by counted operations and bytes."""
    seconds = way["ms"] / 1e3
    operations = 2 * multiply_adds(shape, positions)
    found = {"gflops": operations / seconds / 1e9}
    figures = ceilings.get("threads", {}).get(str(way["threads"]), {})
    peak = figures.get(CEILING_OF.get(shape["dtype"], ""))
    if peak:
        found["of_arithmetic"] = found["gflops"] / peak
    if shape["N"] <= FEW_ROWS and shape["mode"] == "inference":
        held, read = weight_bytes(shape)
        step = held if shape["T"] == 1 else read // shape["T"]
        ceiling = reading_ceiling(figures, step, ceilings.get("caches", {}))
        found["weight_gb_s"] = read / seconds / 1e9
        if ceiling:
            found["of_reading"] = found["weight_gb_s"] / ceiling[0]
            found["working_set"] = ceiling[1]
    return found


def judge(row, ways):
    """The row's comparison. ways: {library: best_way} of those that have one."""
    result = {"best_peer": None, "ratio": None, "met": None, "slower": None, "ratios": {}}
    ours = ways.get("rondo")
    if ours is None:
        return result
    result["ratios"] = {peer: ratio(ours, way) for peer, way in ways.items() if peer != "rondo"}
    # A goal over one named run stands for itself; the others are compared all the same.
    over = row["goal_over"]
    rivals = {peer: way for peer, way in ways.items() if peer != "rondo" and (over is None or peer == over)}
    if not rivals:
        return result
    result["best_peer"] = min(rivals, key=lambda peer: result["ratios"][peer]["ratio"])
    result["ratio"] = result["ratios"][result["best_peer"]]["ratio"]
    result["met"] = None if row["goal"] is None else result["ratio"] >= row["goal"]
    result["slower"] = min(each["ratio"] for each in result["ratios"].values()) < SLOWER
    return result


def worst_difference(probes):
    """Of {library: {variant: [values]}}: the largest distance from the first that is not rondo's, and of whom.

    None where there are not two to compare; the largest number there is where a value is none, or one is missing.
    """
    lists = [(library, values) for library, by_variant in probes.items() for values in by_variant.values()]
    theirs = [entry for entry in lists if entry[0] != "rondo"]
    if not theirs or len(lists) < 2:
        return None
    reference = theirs[0]
    worst = (0.0, reference[0])
    for library, values in lists:
        same = len(values) == len(reference[1])
        distance = max((abs(a - b) for a, b in zip(values, reference[1])), default=0.0) if same else NO_NUMBER
        if any(a != a or b != b for a, b in zip(values, reference[1])):
            distance = NO_NUMBER
        if distance >= worst[0]:
            worst = (distance, library)
    return {"difference": worst[0], "library": worst[1], "reference": reference[0]}


def peers_of_row(row, wanted):
    """Which peers serve a row: those wanted, and PyTorch's packed run where the goal is over that."""
    named = [peer for peer in wanted if peer != cpu_rows.TORCH_PACKED]
    if row["goal_over"] == cpu_rows.TORCH_PACKED and "torch" in wanted:
        named.append(cpu_rows.TORCH_PACKED)
    return named


def shape_for(peer, shape):
    if peer != cpu_rows.TORCH_PACKED:
        return shape
    sizes = {key: shape[key] for key in ("T", "N", "I", "H", "L", "D")}
    return cpu_rows.shape_of(shape["cell"], shape["dtype"], shape["mode"], sizes, "packed")
