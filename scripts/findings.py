"""How the house's checks say what they found."""

from __future__ import annotations


def report(check: str, files: int, found: list[str]) -> int:
    """Prints the findings of a check and returns its exit code: 1 when there is one."""
    for line in found:
        print(line)
    print(f"{check}: {files} files checked, {len(found)} findings")
    return 1 if found else 0
