"""Events: what happened to nodes, services and tasks, as the swarm's managers saw it."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from swarmpy import _show, duration
from swarmpy._brief import Brief
from swarmpy._converge import PASSING
from swarmpy._event_stream import EventStream, followed, past, stamp
from swarmpy._hub import Hub
from swarmpy._models.nearest import check_word, not_found
from swarmpy._raft_stream import RaftStream, merged, raft_past
from swarmpy.duration import DurationLike

if TYPE_CHECKING:
    from swarmpy.service import Service

KINDS = ("node", "service", "task", "network", "container")  # what events there are of
RAFT = "raft"  # each manager's own story; told only when it is asked for
HEADER = ("AT", "KIND", "WHO", "WHAT", "MORE")


@dataclass(frozen=True)
class Event(metaclass=Brief):
    """One thing that happened.

    `kind`: `"node"`, `"service"`, `"task"`, `"network"`, `"container"` or `"raft"`. `action`: `"create"`,
    `"update"`, `"remove"`; of a task the state that it came to (`"assigned"`, `"running"`, `"failed"`, ...).
    `id`, `name`: of whom. `attributes`: the rest, as text; of a task `service`, `slot`, `node`, `image`,
    `spec_version`, `desired_state`, `message`, `err`. `at`: seconds on the swarm's clock, as `swarm.now`.
    `time`: the same moment on the swarm's calendar (UTC).

    Of Raft, `name` is the manager that tells it, and `action` what it became (`"leader"`, `"follower"`,
    `"candidate"`, `"pre-candidate"`), what it did (`"voted"`, `"follows"`, `"snapshot-sent"`,
    `"snapshot-installed"`) or saw (`"leader-lost"`); of `"member-added"`, `"member-promoted"`,
    `"member-removed"` and `"state-differs"` (from the leader's), `name` is the member. `attributes`: `term`,
    `message` (a sentence), and where they belong `voted_for`, `leader`, `to` (names) and `index`
    (of the log).
    """

    kind: str
    action: str
    id: str
    name: str
    at: float
    time: datetime
    attributes: Mapping[str, str]

    @classmethod
    def from_api(cls, raw: Mapping[str, Any], epoch_ns: int) -> Event:
        """From a line of the API's stream. `epoch_ns`: the calendar's time at the clock's 0."""
        actor = raw.get("Actor") or {}
        attributes = {key: str(value) for key, value in (actor.get("Attributes") or {}).items()}
        at = stamp(raw)
        return cls(
            kind=raw.get("Type", ""),
            action=raw.get("Action", ""),
            id=actor.get("ID", ""),
            name=attributes.get("name") or _task_name(attributes),
            at=(at - epoch_ns) / 1e9,
            time=datetime.fromtimestamp(at / 1e9, UTC),
            attributes=attributes,
        )

    def row(self) -> tuple[str, ...]:
        """As a line of a table."""
        details = (self.attributes.get(key, "") for key in ("node", "image", "message", "err"))
        return (
            f"{self.at:.3f} s",
            self.kind,
            self.name or self.id[:12],
            self.action,
            " ".join(one for one in details if one),
        )

    def _repr_html_(self) -> str:
        return _show.html_box([_show.html_table("event", HEADER, [self.row()])])

    def __repr__(self) -> str:
        details = " ".join(
            f"{key}={value}" for key, value in self.attributes.items() if value and key != "name"
        )
        return (
            f"<Event {self.at:.3f}s {self.kind} {self.name or self.id} {self.action} {details}".rstrip() + ">"
        )


def _task_name(attributes: Mapping[str, str]) -> str:
    service = attributes.get("service", "")
    return f"{service}.{attributes.get('slot') or attributes.get('node', '')}" if service else ""


class EventList(list[Event], metaclass=Brief):
    """Events, the oldest first; a plain list with a table for a repr. `.note`: a sentence on what is missing
    (managers that tell of Raft and could not be reached), "" when nothing is.
    """

    note: str = ""

    def to_pandas(self) -> Any:
        """A DataFrame, one row an event, its attributes as columns. Needs pandas."""
        names = ("time", "at", "kind", "action", "id", "name")
        rows = [{**{name: getattr(one, name) for name in names}, **one.attributes} for one in self]
        return importlib.import_module("pandas").DataFrame(rows)

    def __repr__(self) -> str:
        shown = _show.table(HEADER, [event.row() for event in self]) if self else "no events"
        return f"({self.note})\n{shown}" if self.note else shown

    def _repr_html_(self) -> str:
        rows = [event.row() for event in self]
        caption = f"{len(self)} events" + (f" ({self.note})" if self.note else "")
        return _show.html_box([_show.html_table(caption, HEADER, rows)])


def asked(
    hub: Hub,
    *,
    kinds: str | Iterable[str] | None,
    service: str | Service | None,
    since: float | datetime | None,
    coming: bool,
) -> Asked:
    """What is asked for, checked: raises for a kind or a service that there is not."""
    hub.check_open()
    name = None if service is None else str(getattr(service, "id", service))
    if name is not None:
        check_service(hub, name, may_come=coming)
    others, raft = _kinds(kinds)
    if raft:
        hub.clock_was_read = True  # what is told changes with events that show nothing else
    return Asked(hub, _filters(others), name, hub.calendar_ns(since), raft=raft, others=others != [])


@dataclass(frozen=True)
class Asked:
    """What somebody wants to know of the past, or of what comes."""

    hub: Hub
    filters: Mapping[str, object]
    service: str | None
    since_ns: int | None
    raft: bool = False
    others: bool = True  # than Raft

    def past(self) -> EventList:
        """What is kept of it."""
        raft, note = raft_past(self.hub, self.since_ns) if self.raft else ([], "")
        found = EventList(self.shown(merged(raft, self._past() if self.others else [])))
        found.note = note
        return found

    def _past(self) -> list[dict[str, Any]]:
        world = self.hub.world
        start = max(world.epoch_ns, 0) if self.since_ns is None else self.since_ns
        until = world.epoch_ns + round(world.now() * 1e9)
        return past(self.hub, self.filters, start, max(start, until))

    def opened(self) -> EventStream | RaftStream:
        """The door is opened at once, not at the first `next()`: nothing is missed."""
        stream = EventStream(self.hub, self.filters, self.since_ns) if self.others else None
        if self.raft or stream is None:
            return RaftStream(self.hub, self.since_ns, stream)
        return stream

    def coming(self, timeout: DurationLike) -> Iterator[Event]:
        """As they come, until `timeout` is over."""
        deadline = self.hub.world.now() + duration.seconds(timeout)
        return self.shown(followed(self.hub, self.opened(), deadline))

    def shown(self, raws: Iterable[Mapping[str, Any]]) -> Iterator[Event]:
        """Those of the service."""
        events = (Event.from_api(raw, self.hub.world.epoch_ns) for raw in raws)
        return (event for event in events if self.service is None or is_of(event, self.service))


def check_service(hub: Hub, service: str, *, may_come: bool) -> None:
    """Raises `NotFound`, with the nearest name, unless a service of this name or id is there or was. One that
    `may_come` is waited for while there is none at all.
    """
    try:
        infos = hub.services()
        known = service in [word for info in infos for word in (info.name, info.id)]
        if known or (may_come and not infos) or _was(hub, service):
            return
        hub.check_leader()
    except PASSING:  # no manager can say
        return
    raise not_found("service", service, [info.name for info in infos])


def _was(hub: Hub, service: str) -> bool:
    old = past(hub, {"type": {"service": True, "task": True}}, max(hub.world.epoch_ns, 0), _now_ns(hub))
    return any(is_of(Event.from_api(raw, hub.world.epoch_ns), service) for raw in old)


def _now_ns(hub: Hub) -> int:
    return hub.world.epoch_ns + round(hub.world.now() * 1e9)


def _kinds(kinds: str | Iterable[str] | None) -> tuple[list[str] | None, bool]:
    """Those that a manager tells of the swarm (None: all), and whether Raft is asked for."""
    if kinds is None:
        return None, False
    words = [kinds] if isinstance(kinds, str) else list(kinds)
    for word in words:
        check_word("kind of event", word, (*KINDS, RAFT))
    others = [word for word in words if word != RAFT]
    return (others if others or RAFT in words else None), RAFT in words


def _filters(kinds: list[str] | None) -> dict[str, object]:
    return {"type": dict.fromkeys(kinds, True)} if kinds else {}


def is_of(event: Event, service: str) -> bool:
    """Does it tell of this service (name or id), or of one of its tasks?"""
    if event.kind == "service":
        return service in (event.id, event.name)
    return service in (event.attributes.get("service"), event.attributes.get("service.id"))
