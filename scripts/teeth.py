"""Does the simulator find what is wrong? Makes each mistake of docs/design/teeth.md, one at a time.

    teeth.py                  all of them, up to 500 seeds each: after how many seeds which check found it
    teeth.py NAME...          these only ("raft" is all of raft's)
    teeth.py --quick          a few that any seed shows: CI's share
    teeth.py --write          all, and the table of docs/design/teeth.md anew

A mistake is a condition `SWARM_MISTAKE("room.what")` in the engine's own code. One build tree alone compiles
it in (build/teeth). Exit code 1: a mistake was not found.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build/teeth/cpp/tools/swarm_sim/swarm_sim"
DOCUMENT = ROOT / "docs/design/teeth.md"
MISTAKE = re.compile(r'SWARM_MISTAKE\(\s*"([^"]+)"\s*\)')
ROW = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)
FAILURE = re.compile(r"^FAIL seed (\d+): (?:check failed: )?(.*)$", re.MULTILINE)
QUICK = (
    "raft.votes-before-the-disk-has-it",
    "raft.commits-entries-of-old-terms",
    "node.goes-on-before-the-disk-has-it",
    "orchestrator.updates-all-at-once",
    "scheduler.ignores-constraints",
    "dispatcher.marks-no-node-down",
    "docker.tells-events-twice",
)


@dataclass(frozen=True)
class Found:
    """What became of a mistake: after how many seeds which sentence; 0 seeds: it was not found."""

    name: str
    seeds: int
    by: str
    seconds: float


def mistakes_in_code() -> list[str]:
    names: set[str] = set()
    for path in sorted((ROOT / "cpp").rglob("*.[ch]pp")):
        if path.name != "mistake.hpp":
            names.update(MISTAKE.findall(path.read_text()))
    return sorted(names)


def mistakes_in_document() -> list[str]:
    return sorted(ROW.findall(DOCUMENT.read_text()))


def build() -> None:
    environment = {**os.environ, "CCACHE_BASEDIR": str(ROOT), "CCACHE_NOHASHDIR": "1"}
    log = ROOT / "build/teeth.log"
    log.parent.mkdir(exist_ok=True)
    steps = (
        ["cmake", "--preset", "teeth"],
        ["cmake", "--build", "--preset", "teeth", "--target", "swarm_sim_tool"],
    )
    with log.open("w") as out:
        for step in steps:
            if (
                subprocess.run(
                    step, cwd=ROOT, env=environment, stdout=out, stderr=out, check=False
                ).returncode
                != 0
            ):
                sys.exit(f"teeth: {' '.join(step)} failed; see {log.relative_to(ROOT)}")


def make(name: str, seeds: int, first: int) -> Found:
    """Runs seed after seed with this mistake until one fails."""
    begin = time.monotonic()
    command = [
        str(PROGRAM),
        "--mistake",
        name,
        "--seeds",
        str(seeds),
        "--from",
        str(first),
        "--until-failure",
    ]
    out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    failed = FAILURE.search(out)
    took = time.monotonic() - begin
    if failed is None:
        return Found(name, 0, "nothing", took)
    return Found(name, int(failed[1]) - first + 1, in_short(failed[2]), took)


def in_short(sentence: str) -> str:
    """The sentence of a check, without the run's own numbers."""
    sentence = re.sub(r" \(seed \d+, at [^)]*\).*$", "", sentence)
    sentence = re.sub(r"\b[0-9a-z]{25}\b", "ID", sentence)
    sentence = sentence.replace("|", "/")
    return sentence if len(sentence) <= 110 else sentence[:107] + "..."


def chosen(words: list[str], names: list[str]) -> list[str]:
    if not words:
        return names
    out = [name for name in names if name in words or name.split(".")[0] in words]
    unknown = [
        word for word in words if not any(name == word or name.split(".")[0] == word for name in names)
    ]
    if unknown:
        sys.exit(f"teeth: there is no mistake {unknown[0]!r}; there are:\n  " + "\n  ".join(names))
    return out


def run_all(names: list[str], seeds: int, first: int, jobs: int) -> Iterator[Found]:
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda name: make(name, seeds, first), names)


def write(found: list[Found]) -> None:
    text = DOCUMENT.read_text()
    head = text[: text.index("| mistake |")]
    rows = [f"| `{one.name}` | {one.seeds} | {one.by} |" for one in found]
    DOCUMENT.write_text(head + "| mistake | seeds | found by |\n|---|---|---|\n" + "\n".join(rows) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="mistakes, or rooms")
    parser.add_argument("--seeds", type=int, default=500)
    parser.add_argument("--from", type=int, default=1, dest="first")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    build()
    names = list(QUICK) if options.quick else chosen(options.names, mistakes_in_code())
    found: list[Found] = []
    for one in run_all(names, options.seeds, options.first, options.jobs):
        found.append(one)
        after = f"{one.seeds:4} seeds" if one.seeds else "NOT FOUND "
        print(f"{one.name:52} {after} {one.seconds:6.1f} s  {one.by}", flush=True)
    missed = [one.name for one in found if not one.seeds]
    print(f"{len(found) - len(missed)} of {len(found)} mistakes are found within {options.seeds} seeds")
    if options.write and not missed:
        write(found)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
