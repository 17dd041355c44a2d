"""Finds functions that are long or intricate and do not say why.

    function_sizes.py [PATH ...]    exit 1 and one line per finding; without a PATH: all C++ and Python here

A function is long beyond 45 lines (the docstring of a Python function is not counted) and intricate beyond a
cognitive complexity of 25 (SonarSource's measure, as the program lizard counts it). Such a function has a
reason beside it, on its first line or in the comment above it:

    // Long: REASON        (in Python behind a #)
    // Intricate: REASON

A reason at a function that is neither is a finding, too.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lizard import analyze_files, get_extensions

sys.path.insert(0, str(Path(__file__).resolve().parent))
from findings import report

LONGEST = 45
MOST_INTRICATE = 25
ROOT = Path(__file__).resolve().parent.parent
REASON = {
    True: re.compile(r"(?:^|\s)# (Long|Intricate): \S"),
    False: re.compile(r"(?:^|\s)// (Long|Intricate): \S"),
}


@dataclass
class Function:
    """One function of one file."""

    name: str
    first: int
    length: int
    complexity: int

    def excess(self) -> Iterator[tuple[str, str]]:
        """Yields the word that its reason needs, and what is too much."""
        if self.length > LONGEST:
            yield "Long", f"{self.length} lines, and {LONGEST} are the most"
        if self.complexity > MOST_INTRICATE:
            yield (
                "Intricate",
                f"a cognitive complexity of {self.complexity}, and {MOST_INTRICATE} is the most",
            )


def documented_lines(text: str) -> dict[int, int]:
    """For each Python function, by the line of its `def`: how many lines its docstring has."""
    lines = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node) is not None:
            end = node.body[0].end_lineno or node.body[0].lineno
            lines[node.lineno] = end - node.body[0].lineno + 1
    return lines


def functions(paths: list[Path]) -> Iterator[tuple[Path, list[Function]]]:
    for found in analyze_files([str(path) for path in paths], exts=get_extensions(["cognitive"])):
        path = Path(found.filename)
        documented = documented_lines(path.read_text()) if path.suffix == ".py" else {}
        yield (
            path,
            [
                Function(
                    each.name,
                    each.start_line,
                    each.length - documented.get(each.start_line, 0),
                    each.cognitive_complexity,
                )
                for each in found.function_list
            ],
        )


def comment_above(lines: list[str], first: int) -> range:
    """The numbers of the lines that may hold the reason: the first of the function, and comments above it."""
    top = first
    while top > 1 and lines[top - 2].lstrip().startswith(("//", "#", "@", "template")):
        top -= 1
    return range(top, first + 1)


def reasons(lines: list[str], *, python: bool) -> dict[int, str]:
    found = ((number, REASON[python].search(line)) for number, line in enumerate(lines, 1))
    return {number: match.group(1) for number, match in found if match}


def findings_in(path: Path, found: list[Function], name: str) -> Iterator[str]:
    lines = path.read_text().splitlines()
    unused = reasons(lines, python=path.suffix == ".py")
    given = dict(unused)
    for function in found:
        places = comment_above(lines, function.first)
        for word, much in function.excess():
            place = next((number for number in places if given.get(number) == word), None)
            if place is None:
                yield (
                    f"{name}:{function.first}: {function.name} has {much}: take it apart, "
                    f"or write `{word}: REASON` in the comment above it"
                )
            else:
                unused.pop(place, None)
    for number, word in unused.items():
        yield f"{name}:{number}: no function here is {word.lower()} any more: remove the reason"


def findings(root: Path, paths: list[Path]) -> list[str]:
    return sorted(
        line
        for path, found in functions(paths)
        for line in findings_in(path, found, str(path.relative_to(root)))
    )


def all_files() -> list[Path]:
    patterns = ["cpp/*.cpp", "cpp/*.hpp", "python/*.py", "tests/*.py", "scripts/*.py", "bench/*.py"]
    listed = subprocess.run(
        ["git", "ls-files", *patterns], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).exists()]


def main(arguments: list[str]) -> int:
    paths = [Path(word).resolve() for word in arguments] or all_files()
    found = findings(ROOT, paths)
    return report("function sizes", len(paths), found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
