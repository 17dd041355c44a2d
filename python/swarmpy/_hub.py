"""Hub: what the objects of one swarm share: its world, the client, and the last things that were seen.

The objects that users hold (Node, Service, Task) are names plus a Hub; what they show is asked when it is
looked at. Reprs send no request: they show `seen`, stamped with its time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar, cast
from urllib.parse import quote

from swarmpy._connection.base import Connection, Request, Shown
from swarmpy._connection.client import Client
from swarmpy._gates import FaultGate, SleepGate, Write, WriteGate
from swarmpy._models.network_info import NetworkInfo
from swarmpy._models.node_info import NodeInfo
from swarmpy._models.service_info import ServiceInfo
from swarmpy._models.task_info import TaskInfo
from swarmpy._world.base import World
from swarmpy.errors import InvalidArgument, NotFound, SwarmError
from swarmpy.requests import Request as PortRequest
from swarmpy.states import NodeState, Role


@dataclass
class Seen:
    """The newest answers, for reprs."""

    nodes: list[NodeInfo] = field(default_factory=list)
    services: dict[str, ServiceInfo] = field(default_factory=dict)
    tasks: dict[str, list[TaskInfo]] = field(default_factory=dict)  # by service
    networks: dict[str, NetworkInfo] = field(default_factory=dict)
    at: float = 0.0  # seconds on the swarm's clock


InfoT = TypeVar("InfoT")
_MOST_KEPT = 1 << 18  # bytes of an answer: a large one seldom comes twice, and is dear to keep
FaultT = TypeVar("FaultT")
_FAR = 1e9  # seconds, on either side: beyond every swarm's life


class Hub:
    def __init__(self, world: World, *, only: str | None = None) -> None:
        """`only`: ask this machine and no other (a Node of its own)."""
        self.world = world
        self.client = Client(self._doors, world.dead, self._look)
        self.seen = Seen()
        self.last_change: dict[str, str] = {}  # service -> "create", "scale", "update" or "rollback"
        self.seen_nodes_at = 0.0
        self._closed = False
        self._only = only
        self._workers: set[str] = set()  # by name; they are not asked
        self._node_names: dict[str, str] = {}
        self._network_names: dict[str, str] = {}
        self._listed: dict[str, NodeInfo] = {}
        self._listed_at: object = None
        self.clock_was_read = False  # by a condition that is waited for: it may hold at any event
        self.counted: set[str] | None = None  # while a condition is asked: services whose tasks it counts
        self._answers: dict[str, tuple[bytes, list[Any]]] = {}  # the last ones, with what they said
        self.requests: list[
            PortRequest
        ] = []  # at published ports, that ended; the simulator has a log of its own
        self.fault_gate: FaultGate | None = None
        self.write_gate: WriteGate | None = None
        self.sleep_gate: SleepGate | None = None
        self._faults_asked = self._writes_asked = self._sleeps_asked = 0

    @property
    def closed(self) -> bool:
        return self._closed or bool(self.world.ended())

    def close(self) -> None:
        """From now on every object of this swarm says that it is closed."""
        self._closed = True

    def check_open(self) -> None:
        why = "this swarm is closed" if self._closed else self.world.ended()
        if why:
            hint = "Make a new Swarm, and take its services, nodes and tasks: these belong to the old one."
            raise SwarmError(why, code="FailedPrecondition", hint=hint)

    @property
    def open_world(self) -> World:
        """The world, for what is done to its machines and its time. Raises when the swarm is closed."""
        self.check_open()
        return self.world

    def undoing(self, why: object) -> AbstractContextManager[None]:
        """What is done inside is undone at the end of a `with` that `why` ended: an exception, or None.
        Because of one it is clean-up: no part of what the run was still going to do.
        """
        clean_up = getattr(self.world, "clean_up", None)
        return nullcontext() if why is None or clean_up is None else clean_up()

    # ---- gates: who runs a test again may leave out what is not needed for its failure

    def passed_fault(self, fault: FaultT) -> FaultT | None:
        """The fault that is to begin now: this one, a shorter one in its place, or None for none at all."""
        number, self._faults_asked = self._faults_asked, self._faults_asked + 1
        if self.fault_gate is None:
            return fault
        said = self.fault_gate(number, fault)
        if isinstance(said, bool):
            return fault if said else None
        return cast(FaultT, said)

    def may_write(self, verb: str, of: str, detail: object = "") -> bool:
        """Returns true if this change, whose answer no later step needs, is to be made."""
        number, self._writes_asked = self._writes_asked, self._writes_asked + 1
        return self.write_gate is None or self.write_gate(number, Write(verb, of, str(detail)))

    def slept(self, span: float) -> float:
        """How many seconds are to pass where `span` were asked for."""
        number, self._sleeps_asked = self._sleeps_asked, self._sleeps_asked + 1
        return span if self.sleep_gate is None else self.sleep_gate(number, span)

    def doors(self) -> list[Connection]:
        """Ways to those who may answer for the swarm."""
        return self._doors()

    def _doors(self) -> list[Connection]:
        self.check_open()
        if self._only is not None:
            return [self.world.door(self._only)]
        return self.world.ways_in(self._workers)

    def _look(self, request: Request) -> Shown | None:
        self.check_open()
        return self.world.look(request) if self._only is None else self.world.door(self._only).look(request)

    def calendar_ns(self, since: float | datetime | None) -> int | None:
        """A moment of the swarm's clock (seconds) or of its calendar, as the API says it."""
        if since is None:
            return None
        if isinstance(since, datetime):
            return round(since.timestamp() * 1e9)
        if isinstance(since, bool) or not isinstance(since, int | float) or not abs(since) < _FAR:
            raise InvalidArgument(
                f"since is seconds on the swarm's clock, or a datetime, not {since!r}",
                hint="Say since=swarm.now - 5.",
            )
        return self.world.epoch_ns + round(since * 1e9)

    def check_leader(self) -> None:
        """Raises `NoQuorum` while there is none: what is not in a list may only not be known yet."""
        with self.client.of_a_leader():
            self.client.call("GET", "/swarm")

    # ---- nodes

    def nodes(self) -> list[NodeInfo]:
        """Every node: m1, m2, ... m10, w1, ..."""
        infos = self._parsed("nodes", self.client.call("GET", "/nodes"), self._nodes_of)
        self.seen.nodes, self.seen.at = infos, self.world.now()
        self.seen_nodes_at = self.seen.at
        self._workers = {node.name for node in infos if not node.manages and node.role is Role.WORKER}
        self._workers -= {node.name for node in infos if node.manages}
        self._node_names = {node.id: node.name for node in infos}
        self._listed, self._listed_at = {node.id: node for node in infos}, self._moment()
        return infos

    def _nodes_of(self, raws: list[Any]) -> list[NodeInfo]:
        return self.in_order([NodeInfo.from_api(raw) for raw in raws])

    @staticmethod
    def in_order(infos: list[NodeInfo]) -> list[NodeInfo]:
        return sorted(infos, key=lambda node: (natural(node.name), node.created, node.id))

    def down_nodes(self) -> set[str]:
        return {node.id for node in self.nodes() if node.state is NodeState.DOWN}

    def listed_node(self, node_id: str) -> NodeInfo | None:
        """As the last listing had it, if nothing can have happened since."""
        return self._listed.get(node_id) if self._listed_at == self._moment() else None

    def _moment(self) -> object:
        """What we change ourselves we also see at once, however short a moment lasts."""
        return self.world.moment(), self.client.writes

    def feature_levels(self) -> dict[str, Any]:
        """`Level` of the swarm, and `Nodes` with the `Level` that each node's build knows."""
        levels: dict[str, Any] = self.client.json("GET", "/swarmpy/v1/feature-level")
        return levels

    def node(self, node_id: str, *, before_write: bool = False) -> NodeInfo:
        raw = self.client.json("GET", f"/nodes/{node_id}", before_write=before_write)
        return NodeInfo.from_api(raw)

    def node_name(self, node_id: str) -> str:
        """The hostname of a node; its id where the node is not there any more, "" for no node."""
        if node_id and node_id not in self._node_names:
            self.nodes()
        return self._node_names.get(node_id, node_id)

    def seen_node_name(self, node_id: str) -> str:
        """As `node_name`, but without a request."""
        return self._node_names.get(node_id, node_id)

    # ---- networks

    def networks(self, filters: Mapping[str, Sequence[str]]) -> list[NetworkInfo]:
        """Those that fit, by name."""
        asked = {key: dict.fromkeys(values, True) for key, values in filters.items()}
        raws = self.client.json("GET", "/networks", query={"filters": asked})
        infos = sorted((NetworkInfo.from_api(raw) for raw in raws), key=lambda info: (info.name, info.id))
        if filters == {"scope": ["swarm"]}:
            self.seen.networks = {}
        for info in infos:
            self._saw(info)
        return infos

    def network(self, id_or_name: str, *, before_write: bool = False) -> NetworkInfo:
        """A network of the swarm, also one of those that `host` and `bridge` stand for in specs."""
        path, query = f"/networks/{quote(id_or_name, safe='')}", {"scope": "swarm"}
        raw = self.client.json("GET", path, query=query, before_write=before_write)
        info = NetworkInfo.from_api(raw)
        self._saw(info)
        return info

    def network_name(self, network_id: str) -> str:
        """Its id where the network is not there any more."""
        if network_id not in self._network_names:
            with suppress(NotFound):
                self.network(network_id)
        return self._network_names.get(network_id, network_id)

    def _saw(self, info: NetworkInfo) -> None:
        self.seen.networks[info.id], self.seen.at = info, self.world.now()
        self._network_names[info.id] = info.name

    # ---- services and tasks

    def services(self) -> list[ServiceInfo]:
        infos = [ServiceInfo.from_api(raw) for raw in self.client.json("GET", "/services")]
        infos.sort(key=lambda service: service.name)
        self.seen.services, self.seen.at = {service.id: service for service in infos}, self.world.now()
        return infos

    def services_and_running(self) -> list[tuple[ServiceInfo, int]]:
        """With the leader's own counts of their running tasks."""
        raws = self.client.json("GET", "/services", query={"status": True})
        pairs = [(ServiceInfo.from_api(raw), int(raw["ServiceStatus"]["RunningTasks"])) for raw in raws]
        pairs.sort(key=lambda pair: pair[0].name)
        self.seen.services, self.seen.at = {info.id: info for info, _ in pairs}, self.world.now()
        return pairs

    def service(self, id_or_name: str, *, before_write: bool = False) -> ServiceInfo:
        raw = self.client.json("GET", f"/services/{id_or_name}", before_write=before_write)
        info = ServiceInfo.from_api(raw)
        self.seen.services[info.id] = info
        self.seen.at = self.world.now()
        return info

    def service_and_running(self, service_id: str) -> tuple[ServiceInfo, int]:
        """With the leader's own count of its running tasks: cheap, however many there are."""
        query = {"status": True, "filters": {"id": {service_id: True}}}
        for raw in self.client.json("GET", "/services", query=query):
            info = ServiceInfo.from_api(raw)
            self.seen.services[info.id] = info
            return info, raw["ServiceStatus"]["RunningTasks"]
        raise NotFound(f"service {service_id} not found")

    def running(self, service_id: str) -> int:
        """Its tasks that run and are meant to, on nodes that are not down. A condition that counts them is
        asked again and again: all tasks are only read when the wait is over, for reprs.
        """
        if self.counted is not None:
            self.counted.add(service_id)
            return self.service_and_running(service_id)[1]
        down = self.down_nodes()
        return sum(task.runs and task.node_id not in down for task in self.tasks(service_id))

    def count_running(self, service_id: str, node_ids: Sequence[str]) -> int:
        """Its tasks on these nodes that run and are meant to, by what the swarm knows."""
        filters = {"service": {service_id: True}, "node": dict.fromkeys(node_ids, True)}
        try:
            tasks = self.client.json("GET", "/tasks", query={"filters": filters})
        except NotFound:  # one of the nodes was removed meanwhile
            return 0
        return sum(TaskInfo.from_api(raw).runs for raw in tasks)

    def forget_service(self, service_id: str) -> None:
        self.seen.services.pop(service_id, None)
        self.seen.tasks.pop(service_id, None)
        self.last_change.pop(service_id, None)
        for what in ("tasks", "newest"):
            self._answers.pop(f"{what} {service_id}", None)

    def newest_tasks(self, service_id: str) -> set[str]:
        """The ids of those tasks that were made from the newest spec."""
        filters = {"service": {service_id: True}, "_up-to-date": {"true": True}}
        body = self.client.call("GET", "/tasks", query={"filters": filters})
        return set(self._parsed(f"newest {service_id}", body, lambda raws: [raw["ID"] for raw in raws]))

    def tasks(self, service_id: str) -> list[TaskInfo]:
        """All that the swarm keeps of a service: by slot, the youngest first."""
        query = {"filters": {"service": {service_id: True}}}
        infos = self._parsed(f"tasks {service_id}", self.client.call("GET", "/tasks", query=query), _tasks)
        self.seen.tasks[service_id], self.seen.at = infos, self.world.now()
        return infos

    def task(self, task_id: str) -> TaskInfo | None:
        """None once the swarm does not keep it any more."""
        try:
            return TaskInfo.from_api(self.client.json("GET", f"/tasks/{task_id}"))
        except NotFound:
            return None

    def _parsed(self, what: str, body: bytes, parse: Callable[[list[Any]], list[InfoT]]) -> list[InfoT]:
        """What an answer says. The same bytes as last time, which waits often get, say the same."""
        kept = self._answers.get(what)
        if kept is None or kept[0] != body:
            kept = body, parse(json.loads(body))
            if len(body) <= _MOST_KEPT:
                self._answers[what] = kept
        return list(kept[1])

    def machine_names(self) -> Iterator[str]:
        yield from (door.name for door in self.world.doors())
        yield from (node.name for node in self.seen.nodes)


@lru_cache(maxsize=1024)  # lists are sorted again and again
def natural(name: str) -> tuple[tuple[str, int], ...]:
    """So that w10 comes after w9."""
    return tuple((word, int(number or 0)) for word, number in re.findall(r"(\D*)(\d*)", name))


def _tasks(raws: list[Any]) -> list[TaskInfo]:
    infos = [TaskInfo.from_api(raw) for raw in raws]
    infos.sort(key=lambda task: (task.created, task.id), reverse=True)
    infos.sort(key=lambda task: (task.slot, task.node_id if task.slot == 0 else ""))
    return infos
