#!/usr/bin/env python3
"""The cost model's table in kernels/README.md, as `rondo explain --model` prints it.

Usage: model_section.py RONDO README          writes it between the markers
       model_section.py --check RONDO README  fails where it is not what the command prints
"""
import pathlib
import subprocess
import sys

BEGIN = "<!-- cost-model: written by tests/house/model_section.py -->"
END = "<!-- end of cost-model -->"


def with_section(readme, table):
    """The README's text with the table between the markers; ValueError where it has none."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"there is no {BEGIN} .. {END}")
    return f"{before}{BEGIN}\n```text\n{table}```\n{END}{after}"


def main(arguments):
    check = arguments[1:2] == ["--check"]
    if len(arguments) != 3 + check:
        print(__doc__.partition("Usage")[1] + __doc__.partition("Usage")[2], file=sys.stderr)
        return 2
    rondo, path = arguments[-2], pathlib.Path(arguments[-1])
    table = subprocess.run([rondo, "explain", "--model"], check=True, capture_output=True, text=True).stdout
    readme = path.read_text(encoding="utf-8")
    try:
        written = with_section(readme, table)
    except ValueError as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 1
    if not check:
        path.write_text(written, encoding="utf-8")
    elif written != readme:
        print(f"{path}: the cost model's table is not what {rondo} prints; run model_section.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
