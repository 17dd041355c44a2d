"""Picture: a swarm's nodes, services and tasks as of one entry of its log, made of recorded changes alone.

It is given a state once and then each change that was written, in order; a change costs what it touches. NOT
here: where recordings come from (`gather`, `recording`), what is asked of a state (`judges`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from swarmpy._checks.things import Facts, NodeNow, ServiceNow, TaskNow, node_of, service_of, task_of
from swarmpy.peek import Peek, PeekNode, PeekService, PeekTask
from swarmpy.states import Availability, NodeState, Reachability, Role, TaskState, UpdateState


class Picture:
    """`known`: the names of all services that were there. Of a service that is not in `whole` the recording
    does not have the begin: what is counted of it may be too little.
    """

    def __init__(self) -> None:
        self.nodes: dict[str, NodeNow] = {}
        self.services: dict[str, ServiceNow] = {}
        self.tasks: dict[str, TaskNow] = {}
        self.of: dict[str, set[str]] = defaultdict(set)  # a service's id -> its tasks
        self.known: set[str] = set()
        self.partly: set[str] = set()  # names of services whose begin was not recorded
        self.touched: set[str] = set()  # ids of services that the last entry was about
        self._names: dict[str, str] = {}  # of services that were ever there, by id
        self._on: dict[str, set[str]] = defaultdict(set)  # a node's id -> its tasks
        self._running: Counter[str] = Counter()  # by a service's name
        self._shown: dict[str, PeekTask] = {}

    # ---- a whole state

    def begin(self, state: Facts) -> None:
        """From here on every change is told."""
        self.nodes = {raw["ID"]: node_of(raw["Name"], raw) for raw in state["Nodes"]}
        self.services = {raw["ID"]: service_of(raw["Name"], raw) for raw in state["Services"]}
        self._names.update({id: one.name for id, one in self.services.items()})
        self.known.update(one.name for one in self.services.values())
        self.partly.clear()
        for kept in (self.of, self._on, self.tasks, self._shown, self._running):
            kept.clear()
        for raw in state["Tasks"]:
            self._put(task_of(raw["ID"], raw, raw))
        self.touched = set(self.services)

    # ---- changes

    def apply(self, raw: Facts) -> None:
        """One change, as `/swarmpy/v1/changes?facts=1` tells it."""
        kind, id = raw["Type"], raw["Actor"]["ID"]
        about, after = raw["Actor"].get("Attributes", {}), raw.get("After")
        if kind == "node":
            self._on_node(id, about, after, raw["Action"] == "remove")
        elif kind == "service":
            self._on_service(id, about, after, raw["Action"])
        elif kind == "task":
            self._on_task(id, about, after, raw["Action"])

    def _on_node(self, id: str, about: Facts, after: Facts | None, gone: bool) -> None:
        tasks = [self.tasks[one] for one in self._on[id]]
        for task in tasks:
            self._count(task, -1)
        if gone:
            self.nodes.pop(id, None)
        elif after is not None:
            self.nodes[id] = node_of(about.get("name", ""), after)
        else:
            self._renew(id, about)
        for task in tasks:
            self._count(task, 1)
            self._shown.pop(task.id, None)
            self.touched.add(task.service_id)

    def _renew(self, id: str, about: Facts) -> None:
        """By what Docker's events tell."""
        node = self.nodes.setdefault(id, NodeNow(about.get("name", ""), "worker", "unknown", "active"))
        node.role = about.get("role.new", node.role)
        node.state = about.get("state.new", node.state)
        node.availability = about.get("availability.new", node.availability)

    def _on_service(self, id: str, about: Facts, after: Facts | None, action: str) -> None:
        name = about.get("name", "")
        self.known.add(name)
        self._names[id] = name
        self.touched.add(id)
        if action == "remove":
            self.services.pop(id, None)
        elif after is not None:
            self.services[id] = service_of(name, after)
        else:
            if action != "create" and id not in self.services:
                self.partly.add(name)
            one = self.services.setdefault(id, ServiceNow(name, "", 0, 0, "", 0, 0))
            one.update = about.get("updatestate.new", one.update)

    def _on_task(self, id: str, about: Facts, after: Facts | None, action: str) -> None:
        before = self.tasks.pop(id, None)
        self.touched.add(about.get("service.id", ""))
        self.known.add(about.get("service", ""))
        self._names.setdefault(about.get("service.id", ""), about.get("service", ""))
        if about.get("service.id", "") not in self.services and action not in ("remove", "orphaned"):
            self._unheard(about, before)
        if before is not None:
            self._count(before, -1)
            self._on[before.node_id].discard(id)
            self.of[before.service_id].discard(id)
            self._shown.pop(id, None)
        if action == "remove" and after is None:
            return
        told = {"State": action, "DesiredState": about.get("desired_state", "running")}
        told |= {"NodeID": about.get("node.id", ""), "SpecVersion": about.get("spec_version") or 0}
        self._put(task_of(id, about, after if after is not None else told))

    def _unheard(self, about: Facts, before: TaskNow | None) -> None:
        """A task of a service that no event has named: it was there before the recording began."""
        if before is None and about.get("desired_state", "running") == "running":
            self.partly.add(about.get("service", ""))

    def _put(self, task: TaskNow) -> None:
        self.tasks[task.id] = task
        self.of[task.service_id].add(task.id)
        self._on[task.node_id].add(task.id)
        self._count(task, 1)

    def _count(self, task: TaskNow, by: int) -> None:
        if self.runs(task):
            self._running[task.service] += by

    def runs(self, task: TaskNow) -> bool:
        """It runs, is meant to, and its node is not known to be down."""
        node = self.nodes.get(task.node_id)
        return task.is_to_run and (node is None or node.state != "down")

    # ---- as a value

    def state(self, at: float) -> Peek:
        """As of the last change; its parts are made when they are read, and are of the services that the last
        entry was about.
        """
        return Peek._lazily(_Maker(self, at))

    def running(self, service: str) -> int:
        return self._running[service]

    def touched_names(self) -> set[str]:
        return {self._names.get(id, "") for id in self.touched}

    def shown(self, id: str) -> PeekTask:
        found = self._shown.get(id)
        if found is None:
            task = self.tasks[id]
            found = self._shown[id] = PeekTask(
                id,
                task.service,
                task.slot,
                task.node,
                TaskState(task.state),
                TaskState(task.desired),
                self.runs(task),
                "",
                "",
                0,
            )
        return found


class _Maker:
    """What a state is made of when it is looked at, before the next change."""

    def __init__(self, picture: Picture, at: float) -> None:
        self.touched, self._picture, self._at = 0, picture, at

    def running(self, service: str) -> int:
        return self._picture.running(service)

    def make(self, part: str) -> Any:
        picture = self._picture
        if part == "at":
            return self._at
        if part == "tasks":
            return tuple(picture.shown(id) for one in self._about() for id in picture.of.get(one, ()))
        if part == "services":
            return tuple(self._service(id) for id in self._about() if id in picture.services)
        if part == "nodes":
            return tuple(_peek_node(id, one) for id, one in picture.nodes.items())
        return () if part == "raft" else None

    def _about(self) -> set[str]:
        """Ids of services, with those that were removed and have the name of one that is there."""
        names = self._picture.touched_names()
        return self._picture.touched | {id for id, one in self._picture.services.items() if one.name in names}

    def _service(self, id: str) -> PeekService:
        one = self._picture.services[id]
        running = self._picture.running(one.name)
        update = UpdateState(one.update) if one.update in list(UpdateState) else UpdateState.NONE
        return PeekService(id, one.name, one.mode, "", one.replicas, running, update, "", 0)


def _peek_node(id: str, one: NodeNow) -> PeekNode:
    state, availability = NodeState(one.state), Availability(one.availability)
    return PeekNode(id, one.name, Role(one.role), state, availability, Reachability.UNKNOWN, False, True)
