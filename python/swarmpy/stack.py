"""Stack: services and networks that were deployed together, out of a compose file. Stacks: all of a swarm.

A stack is no object of the swarm: it is what has the label `com.docker.stack.namespace`, as Docker's CLI has
it. So a stack of `docker stack deploy` is one here too, and the other way round.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from swarmpy import _show, duration
from swarmpy._brief import Brief
from swarmpy._compose.networks import NAMESPACE, OF_NODES, StackNetwork
from swarmpy._compose.service import IMAGE
from swarmpy._compose.source import Source
from swarmpy._compose.stack import StackFile, load
from swarmpy._hub import Hub
from swarmpy._models.nearest import not_found
from swarmpy._models.service_info import ServiceInfo
from swarmpy.duration import DurationLike
from swarmpy.errors import InvalidArgument, NotFound, SwarmError
from swarmpy.network import Network, NetworkList, created, networks_where
from swarmpy.outcome import Outcome
from swarmpy.service import HEADER as SERVICE_HEADER
from swarmpy.service import Service, ServiceList, service_row, services_where
from swarmpy.service import created as created_service
from swarmpy.states import OutcomeState
from swarmpy.task import TaskList

HEADER = ("STACK", "SERVICES")
IN_USE = 30.0  # seconds in which the tasks of removed services leave their networks


class Stack(metaclass=Brief):
    """One stack. What it shows is asked when it is looked at.

    `.name`, `.services`, `.tasks`, `.networks` (lists, with tables for reprs), `.warnings` (what the file has
    that was passed over, and the swarm's remarks at the last deploy).
    """

    def __init__(self, hub: Hub, name: str, warnings: Sequence[str] = ()) -> None:
        self._hub, self.name, self.warnings = hub, name, tuple(warnings)

    @property
    def services(self) -> ServiceList:
        """Its services, by name: `shop_web`, ..."""
        return services_where(self._hub, lambda info: stack_of(info) == self.name)

    @property
    def tasks(self) -> TaskList:
        """Every task that the swarm keeps of its services, dead ones included: `docker stack ps`."""
        return TaskList(task for service in self.services for task in service.tasks)

    @property
    def networks(self) -> NetworkList:
        """The networks that were made for it; an external one is not its own."""
        return networks_where(self._hub, {"label": [f"{NAMESPACE}={self.name}"]})

    def wait(self, timeout: DurationLike = "60s") -> Outcome:
        """Lets the swarm go on until each of its services has come to the end of its last change, as
        `service.wait()`. The outcome is that of the first one that did not converge; without one, of all.
        """
        began = self._hub.open_world.now()
        deadline = began + duration.seconds(timeout)
        running = wanted = 0
        for service in self.services:
            outcome = service.wait(max(0.0, deadline - self._hub.world.now()))
            if not outcome:
                return outcome
            running, wanted = running + outcome.running, wanted + outcome.wanted
        took = self._hub.world.now() - began
        return Outcome(OutcomeState.CONVERGED, "", running, wanted, took, self.name)

    def remove(self) -> None:
        """Removes its services, then its networks, as `docker stack rm`: once the tasks have left them, or
        after 30 s with the swarm's error.
        """
        self._hub.check_open()
        if not self._hub.may_write("remove", self.name):
            return
        networks = self.networks
        for service in self.services:
            service._delete()
        deadline = self._hub.world.now() + IN_USE
        for network in networks:
            while not _is_gone(network, last=self._hub.world.now() >= deadline):
                self._hub.world.sleep(0.1)

    def __repr__(self) -> str:
        rows = self._rows()
        head = f"<Stack {self.name} {_show.counted(len(rows), 'service')} as of {self._hub.seen.at:.2f}s>"
        return f"{head}\n{_show.table(SERVICE_HEADER, rows)}" if rows else head

    def _repr_html_(self) -> str:
        caption = f"stack {self.name}, as of {self._hub.seen.at:.2f} s"
        return _show.html_box([_show.html_table(caption, SERVICE_HEADER, self._rows())])

    def _rows(self) -> list[tuple[str, ...]]:
        seen = self._hub.seen.services.values()
        return [service_row(self._hub, info) for info in seen if stack_of(info) == self.name]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stack) and (self._hub, self.name) == (other._hub, other.name)

    def __hash__(self) -> int:
        return hash(self.name)


class Stacks(metaclass=Brief):
    """The stacks of a swarm: `deploy("compose.yml", "shop")`, iterate, `stacks["shop"]`, `len`, `in`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def deploy(
        self, source: Source, name: str, *, prune: bool = False, env: Mapping[str, str] | None = None
    ) -> Stack:
        """Creates or updates what a compose file of version 3 describes, as `docker stack deploy`: a path, or
        a mapping of the same shape. What has not changed keeps its tasks. `.wait()` on it waits for them.

        `prune`: services of this stack that the file does not have are removed. `env`: what `${NAME}` stands
        for; None: the variables of this process. A file needs PyYAML: `pip install 'swarmpy[stacks]'`.

        Raises `InvalidArgument` for what Docker's CLI refuses, with its text where it has one; `SwarmError`
        for volumes, secrets and configs, which come with a later version; `NotFound` for an external network
        that is not there; `NoQuorum` without one. What was made before an error stays.
        """
        check_name(name)
        file = load(source, name, os.environ if env is None else env)
        self._hub.check_open()
        stack = Stack(self._hub, name)
        if prune:
            _prune(stack, file)
        _make_networks(self._hub, name, file.networks)
        warnings = list(file.remarks)
        present = {service.name: service for service in stack.services}
        for spec in file.services.values():
            service = _deployed(self._hub, present.get(spec["Name"]), spec)
            warnings += [f"{service.name}: {warning}" for warning in service.warnings]
        return Stack(self._hub, name, warnings)

    def list(self) -> StackList:
        """All, by name: `docker stack ls`."""
        names = sorted({stack_of(info) for info in self._hub.services()} - {""})
        return StackList(Stack(self._hub, name) for name in names)

    def get(self, name: str) -> Stack:
        """By name, as `stacks[name]`. Raises `NotFound` with the nearest name."""
        return self[name]

    def __iter__(self) -> Iterator[Stack]:
        return iter(self.list())

    def __len__(self) -> int:
        return len(self.list())

    def __contains__(self, name: object) -> bool:
        return any(name == one.name for one in self.list())

    def __getitem__(self, name: str) -> Stack:
        """By name. Raises `NotFound` with the nearest name."""
        known = self.list()
        for one in known:
            if one.name == name:
                return one
        self._hub.check_leader()
        raise not_found("stack", name, [one.name for one in known])

    def __repr__(self) -> str:
        rows = _stack_rows(self._hub)
        return _show.table(HEADER, rows) if rows else "no stacks"

    def _repr_html_(self) -> str:
        rows = _stack_rows(self._hub)
        return _show.html_box([_show.html_table(_show.counted(len(rows), "stack"), HEADER, rows)])


class StackList(list[Stack], metaclass=Brief):
    """Stacks by name; a plain list with a table for a repr."""

    def __repr__(self) -> str:
        return _show.table(HEADER, self._rows()) if self else "no stacks"

    def _repr_html_(self) -> str:
        caption = _show.counted(len(self), "stack")
        return _show.html_box([_show.html_table(caption, HEADER, self._rows())])

    def _rows(self) -> list[tuple[str, ...]]:
        return [(one.name, str(len(one._rows()))) for one in self]


def stack_of(info: ServiceInfo) -> str:
    """The stack that a service belongs to; "" for none."""
    return str((info.spec.get("Labels") or {}).get(NAMESPACE, ""))


def check_name(name: object) -> None:
    """Raises `InvalidArgument` for a name that Docker's CLI refuses: no text, or nothing but blanks."""
    if not isinstance(name, str) or not name.strip("'\" \t\n"):
        raise InvalidArgument(f"invalid stack name: {name!r}", hint='Say deploy("compose.yml", "shop").')


def _stack_rows(hub: Hub) -> list[tuple[str, ...]]:
    names = [stack_of(info) for info in hub.seen.services.values()]
    return [(name, str(names.count(name))) for name in sorted(set(names) - {""})]


def _is_gone(network: Network, *, last: bool) -> bool:
    """Returns true if it could be removed, false while tasks are still on it; the `last` time that raises."""
    try:
        network._delete()
    except SwarmError as error:
        if last or error.code != "FailedPrecondition":
            raise
        return False
    return True


def _prune(stack: Stack, file: StackFile) -> None:
    wanted = {spec["Name"] for spec in file.services.values()}
    for service in stack.services:
        if service.name not in wanted:
            service.remove()


def _make_networks(hub: Hub, stack: str, networks: Sequence[StackNetwork]) -> None:
    """Those that are not there yet. Raises `NotFound` for an external one, before any is made."""
    for one in networks:
        if one.request is None and one.name not in OF_NODES:
            _check_external(hub, one.name)
    there = {info.name for info in hub.networks({"label": [f"{NAMESPACE}={stack}"]})}
    for one in networks:
        if one.request is not None and one.name not in there:
            created(hub, one.request)


def _check_external(hub: Hub, name: str) -> None:
    try:
        hub.network(name)
    except NotFound:
        raise NotFound(
            f'network "{name}" is declared as external, but could not be found. You need to create a '
            "swarm-scoped network before the stack is deployed",
            hint=f'swarm.networks.create("{name}")',
        ) from None


def _deployed(hub: Hub, present: Service | None, spec: Mapping[str, Any]) -> Service:
    """The service, made or changed. An image that is written as before stays what the swarm made of it, and
    a forced update is no reason for another one.
    """
    if present is None:
        return created_service(hub, spec)

    def change(old: Mapping[str, Any]) -> dict[str, Any]:
        task, container = spec["TaskTemplate"], spec["TaskTemplate"]["ContainerSpec"]
        if (old.get("Labels") or {}).get(IMAGE) == spec["Labels"][IMAGE]:
            container = {**container, "Image": old["TaskTemplate"]["ContainerSpec"]["Image"]}
        force = old["TaskTemplate"].get("ForceUpdate", 0)
        return {**spec, "TaskTemplate": {**task, "ContainerSpec": container, "ForceUpdate": force}}

    return present._change("deploy", change)
