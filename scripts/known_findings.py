"""Which findings of a check are known, and fail nothing: a list of paths, each with its reason."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

LIST = Path(__file__).resolve().parent / "known_findings.txt"


def known_places(text: str) -> list[str]:
    """Returns the paths of the list, without its comments and reasons."""
    lines = (line.split("#", 1)[0].split() for line in text.splitlines())
    return [words[0] for words in lines if words]


def is_known(finding: str, places: Iterable[str]) -> bool:
    """Returns true for a finding ("PATH:LINE: ...") in one of these files or folders."""
    path = finding.split(":", 1)[0]
    return any(path.startswith(place) if place.endswith("/") else path == place for place in places)


def report(check: str, files: int, found: list[str]) -> int:
    """Prints the findings of a check and returns its exit code: 1 when one is not in a known place."""
    places = known_places(LIST.read_text())
    new = [line for line in found if not is_known(line, places)]
    for line in found:
        print(line if line in new else f"known: {line}")
    print(f"{check}: {files} files checked, {len(new)} findings, {len(found) - len(new)} known ones")
    return 1 if new else 0
