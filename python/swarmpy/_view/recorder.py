"""Recorder: asks a swarm what was written since it asked last, and remembers. It asks the manager that knows
most for what it knows itself, so a swarm without a leader can be watched too.

Invariants: the whole state is asked for once, and again only when a manager no longer keeps all that came
since; whichever manager is asked, nothing is missed and nothing comes twice.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from swarmpy._connection.base import Connection
from swarmpy._connection.client import make_request
from swarmpy._models import times
from swarmpy._models.node_info import NodeInfo
from swarmpy._models.service_info import ServiceInfo
from swarmpy._models.task_info import TaskInfo
from swarmpy._models.times import ZERO
from swarmpy._notes import Note, notes
from swarmpy._view.memory import Memory, TaskNow, first_wish
from swarmpy._view.model import Frame, History
from swarmpy._view.versions import versions_of
from swarmpy._world.base import World
from swarmpy.errors import Locked, NotFound, NotManager, SwarmError, Unreachable
from swarmpy.events import Event, is_of

PATIENCE = 1.0  # seconds that one manager gets for an answer
NEW_PICTURE_EVERY = 1.0  # seconds: time goes on where nothing happens, too
LOCAL = {"swarmpy-consistency": "local"}
KINDS = ("node", "service", "task")


class Recorder:
    def __init__(
        self, world: World, services: Collection[str] = (), *, events_since: float | None = None
    ) -> None:
        """`services`: names or ids; empty: all of them. `events_since`: collect events too, from then on."""
        self._world, self._only = world, frozenset(services)
        self._epoch = datetime.fromtimestamp(0, ZERO.tzinfo) + timedelta(microseconds=world.epoch_ns // 1000)
        self._versions = versions_of(world)
        self._memory = Memory(self._versions, world.now(), self._version_of)
        self._frame: Frame | None = Frame(at=world.now())
        self._at, self._notice = world.now(), ""
        self.taken = 0  # changes, at the last look
        self._cursor: int | None = None  # the last entry that is remembered
        self._seen_as_of: dict[str, int] = {}  # objects that were asked for after that: what they know of
        self._cluster, self._term = "", 0
        self._led_before = ""
        self._door: Connection | None = None  # who is asked just now
        self._workers: set[str] = set()
        self._spec_names: dict[tuple[str, str], str] = {}  # service and spec version -> what it is called
        self._events_from = events_since
        self._notes = len(notes(world))
        self._mark: object = None

    @property
    def history(self) -> History:
        return self._memory.history

    @property
    def frame(self) -> Frame:
        """As of the last look that saw something."""
        if self._frame is None:
            self._frame = self._memory.frame(self._at, self._notice)
        return self._frame

    @property
    def tasks(self) -> int:
        return len(self._memory.tasks)

    def look(self, *, whole: bool = False) -> bool:
        """True when there is a new picture. `whole`: in any case, as of now."""
        fresh, self.taken = self._take_notes(), 0
        noted = bool(fresh)
        mark, before = self._world.mark(), self._mark
        self._mark = mark
        try:
            same = mark is not None and mark == before  # as far as the world can tell
            news, notice = (False, self._notice) if same else (self._look(fresh), "")
        except SwarmError as error:
            news, notice = False, error.message
        now = self._world.now()
        if news or noted or whole or notice != self._notice or now - self._at >= NEW_PICTURE_EVERY:
            self._frame, self._at, self._notice = None, now, notice
            return True
        return False

    def _look(self, fresh: Sequence[Note]) -> bool:
        dead = self._memory.know_dead(self._world.dead(), lambda name: self._when(name, fresh))
        for one in fresh:
            if one.node and one.kind == "repair":
                self._memory.restarted(one.node, one.at)
        door, raft = self._best_door()
        self._door = door
        news = self._catch_up(door, raft)
        self._workers = {node.name for node in self._memory.nodes.values() if not node.manages}
        self._workers -= {node.name for node in self._memory.nodes.values() if node.manages}
        led = self._note_leader(raft)
        if self._events_from is not None and news:
            self._collect_events(door, self._events_from)
        return dead or news or led

    def _when(self, name: str, fresh: Sequence[Note]) -> float:
        """It was killed or started by our own hand, or no better time is known than now."""
        return next((one.at for one in reversed(fresh) if one.node == name), self._world.now())

    # ---- whom to ask

    def _best_door(self) -> tuple[Connection, Any]:
        """The manager with the newest term that leads, else the one that has applied most."""
        best: tuple[tuple[Any, ...], Connection, Any] | None = None
        trouble: SwarmError = Unreachable("no manager of this swarm is running")
        for door in self._world.doors(without=self._workers):
            try:
                raft = _get(door, "/swarmpy/v1/raft")
            except SwarmError as error:
                trouble = trouble if isinstance(trouble, Locked) else error
                continue
            rank = (raft["Term"], raft["Role"] == "leader", raft["Applied"])
            if best is None or rank > best[0]:
                best = rank, door, raft
        if best is None:
            self._workers.clear()  # roles may have changed
            raise trouble
        return best[1], best[2]

    def _note_leader(self, raft: Any) -> bool:
        node = _leader(raft)
        since = self._seconds(times.parse(raft.get("LeaderSince")))
        at = min(max(since, self._at), self._world.now())
        if not self._memory.lead(node, at):
            return False
        info = self._memory.nodes.get(node)
        if info is not None and self._led_before not in ("", node):
            self._memory.mark(at, "leader", f"{info.name} leads")
        self._led_before = node or self._led_before
        return True

    # ---- what is new

    def _catch_up(self, door: Connection, raft: Any) -> bool:
        if self._cursor is None or self._is_another_swarm(door, raft["Term"]):
            return self._load(door, raft)
        self._term = max(self._term, raft["Term"])
        if raft["Applied"] <= self._cursor:
            return False
        told = _get(door, f"/swarmpy/v1/changes?after={self._cursor}")
        if not told["Whole"]:
            return self._load(door, raft)
        self._take(told)
        return True

    def _is_another_swarm(self, door: Connection, term: int) -> bool:
        """Within one, terms only grow; but a manager that was away long does not know the newest."""
        return term < self._term and _cluster(door) != self._cluster

    def _load(self, door: Connection, raft: Any) -> bool:
        """All that there is. Of what is written meanwhile some is in it already."""
        if self._cursor is None:
            self._memory.leader = self._led_before = _leader(raft)
        self._cluster, self._term = _cluster(door), raft["Term"]
        nodes, services, tasks = (_get(door, path) for path in ("/nodes", "/services", "/tasks"))
        self._seen_as_of = {raw["ID"]: raw["Version"]["Index"] for raw in (*nodes, *services, *tasks)}
        infos = [info for info in map(ServiceInfo.from_api, services) if self._shown(info.id, info.name)]
        names = {info.id: info.name for info in infos}
        now = self._world.now()
        self._memory.reset(
            now,
            map(NodeInfo.from_api, nodes),
            infos,
            [self._task(raw, names[raw["ServiceID"]]) for raw in tasks if raw.get("ServiceID") in names],
        )
        self._cursor = raft["Applied"]
        self._memory.settle(now)
        return True

    def _take(self, told: Any) -> None:
        """Entry by entry: what one entry did was there at once. All questions come before the first of them,
        so that one without an answer leaves nothing half done.
        """
        raws = [raw for raw in told["Changes"] if self._is_news(raw)]
        changes = [Event.from_api(raw, self._world.epoch_ns) for raw in raws]
        self.taken = len(changes)
        services, nodes = self._touched(changes, "service"), self._touched(changes, "node")
        for change in changes:
            if change.kind == "task" and change.id not in self._memory.tasks:
                self._version_of(change)
        for id, info in services.items():
            self._memory.see_service(info, first_wish(changes, id))
        entries = [raw["Version"] for raw in raws]
        for _, group in groupby(zip(entries, changes, strict=True), lambda pair: pair[0]):
            kinds = []
            for _, change in group:
                self._memory.apply(change)
                kinds.append(f"{change.kind}.{change.attributes.get('state.new') or change.action}")
            self._memory.settle(change.at)
            self.settled(change.at, kinds)
        for id, node in nodes.items():
            at = max(one.at for one in changes if one.id == id)
            self._memory.see_node(node, at)
            self._memory.settle(at)
        self._cursor = max(self._cursor or 0, told["Version"])

    def settled(self, at: float, kinds: list[str]) -> None:
        """One entry is remembered: what happened by it, as `"task.running"`. For watchers of each entry."""

    def _is_news(self, raw: Mapping[str, Any]) -> bool:
        """Of a kind and a service that are shown, and not known from when all was asked for."""
        actor = raw["Actor"]
        if raw["Type"] not in KINDS or raw["Version"] <= self._seen_as_of.get(actor["ID"], 0):
            return False
        facts = actor["Attributes"]
        if raw["Type"] == "task":
            return self._shown(facts["service.id"], facts["service"])
        return raw["Type"] == "node" or self._shown(actor["ID"], facts["name"])

    def _touched(self, changes: Sequence[Event], kind: str) -> dict[str, Any]:
        """What changes do not tell is asked, once for each object that they touched. Some are gone."""
        parse: Any = NodeInfo.from_api if kind == "node" else ServiceInfo.from_api
        ids = dict.fromkeys(one.id for one in changes if one.kind == kind)
        found = {id: self._asked(f"/{kind}s/{id}", parse) for id in ids}
        return {id: info for id, info in found.items() if info is not None}

    def _asked(self, path: str, parse: Any) -> Any:
        assert self._door is not None
        try:
            return parse(_get(self._door, path))
        except NotFound:
            return None

    def _shown(self, id: str, name: str) -> bool:
        return not self._only or name in self._only or id in self._only

    def _task(self, raw: Mapping[str, Any], service: str) -> TaskNow:
        info = TaskInfo.from_api(raw)
        return TaskNow(
            info.id,
            service,
            info.service_id,
            info.slot,
            info.node_id,
            "",
            info.state,
            info.desired_state,
            self._versions.name(service, info.image, raw.get("Spec", {})),
            info.error,
            self._seconds(info.changed),
            self._seconds(info.created),
        )

    def _version_of(self, change: Event) -> str:
        """Asked once for each version of a service's spec; its image, when that is no longer known."""
        facts = change.attributes
        key, image = (facts.get("service.id", ""), facts.get("spec_version", "")), facts.get("image", "")
        if key not in self._spec_names:
            raw = self._asked(f"/tasks/{change.id}", dict)
            if raw is None:
                return image.partition("@sha256:")[0]
            info = TaskInfo.from_api(raw)
            self._spec_names[key] = self._versions.name(
                facts.get("service", ""), info.image, raw.get("Spec", {})
            )
        return self._spec_names[key]

    def _seconds(self, time: datetime) -> float:
        return 0.0 if time == ZERO else (time - self._epoch).total_seconds()

    # ---- beside the swarm's state

    def _tells(self, event: Event) -> bool:
        return not self._only or any(is_of(event, service) for service in self._only)

    def _collect_events(self, door: Connection, since: float) -> None:
        """What that manager saw between the last time and now."""
        now = self._world.now()
        span: dict[str, object] = {
            name: times.api_seconds(self._world.epoch_ns + round(at * 1e9))
            for name, at in (("since", since), ("until", now))
        }
        kinds = {"type": dict.fromkeys(KINDS, True)}
        body = _ask(door, "/swarmpy/v1/events", {**span, "filters": kinds})
        for line in body.splitlines():
            event = Event.from_api(json.loads(line), self._world.epoch_ns)
            if event.at > since and self._tells(event):
                self.history.events.append(event)
        self._events_from = max([since, *(event.at for event in self.history.events)])

    def _take_notes(self) -> Sequence[Note]:
        found = notes(self._world)
        fresh, self._notes = found[self._notes :], len(found)
        for one in fresh:
            self._memory.mark(one.at, one.kind, one.text)
        return fresh


def _leader(raft: Any) -> str:
    """The id of its node."""
    return str((raft["Members"].get(str(raft["Leader"])) or {}).get("Node", ""))


def _cluster(door: Connection) -> str:
    return str((_get(door, "/info")["Swarm"].get("Cluster") or {}).get("ID", ""))


def _get(door: Connection, path: str) -> Any:
    return json.loads(_ask(door, path))


def _ask(door: Connection, path: str, query: Mapping[str, object] | None = None) -> bytes:
    request = make_request("GET", path, query=query, headers=LOCAL)
    exchange = door.look(request) or door.open(request)
    try:
        head = exchange.head(PATIENCE)
        body = exchange.read(PATIENCE)
    finally:
        exchange.close()
    if head.status >= 400:
        kind = {404: NotFound, 503: NotManager}.get(head.status, SwarmError)
        raise kind(str((json.loads(body) if body else {}).get("message", f"HTTP status {head.status}")))
    return body
