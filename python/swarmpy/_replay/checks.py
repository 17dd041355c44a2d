"""What was asked of a run, as `replay.check` shows it: how each check stood at the moment of the replay."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from swarmpy import inv
from swarmpy._replay.world import FORK
from swarmpy.check import Check
from swarmpy.errors import InvariantError, NotSupportedInMode

if TYPE_CHECKING:
    from swarmpy._replay.replaying import Replay

IN_THE_TEST = "in the test"


class ReplayCheck(Check):
    """The checks of the run: a table of how they stood at this moment of it. Functions are part of the test,
    which a journal does not keep (`"in the test"`). It takes no new ones: `fork` does.
    """

    def __init__(self, replay: Callable[[], Replay | None]) -> None:
        """`replay`: it, where it is there still."""
        self._replay = replay
        self._seen: tuple[tuple[int, int], list[tuple[str, str, int, str]]] | None = None

    def always(self, *what: Any, **more: Any) -> NoReturn:
        """A replay takes no orders: `replay.fork(at=...).check.always(...)`."""
        _refuse()

    def eventually(self, *what: Any, **more: Any) -> NoReturn:
        """A replay takes no orders: `replay.fork(at=...).check.eventually(...)`."""
        _refuse()

    def sometimes(self, *what: Any, **more: Any) -> NoReturn:
        """A replay takes no orders: `replay.fork(at=...).check.sometimes(...)`."""
        _refuse()

    def finish(self) -> None:
        """Nothing: the run decided it."""

    @property
    def invariants(self) -> dict[str, inv.Invariant]:
        """Those of `sp.inv`, by name."""
        return {str(one["name"]): inv.from_json(one["inv"]) for one in self._told() if one["inv"]}

    @property
    def names(self) -> list[str]:
        """Of all checks, in the order in which they were made."""
        return [str(one["name"]) for one in self._told()]

    def rows(self) -> list[tuple[str, str, int, str]]:
        """Name, kind, how often it was asked until this moment, and how it stood. One that was made later
        stands as `"not yet"`, a function as `"in the test"`.
        """
        replay = self._replay()
        if replay is None:
            return []
        where = replay._replayed.where()
        if self._seen is None or self._seen[0] != where:
            self._seen = where, self._asked_until(replay, where)
        return list(self._seen[1])

    def __len__(self) -> int:
        return len(self._told())

    def _told(self) -> list[dict[str, Any]]:
        replay = self._replay()
        return [] if replay is None else [dict(one) for one in replay.journal.checks]

    def _asked_until(self, replay: Replay, where: tuple[int, int]) -> list[tuple[str, str, int, str]]:
        watched = replay.watched_core()
        with contextlib.suppress(InvariantError):
            watched.to(*where)
        lines = {line[0]: line for line in watched.lines()}
        rows = []
        for one in self._told():
            unasked = "not yet" if one["inv"] else IN_THE_TEST
            rows.append(lines.get(one["name"], (str(one["name"]), str(one["kind"]), 0, unasked)))
        return rows


def _refuse() -> NoReturn:
    raise NotSupportedInMode("a replay is what happened: one cannot ask more of it", hint=FORK)
