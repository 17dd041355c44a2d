"""Memory: a swarm's nodes, services and tasks as of one entry of its log, and the history of how they came to
be so.

It is given a whole state once, and from then on every change that was written, in order. What it remembers
has the change's own time, so nothing falls between two looks; a change costs no more than what it touches.
NOT here: who is asked (`recorder`), what is drawn.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from swarmpy._models.constraints import eligible
from swarmpy._models.node_info import NodeInfo
from swarmpy._models.service_info import ServiceInfo
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
from swarmpy._view.versions import Versions
from swarmpy.events import Event
from swarmpy.states import Availability, NodeState, Role, TaskState, UpdateState

UPDATE_WORDS = {
    UpdateState.UPDATING: "update begins",
    UpdateState.PAUSED: "update paused",
    UpdateState.COMPLETED: "update completed",
    UpdateState.ROLLBACK_STARTED: "rollback begins",
    UpdateState.ROLLBACK_PAUSED: "rollback paused",
    UpdateState.ROLLBACK_COMPLETED: "rollback completed",
}


@dataclass
class TaskNow:
    id: str
    service: str
    service_id: str
    slot: int
    node_id: str
    node: str
    state: TaskState
    desired: TaskState
    version: str
    error: str
    since: float
    created: float

    @property
    def is_to_run(self) -> bool:
        return self.state is TaskState.RUNNING and self.desired is TaskState.RUNNING


class Memory:
    def __init__(self, versions: Versions, began: float, version_of: Callable[[Event], str]) -> None:
        """`version_of`: what the spec is called of the task that a change is about."""
        self.history = History(began=began)
        self.nodes: dict[str, NodeInfo] = {}
        self.services: dict[str, ServiceInfo] = {}
        self.tasks: dict[str, TaskNow] = {}
        self.leader = ""  # its node's id
        self._versions, self._version_of = versions, version_of
        self._wanted: dict[str, int] = {}  # by service
        self._to_come: dict[str, int] = {}  # what it wants of a service whose creation is told next
        self._on: dict[str, set[str]] = defaultdict(set)  # node -> its tasks
        self._running: Counter[str] = Counter()  # by version
        self._running_of: Counter[str] = Counter()  # by service
        self._dead: frozenset[str] = frozenset()  # names of nodes whose daemon is known to be dead
        self._died: dict[str, float] = {}  # and when they died last
        self._known: dict[str, NodeState] = {}  # of each node the last that a leader knew
        self._names: dict[str, str] = {}  # of all nodes that were ever there

    # ---- a whole state

    def reset(
        self, at: float, nodes: Iterable[NodeInfo], services: Iterable[ServiceInfo], tasks: Iterable[TaskNow]
    ) -> None:
        """As of now. What came since the last change is known as far as tasks say since when they are what
        they are.
        """
        self.nodes = {info.id: info for info in nodes}
        self.services = {info.id: info for info in services}
        self._names.update({info.id: info.name for info in self.nodes.values()})
        there = {task.id: task for task in tasks}
        self._on.clear()
        for task in there.values():
            self._on[task.node_id].add(task.id)
            task.node = self._names.get(task.node_id, task.node_id[:8])
        self._count_all()
        if self.tasks:
            self._bridge(there.values())
        self.tasks = there
        self._count_all()
        for info in sorted(self.nodes.values(), key=_rank):
            self._note_node(at, info)
        for task in self.tasks.values():
            self._live(at, task)
        for life in self.history.lives.values():
            if life.id not in self.tasks:
                self._bury(life, at)

    def _bridge(self, there: Iterable[TaskNow]) -> None:
        for task in sorted(there, key=lambda task: (task.since, task.id)):
            before = self.tasks.get(task.id)
            if before is None or (before.state, before.desired) != (task.state, task.desired):
                if before is not None:
                    self._count(before, -1)
                self.tasks[task.id] = task
                self._count(task, 1)
                self.settle(task.since)

    def _count_all(self) -> None:
        self._running.clear()
        self._running_of.clear()
        for task in self.tasks.values():
            self._count(task, 1)
        self._wanted = {id: self._wants(info) for id, info in self.services.items()}

    # ---- changes

    def apply(self, change: Event) -> None:
        {"node": self._on_node, "service": self._on_service, "task": self._on_task}[change.kind](change)

    def settle(self, at: float) -> None:
        """After the last change of an entry: all of it was there at once."""
        running = {version: count for version, count in self._running.items() if count}
        wanted = sum(self._wanted.values())
        samples = self.history.samples
        if not samples or (samples[-1].wanted, samples[-1].running) != (wanted, running):
            samples.append(Sample(max(at, samples[-1].at) if samples else at, wanted, running))

    def _on_node(self, change: Event) -> None:
        info = self.nodes.get(change.id)
        if change.action == "remove":
            self.nodes.pop(change.id, None)
        elif info is not None:
            self._renew(change.at, _changed(info, change.attributes))
        self._want_again()

    def see_node(self, info: NodeInfo, at: float) -> None:
        """As it is now: what a change does not tell (labels, its part in the managers' group)."""
        self._names[info.id] = info.name
        self._renew(at, info)
        self._want_again()

    def _renew(self, at: float, info: NodeInfo) -> None:
        on = [self.tasks[id] for id in self._on[info.id]]
        for task in on:
            self._count(task, -1)
        self.nodes[info.id] = info
        for task in on:
            self._count(task, 1)
            self._live(at, task)
        self._note_node(at, info)

    def _on_service(self, change: Event) -> None:
        update = change.attributes.get("updatestate.new", "")
        words = UPDATE_WORDS.get(UpdateState(update)) if update in list(UpdateState) else None
        if words:
            self.mark(change.at, "update", f"{change.name}: {words}")
        if change.action == "create":
            self._wanted[change.id] = self._to_come.pop(change.id, 0)
        elif change.action == "remove":
            self.services.pop(change.id, None)
            self._wanted.pop(change.id, None)
        elif change.attributes.get("replicas.new", "").isdigit():
            self._wanted[change.id] = int(change.attributes["replicas.new"])

    def see_service(self, info: ServiceInfo, wanted: int | None = None) -> None:
        """As it is now, or wanting as many as it did at first. A new one wants nothing until it is made."""
        wanted = self._wants(info) if wanted is None else wanted
        if info.id not in self.services:
            self._to_come[info.id], wanted = wanted, 0
        self.services[info.id], self._wanted[info.id] = info, wanted

    def _on_task(self, change: Event) -> None:
        task = self.tasks.get(change.id)
        if task is not None:
            self._count(task, -1)
            self._on[task.node_id].discard(task.id)
        if change.action == "remove":
            self.tasks.pop(change.id, None)
            if life := self.history.lives.get(change.id):
                self._bury(life, change.at)
            return
        task = self.tasks[change.id] = self._next(task, change)
        self._on[task.node_id].add(task.id)
        self._count(task, 1)
        self._live(change.at, task)

    def _next(self, task: TaskNow | None, change: Event) -> TaskNow:
        facts, state = change.attributes, TaskState(change.action)
        node_id = facts.get("node.id", "")
        known = task is not None and task.state is state
        return TaskNow(
            change.id,
            facts.get("service", ""),
            facts.get("service.id", ""),
            int(facts.get("slot") or 0),
            node_id,
            facts.get("node") or self._names.get(node_id, node_id[:8]),
            state,
            TaskState(facts.get("desired_state", "running")),
            task.version if task else self._version_of(change),
            facts.get("err", ""),
            task.since if task and known else change.at,
            task.created if task else change.at,
        )

    def know_dead(self, dead: Collection[str], when: Callable[[str], float]) -> bool:
        """Names of machines without a daemon. True when there is news. `when`: since when it is so."""
        news = self._dead ^ frozenset(dead)
        self._dead = frozenset(dead)
        for name in sorted(news & self._dead):
            self._died[name] = when(name)
        for name in sorted(news):
            self._note_daemon(name, when(name))
        return bool(news)

    def restarted(self, name: str, at: float) -> None:
        """Its daemon was started, maybe after another whose death was not seen."""
        self._died[name] = at
        self._note_daemon(name, at)

    def _note_daemon(self, name: str, at: float) -> None:
        for info in self.nodes.values():
            if info.name == name:
                self._note_node(at, info)
                for id in self._on[info.id]:
                    self._live(at, self.tasks[id])

    def lead(self, node_id: str, at: float) -> bool:
        """Sets the leader; "": none. Returns true if that is news."""
        before, self.leader = self.leader, node_id
        if before == node_id:
            return False
        for info in self.nodes.values():
            if info.id in (before, node_id):
                self._spell(at, info)
        return True

    # ---- counting

    def _serves(self, task: TaskNow) -> bool:
        """It runs, is meant to, and its node is not down, as far as the managers know."""
        node = self.nodes.get(task.node_id)
        return task.is_to_run and (node is None or node.state is not NodeState.DOWN)

    def _count(self, task: TaskNow, by: int) -> None:
        if task.version not in self.history.versions:
            self.history.versions[task.version] = self._versions.number(task.version)
        if self._serves(task):
            self._running[task.version] += by
            self._running_of[task.service_id] += by

    def _wants(self, info: ServiceInfo) -> int:
        return (
            len(eligible(self.nodes.values(), info.constraints)) if info.replicas is None else info.replicas
        )

    def _want_again(self) -> None:
        for id, info in self.services.items():
            if info.replicas is None:
                self._wanted[id] = self._wants(info)

    # ---- history

    def mark(self, at: float, kind: str, text: str) -> None:
        marks, new = self.history.marks, Mark(at, kind, text)
        later = [marks.pop() for _ in range(sum(mark.at > at for mark in marks))]
        marks.extend([new, *reversed(later)])

    def _alive(self, node: NodeInfo | None) -> bool:
        return node is None or (
            node.name not in self._dead and node.state in (NodeState.READY, NodeState.UNKNOWN)
        )

    def _live(self, at: float, task: TaskNow) -> None:
        lives, look = self.history.lives, self._look(task)
        life = lives.get(task.id)
        if life is None:
            life = lives[task.id] = Life(
                task.id, task.service, task.slot, task.node, task.version, task.created
            )
            while len(lives) > MOST_LIVES:
                del lives[next(iter(lives))]
        life.node, life.look, life.error = task.node or life.node, look, task.error
        if life.running is None and task.state is TaskState.RUNNING:
            life.running = task.since
        if not look.over:
            life.ended = None  # its node was away, and is back
        elif life.ended is None:
            life.ended = at if look is Look.LOST else task.since

    def _bury(self, life: Life, at: float) -> None:
        """Removed, with its service or past its history."""
        if life.ended is None:
            life.ended, life.look = at, Look.SHUTDOWN

    def _look(self, task: TaskNow) -> Look:
        """No task outlives its daemon, also where the managers have not heard of that yet."""
        died = self._died.get(task.node)
        outlived = died is not None and task.created < died
        return look_of(task.state, node_lives=not outlived and self._alive(self.nodes.get(task.node_id)))

    def _note_node(self, at: float, info: NodeInfo) -> None:
        self._spell(at, info)
        was, now = self._known.get(info.id), info.state
        if now in (NodeState.READY, NodeState.DOWN):
            self._known[info.id] = now
            if was not in (None, now):
                self.mark(at, "repair" if now is NodeState.READY else "fault", f"{info.name} is {now}")

    def _spell(self, at: float, info: NodeInfo) -> None:
        spells = self.history.spells.setdefault(info.name, [])
        card = self._card_of_node(info)
        now = Spell(at, card.up, card.leader and card.alive, card.trouble)
        if not spells or replace(spells[-1], at=at) != now:
            spells.append(replace(now, at=max(at, spells[-1].at)) if spells else now)

    # ---- the picture of now

    def frame(self, at: float, notice: str = "") -> Frame:
        cards = tuple(map(self._card_of_node, sorted(self.nodes.values(), key=_rank)))
        tasks = tuple(map(self._card_of_task, sorted(self.tasks.values(), key=_place)))
        lines = sorted(map(self._line, self.services.values()), key=lambda line: line.name)
        if not any(card.leader and card.alive for card in cards):
            notice = notice or "no leader"
        return Frame(at, cards, tuple(lines), tasks, notice)

    def _line(self, info: ServiceInfo) -> ServiceLine:
        wanted, running = self._wanted.get(info.id, 0), self._running_of[info.id]
        return ServiceLine(
            info.id, info.name, info.mode, info.image, wanted, running, info.update_state, info.update_message
        )

    def _card_of_node(self, info: NodeInfo) -> NodeCard:
        return NodeCard(
            info.id,
            info.name,
            info.role,
            info.state,
            info.availability,
            info.manages,
            info.id == self.leader,
            info.name not in self._dead,
        )

    def _card_of_task(self, task: TaskNow) -> TaskCard:
        return TaskCard(
            task.id,
            task.service,
            task.slot,
            task.node_id,
            task.node,
            task.state,
            task.desired,
            task.version,
            task.error,
            task.since,
            task.created,
            self._look(task),
        )


def _rank(node: NodeInfo) -> tuple[object, ...]:
    return not node.manages, len(node.name), node.name, node.id


def _place(task: TaskNow) -> tuple[object, ...]:
    return task.service, task.slot, task.node, task.created, task.id


def _changed(info: NodeInfo, facts: Mapping[str, str]) -> NodeInfo:
    return replace(
        info,
        state=NodeState(facts.get("state.new", info.state)),
        availability=Availability(facts.get("availability.new", info.availability)),
        role=Role(facts.get("role.new", info.role)),
    )


def first_wish(changes: Sequence[Event], service: str) -> int | None:
    """How many replicas it had before the first of these changes that tells."""
    for change in changes:
        if change.id == service and change.attributes.get("replicas.old", "").isdigit():
            return int(change.attributes["replicas.old"])
    return None
