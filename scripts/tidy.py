"""clang-tidy over sources of cpp/; one that was clean is checked again when a file that it reads has changed.

    tidy.py [FILE.cpp ...]    exit 1 when clang-tidy says something; without a FILE: all of cpp/

A clean source is remembered below the user's cache folder (XDG_CACHE_HOME, else ~/.cache), in
swarmpy-tidy: one file for each version of clang-tidy, .clang-tidy, compile command and text of a source. It
names what clang-tidy read (the source, its headers, their headers), has the hash of those texts, and counts
while that hash is the same. A source with findings is never remembered. Not noticed, as in ccache: a new file
that would be found before one that was read. To forget all: remove the folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

TIDY = "clang-tidy-19"
ROOT = Path(__file__).resolve().parent.parent
BEGUN = time.time()  # texts are read once, from here on
BUILT = ROOT / "build" / "release"
MEMORY = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "swarmpy-tidy"
FORGOTTEN_AFTER = 30 * 86400
# In a test an optional without its value ends the test, which is what it is for.
NOT_IN_TESTS = "-bugprone-unchecked-optional-access,-performance-inefficient-vector-operation"
# What -H says of each header: a dot for each that it is within, then its path.
HEADER = re.compile(r"^\.+ (.+)$", re.MULTILINE)


@cache
def text_hash(path: Path) -> str:
    """Returns the hash of what the file has, or a word when there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "none"


def hash_of(words: list[str]) -> str:
    return hashlib.sha256("\0".join(words).encode()).hexdigest()


def portable(text: str) -> str:
    """Returns the text with this tree's place left out: a copy of the tree elsewhere has the same memory."""
    return text.replace(str(ROOT), ".")


@cache
def version() -> str:
    said = subprocess.run([TIDY, "--version"], check=True, capture_output=True, text=True).stdout
    return next(line.strip() for line in said.splitlines() if "version" in line)


@cache
def commands() -> dict[Path, list[str]]:
    """Returns the compiler's commands for each source: one, or more when targets share it."""
    found: dict[Path, list[str]] = {}
    for entry in json.loads((BUILT / "compile_commands.json").read_text()):
        found.setdefault(Path(entry["file"]), []).append(entry["command"])
    return found


def question(source: Path) -> list[str]:
    """Returns the command that asks clang-tidy about the source. -H: with the headers that it reads."""
    words = [TIDY, "-p", str(BUILT), "--quiet", "--extra-arg=-Wno-deprecated-declarations", "--extra-arg=-H"]
    checks = NOT_IN_TESTS if source.stem.endswith("_test") else ""
    return [*words, f"--checks={checks}", str(source)]


def memory_of(source: Path) -> Path:
    """Returns the file that remembers the source with this text, this command and these checks."""
    rules = [text_hash(folder / ".clang-tidy") for folder in source.parents if folder.is_relative_to(ROOT)]
    asked = portable(shlex.join([*question(source), *commands()[source]]))
    return MEMORY / hash_of([version(), *rules, asked, text_hash(source)])


def texts(files: list[str]) -> str:
    """Returns one hash of the names and texts of these files; names within the tree begin with `./`."""
    return hash_of([word for name in files for word in (name, text_hash(ROOT / name))])


def known_clean(memory: Path) -> bool:
    try:
        was = json.loads(memory.read_text())
    except (OSError, ValueError):
        return False
    if texts(was["files"]) != was["texts"]:
        return False
    os.utime(memory)
    return True


def remember(memory: Path, source: Path, said: str) -> None:
    """Remembers the source as clean, unless a file was written since this run began."""
    headers = {Path(os.path.normpath(BUILT / path)) for path in HEADER.findall(said)}
    if any(path.stat().st_mtime >= BEGUN for path in {source, *headers}):
        return
    files = [portable(str(path)) for path in sorted({source, *headers})]
    unfinished = memory.with_suffix(f".{os.getpid()}")
    unfinished.write_text(json.dumps({"files": files, "texts": texts(files)}))
    unfinished.replace(memory)


def check(source: Path) -> str:
    """Returns what clang-tidy says about the source: nothing when it is clean."""
    run = subprocess.run(question(source), check=False, capture_output=True, text=True)
    if run.returncode == 0 and not run.stdout.strip():
        remember(memory_of(source), source, run.stderr)
        return ""
    return run.stdout.strip() or HEADER.sub("", run.stderr).strip() or f"{TIDY}: exit {run.returncode}"


def sources(named: list[str]) -> list[Path]:
    if named:
        return [Path(name).resolve() for name in named]
    listed = subprocess.run(
        ["git", "ls-files", "cpp/*.cpp"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return [ROOT / name for name in listed.stdout.splitlines()]


def findings(unknown: list[Path]) -> Iterator[str]:
    """Checks the sources side by side, one a core, and yields what clang-tidy says."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        yield from filter(None, pool.map(check, unknown))


def forget_old() -> None:
    for path in MEMORY.iterdir():
        if time.time() - path.stat().st_mtime > FORGOTTEN_AFTER:
            path.unlink(missing_ok=True)


def main() -> int:
    asked = sources(sys.argv[1:])
    if strangers := [path for path in asked if path not in commands()]:
        print(*(f"{path}: no CMakeLists.txt names it" for path in strangers), sep="\n", file=sys.stderr)
        return 1
    MEMORY.mkdir(parents=True, exist_ok=True)
    forget_old()
    unknown = [path for path in asked if not known_clean(memory_of(path))]
    wrong = 0
    for said in findings(unknown):
        print(said, flush=True)
        wrong += 1
    known = len(asked) - len(unknown)
    print(f"tidy: {len(asked)} files, {known} of them unchanged since they were clean, {wrong} with findings")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
