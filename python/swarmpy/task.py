"""Task: one attempt to run a service's program on a node. It lives once; its replacement is another task."""

from __future__ import annotations

import importlib
import signal as signals
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from swarmpy import _show
from swarmpy._brief import Brief
from swarmpy._hub import Hub
from swarmpy._models.plain import plain_address
from swarmpy._models.task_info import TaskInfo
from swarmpy._notes import note
from swarmpy._world.base import wait_until
from swarmpy.errors import NoQuorum, NotSupportedInMode, SwarmError, Unreachable
from swarmpy.states import TaskState

NOTICED_WITHIN = 5.0  # seconds that kill() waits for the swarm to see it
HEADER = ("TASK", "NODE", "DESIRED", "STATE", "IMAGE", "ERROR")


@dataclass(frozen=True)
class Timestamps(metaclass=Brief):
    """`created`: the task. `changed`: when it came to its state. `updated`: when anything of it was last
    written. Times of the swarm's calendar (UTC); virtual in the simulator.
    """

    created: datetime
    changed: datetime
    updated: datetime


class Task(metaclass=Brief):
    """One task as it was when it was asked for; `service.tasks` asks again.

    `.id`, `.name` (`web.1`; `web.<node id>` of a global service), `.slot` (1..n; 0 of a global service),
    `.node` (the node's name, "" before it is assigned), `.state`, `.desired_state` (`TaskState`), `.image`,
    `.error` ("" when all is well), `.message`, `.exit_code`, `.timestamps`, `.addresses` (its own, by the
    name of the network: `{"front": "10.0.1.3"}`).
    """

    def __init__(self, hub: Hub, info: TaskInfo, service_name: str, *, lost: bool = False) -> None:
        """`lost`: its node is down."""
        self._hub, self._info, self._lost = hub, info, lost
        self.id = info.id
        self.slot = info.slot
        self.name = f"{service_name}.{info.slot or info.node_id}"
        self.node = hub.node_name(info.node_id)
        self.state = info.state
        self.desired_state = info.desired_state
        self.image = info.image
        self.error = info.error
        self.message = info.message
        self.exit_code = info.exit_code
        self.addresses = {network: plain_address(address) for network, address in info.addresses}
        self.timestamps = Timestamps(info.created, info.changed, info.updated)

    def kill(self, signal: str | int = "KILL") -> None:
        """Sends a signal to its process, on its own node, as `docker kill` does there.

        With KILL it returns once the swarm knows that the task is over (or after 5 s: a swarm without a
        leader learns nothing). Raises `NotFound` when there is no such process, `Unreachable` when the node
        is dead.
        """
        self._hub.check_open()
        if self.state.over or not self._info.container_id:
            current = self._hub.task(self.id)
            self._info = current or self._info
        if self._info.state.over or not self._info.container_id:
            raise SwarmError(
                f"{self.name} ({self.id}) is {self._info.state}: it has no process",
                code="FailedPrecondition",
                hint="Take one that runs: [task for task in service.tasks if task.state == 'running'].",
            )
        door = self._hub.world.door(self.node)
        if not self._hub.may_write("kill_task", self.name):
            return
        query = {"signal": signal}
        note(self._hub.world, "fault", f"{self.name} killed on {self.node}")

        def ask() -> None:
            path = f"/containers/{self._info.container_id}/kill"
            self._hub.client.call("POST", path, query=query, at=door)

        if str(signal).removeprefix("SIG") not in ("KILL", str(int(signals.SIGKILL))):
            ask()
            return
        self._as_a_fault(ask)
        wait_until(self._hub.world, self._noticed, NOTICED_WITHIN)

    def _as_a_fault(self, ask: Callable[[], None]) -> None:
        """So that the swarm's history tells it, where there is one."""
        try:
            breaker = self._hub.world.breaker()
        except NotSupportedInMode:
            ask()
        else:
            breaker.kill_task(self.id, ask)

    def _noticed(self) -> bool:
        try:
            current = self._hub.task(self.id)
        except (NoQuorum, Unreachable):
            return True
        return current is None or current.state.over

    def row(self) -> tuple[str, ...]:
        """As a line of `docker service ps`."""
        return self.name, self.node, str(self.desired_state), str(self.state), self.image, self.error

    def _repr_html_(self) -> str:
        return _show.html_box([_show.html_table(f"task {self.id}", HEADER, [self.row()])])

    def __repr__(self) -> str:
        error = f" error={self.error!r}" if self.error else ""
        return (
            f"<Task {self.name} {self.id[:12]} {self.state} on {self.node or 'no node'} {self.image}{error}>"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Task) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)


class TaskList(list[Task], metaclass=Brief):
    """Tasks by slot, the youngest of a slot first; a plain list with a table for a repr and some cuts."""

    def to_pandas(self) -> Any:
        """A DataFrame, one row a task. Needs pandas."""
        names = ("id", "name", "slot", "node", "state", "desired_state", "image", "error", "exit_code")
        rows = [{**{name: getattr(one, name) for name in names}, **vars(one.timestamps)} for one in self]
        return importlib.import_module("pandas").DataFrame(rows)

    @property
    def running(self) -> TaskList:
        """Those that run and are meant to, on nodes that are not down."""
        return TaskList(task for task in self if task._info.runs and not task._lost)

    @property
    def pending(self) -> TaskList:
        """Those that no node was found for yet."""
        return TaskList(task for task in self if task.state in (TaskState.NEW, TaskState.PENDING))

    @property
    def failed(self) -> TaskList:
        """Those that ended badly, or that their node refused."""
        return TaskList(task for task in self if task.state in (TaskState.FAILED, TaskState.REJECTED))

    def __repr__(self) -> str:
        return _show.table(HEADER, [task.row() for task in self]) if self else "no tasks"

    def _repr_html_(self) -> str:
        return _show.html_box([_show.html_table(f"{len(self)} tasks", HEADER, [task.row() for task in self])])
