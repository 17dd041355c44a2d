"""EventStream: a swarm's events as they come, from a manager that has a leader. See `_steady.py`.

Nothing is missed and nothing comes twice when another manager goes on: events carry the log's own time, which
is the same on all managers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from swarmpy._connection.base import Connection, Exchange
from swarmpy._hub import Hub
from swarmpy._models import times
from swarmpy._steady import TICK, Steady

PATH = "/swarmpy/v1/events"


def past(hub: Hub, filters: Mapping[str, object], since_ns: int, until_ns: int) -> list[dict[str, Any]]:
    """What one manager keeps of this time."""
    query = _query(filters, since_ns, until_ns)
    text = hub.client.of_one(PATH, lambda _, exchange, timeout: exchange.read(timeout), query=query)
    return [json.loads(line) for line in text.split(b"\n") if line.strip()]


class EventStream(Steady):
    """From `since_ns` (None: from now) on. `news()` until it gives None, then `close()`."""

    def __init__(self, hub: Hub, filters: Mapping[str, object], since_ns: int | None) -> None:
        self._filters, self._since_ns = filters, since_ns
        self._last_ns = _now_ns(hub) if since_ns is None else since_ns
        self._last: set[bytes] = set()  # the lines of that moment
        self._rest = b""
        super().__init__(hub)

    def news(self, patience: float) -> list[dict[str, Any]] | None:
        """What has come, [] when `patience` seconds were quiet; None when the stream has ended."""
        part = self.part(patience)
        if part is None:
            return None
        *whole, self._rest = (self._rest + part).split(b"\n")
        return [found for line in whole if (found := self._fresh(line)) is not None]

    def open(self, *, again: bool) -> tuple[Connection, Exchange]:
        since = self._last_ns if again else self._since_ns
        query = _query(self._filters, since, None)
        self._rest = b""
        return self._hub.client.of_one(
            PATH, lambda door, came, _: (door, came), query=query, or_any=not again
        )

    def _fresh(self, line: bytes) -> dict[str, Any] | None:
        """The event of a line, None for one that we had from another manager."""
        if not line.strip() or line in self._last:
            return None
        raw: dict[str, Any] = json.loads(line)
        at = stamp(raw)
        if at > self._last_ns:
            self._last_ns, self._last = at, set()
        self._last.add(line)
        return raw


class News(Protocol):
    """Something that goes on: an `EventStream`, or several."""

    def news(self, patience: float) -> list[dict[str, Any]] | None: ...

    def close(self) -> None: ...


def followed(hub: Hub, stream: News, deadline: float) -> Iterator[dict[str, Any]]:
    """All news until `deadline` (on the swarm's clock)."""
    try:
        while (left := deadline - hub.world.now()) > TICK and (came := stream.news(left)) is not None:
            yield from came
            hub.check_open()
    finally:
        stream.close()


def stamp(raw: Mapping[str, Any]) -> int:
    """When it happened, in nanoseconds of the calendar."""
    return int(raw.get("timeNano") or int(raw.get("time", 0)) * 1_000_000_000)


def _now_ns(hub: Hub) -> int:
    return hub.world.epoch_ns + round(hub.world.now() * 1e9)


def _query(filters: Mapping[str, object], since_ns: int | None, until_ns: int | None) -> dict[str, object]:
    return {
        "filters": dict(filters) or None,
        "since": None if since_ns is None else times.api_seconds(since_ns),
        "until": None if until_ns is None else times.api_seconds(until_ns),
    }
