"""Requests at published ports, and what became of them: those of a load, and those of `swarm.http`."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

from swarmpy import _show
from swarmpy._brief import Brief

HEADER = ("TIME", "NODE", "TASK", "STATUS", "TOOK", "ERROR")
_FIELDS = ("time", "node", "task", "error", "took", "status", "port", "answered_by")


@dataclass(frozen=True, slots=True)
class Request(metaclass=Brief):
    """A GET of a client. `time`: when it was meant to be sent, seconds on the swarm's clock. `node`: which
    node was asked. `task`: who answered, `"web.1"`, where the page says so, on the node `answered_by`.
    `status`: HTTP's number, 0 without an answer; `error`: why it failed, "" when it did not. `took`:
    seconds from `time` to the end, so that a client which could not send in time is not left out.
    """

    time: float
    node: str
    task: str
    error: str
    took: float
    status: int
    port: int
    answered_by: str = ""

    @property
    def ok(self) -> bool:
        """It was answered, with a status below 400."""
        return not self.error

    def row(self) -> tuple[object, ...]:
        """As a line of a table."""
        took = f"{self.took * 1000:.1f} ms"
        return f"{self.time:.3f} s", self.node, self.task, self.status or "", took, self.error


class Requests(metaclass=Brief):
    """Requests: a list that does not change. `.ok`, `.failed`: how many of them. A DataFrame is made of it by
    `to_pandas()`, or by `pandas.DataFrame(requests)`.
    """

    def __init__(self, make: Callable[[], Sequence[Request]], count: int, failed: int) -> None:
        self._make: Callable[[], Sequence[Request]] | None = make
        self._made: Sequence[Request] = ()
        self._count, self.failed = count, failed

    @property
    def ok(self) -> int:
        """How many were answered well; `.failed`: how many were not."""
        return self._count - self.failed

    @property
    def p50(self) -> float:
        """Half of those that were answered took so many seconds at most; 0.0 where none was."""
        return below(self._list(), 50)

    @property
    def p99(self) -> float:
        """Of a hundred that were answered, 99 took so many seconds at most."""
        return below(self._list(), 99)

    def to_dicts(self) -> list[dict[str, object]]:
        """A dictionary each: time, node, task, error, took, status, port, answered_by."""
        return [{name: getattr(one, name) for name in _FIELDS} for one in self]

    def to_pandas(self) -> Any:
        """A DataFrame, one row a request. Needs pandas."""
        return importlib.import_module("pandas").DataFrame(self.to_dicts(), columns=list(_FIELDS))

    def _list(self) -> Sequence[Request]:
        if self._make is not None:
            self._made, self._make = self._make(), None
        return self._made

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Request]:
        return iter(self._list())

    @overload
    def __getitem__(self, which: int) -> Request: ...
    @overload
    def __getitem__(self, which: slice) -> Sequence[Request]: ...
    def __getitem__(self, which: int | slice) -> Request | Sequence[Request]:
        return self._list()[which]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def __contains__(self, one: object) -> bool:
        return one in self._list()

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> Any:
        return of_list, (tuple(self),)

    def __repr__(self) -> str:
        if not self._count:
            return "no requests"
        head = f"{self._count} requests: {self.ok} ok, {self.failed} failed"
        return head + "\n" + _show.table(HEADER, [one.row() for one in self])

    def _repr_html_(self) -> str:
        caption = f"{self._count} requests: {self.ok} ok, {self.failed} failed"
        return _show.html_box([_show.html_table(caption, HEADER, [one.row() for one in self])])


Sequence.register(Requests)


def below(requests: Sequence[Request], percent: int) -> float:
    """The shortest span that `percent` of those that were answered stayed within, in seconds: one that was
    measured (nearest rank).
    """
    spans = sorted(one.took for one in requests if one.ok)
    return spans[-(-percent * len(spans) // 100) - 1] if spans else 0.0


def of_list(requests: Sequence[Request]) -> Requests:
    """Of requests that are there."""
    kept = tuple(requests)
    return Requests(lambda: kept, len(kept), sum(not one.ok for one in kept))


def from_core(row: tuple[Any, ...]) -> Request:
    """From the simulator's log."""
    sent, ended, machine, port, status, task, node, error, _ = row
    return Request(sent / 1e9, machine, task, error, (ended - sent) / 1e9, status, port, node)
