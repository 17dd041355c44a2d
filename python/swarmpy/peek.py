"""Peek: a swarm at one moment, as a value. Two are equal when nothing differs; keep them, compare them.

In the simulator a peek takes no time and the run goes on as if nobody had looked, also while there is no
leader or no quorum. In real time it is what the manager that knows most answered.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
from swarmpy.errors import SwarmError, Unreachable
from swarmpy.states import Availability, NodeState, Reachability, Role, TaskState, UpdateState

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
    one that it voted for in this term, "" for nobody. `node.raft` has more.
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


@dataclass(frozen=True)
class Peek(metaclass=Brief):
    """A swarm at `at` seconds of its clock.

    `leader`: the name of the manager that leads and reaches a quorum, None while there is none; then the rest
    is what the manager that knows most knew last. `nodes` and `services`: by name. `tasks`: by service and
    slot, the youngest of a slot first. `raft`: of each manager that runs.

    >>> before = c.peek()
    >>> c.nodes["w1"].kill(); web.wait()
    >>> after = c.peek()
    >>> after.running("web"), after.node("w1").state, after != before
    """

    at: float
    leader: str | None
    nodes: tuple[PeekNode, ...]
    services: tuple[PeekService, ...]
    tasks: tuple[PeekTask, ...]
    raft: tuple[PeekRaft, ...]

    @property
    def term(self) -> int:
        """The newest term that a manager knows; 0 where none runs."""
        return max((one.term for one in self.raft), default=0)

    def node(self, name: str) -> PeekNode:
        """By name or id. Raises `NotFound`."""
        node: PeekNode = _one("node", self.nodes, name)
        return node

    def service(self, name: str) -> PeekService:
        """By name or id. Raises `NotFound`."""
        service: PeekService = _one("service", self.services, name)
        return service

    def tasks_of(self, service: str) -> tuple[PeekTask, ...]:
        """Those of one service, by its name."""
        return tuple(task for task in self.tasks if task.service == service)

    def running(self, service: str) -> int:
        """How many of its tasks run and are meant to, on nodes that are not down; 0 without the service."""
        return sum(task.runs for task in self.tasks if task.service == service)

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
            return dataclasses.replace(self._last[1], at=self._hub.world.now())
        made = _made(self._hub)
        self._last = mark, made
        return made


def _made(hub: Hub) -> Peek:
    views = [(door, view) for door in hub.doors() if (view := _raft_of(door)) is not None]
    if not views:
        raise Unreachable("no manager of this swarm is running")
    leader = _leader(hub, views)
    best = max(views, key=lambda one: (one[0].name == leader, one[1]["Term"], one[1]["Applied"]))[0]
    nodes = [NodeInfo.from_api(raw) for raw in _get(best, "/nodes")]
    services = [ServiceInfo.from_api(raw) for raw in _get(best, "/services")]
    tasks = [(raw["Version"]["Index"], TaskInfo.from_api(raw)) for raw in _get(best, "/tasks")]
    shown = _tasks(tasks, {one.id: one.name for one in services}, {one.id: one for one in nodes})
    return Peek(
        at=hub.world.now(),
        leader=leader,
        nodes=tuple(_node(hub, one, leader) for one in hub.in_order(nodes)),
        services=tuple(_service(one, shown, nodes) for one in sorted(services, key=lambda one: one.name)),
        tasks=shown,
        raft=tuple(_raft(door.name, view, nodes) for door, view in views),
    )


def _get(door: Connection, path: str) -> Any:
    request = make_request("GET", path, headers=LOCAL)
    return json.loads(finish(door.look(request) or door.open(request), PATIENCE))


def _raft_of(door: Connection) -> Any:
    """None for who is no manager, or does not answer."""
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
