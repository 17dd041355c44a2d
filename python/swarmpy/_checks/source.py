"""Where a frozen state has its parts from: the engine itself (`Source`), and the story of a run so far.

In the engine each part is made when it is read first, and again only after something changed. NOT here: when
checks are asked (cpp/bindings/checks.hpp).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

from swarmpy._event_stream import past, stamp
from swarmpy._hub import Hub
from swarmpy.errors import SwarmError
from swarmpy.events import Event, EventList
from swarmpy.peek import READS, ByName, Late, Peek, PeekRaft, raft_seen, raft_views, seen_by
from swarmpy.requests import Request, Requests, from_core, of_list

if TYPE_CHECKING:
    from swarmpy._core import World as Core


class Story(Protocol):
    """What a state tells of the run up to it."""

    def so_far(self) -> dict[str, Any]: ...


class Events:
    """All events of a run so far; each is asked for once."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._seen: list[Event] = []
        self._since, self._known = max(hub.world.epoch_ns, 0), set[str]()  # ... and those of that moment

    def so_far(self) -> EventList:
        """As of now; as far as a manager can be asked."""
        now = self._hub.world.epoch_ns + round(self._hub.world.now() * 1e9)
        try:
            raws = past(self._hub, {}, self._since, max(now, self._since))
        except SwarmError:
            raws = []
        for raw in raws:
            line = json.dumps(raw, sort_keys=True)
            if line in self._known or stamp(raw) < self._since:
                continue
            if stamp(raw) > self._since:
                self._since, self._known = stamp(raw), set()
            self._known.add(line)
            self._seen.append(Event.from_api(raw, self._hub.world.epoch_ns))
        return EventList(self._seen)


class SimStory:
    """By the engine's own log."""

    def __init__(self, hub: Hub, core: Core) -> None:
        self.core = self._core = core
        self._events = Events(hub)
        self._rows: list[Request] = []
        self._told: tuple[object, EventList] | None = None

    def so_far(self) -> dict[str, Any]:
        return {
            "leaders": tuple(self._core.leaders()),
            "term": self._core.term(),
            "elections": self._core.elections(),
            "leaders_per_term_max": self._core.leaders_per_term_max(),
            "requests": self.requests(),
            "events": self.late_events(),
        }

    def late_events(self) -> Late:
        return Late(lambda at: EventList(one for one in self.events() if one.at <= at))

    def events(self) -> EventList:
        mark = self._core.peek_marks()[0]
        if self._told is None or self._told[0] != mark:
            self._told = mark, self._events.so_far()
        return EventList(self._told[1])

    def requests(self) -> Requests:
        count, failed = self._core.request_counts()
        return Requests(lambda: self._first(count), count, failed)

    def _first(self, count: int) -> list[Request]:
        if len(self._rows) < count:
            self._rows += [from_core(row) for row in self._core.requests(len(self._rows), count)]
        return self._rows[:count]


class WallStory:
    """By what this Python saw."""

    def __init__(self, hub: Hub) -> None:
        self._hub, self._events = hub, Events(hub)
        self._leaders: dict[int, set[str]] = {}

    def see(self, raft: tuple[PeekRaft, ...]) -> None:
        for one in raft:
            if one.role == "leader":
                self._leaders.setdefault(one.term, set()).add(one.node)

    def so_far(self) -> dict[str, Any]:
        return {
            "elections": sum(map(len, self._leaders.values())),
            "leaders_per_term_max": max(map(len, self._leaders.values()), default=0),
            "requests": of_list(self._hub.requests),
            "events": Late(lambda at: EventList(one for one in self._events.so_far() if one.at <= at)),
        }


_STORIES: WeakKeyDictionary[Hub, SimStory | WallStory] = WeakKeyDictionary()


def story_of(hub: Hub) -> SimStory | WallStory:
    """One for each swarm."""
    found = _STORIES.get(hub)
    core = getattr(hub.world, "core", None)
    if found is None or (isinstance(found, SimStory) and found.core is not core):
        found = WallStory(hub) if core is None else SimStory(hub, core)
        _STORIES[hub] = found
    return found


class Source:
    """Makes the states that checks in the engine are given. `touched`: what the last one read."""

    def __init__(self, hub: Hub, core: Core) -> None:
        self._hub, self._core = hub, core
        self._story = SimStory(hub, core)
        self.touched = 0
        self.functions: list[object] = []  # the user's; the engine knows their numbers
        self._foreign = False
        self._objects: tuple[object, tuple[Any, Any, Any]] | None = None
        self._raft: tuple[object, tuple[PeekRaft, ...]] | None = None

    def state(self) -> Peek:
        """Of this moment."""
        self.touched = 0
        return Peek._lazily(self)

    def read_by(self, looked: bool) -> int:
        """What the function read, as bits. `looked`: it asked the swarm by another way, too."""
        mask = self.touched
        if looked or self._foreign:
            mask |= READS["shown"] | READS["raft"]
        if self._hub.clock_was_read:
            mask |= READS["clock"]
        self._foreign = self._hub.clock_was_read = False
        return mask

    def running(self, service: str) -> int:
        return self._core.running(service)

    def make(self, part: str) -> Any:
        core = self._core
        if part == "at":
            return core.peek_now_ns() / 1e9
        if part == "leader":
            return core.peek_leader() or None
        if part == "leaders":
            return tuple(core.leaders())
        if part == "late events":
            return self._story.late_events()
        if part in ("term", "elections", "leaders_per_term_max"):
            return getattr(core, part)()
        self._foreign = core.looked_inside() or self._foreign
        read = self._hub.clock_was_read
        try:
            return self._made(part)
        finally:  # what we ask ourselves is no look of the user's
            core.looked_inside()
            self._hub.clock_was_read = read

    def _made(self, part: str) -> Any:
        if part == "requests":
            return self._story.requests()
        if part == "events":
            return self._story.events()
        marks = self._core.peek_marks()
        if part == "raft":
            if self._raft is None or self._raft[0] != marks:
                self._raft = marks, raft_seen(raft_views(self._hub))
            return self._raft[1]
        if self._objects is None or self._objects[0] != marks[0]:
            self._objects = marks[0], self._seen()
        return self._objects[1][("nodes", "services", "tasks").index(part)]

    def _seen(self) -> tuple[Any, Any, Any]:
        """What the manager that speaks for the swarm has; while no manager runs, what was seen last."""
        views = raft_views(self._hub)
        if not views:
            return self._objects[1] if self._objects else (ByName(), ByName(), ())
        leader = self._core.peek_leader() or None
        best = max(views, key=lambda one: (one[0].name == leader, one[1]["Term"], one[1]["Applied"]))[0]
        return seen_by(self._hub, best, leader)
