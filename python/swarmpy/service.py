"""Service: what is wanted, and the tasks that make it so. Services: all of a swarm.

Changing methods return the service itself, so that `web.scale(5).wait()` reads as it is meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Literal, Unpack, cast, overload

from swarmpy import _show, duration
from swarmpy._brief import Brief
from swarmpy._conflicts import helped
from swarmpy._converge import wait_service
from swarmpy._hub import Hub
from swarmpy._log_stream import LogStream, followed
from swarmpy._log_stream import whole as whole_log
from swarmpy._models import constraints, times
from swarmpy._models.attachments import changed, resolved
from swarmpy._models.log_frames import LogFrame, incomplete
from swarmpy._models.names import invented
from swarmpy._models.nearest import not_found
from swarmpy._models.options import ServiceOptions, new_spec
from swarmpy._models.plain import plain_address, whole
from swarmpy._models.service_info import ServiceInfo, attached, image_of
from swarmpy._models.task_info import TaskInfo
from swarmpy._notes import note
from swarmpy.duration import DurationLike
from swarmpy.errors import Conflict
from swarmpy.options import CreateOptions, Options, UpdateOptions, takes
from swarmpy.options import check as check_options
from swarmpy.outcome import Outcome
from swarmpy.states import Mode, UpdateState
from swarmpy.task import HEADER as TASK_HEADER
from swarmpy.task import Task, TaskList

HEADER = ("SERVICE", "MODE", "TASKS", "IMAGE", "UPDATE")
_OF_THE_CALL = ("name", "mode", "force", "network_add", "network_rm")
ATTEMPTS = 5  # when somebody else changes the service meanwhile


@dataclass(frozen=True)
class LogLine(metaclass=Brief):
    """One line that a task wrote. `stream`: `"stdout"` or `"stderr"`; `"error"`: not the task's, but what is
    missing of it from here on. `str(line)` is its text.
    """

    task: str
    node: str
    stream: str
    time: datetime
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class SpecVersion(metaclass=Brief):
    """One version of a service's spec, as kept by the swarm. `spec`: the API's ServiceSpec.

    Of versions before the last one tasks alone tell, and not how many they were to be: `replicas` is None.
    """

    version: int
    current: bool
    image: str
    replicas: int | None
    spec: Mapping[str, Any]

    def __repr__(self) -> str:
        now = " current" if self.current else ""
        replicas = "" if self.replicas is None else f" replicas={self.replicas}"
        return f"<SpecVersion {self.version}{now} {self.image}{replicas}>"


class SpecHistory(list[SpecVersion], metaclass=Brief):
    """Versions, oldest first; a plain list with a table in a notebook."""

    def _repr_html_(self) -> str:
        rows = [
            (
                one.version,
                "current" if one.current else "",
                one.image,
                "" if one.replicas is None else one.replicas,
            )
            for one in self
        ]
        header = ("VERSION", "", "IMAGE", "REPLICAS")
        return _show.html_box([_show.html_table(f"{len(rows)} versions", header, rows)])


class Service(metaclass=Brief):
    """One service. What it shows is asked when it is looked at.

    `.id`, `.name`, `.image`, `.mode` (`"replicated"`, `"global"`), `.replicas` (None for a global one),
    `.tasks`, `.running`, `.update_state`, `.virtual_ips`, `.spec` (the API's JSON), `.warnings` (the swarm's
    remarks at the last change).
    """

    def __init__(self, hub: Hub, service_id: str, name: str, warnings: Sequence[str] = ()) -> None:
        self._hub, self.id, self.name, self.warnings = hub, service_id, name, tuple(warnings)

    # ---- what it is

    @property
    def tasks(self) -> TaskList:
        """Every task that the swarm keeps, dead ones included: by slot, the youngest of a slot first."""
        down = self._hub.down_nodes()
        return TaskList(
            Task(self._hub, info, self.name, lost=info.node_id in down) for info in self._hub.tasks(self.id)
        )

    @property
    def running(self) -> int:
        """How many tasks run and are meant to, on nodes that are not down."""
        return self._hub.running(self.id)

    @property
    def image(self) -> str:
        """What its newest spec runs, as it was written: `nginx:1.10`."""
        return self._info().image

    @property
    def mode(self) -> str:
        """`"replicated"` or `"global"`."""
        return self._info().mode

    @property
    def replicas(self) -> int | None:
        """How many tasks are wanted; None for a global service."""
        return self._info().replicas

    @property
    def update_state(self) -> UpdateState:
        """How far the last update, or its way back, has come; `none` when there was none."""
        return self._info().update_state

    @property
    def virtual_ips(self) -> dict[str, str]:
        """The address that stands for all its tasks, by the name of the network: `{"front": "10.0.1.2"}`.
        Empty with `endpoint_mode="dnsrr"`, and until the swarm has given it one.
        """
        found = self._info().virtual_ips
        return {self._hub.network_name(network): plain_address(address) for network, address in found}

    @property
    def spec(self) -> Mapping[str, Any]:
        """The API's ServiceSpec, as JSON."""
        return self._info().spec

    def history(self) -> SpecHistory:
        """The versions of its spec that the swarm still knows, oldest first."""
        raw = self._hub.client.json("GET", f"/swarmpy/v1/services/{self.id}/history")
        return SpecHistory(_version(entry) for entry in raw)

    # ---- changing it

    def wait(self, timeout: DurationLike = "60s") -> Outcome:
        """Lets the swarm go on until the last create, scale, update or rollback has come to its end.

        Truthy when converged: the wanted number of tasks of the newest spec run and no older task of the
        service still runs. Otherwise `.state` and `.reason` say why: paused, rolled back, failed, timed out.
        Never raises for these.
        """
        return wait_service(self._hub, self.id, self.name, duration.seconds(timeout))

    def scale(self, replicas: int) -> Service:
        """Wants this many tasks. Raises `InvalidArgument` for a global service."""
        whole("replicas", replicas)
        return self._change("scale", ServiceOptions(replicas=replicas).applied_to, replicas)

    @takes(UpdateOptions)
    def update(self, **options: Unpack[UpdateOptions]) -> Service:
        """Changes what is named and nothing else; the tasks are replaced as `update` (a Rolling) says.

        Raises `UnknownOption` for a word that is no option, `InvalidArgument` for a value that the swarm does
        not take (a port that is taken, too), `NoQuorum` without one.
        """
        check_options(options, UpdateOptions)
        force, given, rewire = options.get("force", False), self._given(options), self._rewiring(options)

        def change(spec: Mapping[str, Any]) -> dict[str, Any]:
            new = rewire(given.applied_to(spec))
            if force:
                new["TaskTemplate"]["ForceUpdate"] = new["TaskTemplate"].get("ForceUpdate", 0) + 1
            return new

        return self._change("update", change, ", ".join(sorted(options)))

    def rollback(self) -> Service:
        """Goes back to the spec before the last update. Raises `SwarmError` when there is none."""
        return self._change("rollback", dict, rollback="previous")

    def remove(self) -> None:
        """Removes the service; its tasks are stopped."""
        self._hub.check_open()
        if not self._hub.may_write("remove", self.name):
            return
        self._delete()

    def _delete(self) -> None:
        self._hub.client.call("DELETE", f"/services/{self.id}")
        self._hub.forget_service(self.id)

    # ---- its output

    @overload
    def logs(
        self,
        *,
        follow: Literal[False] = False,
        tail: int | None = None,
        since: float | datetime | None = None,
    ) -> list[LogLine]: ...
    @overload
    def logs(
        self,
        *,
        follow: Literal[True],
        tail: int | None = None,
        since: float | datetime | None = None,
        timeout: DurationLike | None = None,
    ) -> Iterator[LogLine]: ...
    def logs(
        self,
        *,
        follow: bool = False,
        tail: int | None = None,
        since: float | datetime | None = None,
        timeout: DurationLike | None = None,
    ) -> list[LogLine] | Iterator[LogLine]:
        """What its tasks wrote, from all nodes. `tail`: the last lines of each task. `since`: seconds, as
        `swarm.now`, or a datetime of the swarm's calendar.

        With `follow` an iterator that goes on, for `timeout` or until the service is removed, also at another
        manager when its own is cut off; `Unreachable` when the manager dies.

        Raises `IncompleteLogs` when a part cannot be had; its `.lines` are those that could be. With `follow`
        a task whose node is lost is named at once by a line of the stream `"error"` and the others go on; the
        error comes when the stream ends. A node that comes back is not followed again: ask anew.

        In the simulator what was written is looked at, which changes nothing; what is followed takes time.
        """
        self._hub.check_open()
        start = self._hub.calendar_ns(since)
        query = {
            "stdout": True,
            "stderr": True,
            "details": True,
            "timestamps": True,
            "follow": follow,
            "tail": "all" if tail is None else tail,
            "since": None if start is None else times.api_seconds(start),
        }
        self._hub.clock_was_read = True  # lines come without a change of the swarm
        if not follow:
            return self._whole_log(query)
        span = duration.seconds(timeout) if timeout is not None else float("inf")
        stream = LogStream(self._hub, self.id, query)
        coming = followed(self._hub, stream, self._hub.world.now() + span)
        return (self._log_line(frame) for frame in coming)

    def _whole_log(self, query: Mapping[str, object]) -> list[LogLine]:
        lines: list[LogLine] = []
        for frame in whole_log(self._hub, f"/services/{self.id}/logs", query):
            if frame.stream == "error":
                raise incomplete(frame.text, lines)
            lines.append(self._log_line(frame))
        return lines

    def _log_line(self, frame: LogFrame) -> LogLine:
        stream = "error" if frame.stream == "missing" else frame.stream
        node = self._hub.node_name(frame.details.get("com.docker.swarm.node.id", ""))
        return LogLine(
            frame.details.get("com.docker.swarm.task.id", ""), node, stream, frame.time, frame.text
        )

    # ---- inside

    def _info(self) -> ServiceInfo:
        return self._hub.service(self.id)

    def _given(self, options: UpdateOptions) -> ServiceOptions:
        return _given(with_network_ids(self._hub, options))

    def _rewiring(self, options: UpdateOptions) -> Callable[[dict[str, Any]], dict[str, Any]]:
        """What `network_add` and `network_rm` make of a spec."""
        add, remove = (
            resolved(value, partial(_network_id, self._hub)) if value is not None else []
            for value in (options.get("network_add"), options.get("network_rm"))
        )

        def rewired(spec: dict[str, Any]) -> dict[str, Any]:
            if add or remove:
                spec["TaskTemplate"]["Networks"] = changed(attached(spec), add, remove)
                spec.pop("Networks", None)
            return spec

        return rewired

    def _change(
        self,
        what: str,
        change: Callable[[Mapping[str, Any]], dict[str, Any]],
        detail: object = "",
        **query: str,
    ) -> Service:
        self._hub.check_open()
        if not self._hub.may_write(what, self.name, detail):
            return self
        for attempt in range(1, ATTEMPTS + 1):
            info = self._hub.service(self.id, before_write=True)
            spec, asked = change(info.spec), {"version": info.version, **query}
            try:
                reply = helped(partial(self._post, spec, asked))
                break
            except Conflict as error:
                if attempt == ATTEMPTS or "out of sequence" not in error.message:
                    raise
        self._hub.last_change[self.id] = what
        note(self._hub.world, "update", f"{self.name}: {what}")
        self.warnings = tuple(_warnings(self._hub, spec, reply))
        return self

    def _post(self, spec: Mapping[str, Any], query: Mapping[str, object]) -> Any:
        path = f"/services/{self.id}/update"
        return self._hub.client.json("POST", path, query=query, body=spec, after_read=True)

    def __repr__(self) -> str:
        info, tasks = self._hub.seen.services.get(self.id), self._hub.seen.tasks.get(self.id, [])
        if info is None:
            return f"<Service {self.name} (removed, or not looked at yet)>"
        head = f"<Service {_summary(info, tasks)} as of {self._hub.seen.at:.2f}s>"
        rows = [_task_row(self._hub, info, task) for task in tasks]
        return f"{head}\n{_show.table(TASK_HEADER, rows)}" if rows else head

    def _repr_html_(self) -> str:
        info, tasks = self._hub.seen.services.get(self.id), self._hub.seen.tasks.get(self.id, [])
        if info is None:
            return _show.html_box([_show.html_table(f"service {self.name}", TASK_HEADER, [])])
        caption = f"service {_summary(info, tasks)}, as of {self._hub.seen.at:.2f} s"
        rows = [_task_row(self._hub, info, task) for task in tasks]
        return _show.html_box([_show.html_table(caption, TASK_HEADER, rows)])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Service) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)


class ServiceList(list[Service], metaclass=Brief):
    """Services by name; a plain list with a table for a repr."""

    def _rows(self) -> list[tuple[str, ...]]:
        known = [(one._hub, one._hub.seen.services.get(one.id)) for one in self]
        return [service_row(hub, info) for hub, info in known if info is not None]

    def __repr__(self) -> str:
        return _show.table(HEADER, self._rows()) if self else "no services"

    def _repr_html_(self) -> str:
        return _show.html_box([_show.html_table(_show.counted(len(self), "service"), HEADER, self._rows())])


class Services(metaclass=Brief):
    """All services of a swarm: `create(...)`, iterate, `services["web"]` (name or id), `len`, `in`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    @takes(CreateOptions)
    def create(self, image: str, **options: Unpack[CreateOptions]) -> Service:
        """Creates a service; `.wait()` on it waits for its tasks.

        Raises `Conflict` when the name is taken, `UnknownOption` for a word that is no option,
        `InvalidArgument` for a value that the swarm does not take (a port that is taken, too), `NoQuorum`
        without one.
        """
        check_options(options, CreateOptions, also=["image"])
        name, mode = options.get("name"), options.get("mode") or "replicated"
        empty = new_spec(name, mode)
        given = _given({**with_network_ids(self._hub, options), "image": image})
        spec = given.applied_to(empty)
        spec["Name"] = spec["Name"] or self._invented_name()
        return created(self._hub, spec)

    def _invented_name(self) -> str:
        """Empty leaves it to the engine, whose chance has a seed in the simulator only."""
        world = self._hub.open_world
        if world.mode is Mode.SIM or world.seed is None:
            return ""
        return invented(world.random, [info.name for info in self._hub.services()])

    def __iter__(self) -> Iterator[Service]:
        return iter([Service(self._hub, info.id, info.name) for info in self._hub.services()])

    def __len__(self) -> int:
        return len(self._hub.services())

    def __contains__(self, name: object) -> bool:
        return any(name in (info.name, info.id) for info in self._hub.services())

    def __getitem__(self, name: str) -> Service:
        """By name or id. Raises `NotFound` with the nearest name."""
        infos = self._hub.services()
        for info in infos:
            if name in (info.name, info.id):
                return Service(self._hub, info.id, info.name)
        self._hub.check_leader()
        raise not_found("service", name, [info.name for info in infos])

    def __repr__(self) -> str:
        return service_table(self._hub)

    def _repr_html_(self) -> str:
        rows = [service_row(self._hub, info) for info in self._hub.seen.services.values()]
        return _show.html_box([_show.html_table(f"{len(rows)} services", HEADER, rows)])


def created(hub: Hub, spec: Mapping[str, Any]) -> Service:
    """Sends POST /services/create."""
    reply = helped(lambda: hub.client.json("POST", "/services/create", body=spec))
    hub.last_change[reply["ID"]] = "create"
    info = hub.service(reply["ID"])
    return Service(hub, info.id, info.name, _warnings(hub, spec, reply))


def services_where(hub: Hub, fits: Callable[[ServiceInfo], bool]) -> ServiceList:
    """The services whose last listing fits, by name."""
    return ServiceList(Service(hub, info.id, info.name) for info in hub.services() if fits(info))


def with_network_ids(hub: Hub, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with the ids of the networks that they name. Raises `NotFound` with the nearest name."""
    networks = options.get("networks")
    if networks is None:
        return dict(options)
    return {**options, "networks": resolved(networks, partial(_network_id, hub))}


def _network_id(hub: Hub, name: str) -> str:
    from swarmpy.network import found  # which knows services

    return found(hub, name).id


def service_row(hub: Hub, info: ServiceInfo) -> tuple[str, ...]:
    """Returns the service's line in a table: one text for each column of HEADER."""
    running = sum(1 for task in hub.seen.tasks.get(info.id, []) if task.runs)
    wanted = "all nodes" if info.replicas is None else str(info.replicas)
    update = "" if info.update_state is UpdateState.NONE else str(info.update_state)
    return info.name, info.mode, f"{running}/{wanted}", info.image, update


def service_table(hub: Hub, most: int = _show.MOST_LINES) -> str:
    """Returns the services as a table of at most so many lines."""
    rows = [service_row(hub, info) for info in hub.seen.services.values()]
    return _show.table(HEADER, rows, most) if rows else "no services"


def _given(options: Mapping[str, object]) -> ServiceOptions:
    """What is said of the service itself, not of how it is made or changed."""
    return ServiceOptions(**cast(Options, {key: options[key] for key in options if key not in _OF_THE_CALL}))


def _warnings(hub: Hub, spec: Mapping[str, Any], reply: Mapping[str, Any] | None) -> list[str]:
    """The swarm's remarks, and ours: of labels that no node has."""
    ours = constraints.remarks(spec, hub.nodes()) if constraints.has_labels(spec) else []
    return [*((reply or {}).get("Warnings") or ()), *ours]


def _version(raw: Mapping[str, Any]) -> SpecVersion:
    spec = raw["Spec"]
    if not raw["Whole"]:  # only its tasks tell of it, and they do not know how many they were to be
        spec = {key: value for key, value in spec.items() if key != "Mode"}
    version = raw["SpecVersion"]
    number = version["Index"] if isinstance(version, Mapping) else version
    replicas = (spec.get("Mode") or {}).get("Replicated", {}).get("Replicas")
    return SpecVersion(int(number), bool(raw["Current"]), image_of(spec["TaskTemplate"]), replicas, spec)


def _summary(info: ServiceInfo, tasks: Sequence[TaskInfo]) -> str:
    running = sum(1 for task in tasks if task.runs)
    wanted = "" if info.replicas is None else f"/{info.replicas}"
    update = "" if info.update_state is UpdateState.NONE else f" {info.update_state}"
    return f"{info.name} {info.mode} {running}{wanted} {info.image}{update}"


def _task_row(hub: Hub, service: ServiceInfo, info: TaskInfo) -> tuple[str, ...]:
    node = hub.seen_node_name(info.node_id)
    name = f"{service.name}.{info.slot or info.node_id}"
    return name, node, str(info.desired_state), str(info.state), info.image, info.error
