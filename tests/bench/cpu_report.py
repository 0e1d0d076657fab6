#!/usr/bin/env python3
"""What a CPU comparison's JSON says, as tables in Markdown and as a plot, and the block of README.md made from both.

Usage: cpu_report.py FILE.json             prints its tables
       cpu_report.py --readme README.md    writes the block, and the plot beside the newest committed result
       cpu_report.py --check README.md     fails where block or plot are not what that result gives

The newest is told by the date inside the file; a quick run's result never counts.
"""
import json
import pathlib
import sys
from html import escape

import cpu_lengths
from cpu_figures import SLOWER

RESULTS = pathlib.Path(__file__).resolve().parent / "results"
PLOT = "cpu.svg"
BEGIN = "<!-- cpu-speed: written by tests/bench/cpu_report.py -->"
END = "<!-- end of cpu-speed -->"
LIBRARIES = {"rondo": "rondo", "onednn": "oneDNN", "ort": "ONNX Runtime", "torch": "PyTorch"}
PACKED = "torch packed"
LEVELS = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]


def number(value):
    """Three digits, as many as a figure is worth."""
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def size_of(count):
    return next((f"{count / unit:g} {name}" for unit, name in LEVELS if count >= unit), f"{count} B")


def library_cell(row, library):
    told = row["libraries"].get(library, {})
    text = f"{number(told['ms'])} ({told['threads']})" if "ms" in told else "-"
    if library == "torch" and "ms" in row["libraries"].get(PACKED, {}):
        packed = row["libraries"][PACKED]
        text += f"; packed {number(packed['ms'])} ({packed['threads']})"
    return text


def ratio_cell(row):
    if row["ratio"] is None:
        return "-"
    rounds = row["ratios"][row["best_peer"]]
    return f"{row['ratio']:.2f} ({rounds['least']:.2f} to {rounds['most']:.2f})"


def met_cell(row):
    return {None: "", True: "yes", False: "no"}[row["met"]]


def ceiling_cell(row):
    """The larger fraction, which is what holds the row, if anything does."""
    told = row.get("fractions", {})
    found = []
    if "of_arithmetic" in told:
        found.append((told["of_arithmetic"], "multiply-adds"))
    if "of_reading" in told:
        found.append((told["of_reading"], f"reading {size_of(told['working_set'])}"))
    if not found:
        return "-"
    fraction, what = max(found)
    return f"{100 * fraction:.0f} % of {what}"


def cells_of(row, libraries):
    goal = "" if row["goal"] is None else f"{row['goal']:g}"
    shown = [library_cell(row, library) for library in libraries]
    return [row["title"], *shown, ratio_cell(row), goal, met_cell(row), ceiling_cell(row)]


def markdown(heading, rows):
    lines = ["| " + " | ".join(heading) + " |", "|" + "---|" * len(heading)]
    return "\n".join(lines + ["| " + " | ".join(cells) + " |" for cells in rows])


def remarks(document):
    """What a reader of the tables must know of single rows."""
    lines = []
    for row in document["rows"]:
        if not row["agrees"]:
            lines.append(f"{row['title']} ({row['section']}): RESULTS DIFFER: y {row['y']}, dx {row['dx']}")
        if row["disturbed_rounds"]:
            used = f"{row['foreign_processors']:.2f} processors' time"
            kept = f"{row['disturbed_rounds']} rounds kept while others used {used}"
            lines.append(f"{row['title']} ({row['section']}): {kept}")
    return lines


def table(document):
    libraries = [name for name in LIBRARIES if any(name in row["libraries"] for row in document["rows"])]
    heading = ["T,N,H", *(f"{LIBRARIES[name]} ms" for name in libraries), "ratio", "goal", "met", "of the ceiling"]
    parts = []
    for section in dict.fromkeys(row["section"] for row in document["rows"]):
        rows = [cells_of(row, libraries) for row in document["rows"] if row["section"] == section]
        parts.append(markdown([f"{section}: {heading[0]}", *heading[1:]], rows))
    parts.append(summary(document))
    parts.append("\n".join(f"- {line}" for line in remarks(document)))
    parts += [f"{heading}\n\n" + "\n".join(f"- {line}" for line in lines) for heading, lines in beside(document)]
    return "\n\n".join(part for part in parts if part)


def beside(document):
    """What was measured beside the rows: [(heading, lines)]."""
    parts = []
    if "lengths" in document:
        heading = "Variable lengths over full rows, and what fewer rows and register blocks make possible:"
        parts.append((heading, cpu_lengths.lines_of(document["lengths"])))
    if "beside_others" in document:
        heading = "Where a call does not have the processors to itself (LSTM inference, one row):"
        parts.append((heading, [" ".join(line.split()) for line in document["beside_others"]]))
    return parts


def summary(document):
    """How many rows are where they are to be."""
    judged = [row for row in document["rows"] if row["ratio"] is not None]
    if not judged:
        return "No row had both rondo and a peer."
    aimed = [row for row in judged if row["goal"] is not None]
    lowest = [(min(each["ratio"] for each in row["ratios"].values()), row) for row in judged]
    ratio, row = min(lowest, key=lambda entry: entry[0])
    faster = sum(each >= 1 for each, _ in lowest)
    slower = sum(each < SLOWER for each, _ in lowest)
    return (
        f"At or above its goal in {sum(row['met'] for row in aimed)} of {len(aimed)} rows; no slower than any peer in "
        f"{faster} of {len(judged)}, under {SLOWER} of one in {slower}. "
        f"Lowest ratio: {ratio:.2f} ({row['title']}, {row['section']})."
    )


def machine_words(document):
    machine = document["machine"]
    name = machine["processor"] + (f" ({machine['family']})" if machine["family"] else "")
    words = [name, f"{machine['processors']} processors", "/".join(machine["instruction_sets"]), *machine["caches"]]
    return ", ".join(word for word in words if word)


def ceiling_words(document):
    ceilings = document["ceilings"]
    threads = ceilings.get("threads")
    if not threads:
        return ""
    figures = threads[max(threads, key=int)]
    words = [f"{figures['fma_f32_gflops']:.0f} GFLOP/s of f32 multiply-adds"]
    reading = sorted((int(size), speed) for size, speed in figures.get("read_gb_s", {}).items())
    words += [f"reading {size_of(size)} at {speed:.0f} GB/s" for size, speed in reading]
    words += [f"a barrier in {ceilings['barrier_ns']:.0f} ns"] if "barrier_ns" in ceilings else []
    return "Ceilings in the same run, all threads: " + ", ".join(words) + ".\n"


# The plot: a bar a row, as long as the ratio over the best peer; a tick where the goal is.

PLOT_WIDTH, LABEL_WIDTH, ROW_HEIGHT, TOP = 860, 250, 17, 44
FONT = 'font-family="sans-serif" font-size="11"'
MET, UNMET, SLOW, TICK = "#2f7d5b", "#c98a1b", "#b8433a", "#222222"


def bar_colour(row):
    if min(each["ratio"] for each in row["ratios"].values()) < SLOWER:
        return SLOW
    return UNMET if row["met"] is False else MET


def plot(document):
    rows = [row for row in document["rows"] if row["ratio"] is not None]
    most = max([2.0, *(max(row["ratio"], row["goal"] or 0) for row in rows)])
    unit = (PLOT_WIDTH - LABEL_WIDTH - 50) / most
    sections = list(dict.fromkeys(row["section"] for row in rows))
    height = TOP + (len(rows) + len(sections)) * ROW_HEIGHT + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{PLOT_WIDTH}" height="{height}" {FONT}>',
        f'<rect width="{PLOT_WIDTH}" height="{height}" fill="#ffffff"/>',
        '<text x="10" y="18" font-size="13">Ratio over the best peer (T,N,H; longer is better)</text>',
        f'<text x="10" y="34" fill="#555555">tick: goal; amber: goal not met; red: under {SLOWER} of a peer</text>',
    ]
    y = TOP
    for section in sections:
        parts.append(f'<text x="10" y="{y + 12}" font-weight="bold">{escape(section)}</text>')
        y += ROW_HEIGHT
        for row in (row for row in rows if row["section"] == section):
            length = row["ratio"] * unit
            end = LABEL_WIDTH + length
            parts.append(f'<text x="{LABEL_WIDTH - 6}" y="{y + 12}" text-anchor="end">{escape(row["title"])}</text>')
            place = f'x="{LABEL_WIDTH}" y="{y + 2}" width="{length:.1f}" height="{ROW_HEIGHT - 4}"'
            parts.append(f'<rect {place} fill="{bar_colour(row)}"/>')
            if row["goal"] is not None:
                tick = LABEL_WIDTH + row["goal"] * unit
                parts.append(f'<rect x="{tick - 1:.1f}" y="{y}" width="2" height="{ROW_HEIGHT}" fill="{TICK}"/>')
                end = max(end, tick)
            parts.append(f'<text x="{end + 5:.1f}" y="{y + 12}">{row["ratio"]:.2f}</text>')
            y += ROW_HEIGHT
    one = LABEL_WIDTH + unit
    parts.append(f'<line x1="{one:.1f}" y1="{TOP}" x2="{one:.1f}" y2="{y}" stroke="#888888" stroke-dasharray="3 3"/>')
    return "\n".join([*parts, "</svg>", ""])


def newest(folder):
    """The newest full result of a folder, or None."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    return max((each for each in found if not each["quick"]), key=lambda each: each["date"], default=None)


def block(document):
    """What stands between the markers."""
    if document is None:
        return "No result is committed yet: `./build.sh bench` makes one.\n"
    versions = ", ".join(text for text in document["versions"].values() if text != "absent")
    return (
        f"![Ratio over the best peer, a bar a row](tests/bench/results/{PLOT})\n\n"
        f"`{document['command']}` on {document['date'][:10]}, commit {document['commit'][:12]}: "
        f"{machine_words(document)}; {versions}. "
        "Milliseconds a call, median of interleaved rounds, each library at its better thread count (in brackets); "
        "ratio over the best peer, the median of the rounds' (their least to their most).\n"
        f"{ceiling_words(document)}{summary(document)}\n\n"
        f"<details><summary>All rows</summary>\n\n{table(document)}\n\n</details>\n"
    )


def with_block(readme, text):
    """README's text with the block replaced; ValueError where it has no markers."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"there is no {BEGIN} .. {END}")
    return f"{before}{BEGIN}\n{text}{END}{after}"


def outputs(readme, folder):
    """{path: text} of all that is generated."""
    document = newest(folder)
    wanted = {readme: with_block(readme.read_text(encoding="utf-8"), block(document))}
    if document is not None:
        wanted[folder / PLOT] = plot(document)
    return wanted


def main(arguments):
    if len(arguments) == 2 and arguments[0] in ("--readme", "--check"):
        wanted = outputs(pathlib.Path(arguments[1]).resolve(), RESULTS)
        if arguments[0] == "--readme":
            for path, text in wanted.items():
                path.write_text(text, encoding="utf-8")
            return 0
        stale = [path for path, text in wanted.items() if not path.is_file() or path.read_text("utf-8") != text]
        for path in stale:
            print(f"{path.name} is not what the newest result says: run tests/bench/cpu_report.py --readme README.md")
        print(f"figures: {len(wanted)} files, {len(stale)} stale")
        return 1 if stale else 0
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    print(table(json.loads(pathlib.Path(arguments[0]).read_text(encoding="utf-8"))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
