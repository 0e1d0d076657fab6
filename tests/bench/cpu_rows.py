"""The rows of the CPU comparison: which problem, and how many times its best peer rondo is to be as fast.

A row's goal is a ratio over the best peer, or over the one that goal_over names; None where only the figure is wanted.
"""

# Cell, then T,N,H of each row (H = I; * marks the rows of a quick run), then the goals: one for all or one each.
INFERENCE = [
    ("lstm", "1,1,256* 1,1,512 1,1,1024*", "1.4 1.2 1.2"),
    ("gru", "1,1,256* 1,1,512 1,1,1024*", "1.4 1.2 1.2"),
    ("lstm", "100,1,64* 100,1,128", "2 1.8"),
    ("gru", "100,1,64* 100,1,128", "2 1.8"),
    ("rnn_tanh", "100,1,64* 100,1,128 672,1,32", "2 2 3"),
    ("lstm", "100,32,64 100,32,128*", "1.3 1.2"),
    ("gru", "100,32,64 100,32,128*", "1.4 1.2"),
    ("rnn_tanh", "100,32,64* 100,32,128", "1.5 1.3"),
    ("lstm", "150,1,256* 25,1,512 50,1,1536", "1.5 1.3 1.15"),
    ("lstm", "25,2,1024 25,4,1024*", "1.5 1.4"),
    ("gru", "187,1,1024* 187,4,1024 187,1,1536", "1.2 1.3 1.15"),
    ("lstm", "150,16,256 25,64,512* 25,128,1024", "1.15 1.05 1.05"),
    ("gru", "187,32,1024", "1.1"),
]
INFERENCE_BF16 = [
    ("lstm", "1,1,1024* 25,4,1024 25,64,512*", "1.2 1.1 1.0"),
]
TRAINING = [
    ("lstm", "100,1,64* 100,1,128 100,32,64*", "2 1.6 1.2"),
    ("lstm", "150,16,256 25,64,512* 25,64,1024", "1.15 1.1 1.05"),
    ("lstm", "50,8,1536 25,32,2048", "1.25 1.1"),
    ("gru", "100,1,64* 100,32,64 1,32,512* 187,32,1024", "2 1.2 1.5 1.1"),
    ("rnn_tanh", "100,1,64* 50,64,1760", "2 1.05"),
]
# Lengths uniform in [T/10, T]; padded, packed, and the same shape in full, which tells what lengths are worth.
LENGTHS = [({"T": 100, "N": 32, "H": 128}, True), ({"T": 100, "N": 32, "H": 512, "L": 2}, False)]
LENGTHS_GOAL = 5.0
TORCH_PACKED = "torch packed"
# Beside the tables: the FlashRNN case, two layers (small ones too), two directions, in both modes.
BESIDE = [
    ("lstm", {"T": 1024, "N": 16, "H": 768}),
    ("lstm", {"T": 100, "N": 32, "H": 256, "L": 2}),
    ("gru", {"T": 100, "N": 32, "H": 256, "L": 2}),
    ("lstm", {"T": 100, "N": 1, "H": 64, "L": 2}),
    ("lstm", {"T": 100, "N": 32, "H": 256, "D": 2}),
    ("gru", {"T": 100, "N": 1, "H": 128, "L": 2, "D": 2}),
]


def goals_of(text, count):
    """One goal for each of count rows."""
    goals = [float(word.lstrip("x")) for word in text.replace("/", " ").split()]
    if len(goals) == 1:
        goals *= count
    if len(goals) != count or min(goals) <= 0:
        raise ValueError(f'"{text}" is not one goal, nor {count} of them')
    return goals


def shape_of(cell, dtype, mode, sizes, sequence="full"):
    """A shape as tests/gpu/shape.cpp reads it, with the name that it gives."""
    shape = {"cell": cell, "dtype": dtype, "mode": mode, "sequence": sequence, "L": 1, "D": 1, **sizes}
    shape.setdefault("I", shape["H"])
    name = f"{cell}-{dtype}-t{shape['T']}-n{shape['N']}-h{shape['H']}"
    name += f"-l{shape['L']}" if shape["L"] > 1 else ""
    name += "-bi" if shape["D"] > 1 else ""
    name += f"-{sequence}" if sequence != "full" else ""
    return {"name": f"{name}-{mode}", **shape}


def title_of(shape):
    """How a table calls the row: LSTM 100,32,64."""
    words = [] if shape["dtype"] == "f32" else [shape["dtype"]]
    words.append({"rnn_tanh": "RNN", "rnn_relu": "RNN relu"}.get(shape["cell"], shape["cell"].upper()))
    words.append(f"{shape['T']},{shape['N']},{shape['H']}")
    words += [f"{shape['L']} layers"] if shape["L"] > 1 else []
    words += ["bidirectional"] if shape["D"] > 1 else []
    words += {"lengths": ["padded lengths"], "packed": ["packed"]}.get(shape["sequence"], [])
    return " ".join(words)


def row(section, shape, goal=None, quick=False, goal_over=None):
    return {
        "name": shape["name"],
        "title": title_of(shape),
        "section": section,
        "shape": shape,
        "goal": goal,
        "goal_over": goal_over,
        "quick": quick,
    }


def table_rows(section, mode, dtype, table):
    rows = []
    for cell, problems, goals in table:
        problems = problems.split()
        for problem, goal in zip(problems, goals_of(goals, len(problems))):
            sizes = dict(zip("TNH", (int(size) for size in problem.rstrip("*").split(","))))
            rows.append(row(section, shape_of(cell, dtype, mode, sizes), goal, problem.endswith("*")))
    return rows


def lengths_rows():
    rows = []
    for sizes, quick in LENGTHS:
        for sequence in ("lengths", "packed", "full"):
            shape = shape_of("lstm", "f32", "training", sizes, sequence)
            # In the packed row PyTorch's own run is the packed one.
            over = {"lengths": TORCH_PACKED, "packed": "torch", "full": None}[sequence]
            goal = None if over is None else LENGTHS_GOAL
            rows.append(row("variable lengths, training", shape, goal, quick and over is not None, over))
    return rows


def beside_rows():
    modes = ("inference", "training")
    shapes = [shape_of(cell, "f32", mode, sizes) for mode in modes for cell, sizes in BESIDE]
    return [row(f"beside the tables, {shape['mode']}", shape) for shape in shapes]


def all_rows():
    return (
        table_rows("inference", "inference", "f32", INFERENCE)
        + table_rows("inference", "inference", "bf16", INFERENCE_BF16)
        + table_rows("training", "training", "f32", TRAINING)
        + lengths_rows()
        + beside_rows()
    )
