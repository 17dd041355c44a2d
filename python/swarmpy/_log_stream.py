"""The lines of a service's log as they come, from a manager that has a leader. See `_steady.py`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from swarmpy._connection.base import Connection, Exchange
from swarmpy._hub import Hub
from swarmpy._models import times
from swarmpy._models.log_frames import Deframer, LogFrame, incomplete
from swarmpy._steady import ANSWER_TIMEOUT, TICK, Steady
from swarmpy.errors import NotFound, SwarmError, Timeout, Unreachable

TASK = "com.docker.swarm.task.id"
TOO_SOON = 1.0  # seconds: a stream that ends so soon after it was opened will not be better the next time


def whole(hub: Hub, path: str, query: Mapping[str, object]) -> Iterator[LogFrame]:
    """All lines that there are."""
    exchange = hub.client.stream(path, query=query)
    frames = Deframer()
    try:
        while part := exchange.piece(ANSWER_TIMEOUT):
            yield from frames.feed(part)
    finally:
        exchange.close()
    if part is None:
        raise Timeout(f"the logs did not come to their end: nothing came for {ANSWER_TIMEOUT:.0f} s")


def followed(hub: Hub, stream: LogStream, deadline: float) -> Iterator[LogFrame]:
    """All lines until `deadline` (on the swarm's clock), or until the service is removed. What was missing is
    raised in the end; a leader that was lost on the way is no loss, the next one tells the rest.
    """
    try:
        lost: SwarmError | None = None
        while (left := deadline - hub.open_world.now()) > TICK:
            came = stream.frames(left)
            if came is None and not stream.goes_on():
                break
            lost = None if came is None else lost
            for frame in came or ():
                if frame.stream == "error":
                    lost = incomplete(frame.text)
                else:
                    yield frame
        if lost is not None:
            raise lost
    finally:
        stream.close()


class LogStream(Steady):
    """Nothing comes twice: of each task those lines are left out that the last manager has told."""

    def __init__(self, hub: Hub, service_id: str, query: Mapping[str, object]) -> None:
        self._service_id, self._query = service_id, query
        self._frames = Deframer()
        self._told: dict[str, tuple[datetime, int]] = {}  # by task: its last time, and the lines of that time
        self._opened_again = False
        self._again: Counter[str] = Counter()  # lines of that last time that have come again
        super().__init__(hub)

    def frames(self, patience: float) -> list[LogFrame] | None:
        """What has come; None at the end, also at one that its manager made in the middle of the stream."""
        try:
            part = self.part(patience)
        except Unreachable:
            if not self._hub.world.alive(self._door.name):
                raise
            part = None
        return None if part is None else [one for one in self._frames.feed(part) if self._is_fresh(one)]

    def goes_on(self) -> bool:
        """The stream has ended: is the service still there? Then another manager tells more."""
        try:
            self._hub.service(self._service_id)
        except NotFound:
            return False
        if self._hub.world.now() - self._opened_at < TOO_SOON:
            raise Unreachable(f"{self._door.name} ended the log at once", sent=True)
        self.move()
        return True

    def open(self, *, again: bool) -> tuple[Connection, Exchange]:
        query = dict(self._query)
        self._opened_again = again
        if again:
            self._frames, self._again = Deframer(), Counter()
            query.update({"tail": "all", "since": self._since()})
        self._opened_at = self._hub.world.now()
        path = f"/services/{self._service_id}/logs"
        door, exchange = self._hub.client.stream_and_door(path, query=query)
        self._term = self._term_of(door)
        return door, exchange

    def is_stale(self) -> bool:
        """Lines come to the leader. One that was deposed hears of no more, and has not ended the stream."""
        return self._term_of(self._door) != self._term

    def _term_of(self, door: Connection) -> int:
        return int(self._hub.client.json("GET", "/swarmpy/v1/raft", at=door)["Term"])

    def _since(self) -> object:
        """The last line of the task that has been quiet the longest."""
        if not self._told:
            return self._query.get("since")
        return times.api_seconds(round(min(at for at, _ in self._told.values()).timestamp() * 1e9))

    def _is_fresh(self, frame: LogFrame) -> bool:
        if frame.stream in ("error", "missing"):
            return True
        task = frame.details.get(TASK, "")
        at, count = self._told.get(task, (times.ZERO, 0))
        if frame.time == at and self._again[task] < count and self._opened_again:
            self._again[task] += 1
            return False
        if frame.time < at and self._opened_again:
            return False
        self._told[task] = (frame.time, count + 1 if frame.time == at else 1)
        return True
