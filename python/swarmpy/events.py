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
from swarmpy.duration import DurationLike

if TYPE_CHECKING:
    from swarmpy.service import Service

KINDS = ("node", "service", "task", "network", "container")  # what events there are of
HEADER = ("AT", "KIND", "WHO", "WHAT", "MORE")


@dataclass(frozen=True)
class Event(metaclass=Brief):
    """One thing that happened.

    `kind`: `"node"`, `"service"`, `"task"`, `"network"` or `"container"`. `action`: `"create"`, `"update"`,
    `"remove"`; of a task the state that it came to (`"assigned"`, `"running"`, `"failed"`, ...). `id`,
    `name`: of whom. `attributes`: the rest, as text; of a task `service`, `slot`, `node`, `image`,
    `spec_version`, `desired_state`, `message`, `err`. `at`: seconds on the swarm's clock, as `swarm.now`.
    `time`: the same moment on the swarm's calendar (UTC).
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
    """Events, the oldest first; a plain list with a table for a repr."""

    def to_pandas(self) -> Any:
        """A DataFrame, one row an event, its attributes as columns. Needs pandas."""
        names = ("time", "at", "kind", "action", "id", "name")
        rows = [{**{name: getattr(one, name) for name in names}, **one.attributes} for one in self]
        return importlib.import_module("pandas").DataFrame(rows)

    def __repr__(self) -> str:
        return _show.table(HEADER, [event.row() for event in self]) if self else "no events"

    def _repr_html_(self) -> str:
        rows = [event.row() for event in self]
        return _show.html_box([_show.html_table(f"{len(self)} events", HEADER, rows)])


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
    return Asked(hub, _filters(kinds), name, hub.calendar_ns(since))


@dataclass(frozen=True)
class Asked:
    """What somebody wants to know of the past, or of what comes."""

    hub: Hub
    filters: Mapping[str, object]
    service: str | None
    since_ns: int | None

    def past(self) -> EventList:
        """What is kept of it."""
        world = self.hub.world
        start = max(world.epoch_ns, 0) if self.since_ns is None else self.since_ns
        until = world.epoch_ns + round(world.now() * 1e9)
        return EventList(self.shown(past(self.hub, self.filters, start, max(start, until))))

    def opened(self) -> EventStream:
        """The door is opened at once, not at the first `next()`: nothing is missed."""
        return EventStream(self.hub, self.filters, self.since_ns)

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
    except PASSING:  # nobody can say
        return
    raise not_found("service", service, [info.name for info in infos])


def _was(hub: Hub, service: str) -> bool:
    old = past(hub, {"type": {"service": True, "task": True}}, max(hub.world.epoch_ns, 0), _now_ns(hub))
    return any(is_of(Event.from_api(raw, hub.world.epoch_ns), service) for raw in old)


def _now_ns(hub: Hub) -> int:
    return hub.world.epoch_ns + round(hub.world.now() * 1e9)


def _filters(kinds: str | Iterable[str] | None) -> dict[str, object]:
    if kinds is None:
        return {}
    words = [kinds] if isinstance(kinds, str) else list(kinds)
    for word in words:
        check_word("kind of event", word, KINDS)
    return {"type": dict.fromkeys(words, True)}


def is_of(event: Event, service: str) -> bool:
    """Does it tell of this service (name or id), or of one of its tasks?"""
    if event.kind == "service":
        return service in (event.id, event.name)
    return service in (event.attributes.get("service"), event.attributes.get("service.id"))
