"""Ledger: which faults a local cluster has, written down in its folder, so that every process that knows the
cluster can see and end them. One file, changed under a lock; nothing else decides whether a fault is over.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from swarmpy._cluster import private
from swarmpy.plan import Fault

MOST_HISTORY = 10_000


@dataclass
class Entry:
    """Times are Unix nanoseconds. `told`: node -> the fault's number there, of those that a daemon does to
    itself. `keeper`: the process that ends it, or holds its port; 0 for none.
    """

    number: int
    fault: str  # its JSON, "leader" resolved
    began: int
    ends: int | None = None
    keeper: int = 0
    told: dict[str, int] = field(default_factory=dict)

    @property
    def value(self) -> Fault:
        return Fault.from_json(self.fault)

    @property
    def left(self) -> float | None:
        """Seconds until it ends; None: it does not by itself."""
        return None if self.ends is None else max(0.0, (self.ends - time.time_ns()) / 1e9)


@dataclass
class Past:
    fault: str
    began: int
    ended: int


@dataclass
class Page:
    last: int = 0
    active: list[Entry] = field(default_factory=list)
    past: list[Past] = field(default_factory=list)

    def find(self, number: int) -> Entry | None:
        return next((entry for entry in self.active if entry.number == number), None)

    def take(self, number: int) -> Entry | None:
        """Off the page, and into the past. None: somebody else did."""
        entry = self.find(number)
        if entry is not None:
            self.active.remove(entry)
            ended = min(time.time_ns(), entry.ends or 2**63)
            self.past = [*self.past, Past(entry.fault, entry.began, ended)][-MOST_HISTORY:]
        return entry


class Ledger:
    def __init__(self, folder: Path) -> None:
        self._file, self._lock = folder / "faults.json", folder / "faults.lock"

    def read(self) -> Page:
        try:
            raw = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return Page()
        return Page(
            raw["last"], [Entry(**one) for one in raw["active"]], [Past(**one) for one in raw["past"]]
        )

    @contextmanager
    def page(self) -> Iterator[Page]:
        """To be changed: kept when the block ends well. No other process reads it meanwhile to change it."""
        with open(self._lock, "w", opener=private.opener) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            page = self.read()
            yield page
            draft = self._file.with_suffix(".new")
            private.write_text(draft, json.dumps(asdict(page), indent=1) + "\n")
            draft.replace(self._file)
