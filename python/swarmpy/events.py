"""Events: what happened to nodes, services and tasks, as the swarm's managers saw it."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from swarmpy import _show, duration
from swarmpy._connection.base import Exchange
from swarmpy._connection.client import lines
from swarmpy._hub import Hub
from swarmpy._models import times
from swarmpy.duration import DurationLike

HEADER = ("AT", "KIND", "WHO", "WHAT", "MORE")


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    `kind`: `"node"`, `"service"`, `"task"`, ... `action`: `"create"`, `"update"`, `"remove"`; of a task the
    state that it came to (`"assigned"`, `"running"`, `"failed"`, ...). `id`, `name`: of whom. `attributes`:
    the rest, as text; of a task `service`, `slot`, `node`, `image`, `desired_state`, `message`, `err`. `at`:
    seconds on the swarm's clock, as `swarm.now`.
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
        actor = raw.get("Actor") or {}
        attributes = {key: str(value) for key, value in (actor.get("Attributes") or {}).items()}
        stamp = int(raw.get("timeNano") or int(raw.get("time", 0)) * 1_000_000_000)
        return cls(
            kind=raw.get("Type", ""),
            action=raw.get("Action", ""),
            id=actor.get("ID", ""),
            name=attributes.get("name") or _task_name(attributes),
            at=(stamp - epoch_ns) / 1e9,
            time=datetime.fromtimestamp(stamp / 1e9, UTC),
            attributes=attributes,
        )

    def row(self) -> tuple[str, ...]:
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


class EventList(list[Event]):
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


def stream(
    hub: Hub,
    *,
    kinds: str | Iterable[str] | None,
    service: str | None,
    since: float | datetime | None,
    timeout: DurationLike | None,
) -> Iterator[Event]:
    """See `Swarm.events`. The door is opened at once, not at the first `next()`: nothing is missed."""
    exchange = opened(hub, kinds=kinds, since=since, past_only=timeout is None)
    deadline = hub.world.now() + (duration.seconds(timeout) if timeout is not None else float("inf"))
    came = lines(exchange, lambda: max(deadline - hub.world.now(), 0.0))
    events = (parsed(hub, line) for line in came)
    return (event for event in events if service is None or is_of(event, service))


def parsed(hub: Hub, line: bytes) -> Event:
    return Event.from_api(json.loads(line), hub.world.epoch_ns)


def opened(
    hub: Hub, *, kinds: str | Iterable[str] | None, since: float | datetime | None, past_only: bool
) -> Exchange:
    """The stream itself. Without `past_only` it goes on for ever."""
    now_ns = hub.world.epoch_ns + round(hub.world.now() * 1e9)
    filters: dict[str, dict[str, bool]] = {}
    if kinds is not None:
        filters["type"] = dict.fromkeys([kinds] if isinstance(kinds, str) else kinds, True)
    query: dict[str, object] = {"filters": filters or None}
    start = _start_ns(hub, since)
    if start is not None or past_only:
        query["since"] = times.api_seconds(start if start is not None else max(hub.world.epoch_ns, 0))
    if past_only:
        query["until"] = times.api_seconds(now_ns)
    return hub.client.stream("/swarmpy/v1/events", query=query)


def _start_ns(hub: Hub, since: float | datetime | None) -> int | None:
    if since is None:
        return None
    if isinstance(since, datetime):
        return round(since.timestamp() * 1e9)
    return hub.world.epoch_ns + round(since * 1e9)


def is_of(event: Event, service: str) -> bool:
    if event.kind == "service":
        return service in (event.id, event.name)
    return service in (event.attributes.get("service"), event.attributes.get("service_id"))
