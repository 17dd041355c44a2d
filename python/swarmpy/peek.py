"""Peek: a swarm at one moment, as a value. Two are equal when nothing differs; keep them, compare them.

In the simulator a peek takes no time and the run goes on as if it had not happened, also while there is no
leader or no quorum. In real time it is what the manager that knows most answered.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, SupportsIndex, TypeVar, overload

from swarmpy import _show
from swarmpy._brief import Brief
from swarmpy._connection.base import Connection
from swarmpy._connection.client import finish, make_request
from swarmpy._hub import Hub
from swarmpy._models.constraints import eligible
from swarmpy._models.nearest import not_found
from swarmpy._models.node_info import NodeInfo
from swarmpy._models.service_info import ServiceInfo
from swarmpy._models.task_info import TaskInfo
from swarmpy.errors import InvalidArgument, Locked, SwarmError, Unreachable
from swarmpy.events import EventList
from swarmpy.requests import Requests, of_list
from swarmpy.states import Availability, NodeState, Reachability, Role, TaskState, UpdateState

if TYPE_CHECKING:
    from swarmpy.node import Node
    from swarmpy.service import Service

LOCAL = {"swarmpy-consistency": "local"}
PATIENCE = 1.0  # seconds that a real manager gets for an answer
NODE_HEADER = ("NODE", "ROLE", "STATE", "AVAILABILITY", "LEADER", "ALIVE")
SERVICE_HEADER = ("SERVICE", "MODE", "RUNNING", "IMAGE", "UPDATE")
TASK_HEADER = ("TASK", "NODE", "DESIRED", "STATE", "IMAGE", "ERROR")
RAFT_HEADER = ("MANAGER", "TERM", "ROLE", "LEADER", "COMMIT", "APPLIED", "VOTE")


@dataclass(frozen=True, slots=True)
class PeekNode(metaclass=Brief):
    """A node: `state`, `availability` and `reachability` as the swarm knows them. `leader`: it leads at this
    moment. `alive`: its daemon runs, as far as this Python knows.
    """

    id: str
    name: str
    role: Role
    state: NodeState
    availability: Availability
    reachability: Reachability
    leader: bool
    alive: bool

    def row(self) -> tuple[str, ...]:
        """As a line of a table."""
        leads, lives = "leader" if self.leader else "", "" if self.alive else "dead"
        return self.name, str(self.role), str(self.state), str(self.availability), leads, lives


@dataclass(frozen=True, slots=True)
class PeekService(metaclass=Brief):
    """A service. `wanted`: tasks that it wants. `running`: those that run and are meant to, on nodes that are
    not down. `version`: of the object, larger after each change.
    """

    id: str
    name: str
    mode: str
    image: str
    wanted: int
    running: int
    update_state: UpdateState
    update_message: str
    version: int

    def row(self) -> tuple[str, ...]:
        """As a line of a table."""
        update = "" if self.update_state is UpdateState.NONE else str(self.update_state)
        return self.name, self.mode, f"{self.running}/{self.wanted}", self.image, update


@dataclass(frozen=True, slots=True)
class PeekTask(metaclass=Brief):
    """A task. `service` and `node` are names; `slot` is 0 for a global service. `runs`: it runs, is meant to,
    and its node is not down. `version`: of the object, larger after each change.
    """

    id: str
    service: str
    slot: int
    node: str
    state: TaskState
    desired_state: TaskState
    runs: bool
    image: str
    error: str
    version: int

    @property
    def name(self) -> str:
        """`web.1`; `web.<node>` of a global service."""
        return f"{self.service}.{self.slot or self.node}"

    def row(self) -> tuple[str, ...]:
        """As a line of a table."""
        return self.name, self.node, str(self.desired_state), str(self.state), self.image, self.error


@dataclass(frozen=True, slots=True)
class PeekRaft(metaclass=Brief):
    """What one manager knows of Raft. `role`: `"leader"`, `"follower"` or `"candidate"`. `leader`: the name
    of the one that it follows, "" for none. `commit`, `applied`: indexes of the log. `vote`: the name of the
    one that it voted for in this term, "" for none. `node.raft` has more.
    """

    node: str
    term: int
    role: str
    leader: str
    commit: int
    applied: int
    vote: str = ""

    def row(self) -> tuple[object, ...]:
        """As a line of a table."""
        return self.node, self.term, self.role, self.leader, self.commit, self.applied, self.vote


T = TypeVar("T", bound=PeekNode | PeekService)


class ByName(tuple[T, ...]):
    """A tuple whose parts are had by name, too: `peek.nodes["w1"]`. Raises `NotFound`."""

    @overload
    def __getitem__(self, which: str) -> T: ...
    @overload
    def __getitem__(self, which: SupportsIndex) -> T: ...
    @overload
    def __getitem__(self, which: slice) -> tuple[T, ...]: ...
    def __getitem__(self, which: str | SupportsIndex | slice) -> T | tuple[T, ...]:
        if not isinstance(which, str):
            return super().__getitem__(which)
        found: T = _one("service" if self and isinstance(self[0], PeekService) else "node", self, which)
        return found


READS = {"shown": 1, "raft": 2, "clock": 4, "requests": 8}  # cpp/bindings/checks.hpp has the same
_READ_BY = {
    "at": 4,
    "leader": 1,
    "leaders": 3,
    "nodes": 1,
    "services": 1,
    "tasks": 1,
    "raft": 3,
    "term": 2,
    "elections": 2,
    "leaders_per_term_max": 2,
    "requests": 8,
    "events": 1,
}


class Maker(Protocol):
    """Where a state that is not frozen yet has its parts from."""

    touched: int  # the sum of READS of what was read

    def make(self, part: str) -> Any:
        """Makes the part of this name, as a `Peek` has it."""

    def running(self, service: str) -> int:
        """Returns how many tasks of the service run."""


class Late:
    """A part that is asked for when it is read first: what was, up to the state's own moment."""

    def __init__(self, make: Callable[[float], Any]) -> None:
        self.made = make


_MISSING = object()


class Peek(metaclass=Brief):
    """A swarm at `at` seconds of its clock, as a value: it stays as it was.

    `leader`: the name of the manager that leads and reaches a quorum, None while there is none; then the rest
    is what the manager that knows most knew last. `nodes` and `services`: by name. `tasks`: by service and
    slot, the youngest of a slot first. `raft`: of each manager that runs.

    It is also what a check's function gets (`swarm.check`); each part is then made when it is read first.

    >>> before = c.peek()
    >>> c.nodes["w1"].kill(); web.wait()
    >>> after = c.peek()
    >>> after.running("web"), after.node("w1").state, after != before
    """

    __slots__ = ("_counts", "_maker", "_parts")
    _counts: Counter[str] | None
    _maker: Maker | None
    _parts: dict[str, Any]

    def __init__(
        self,
        at: float,
        leader: str | None,
        nodes: tuple[PeekNode, ...],
        services: tuple[PeekService, ...],
        tasks: tuple[PeekTask, ...],
        raft: tuple[PeekRaft, ...],
        **more: Any,
    ) -> None:
        named = {"nodes": _by_name(nodes), "services": _by_name(services)}
        parts = {"at": at, "leader": leader, **named, "tasks": tasks}
        set_part = object.__setattr__
        set_part(self, "_parts", {**parts, "raft": raft, **more})
        set_part(self, "_maker", None)
        set_part(self, "_counts", None)

    @classmethod
    def _lazily(cls, maker: Maker) -> Peek:
        made = cls.__new__(cls)
        object.__setattr__(made, "_parts", {})
        object.__setattr__(made, "_maker", maker)
        object.__setattr__(made, "_counts", None)
        return made

    def __setattr__(self, name: str, value: object) -> None:
        raise dataclasses.FrozenInstanceError(f"a Peek is a value: {name} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"a Peek is a value: {name} cannot be deleted")

    def _part(self, name: str) -> Any:
        maker = self._maker
        if maker is not None:
            maker.touched |= _READ_BY[name]
        value = self._parts.get(name, _MISSING)
        if value is _MISSING:
            value = self._parts[name] = _LEFT_OUT[name](self) if maker is None else maker.make(name)
        elif isinstance(value, Late):
            value = self._parts[name] = value.made(self._parts["at"])
        return value

    def _freeze(self) -> None:
        """The world goes on, and somebody has kept this."""
        maker = self._maker
        if maker is None:
            return
        touched = maker.touched
        self._parts.setdefault("events", maker.make("late events"))
        for name in _READ_BY:
            if name != "events":
                self._part(name)
        object.__setattr__(self, "_maker", None)
        maker.touched = touched

    def _replaced(self, at: float, **more: Any) -> Peek:
        made = Peek.__new__(Peek)
        object.__setattr__(made, "_parts", {**self._parts, "at": at, **more})
        object.__setattr__(made, "_maker", None)
        object.__setattr__(made, "_counts", self._counts)
        return made

    # ---- its parts

    @property
    def at(self) -> float:
        """Seconds on the swarm's clock; `now` is the same."""
        value: float = self._part("at")
        return value

    @property
    def now(self) -> float:
        """Seconds on the swarm's clock; `at` is the same."""
        value: float = self._part("at")
        return value

    @property
    def leader(self) -> str | None:
        """The leader that reaches a quorum; None when there is none."""
        value: str | None = self._part("leader")
        return value

    @property
    def leaders(self) -> tuple[str, ...]:
        """All managers that run and hold themselves for the leader: two while an old one is cut off."""
        value: tuple[str, ...] = self._part("leaders")
        return value

    @property
    def nodes(self) -> ByName[PeekNode]:
        """In the order of their names; `nodes["w1"]` is one."""
        value: ByName[PeekNode] = self._part("nodes")
        return value

    @property
    def services(self) -> ByName[PeekService]:
        """In the order of their names; `services["web"]` is one."""
        value: ByName[PeekService] = self._part("services")
        return value

    @property
    def tasks(self) -> tuple[PeekTask, ...]:
        """By service and slot, the youngest of a slot first."""
        value: tuple[PeekTask, ...] = self._part("tasks")
        return value

    @property
    def raft(self) -> tuple[PeekRaft, ...]:
        """Of each manager that runs."""
        value: tuple[PeekRaft, ...] = self._part("raft")
        return value

    @property
    def term(self) -> int:
        """The newest term that a manager knows; 0 where none runs."""
        value: int = self._part("term")
        return value

    @property
    def elections(self) -> int:
        """How many elections had a winner so far. In real time: those that this Python saw."""
        value: int = self._part("elections")
        return value

    @property
    def leaders_per_term_max(self) -> int:
        """The most leaders that one term had so far; 1, unless Raft is broken. In real time: as seen."""
        value: int = self._part("leaders_per_term_max")
        return value

    @property
    def requests(self) -> Requests:
        """Those of `swarm.http` and `swarm.load` that have ended so far: `.ok`, `.failed`, a list."""
        value: Requests = self._part("requests")
        return value

    @property
    def events(self) -> EventList:
        """What happened so far to nodes, services and tasks, as `swarm.events()` tells it."""
        value: EventList = self._part("events")
        return value

    # ---- of them

    @property
    def node_states(self) -> dict[str, int]:
        """How many nodes are in each state: `{"ready": 4, "down": 1}`."""
        return dict(Counter(str(node.state) for node in self.nodes))

    @property
    def task_states(self) -> dict[str, int]:
        """How many tasks are in each state: `{"running": 4, "shutdown": 1}`."""
        return dict(Counter(str(task.state) for task in self.tasks))

    def node(self, name: str | Node) -> PeekNode:
        """By name or id, or of a Node. Raises `NotFound`."""
        node: PeekNode = _one("node", self.nodes, _name(name))
        return node

    def service(self, name: str | Service) -> PeekService:
        """By name or id, or of a Service. Raises `NotFound`."""
        service: PeekService = _one("service", self.services, _name(name))
        return service

    def tasks_of(self, service: str | Service) -> tuple[PeekTask, ...]:
        """Those of one service, by its name, or of a Service."""
        name = _name(service)
        return tuple(task for task in self.tasks if task.service == name)

    def running(self, service: str | Service) -> int:
        """How many tasks of a service (its name, or a Service) run and are meant to, on nodes that are not
        down; 0 without the service.
        """
        service = _name(service)
        if self._maker is not None:
            self._maker.touched |= 1
            return self._maker.running(service)
        counts = self._counts
        if counts is None:
            counts = Counter(task.service for task in self.tasks if task.runs)
            object.__setattr__(self, "_counts", counts)
        return counts[service]

    def to_dict(self) -> dict[str, Any]:
        """Plain values: `at`, `leader`, and `nodes`, `services`, `tasks`, `raft` as lists of dictionaries."""
        lists = ("nodes", "services", "tasks", "raft")
        rows = {name: [dataclasses.asdict(one) for one in self._part(name)] for name in lists}
        return {"at": self.at, "leader": self.leader, **rows}

    def _value(self) -> tuple[object, ...]:
        return self.at, self.leader, self.nodes, self.services, self.tasks, self.raft

    def __eq__(self, other: object) -> bool:
        return self._value() == other._value() if isinstance(other, Peek) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._value())

    def __reduce__(self) -> Any:
        return _with_all, ({name: self._part(name) for name in _READ_BY},)

    def _tables(self) -> Iterator[tuple[str, tuple[str, ...], list[tuple[object, ...]]]]:
        for caption, header, rows in (
            ("nodes", NODE_HEADER, self.nodes),
            ("services", SERVICE_HEADER, self.services),
            ("tasks", TASK_HEADER, self.tasks),
            ("managers", RAFT_HEADER, self.raft),
        ):
            if rows:
                yield f"{len(rows)} {caption}", header, [one.row() for one in rows]

    def __repr__(self) -> str:
        leads = f"{self.leader} leads" if self.leader else "no leader"
        head = f"<Peek at {self.at:.3f}s: {leads}, term {self.term}>"
        return "\n".join([head, *(_show.table(header, rows) for _, header, rows in self._tables())])

    def _repr_html_(self) -> str:
        return _show.html_box([_show.html_table(*table) for table in self._tables()])


def _with_all(parts: dict[str, Any]) -> Peek:
    """One that was copied, or sent to another process: with the story so far, too."""
    return Peek(**parts)


# What a state says that was made without these parts.
_LEFT_OUT: dict[str, Callable[[Peek], Any]] = {
    "term": lambda peek: max((one.term for one in peek.raft), default=0),
    "leaders": lambda peek: tuple(one.node for one in peek.raft if one.role == "leader"),
    "elections": lambda _peek: 0,
    "leaders_per_term_max": lambda peek: max(
        Counter(one.term for one in peek.raft if one.role == "leader").values(), default=0
    ),
    "requests": lambda _peek: of_list(()),
    "events": lambda _peek: EventList(),
}


def _name(named: object) -> str:
    """A name, or that of a Node or a Service."""
    name = named if isinstance(named, str) else getattr(named, "name", None)
    if not isinstance(name, str):
        raise InvalidArgument(f"a name is text, not {named!r}", hint='Say "web", or give the Service.')
    return name


def _by_name(things: tuple[T, ...]) -> ByName[T]:
    return things if isinstance(things, ByName) else ByName(things)


def _one(kind: str, things: Sequence[Any], name: str) -> Any:
    found = [one for one in things if name in (one.name, one.id)]
    if not found:
        raise not_found(kind, name, [one.name for one in things])
    return found[-1]


# ---- how it is made


class Peeker:
    """Makes peeks of one swarm; as long as nothing can have changed only the time is another."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._last: tuple[object, Peek] | None = None

    def peek(self) -> Peek:
        """See `Swarm.peek`."""
        mark = self._hub.world.whole_mark()
        if mark is not None and self._last is not None and self._last[0] == mark:
            made = self._last[1]
        else:
            made = made_of(self._hub)
            self._last = mark, made
        return made._replaced(self._hub.world.now(), **so_far(self._hub))


def so_far(hub: Hub) -> dict[str, Any]:
    """What a state tells of the run up to it: made now, or asked for when it is read, of what was before."""
    from swarmpy._checks.source import story_of

    return story_of(hub).so_far()


def made_of(hub: Hub) -> Peek:
    """The state of this moment, all of it but the story so far."""
    views = [(door, view) for door in hub.doors() if (view := _raft_of(door)) is not None]
    if not views:
        raise nobody_leads(hub.doors())
    leader = _leader(hub, views)
    best = max(views, key=lambda one: (one[0].name == leader, one[1]["Term"], one[1]["Applied"]))[0]
    nodes, services, tasks = seen_by(hub, best, leader)
    infos = [NodeInfo.from_api(raw) for raw in _get(best, "/nodes")]
    return Peek(
        at=hub.world.now(),
        leader=leader,
        nodes=nodes,
        services=services,
        tasks=tasks,
        raft=tuple(_raft(door.name, view, infos) for door, view in views),
    )


def seen_by(
    hub: Hub, best: Connection, leader: str | None
) -> tuple[ByName[PeekNode], ByName[PeekService], tuple[PeekTask, ...]]:
    """Nodes, services and tasks as one manager has them."""
    nodes = [NodeInfo.from_api(raw) for raw in _get(best, "/nodes")]
    services = [ServiceInfo.from_api(raw) for raw in _get(best, "/services")]
    tasks = [(raw["Version"]["Index"], TaskInfo.from_api(raw)) for raw in _get(best, "/tasks")]
    shown = _tasks(tasks, {one.id: one.name for one in services}, {one.id: one for one in nodes})
    return (
        ByName(_node(hub, one, leader) for one in hub.in_order(nodes)),
        ByName(_service(one, shown, nodes) for one in sorted(services, key=lambda one: one.name)),
        shown,
    )


def raft_views(hub: Hub) -> list[tuple[Connection, Any]]:
    """What each manager that runs says of Raft."""
    return [(door, view) for door in hub.doors() if (view := _raft_of(door)) is not None]


def raft_seen(views: Sequence[tuple[Connection, Any]]) -> tuple[PeekRaft, ...]:
    """The same, with names."""
    if not views:
        return ()
    best = max(views, key=lambda one: (one[1]["Term"], one[1]["Applied"]))[0]
    infos = [NodeInfo.from_api(raw) for raw in _get(best, "/nodes")]
    return tuple(_raft(door.name, view, infos) for door, view in views)


def nobody_leads(doors: Iterable[Connection]) -> SwarmError:
    """Why no manager shows its state: those that run are locked, or none runs."""
    locked = [door.name for door in doors if _is_locked(door)]
    if not locked:
        return Unreachable("no manager of this swarm is running")
    error = Locked(f"the managers that run are locked: {', '.join(locked)}")
    error.shell = f"unlock each with the swarm's unlock key: swarmpy unlock {locked[0]}"
    return error


def _is_locked(door: Connection) -> bool:
    try:
        _get(door, "/swarmpy/v1/raft")
    except Locked:
        return True
    except SwarmError:
        return False
    return False


def _get(door: Connection, path: str) -> Any:
    request = make_request("GET", path, headers=LOCAL)
    return json.loads(finish(door.look(request) or door.open(request), PATIENCE))


def _raft_of(door: Connection) -> Any:
    """None for a node that is no manager, or does not answer."""
    try:
        return _get(door, "/swarmpy/v1/raft")
    except SwarmError:
        return None


def _leader(hub: Hub, views: Iterable[tuple[Connection, Mapping[str, Any]]]) -> str | None:
    """Of those who say so, the one with the newest term."""
    claims = [(view["Term"], door.name) for door, view in views if view["Role"] == "leader"]
    name = max(claims, default=(0, ""))[1]
    return name if name and hub.world.may_lead(name) else None


def _node(hub: Hub, info: NodeInfo, leader: str | None) -> PeekNode:
    return PeekNode(
        info.id,
        info.name,
        info.role,
        info.state,
        info.availability,
        info.reachability,
        info.name == leader and info.manages,
        hub.world.alive(info.name),
    )


def _service(info: ServiceInfo, tasks: Iterable[PeekTask], nodes: Iterable[NodeInfo]) -> PeekService:
    wanted = len(eligible(nodes, info.constraints)) if info.replicas is None else info.replicas
    running = sum(task.runs for task in tasks if task.service == info.name)
    about = (info.update_state, info.update_message, info.version)
    return PeekService(info.id, info.name, info.mode, info.image, wanted, running, *about)


def _tasks(
    infos: Iterable[tuple[int, TaskInfo]], services: Mapping[str, str], nodes: Mapping[str, NodeInfo]
) -> tuple[PeekTask, ...]:
    order = sorted(infos, key=lambda one: (one[1].created, one[1].id), reverse=True)
    shown = [_task(version, info, services, nodes) for version, info in order]
    return tuple(
        sorted(shown, key=lambda task: (task.service, task.slot, task.node if task.slot == 0 else ""))
    )


def _task(
    version: int, info: TaskInfo, services: Mapping[str, str], nodes: Mapping[str, NodeInfo]
) -> PeekTask:
    node = nodes.get(info.node_id)
    return PeekTask(
        info.id,
        services.get(info.service_id, info.service_id),
        info.slot,
        node.name if node else info.node_id,
        info.state,
        info.desired_state,
        info.runs and node is not None and node.state is not NodeState.DOWN,
        info.image,
        info.error,
        version,
    )


def _raft(name: str, view: Mapping[str, Any], nodes: Iterable[NodeInfo]) -> PeekRaft:
    names = {node.id: node.name for node in nodes}
    follows = view["Members"].get(str(view["Leader"]), {}).get("Node", "")
    leader, vote = names.get(follows, follows), view["VoteName"]
    return PeekRaft(name, view["Term"], view["Role"], leader, view["Commit"], view["Applied"], vote)
