"""A verdict on the work in hand within a minute: `make quick`.

    quick.py [--since COMMIT]   exit 0: good so far; 1: something is wrong; 2: the minute was over too early

"What changed" is everything that differs from COMMIT: without one, from where this branch left main; on main
itself, from the commit before the last. The steps, the cheapest first:

  layers             the arrows of the house
  dead declarations  what a header declares in vain
  function sizes     long or intricate functions without a reason, in changed files
  plain English      riddles in comments and docstrings, in changed files
  look               clang-format of changed C++; ruff of all Python; mypy when the package changed
  Python tests       changed test files, and the tests named after changed modules, without real daemons
  C++ tests          the tests of changed rooms, with the release preset
  tidy               clang-tidy of changed C++ sources, when there are at most four

A step that is not done when the minute is over is stopped and named.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
PYTHON = str(BIN / "python")
PYTHON_FOLDERS = ["python", "tests", "scripts", "bench"]
BUILT = ROOT / "build" / "release"
MINUTE = 60.0
MOST_TIDIED = 4


def git(*words: str) -> list[str]:
    run = subprocess.run(["git", *words], cwd=ROOT, check=False, capture_output=True, text=True)
    return run.stdout.splitlines() if run.returncode == 0 else []


def base_commit() -> str:
    """Returns where this branch left main; on main itself, the commit before the last."""
    here = git("rev-parse", "HEAD")
    left = next(
        (found for name in ("main", "origin/main") if (found := git("merge-base", "HEAD", name))), here
    )
    return "HEAD~1" if left == here else left[0]


def changed_files(since: str) -> list[Path]:
    names = {*git("diff", "--name-only", since), *git("ls-files", "--others", "--exclude-standard")}
    return [Path(name) for name in sorted(names) if (ROOT / name).is_file()]


@dataclass
class Step:
    """One check: its name, and the command that does it."""

    name: str
    command: list[str]


def cpp_of(files: list[Path]) -> list[Path]:
    return [path for path in files if path.suffix in {".cpp", ".hpp"} and path.parts[0] == "cpp"]


def tests_of(files: list[Path]) -> list[Path]:
    """Returns the changed test files, and the test files that are named after a changed module."""
    tests = Path("tests/python")
    named = {tests / f"test_{path.stem.strip('_')}.py" for path in files if path.parts[0] == "python"}
    changed = {path for path in files if path.parent == tests and path.name.startswith("test_")}
    return sorted(path for path in named | changed if (ROOT / path).exists())


def programs_of(files: list[Path]) -> list[Path]:
    """Returns the test programs in the release tree of the rooms of cpp/ with changed files."""
    rooms = {path.parts[1] for path in cpp_of(files) if len(path.parts) > 2}
    if any(path.suffix == ".proto" for path in files):
        rooms.add("codec")
    return [
        program
        for room in sorted(rooms)
        for program in sorted((BUILT / "cpp" / room).rglob("*_test"))
        if program.is_file()
    ]


def not_built(files: list[Path]) -> list[str]:
    """Names the C++ tests when C++ or its messages changed and no test program is there to build again."""
    changed = [path for path in files if path.suffix in {".cpp", ".hpp", ".proto"}]
    if not changed or programs_of(files):
        return []
    return ["C++ tests (no test program of these rooms is built: make build)"]


def steps_for(files: list[Path]) -> Iterator[Step]:
    """Yields the steps for these changed files, the cheapest first."""
    cpp = [str(path) for path in cpp_of(files)]
    python = [str(path) for path in files if path.suffix == ".py"]
    yield Step("layers", [PYTHON, "scripts/check_layers.py"])
    yield Step("dead declarations", [PYTHON, "scripts/dead_declarations.py"])
    if cpp + python:
        yield Step("function sizes", [PYTHON, "scripts/function_sizes.py", *cpp, *python])
        yield Step("plain English", [PYTHON, "scripts/plain_english.py", *cpp, *python])
    if cpp:
        yield Step("clang-format", ["clang-format-14", "--dry-run", "-Werror", *cpp])
    if python:
        yield Step("ruff check", [str(BIN / "ruff"), "check", "--quiet", *PYTHON_FOLDERS])
        yield Step("ruff format", [str(BIN / "ruff"), "format", "--check", "--quiet", *PYTHON_FOLDERS])
    if any(path.startswith("python/") for path in python):
        yield Step("mypy", [str(BIN / "mypy"), "--strict", "python/swarmpy"])
    if tests := tests_of(files):
        yield Step("Python tests", [PYTHON, "-m", "pytest", "-q", "-x", "-m", "not real", *map(str, tests)])
    if programs := programs_of(files):
        targets = [program.name for program in programs]
        yield Step("C++ build", ["cmake", "--build", "build/release", "--target", *targets])
        for program in programs:
            yield Step(f"{program.name}", [str(program), "--gtest_brief=1"])
    sources = [path for path in cpp if path.endswith(".cpp")]
    if 0 < len(sources) <= MOST_TIDIED and (ROOT / "scripts" / "tidy.sh").exists():
        yield Step("tidy", ["scripts/tidy.sh", *sources])


def run(step: Step, until: float) -> tuple[int | None, str]:
    """Returns the exit code of the step and what it said; the code is None when its time was over."""
    process = subprocess.Popen(
        step.command,
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=max(until - time.monotonic(), 0))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGTERM)
        said, _ = process.communicate()
        return None, said
    except KeyboardInterrupt:
        os.killpg(process.pid, signal.SIGTERM)
        raise
    # pytest says 5 when all tests of the files are deselected.
    return (0 if process.returncode == 5 and "pytest" in step.command else process.returncode), said


def run_all(steps: Iterator[Step], until: float) -> tuple[list[str], list[str]]:
    """Runs the steps; returns the names of those that failed, and of those that had no time."""
    failed: list[str] = []
    undone: list[str] = []
    for step in steps:
        if time.monotonic() >= until:
            undone.append(step.name)
            continue
        start = time.monotonic()
        code, said = run(step, until)
        word = {None: "no time", 0: "ok"}.get(code, "WRONG")
        print(f"{step.name:20} {word:8} {time.monotonic() - start:5.1f} s", flush=True)
        if code is None:
            undone.append(step.name)
        elif code != 0:
            failed.append(step.name)
            print(said.rstrip())
    return failed, undone


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="A verdict on the work in hand within a minute.")
    parser.add_argument("--since", metavar="COMMIT", help="what changed since this commit")
    parser.add_argument("--seconds", type=float, default=MINUTE, help="instead of 60")
    options = parser.parse_args(arguments)
    since = options.since or base_commit()
    files = changed_files(since)
    print(f"{len(files)} files changed since {since[:12]}")
    failed, undone = run_all(steps_for(files), time.monotonic() + options.seconds)
    undone += not_built(files)
    if failed:
        print(f"quick: wrong: {', '.join(failed)}")
        return 1
    if undone:
        print(f"quick: nothing wrong so far; no time for: {', '.join(undone)} (see `make test`)")
        return 2
    print("quick: good; `make test` knows more, `make check-all` knows all")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
