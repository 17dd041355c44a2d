"""Finds riddles in comments, docstrings and documents: sentences that do not name the thing they speak of.

    plain_english.py [PATH ...]    exit 1 and one line per finding; without a PATH: all texts of this project

The rule is in docs/STYLE.md (Plain English). What is found here are words that nearly always stand in such a
sentence: "whoever", "nobody", "shall", "of one mind", "for who", and a statement that begins with "Who". A
question may. Say "the follower", "the caller", "no manager", "is to", "must" instead. A word in quotes or
backticks is looked over: it is somebody's name or a message. There is no list of exceptions.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

from findings import report

ROOT = Path(__file__).resolve().parent.parent
PATTERNS = [
    "cpp/*.cpp",
    "cpp/*.hpp",
    "cpp/*.md",
    "python/*.py",
    "tests/*.py",
    "tests/scenarios/*.txt",
    "scripts/*.py",
    "scripts/*.sh",
    "bench/*.py",
    "docs/*.md",
    "*.md",
]
WORDS = re.compile(r"\b(who(?:so|m)?ever|nobody|shall|of one mind)\b", re.IGNORECASE)
AS_A_THING = re.compile(
    r"\b(for|of|by|from|to|than|with|at|is|where) who\b(?! (?:is|are) who\b)", re.IGNORECASE
)
STATEMENT = re.compile(r"(?:^|(?<=[.;:] ))Who (?=\w+)[^?.]*(?:\.|$)")
QUOTED = re.compile(r"`[^`]*`|\"[^\"]*\"|'[^' ]*'")
CPP_COMMENT = re.compile(r"(?:^|\s)//\s?(.*)")
SHELL_COMMENT = re.compile(r"(?:^|\s)#\s?(.*)")


def riddles(text: str) -> Iterator[str]:
    """Yields what is wrong with one line of prose."""
    prose = QUOTED.sub("_", text)
    for rule in (WORDS, AS_A_THING, STATEMENT):
        for match in rule.finditer(prose):
            yield match.group(0).strip()


def marked(text: str, mark: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if match := mark.search(line):
            yield number, match.group(1)


def in_markdown(text: str) -> Iterator[tuple[int, str]]:
    code = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            code = not code
        elif not code:
            yield number, line


def in_python(text: str) -> Iterator[tuple[int, str]]:
    """Comments and docstrings."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string.lstrip("# ")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            doc = ast.get_docstring(node, clean=False)
            if doc is not None:
                first = node.body[0].lineno
                yield from ((first + i, line.strip()) for i, line in enumerate(doc.splitlines()))


def prose(path: Path) -> Iterator[tuple[int, str]]:
    text = path.read_text()
    if path.suffix == ".py":
        return in_python(text)
    if path.suffix == ".md":
        return in_markdown(text)
    return marked(text, CPP_COMMENT if path.suffix in (".cpp", ".hpp") else SHELL_COMMENT)


def findings(root: Path, paths: list[Path]) -> list[str]:
    return [
        f"{path.relative_to(root)}:{number}: {riddle!r}: name the thing"
        for path in paths
        for number, line in sorted(prose(path))
        for riddle in riddles(line)
    ]


def all_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", *PATTERNS], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return [ROOT / name for name in sorted(set(listed.splitlines())) if (ROOT / name).exists()]


def main(arguments: list[str]) -> int:
    paths = [Path(word).resolve() for word in arguments] or all_files()
    found = findings(ROOT, paths)
    return report("plain English", len(paths), found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
