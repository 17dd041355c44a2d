"""EventStream: a swarm's events as they come, from a manager that has a leader.

A manager that is cut off, or frozen, has nothing to tell and does not know it. So after some silence it is
asked whether it can still read the swarm's state; if not, the stream goes on at another one, where the first
one stopped: nothing is missed and nothing comes twice (events carry the log's own time, which is the same on
all managers). A node that dies ends the stream with an error: who reads begins again, with `since`.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from swarmpy._connection.base import Connection, Exchange
from swarmpy._connection.client import ASK_ANOTHER
from swarmpy._hub import Hub
from swarmpy._models import times

PATH = "/swarmpy/v1/events"
TICK = 1e-9  # seconds: what is nearer than this is now
QUIET = 2.0  # seconds of silence after which the manager is asked whether it still belongs to the swarm
ANSWER_TIMEOUT = 30.0


def past(hub: Hub, filters: Mapping[str, object], since_ns: int, until_ns: int) -> list[dict[str, Any]]:
    """What one manager keeps of this time."""
    query = _query(filters, since_ns, until_ns)
    text = hub.client.of_one(PATH, lambda _, exchange, timeout: exchange.read(timeout), query=query)
    return [json.loads(line) for line in text.split(b"\n") if line.strip()]


class EventStream:
    """From `since_ns` (None: from now) on. `news()` until it gives None, then `close()`."""

    def __init__(self, hub: Hub, filters: Mapping[str, object], since_ns: int | None) -> None:
        self._hub, self._filters = hub, filters
        self._last_ns = _now_ns(hub) if since_ns is None else since_ns
        self._last: set[bytes] = set()  # the lines of that moment
        self._rest = b""
        self._door, self._exchange = self._open(since_ns)
        self._heard()

    def news(self, patience: float) -> list[dict[str, Any]] | None:
        """What has come, [] when `patience` seconds were quiet; None when the stream has ended."""
        quiet = max(self._quiet_until - self._hub.world.now(), 0.0)
        if not self._exchange.ready(min(patience, quiet)):
            if self._hub.world.now() >= self._quiet_until - TICK:
                self._look_after()
            return []
        part = self._exchange.piece(ANSWER_TIMEOUT)
        self._heard()
        if not part:
            return None
        *whole, self._rest = (self._rest + part).split(b"\n")
        return [found for line in whole if (found := self._fresh(line)) is not None]

    def close(self) -> None:
        """Hangs up, and wakes who waits for news in another thread."""
        self._exchange.close()

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

    def _heard(self) -> None:
        self._quiet_until = self._hub.world.now() + QUIET

    def _look_after(self) -> None:
        """Has the silent manager a leader? If not, and another has, the other goes on."""
        try:
            self._hub.client.check(self._door)
        except ASK_ANOTHER:
            with contextlib.suppress(*ASK_ANOTHER):  # nobody knows more: this one is as good as any
                door, exchange = self._open(self._last_ns, or_any=False)
                self._exchange.close()
                self._door, self._exchange, self._rest = door, exchange, b""
        self._heard()

    def _open(self, since_ns: int | None, *, or_any: bool = True) -> tuple[Connection, Exchange]:
        query = _query(self._filters, since_ns, None)
        return self._hub.client.of_one(PATH, lambda door, came, _: (door, came), query=query, or_any=or_any)


def followed(hub: Hub, stream: EventStream, deadline: float) -> Iterator[dict[str, Any]]:
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
