#!/usr/bin/env python3
"""Doxygen's input filter: a public header with its plain comments turned into Doxygen's, so that it needs no markup.
A comment documents every declaration up to the next blank line or comment; one after code on a line documents that line."""

import re
import sys

SECTION = re.compile(r"/\* -{4,} (.+?) -{4,} \*/")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# A line that begins a declaration; what is indented, or closes something, continues one.
DECLARATION = re.compile(r"(?:RONDO_API|typedef|enum|#define) ")
TRAILING = re.compile(r"/\* ?(.*?) ?\*/(?=\s*$)")
MEMBERS = re.compile(r"( +(?:const )?\w+ )(\*?\w+(?:, \*?\w+)+)(;.*\n)")


def members(line):
    """Of one line that declares several members, a line for each: Doxygen gives its comment to the last alone."""
    match = MEMBERS.fullmatch(line)
    return [match[1] + name + match[3] for name in match[2].split(", ")] if match else [line]


def escaped(text):
    """Comments are plain text: nothing in them is a tag or a command."""
    return re.sub(r"([<>&@\\#%])", lambda match: {"<": "&lt;", ">": "&gt;", "&": "&amp;"}.get(match[1], "\\" + match[1]), text)


def body(comment):
    """The text of a comment; paragraphs that stand indented in it, as equations do, stay as they are."""
    lines = [re.sub(r"^\s*\*? ?", "", line) for line in comment[2:-2].strip().split("\n")]
    result, verbatim = [], False
    for line in lines:
        if line.startswith("  ") != verbatim:
            verbatim = not verbatim
            result.append("@verbatim" if verbatim else "@endverbatim")
        result.append(line if verbatim else escaped(line))
    return "\n".join(result + ["@endverbatim"] * verbatim)


def c_header(text):
    """rondo.h: the first comment is the file's, the one with paragraphs the main page; sections are groups."""
    out, doc, group, at, blocks = [], "", 0, 0, 0
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        line = text[at:end]
        comment = COMMENT.match(text, at)
        if comment:
            at = comment.end() + 1
            section = SECTION.fullmatch(comment[0])
            if section:
                group += 1
                close = "/** @} */" if group > 1 else ""
                out.append(f"{close}/** @defgroup section{group} {escaped(section[1])}\n@{{ */\n")
                doc = ""
            elif blocks == 0 or "\n *\n" in comment[0]:
                out.append(("/** @mainpage\n" if blocks else "/** @file\n") + body(comment[0]) + " */\n")
                blocks += 1
            else:
                doc = "/** " + body(comment[0]) + " */\n"
            continue
        at = end
        if not line.strip():
            doc = ""
        elif doc and DECLARATION.match(line):
            out.append(doc)
        elif line.startswith("#ifdef __cplusplus") and group:
            out.append("/** @} */\n")
        out += [TRAILING.sub(lambda match: f"/**< {escaped(match[1])} */", each) for each in members(line)]
    return "".join(out)


def cpp_header(text):
    """rondo.hpp: lines of // before a declaration, and one after it. Comments inside functions are no business of it."""
    lines = text.split("\n")
    count = next(k for k, line in enumerate(lines) if not line.startswith("//"))
    out = ["/** @file"] + [escaped(line[2:]) for line in lines[:count]] + ["*/"]
    for line in lines[count:]:
        match = re.match(r"( {0,2})// ?(.*)", line)
        trailing = re.match(r"( {0,2}\S.*;)\s*// ?(.*)", line)
        if match:
            out.append(f"{match[1]}/// {escaped(match[2])}")
        elif trailing:
            out.append(f"{trailing[1]} ///< {escaped(trailing[2])}")
        else:
            out.append(line)
    return "\n".join(out)


def main():
    path = sys.argv[1]
    with open(path, encoding="utf-8") as file:
        text = file.read()
    sys.stdout.write(cpp_header(text) if path.endswith(".hpp") else c_header(text))


if __name__ == "__main__":
    main()
