"""Recorder: looks at a swarm, and remembers. It asks the manager that knows most for what it knows itself, so
a swarm without a leader can be watched too, and asks for everything only when something was written.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from swarmpy._connection.base import Connection
from swarmpy._connection.client import make_request
from swarmpy._models import times
from swarmpy._models.constraints import eligible
from swarmpy._models.node_info import NodeInfo
from swarmpy._models.service_info import ServiceInfo
from swarmpy._models.task_info import TaskInfo
from swarmpy._models.times import ZERO
from swarmpy._notes import notes
from swarmpy._view.model import (
    MOST_LIVES,
    Frame,
    History,
    Life,
    Look,
    Mark,
    NodeCard,
    Sample,
    ServiceLine,
    Spell,
    TaskCard,
    look_of,
)
from swarmpy._world.base import World
from swarmpy.errors import NotManager, SwarmError, Unreachable
from swarmpy.events import Event, is_of
from swarmpy.states import NodeState, UpdateState

PATIENCE = 1.0  # seconds that one manager gets for an answer
WHOLE_LOOK_EVERY = 1.0  # seconds: what is not written anywhere (reachability) changes too
LOCAL = {"swarmpy-consistency": "local"}
UPDATE_WORDS = {
    UpdateState.UPDATING: "update begins",
    UpdateState.PAUSED: "update paused",
    UpdateState.COMPLETED: "update completed",
    UpdateState.ROLLBACK_STARTED: "rollback begins",
    UpdateState.ROLLBACK_PAUSED: "rollback paused",
    UpdateState.ROLLBACK_COMPLETED: "rollback completed",
}


class Recorder:
    def __init__(
        self, world: World, services: Collection[str] = (), *, events_since: float | None = None
    ) -> None:
        """`services`: names or ids; empty: all of them. `events_since`: collect events too, from then on."""
        self._world, self._only = world, frozenset(services)
        self._epoch = datetime.fromtimestamp(0, ZERO.tzinfo) + timedelta(microseconds=world.epoch_ns // 1000)
        self.frame = Frame(at=world.now())
        self.history = History(began=world.now())
        self._key: object = None
        self._whole_at = -WHOLE_LOOK_EVERY
        self._workers: set[str] = set()
        self._names: dict[str, str] = {}  # of all nodes that were ever there
        self._specs: dict[tuple[str, str], list[str]] = {}  # service and image -> its specs, in order
        self._version_of: dict[str, str] = {}  # task -> version
        self._events_from = events_since
        self._known: dict[str, NodeState] = {}  # the last that a leader knew
        self._notes = len(notes(world))

    def look(self, *, whole: bool = False) -> bool:
        """True when the picture changed. `whole`: ask for everything, whatever was written."""
        before, noted = self.frame, self._take_notes()
        self._key = None if whole else self._key
        try:
            self._look()
        except SwarmError as error:
            at = self._world.now()
            if error.message != before.notice:
                self.frame = Frame(at, before.nodes, before.services, before.tasks, error.message)
        return noted or self.frame is not before

    def _look(self) -> None:
        door, standing = self._best_door()
        now = self._world.now()
        key = (door.name, standing, tuple(self._dead()))
        if key == self._key and now - self._whole_at < WHOLE_LOOK_EVERY:
            return
        nodes, services, tasks = (_get(door, path) for path in ("/nodes", "/services", "/tasks"))
        self._key, self._whole_at = key, now
        frame = self._frame(nodes, services, tasks)
        self._remember(frame)
        self.frame = frame
        if self._events_from is not None:
            self._collect_events(door, self._events_from)

    # ---- whom to ask

    def _best_door(self) -> tuple[Connection, object]:
        """The manager with the newest term that leads, else the one that has applied most."""
        best: tuple[tuple[Any, ...], Connection] | None = None
        trouble: SwarmError = Unreachable("no manager of this swarm is running")
        for door in self._world.doors(without=self._workers):
            try:
                raft = _get(door, "/swarmpy/v1/raft")
            except NotManager as error:
                trouble = error
                continue
            except SwarmError as error:
                trouble = error
                continue
            rank = (raft["Term"], raft["Role"] == "leader", raft["Applied"])
            if best is None or rank > best[0]:
                best = rank, door
        if best is None:
            self._workers.clear()  # roles may have changed
            raise trouble
        return best[1], best[0]

    def _dead(self) -> list[str]:
        return sorted(self._world.dead())

    # ---- from answers to values

    def _frame(self, nodes: Any, services: Any, tasks: Any) -> Frame:
        node_infos = [NodeInfo.from_api(raw) for raw in nodes]
        node_infos.sort(key=lambda node: (not node.manages, len(node.name), node.name, node.id))
        self._workers = {node.name for node in node_infos if not node.manages}
        self._workers -= {node.name for node in node_infos if node.manages}
        self._names.update({node.id: node.name for node in node_infos})
        cards = tuple(self._node(info) for info in node_infos)
        by_id = {card.id: card for card in cards}
        wanted = [info for info in map(ServiceInfo.from_api, services) if self._shown(info)]
        names = {info.id: info.name for info in wanted}
        task_cards = [self._task(raw, names, by_id) for raw in tasks if self._of_interest(raw, names)]
        task_cards.sort(key=lambda task: (task.service, task.slot, task.node, task.created, task.id))
        running = Counter(task.service for task in task_cards if task.serves)
        lines = [_line(info, running[info.name], node_infos) for info in wanted]
        lines.sort(key=lambda line: line.name)
        notice = "" if any(card.leader and card.alive for card in cards) else "no leader"
        return Frame(self._world.now(), cards, tuple(lines), tuple(task_cards), notice)

    def _shown(self, info: ServiceInfo) -> bool:
        return not self._only or info.name in self._only or info.id in self._only

    def _of_interest(self, raw: Mapping[str, Any], names: Mapping[str, str]) -> bool:
        return raw.get("ServiceID") in names

    def _node(self, info: NodeInfo) -> NodeCard:
        return NodeCard(
            info.id,
            info.name,
            info.role,
            info.state,
            info.availability,
            info.manages,
            info.leader,
            self._world.alive(info.name),
        )

    def _task(
        self, raw: Mapping[str, Any], names: Mapping[str, str], nodes: Mapping[str, NodeCard]
    ) -> TaskCard:
        info = TaskInfo.from_api(raw)
        service, node = names[info.service_id], nodes.get(info.node_id)
        look = look_of(info.state, node_lives=node is None or node.up)
        return TaskCard(
            info.id,
            service,
            info.slot,
            info.node_id,
            self._names.get(info.node_id, info.node_id[:8]),
            info.state,
            info.desired_state,
            self._version(raw, service, info.image),
            info.error,
            self._seconds(info.changed),
            self._seconds(info.created),
            look,
        )

    def _version(self, raw: Mapping[str, Any], service: str, image: str) -> str:
        """The same for tasks of one spec."""
        known = self._version_of.get(raw["ID"])
        if known is None:
            specs = self._specs.setdefault((service, image), [])
            text = json.dumps(
                {k: v for k, v in raw.get("Spec", {}).items() if k != "Placement"}, sort_keys=True
            )
            if text not in specs:
                specs.append(text)
            number = specs.index(text) + 1
            known = self._version_of[raw["ID"]] = image if number == 1 else f"{image} ({number})"
        return known

    def _seconds(self, time: datetime) -> float:
        return 0.0 if time == ZERO else (time - self._epoch).total_seconds()

    def _tells(self, event: Event) -> bool:
        return not self._only or any(is_of(event, service) for service in self._only)

    # ---- memory

    def _collect_events(self, door: Connection, since: float) -> None:
        """What that manager saw between the last time and now."""
        now = self._world.now()
        span: dict[str, object] = {
            name: times.api_seconds(self._world.epoch_ns + round(at * 1e9))
            for name, at in (("since", since), ("until", now))
        }
        kinds = {"type": dict.fromkeys(("node", "service", "task"), True)}
        body = _ask(door, "/swarmpy/v1/events", {**span, "filters": kinds})
        for line in body.splitlines():
            event = Event.from_api(json.loads(line), self._world.epoch_ns)
            if event.at > since and self._tells(event):
                self.history.events.append(event)
        self._events_from = max([since, *(event.at for event in self.history.events)])

    def _remember(self, frame: Frame) -> None:
        self._sample(frame)
        for node in frame.nodes:
            self._spell(frame.at, node)
        for task in frame.tasks:
            self._life(frame.at, task)
        self._mark_changes(frame)
        lives = self.history.lives
        while len(lives) > MOST_LIVES:
            del lives[next(iter(lives))]
        kept = {task.id for task in frame.tasks}
        for life in lives.values():
            if life.ended is None and life.id not in kept:  # removed, with its service or past its history
                life.ended, life.look = frame.at, Look.SHUTDOWN
        if len(self._version_of) > 2 * len(kept) + 1000:
            self._version_of = {id: of for id, of in self._version_of.items() if id in kept}

    def _sample(self, frame: Frame) -> None:
        running = Counter(task.version for task in frame.tasks if task.serves)
        for task in frame.tasks:
            self.history.versions.setdefault(task.version)
        sample = Sample(frame.at, sum(line.wanted for line in frame.services), dict(running))
        last = self.history.samples[-1] if self.history.samples else None
        if last is None or (last.wanted, last.running) != (sample.wanted, sample.running):
            self.history.samples.append(sample)

    def _spell(self, at: float, node: NodeCard) -> None:
        spells = self.history.spells.setdefault(node.name, [])
        now = Spell(at, node.up, node.leader and node.alive, node.trouble)
        if not spells or (spells[-1].up, spells[-1].leader, spells[-1].trouble) != (
            now.up,
            now.leader,
            now.trouble,
        ):
            spells.append(now)

    def _life(self, at: float, task: TaskCard) -> None:
        life = self.history.lives.get(task.id)
        if life is None:
            life = Life(task.id, task.service, task.slot, task.node, task.version, task.created)
            self.history.lives[task.id] = life
        life.node, life.look, life.error = task.node or life.node, task.look, task.error
        if life.running is None and task.look is Look.RUNNING:
            life.running = task.since
        if not task.look.over:
            life.ended = None  # its node was away, and is back
        elif life.ended is None:
            life.ended = at if task.look is Look.LOST else task.since

    def _mark_changes(self, frame: Frame) -> None:
        before = self.frame
        if before.nodes and frame.leader and frame.leader != before.leader:
            self._mark(frame.at, "leader", f"{frame.leader} leads")
        for node in frame.nodes:
            was, now = self._known.get(node.id), node.state
            if now in (NodeState.READY, NodeState.DOWN):
                self._known[node.id] = now
                if was not in (None, now):
                    self._mark(
                        frame.at, "repair" if now is NodeState.READY else "fault", f"{node.name} is {now}"
                    )
        updates = {line.id: line.update for line in before.services}
        for line in frame.services:
            words = UPDATE_WORDS.get(line.update)
            if words and updates.get(line.id, line.update) is not line.update:
                self._mark(frame.at, "update", f"{line.name}: {words}")

    def _take_notes(self) -> bool:
        found = notes(self._world)
        fresh, self._notes = found[self._notes :], len(found)
        for one in fresh:
            self._mark(one.at, one.kind, one.text)
        return bool(fresh)

    def _mark(self, at: float, kind: str, text: str) -> None:
        self.history.marks.append(Mark(at, kind, text))


def _get(door: Connection, path: str) -> Any:
    return json.loads(_ask(door, path))


def _ask(door: Connection, path: str, query: Mapping[str, object] | None = None) -> bytes:
    exchange = door.open(make_request("GET", path, query=query, headers=LOCAL))
    try:
        head = exchange.head(PATIENCE)
        body = exchange.read(PATIENCE)
    finally:
        exchange.close()
    if head.status >= 400:
        kind = NotManager if head.status == 503 else SwarmError
        raise kind(str((json.loads(body) if body else {}).get("message", f"HTTP status {head.status}")))
    return body


def _line(info: ServiceInfo, running: int, nodes: Sequence[NodeInfo]) -> ServiceLine:
    wanted = len(eligible(nodes, info.constraints)) if info.replicas is None else info.replicas
    return ServiceLine(
        info.id, info.name, info.mode, info.image, wanted, running, info.update_state, info.update_message
    )
