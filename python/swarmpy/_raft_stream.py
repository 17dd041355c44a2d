"""What the managers tell of Raft: each has a ring of its own, and here they become one story.

Reading is asking: in the simulator a look, at every event that can have brought something; in real time again
and again, so that a manager that dies, is cut off or comes back needs no care of its own.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from swarmpy._connection.base import Connection
from swarmpy._connection.client import ASK_ANOTHER, finish, make_request
from swarmpy._event_stream import EventStream, stamp
from swarmpy._hub import Hub
from swarmpy._steady import TICK
from swarmpy.errors import NotManager, SwarmError, Unreachable
from swarmpy.states import Mode

PATH, RAFT_PATH = "/swarmpy/v1/raft/events", "/swarmpy/v1/raft"
PATIENCE = 1.0  # seconds that a real manager gets for an answer
PAUSE = 0.05  # seconds between two questions in real time
REST = 2.0  # seconds until a manager that did not answer is asked again

_ONCE = ("member-added", "member-promoted", "member-removed")  # of the group: every manager tells them


@dataclass
class _Place:
    """How far one manager's ring is read."""

    began: int
    last: int


class RaftReader:
    """`news()`: what is new since the last call, by time. `silent`: names of members that did not answer.
    `forgotten`: names of those that keep less than what was asked for.
    """

    def __init__(self, hub: Hub, since_ns: int | None) -> None:
        """`since_ns` None: from now on."""
        self._hub = hub
        self._since_ns = since_ns
        self._places: dict[str, _Place] = {}
        self._told: set[tuple[str, str, str]] = set()
        self._rests: dict[str, float] = {}  # until when it is not asked
        self._mark: object = None
        self.silent: list[str] = []
        self.forgotten: list[str] = []
        if since_ns is None:
            self._read(baseline=True)
            self._since_ns = hub.world.epoch_ns + round(hub.world.now() * 1e9)

    def news(self) -> list[dict[str, Any]]:
        mark = self._hub.world.whole_mark()
        if mark is not None and mark == self._mark:
            return []
        self._mark = mark
        return self._read()

    def _read(self, *, baseline: bool = False) -> list[dict[str, Any]]:
        members: set[str] = set()
        answered: set[str] = set()
        found: list[dict[str, Any]] = []
        for door in self._hub.doors():
            answer = self._ask(door)
            if answer is None:
                continue
            answered.add(answer.get("Name", door.name))
            members.update(answer["Members"])
            found += self._fresh(door.name, answer, baseline=baseline)
        if answered:
            self.silent = sorted(members - answered)
        return sorted(found, key=stamp)

    def _ask(self, door: Connection) -> Any:
        """None of a node that is no manager, or does not answer."""
        now = self._hub.world.now()
        if self._rests.get(door.name, -math.inf) > now:
            return None
        place = self._places.get(door.name)
        request = make_request("GET", PATH, query={"after": place.last if place else 0})
        try:
            answer = json.loads(finish(door.look(request) or door.open(request), PATIENCE))
            if place and answer["Began"] != place.began:  # it was started again
                request = make_request("GET", PATH)
                answer = json.loads(finish(door.look(request) or door.open(request), PATIENCE))
        except NotManager:
            return None
        except SwarmError:
            self._hub.check_open()
            if self._hub.world.mode is Mode.REAL:
                self._rests[door.name] = now + REST
            return None
        return answer

    def _fresh(self, name: str, answer: Any, *, baseline: bool) -> list[dict[str, Any]]:
        known = self._places.get(name)
        self._places[name] = _Place(answer["Began"], answer["Last"])
        if baseline:
            for raw in answer["Events"]:
                self._first_time(raw)
            return []
        events = answer["Events"]
        if known is None:  # what it told before we began is not asked for
            if not answer["Whole"] and not (events and stamp(events[0]) < (self._since_ns or 0)):
                self.forgotten.append(name)
            events = [raw for raw in events if stamp(raw) >= (self._since_ns or 0)]
        return [raw for raw in events if self._first_time(raw)]

    def _first_time(self, raw: dict[str, Any]) -> bool:
        if raw["Action"] not in _ONCE:
            return True
        about = raw["Actor"]["Attributes"]
        key = raw["Action"], about["index"], raw["Actor"]["ID"] or about["name"]
        is_new = key not in self._told
        self._told.add(key)
        return is_new

    def somebody_leads(self) -> bool:
        """A manager says so of itself."""
        return any(self._role(door) == "leader" for door in self._hub.doors())

    def _role(self, door: Connection) -> str:
        request = make_request("GET", RAFT_PATH)
        try:
            return str(json.loads(finish(door.look(request) or door.open(request), PATIENCE))["Role"])
        except SwarmError:
            return ""

    @property
    def knows_any(self) -> bool:
        """A manager has answered."""
        return bool(self._places)

    def note(self) -> str:
        """A sentence on what is missing; "" when nothing is."""
        parts = []
        if self.silent:
            parts.append(f"not reachable, so what only they saw is missing: {', '.join(self.silent)}")
        if self.forgotten:
            parts.append(f"keeping the last events only: {', '.join(sorted(set(self.forgotten)))}")
        return "; ".join(parts)


class RaftStream:
    """As `EventStream`, of Raft, and of `other` too where there is one: that goes on at another manager also
    when its own dies, once there is a leader.
    """

    def __init__(self, hub: Hub, since_ns: int | None, other: EventStream | None) -> None:
        self._hub, self._other = hub, other
        self._reader = RaftReader(hub, since_ns)
        self._closed = self._lost = False

    def news(self, patience: float) -> list[dict[str, Any]] | None:
        """What has come, [] when `patience` seconds were quiet; None when the stream has ended."""
        end = self._hub.world.now() + patience
        while not self._closed:
            self._hub.check_open()
            other = self._others()
            if other is None:
                return None
            came = self._reader.news() + other
            left = end - self._hub.world.now()
            if came or left <= TICK:
                return sorted(came, key=stamp)
            self._pause(left)
        return None

    def _others(self) -> list[dict[str, Any]] | None:
        if self._other is None or (self._lost and not self._moved(self._other)):
            return []
        try:
            return self._other.news(0.0)
        except Unreachable:  # its manager is dead
            self._lost = True
            return []

    def _moved(self, other: EventStream) -> bool:
        if not self._reader.somebody_leads():
            return False
        try:
            other.move()
        except ASK_ANOTHER:
            return False
        self._lost = False
        return True

    def _pause(self, left: float) -> None:
        if self._hub.world.mode is Mode.SIM:
            self._hub.world.wait_for_news(None, left, PAUSE, None)
        else:
            self._hub.world.sleep(min(left, PAUSE))

    def close(self) -> None:
        """Ends it, also for a thread that waits for it."""
        self._closed = True
        if self._other:
            self._other.close()


def raft_past(hub: Hub, since_ns: int | None) -> tuple[list[dict[str, Any]], str]:
    """What is kept of it (since then), and what is missing, in words. Raises when no manager answers."""
    reader = RaftReader(hub, since_ns or 0)
    found = reader.news()
    if not reader.knows_any:
        hub.client.json("GET", PATH)  # says why
    return found, reader.note()


def merged(*parts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """By time."""
    return sorted((raw for part in parts for raw in part), key=stamp)
