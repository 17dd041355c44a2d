"""Raft's promises, by what managers told: of elections by terms (clocks differ), of logs by entries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Raw = Mapping[str, Any]


class Leaders:
    """The leader of each term, by its own word and by that of its followers."""

    def __init__(self) -> None:
        self._led: dict[int, tuple[object, str]] = {}
        self._names: dict[object, str] = {}

    def hear(self, raw: Raw, at: float) -> str | None:
        """An event of Raft."""
        about = raw["Actor"].get("Attributes", {})
        if raw["Action"] == "leader":
            who, name = raw.get("RaftID") or raw["Actor"]["ID"], about.get("name", "")
        elif raw["Action"] == "follows" and raw.get("OtherRaftID"):
            who, name = raw["OtherRaftID"], about.get("leader", "")
        else:
            return None
        self._names.setdefault(who, name)
        term = int(about["term"])
        first, _ = self._led.setdefault(term, (who, name))
        if first == who:
            return None
        return f"{self._names[first]} and {self._names[who]} both led in term {term}, at {at:.3f}s"


class Commits:
    """What one manager called committed is the same entry on every manager."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[object, str]] = {}

    def hear(self, raw: Raw, at: float) -> str | None:
        """A part of a manager's log."""
        for index, term, digest in raw["Entries"]:
            if index > raw["Commit"]:
                break
            first, manager = self._known.setdefault(index, ((term, digest), raw["Manager"]))
            if first != (term, digest):
                where = f"was another one on {raw['Manager']} at {at:.3f}s"
                return f"entry {index}, which {manager} had committed, {where}"
        return None


class Logs:
    """Entries of the same index and term are the same, and so are all before them: by induction it is enough
    to compare an entry, and the term of the one before it (Raft, figure 3).
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[str, str]] = {}
        self._before: dict[tuple[int, int], tuple[int, str]] = {}

    def hear(self, raw: Raw, at: float) -> str | None:
        """A part of a manager's log."""
        manager = raw["Manager"]
        before = raw.get("Before")  # the term of the one before the first
        for index, term, digest in raw["Entries"]:
            first, other = self._known.setdefault((index, term), (digest, manager))
            if first != digest:
                return f"entry {index} of term {term} differs on {other} and {manager} at {at:.3f}s"
            if before is not None:
                was, other = self._before.setdefault((index, term), (before, manager))
                if was != before:
                    differs = f"differs on {other} and {manager} at {at:.3f}s"
                    return f"what is before entry {index} of term {term} {differs}"
            before = term
        return None
