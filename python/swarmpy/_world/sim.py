"""SimWorld: machines in virtual time, in this process. Time only runs while somebody waits, or while it is
served.
"""

from __future__ import annotations

import platform
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, cast

from swarmpy._connection.base import Connection, Request, Shown
from swarmpy._connection.sim import SimConnection, look
from swarmpy._faults.sim import SimBreaker
from swarmpy._faults.words import ENDS
from swarmpy._models.nearest import did_you_mean
from swarmpy._models.plain import check_name
from swarmpy._world.base import Door, Needs
from swarmpy._world.pulse import VirtualPulse
from swarmpy.errors import Conflict, NotFound, NotSupportedInMode, SwarmError, Unreachable
from swarmpy.plan import Fault
from swarmpy.states import Mode

try:
    from swarmpy._core import World as Core
except ModuleNotFoundError:  # a module for one version of Python; `make demo` builds none
    raise SwarmError(
        f"the simulator is not built for this Python, {platform.python_version()}",
        code="FailedPrecondition",
        hint='In the source tree, run: make build. Or take mode="real".',
    ) from None

if TYPE_CHECKING:
    from swarmpy._world.served import SimDoor

DEFAULT_NANO_CPUS, DEFAULT_MEMORY = 4_000_000_000, 8 << 30
MANAGEMENT_PORT = 2377
FOR_EVER = 1e9  # seconds: more would not fit into nanoseconds


@dataclass(frozen=True)
class FailureMark:
    """Where a run stood when it failed. `inputs`: how many were told before; `plan`: its faults, as JSON."""

    steps: int
    inputs: int
    plan: str

    def to_json(self) -> dict[str, int]:
        """For a journal, which has the plan elsewhere."""
        return {"steps": self.steps, "inputs": self.inputs}


class SimWorld:
    def __init__(self, seed: int | None = None, *, core: Core | None = None) -> None:
        """`core`: a run that is there already, with this seed."""
        self._seed = secrets.randbits(32) if seed is None else seed
        self._core = Core(self._seed) if core is None else core
        self._epoch_ns = self._core.wall_ns() - self._core.now_ns()
        self._doors: dict[str, SimConnection] = {}
        self._pulse = VirtualPulse(self._core)
        self._served: set[SimDoor] = set()  # kept here: a door is open for as long as its swarm is there
        self._random = Random(self._seed)
        self._breaker = SimBreaker(self._core)
        self._closed = False
        self._cleaned: FailureMark | None = None
        self._cleaned_until: object = None
        self.between: Callable[[], None] = lambda: None  # for real time: the engine asks by itself

    @property
    def name(self) -> str:
        return ""

    @property
    def random(self) -> Random:
        return self._random

    def ended(self) -> str:
        return "this swarm is closed" if self._closed else ""

    @property
    def mode(self) -> Mode:
        return Mode.SIM

    @property
    def core(self) -> Core:
        """The engine's own handle, for what has no public name yet."""
        return self._core

    @property
    def seed(self) -> int | None:
        return self._seed

    @property
    def trace_hash(self) -> str | None:
        return f"{self._core.trace_hash():016x}"

    @property
    def epoch_ns(self) -> int:
        return self._epoch_ns

    def now(self) -> float:
        return self._core.now_ns() / 1e9

    def sleep(self, span: float) -> None:
        self._pulse.run_to(self._in(span))

    def mark(self) -> object:
        return self._core.changes()

    def whole_mark(self) -> object:
        return self._core.changes(), self._core.raft_changes()

    def wait_for_news(self, since: object, span: float, pause: float, needs: Needs | None) -> None:
        def wait(stop: int) -> str:
            if since is None:
                return self._core.wait_event(begun, stop)
            if needs is None:
                return self._core.wait_change(seen, stop)
            services = list(needs.services)
            return self._core.wait_change(seen, stop, services=services, ready_nodes=needs.ready_nodes)

        begun, seen = self._core.events(), cast(int, since)
        self._pulse.run(wait, self._in(span))

    def may_be_there(self, needs: Needs) -> bool:
        return self._core.may_be_there(list(needs.services), needs.ready_nodes)

    def _in(self, span: float) -> int:
        return self._core.now_ns() + round(min(span, FOR_EVER) * 1e9)

    # ---- what a failed run did after its failure

    @contextmanager
    def clean_up(self) -> Iterator[None]:
        """What is done inside undoes something because of an exception."""
        if self._cleaned is None or self._cleaned_until != self._told():
            steps, _, _ = self._core.done()
            self._cleaned = FailureMark(steps, self._core.inputs(), self._core.told_faults())
        try:
            yield
        finally:
            self._cleaned_until = self._told()

    def _told(self) -> object:
        return self._core.done(), self._core.inputs()

    def failure_mark(self) -> FailureMark | None:
        """Where the run broke in the engine; else where its last clean-up began, if nothing came after it."""
        if (mark := self._core.failure_mark()) is not None:
            return FailureMark(*mark)
        return self._cleaned if self._cleaned_until == self._told() else None

    def look(self, request: Request) -> Shown | None:
        return look(self._core, "", request)

    def step(self) -> bool:
        went = self._core.step()
        self._pulse.beat()
        return went

    def hurry(self) -> None:
        self._pulse.hurry()

    def moment(self) -> object:
        return (self._core.events(), self._core.now_ns())

    def doors(self, without: Collection[str] = ()) -> list[Connection]:
        no = {*without, *self._core.dead()}
        return [door for name, door in self._doors.items() if name not in no]

    def ways_in(self, workers: Collection[str]) -> list[Connection]:
        """The managers of this moment: whom a write asks must not hang on what was looked at before."""
        return [self._doors[name] for name in self._core.managers() if name in self._doors] or self.doors()

    def door(self, name: str) -> Connection:
        try:
            return self._doors[name]
        except KeyError:
            hint = did_you_mean(name, self._doors)
            raise NotFound(f"there is no machine named {name}", hint=hint) from None

    def dead(self) -> Collection[str]:
        return frozenset(self._core.dead())

    def alive(self, name: str) -> bool:
        return name not in self._doors or self._core.alive(name)

    def may_lead(self, name: str) -> bool:
        return self._core.leader() == name

    def counted(self, name: str) -> str:
        return self._core.counted(name) if name in self._doors else ""

    def add(self, name: str, *, labels: Mapping[str, str], nano_cpus: int, memory_bytes: int) -> None:
        check_name(name, "node")
        if name in self._doors:
            raise Conflict(f"there is a machine named {name} already", hint="Choose another name.")
        self._core.add_machine(
            name, dict(labels), nano_cpus or DEFAULT_NANO_CPUS, memory_bytes or DEFAULT_MEMORY
        )
        self._doors[name] = SimConnection(self._core, name, self._pulse)

    def address(self, name: str) -> str:
        return f"{self._core.address(name)}:{MANAGEMENT_PORT}"

    def reach(self, name: str) -> str:
        return self._core.address(name)

    def docker_host(self, name: str) -> str:
        raise NotSupportedInMode(
            "a simulated node has no address of its own for docker",
            hint=f'Give it one: swarm.serve("unix:///tmp/{name}.sock", node="{name}").',
        )

    def kill(self, name: str) -> None:
        """As a fault that has no end: it is told in the history."""
        if self._core.alive(name):
            self.breaker().begin(Fault("kill", node=name))

    def start(self, name: str) -> None:
        for number, fault in self.breaker().active():
            if fault.kind in ENDS and fault.args["node"] == name:
                self.breaker().end(number)
        if not self._core.alive(name):
            self._core.start(name)

    def machines(self) -> Sequence[str]:
        return list(self._doors)

    def breaker(self) -> SimBreaker:
        return self._breaker

    def http_get(self, name: str, port: int, path: str, timeout: float) -> tuple[int, str]:
        self.door(name)
        request = self._core.http_get(name, port)
        self._pulse.run(lambda stop: self._core.wait_http(request, stop), self._in(timeout))
        ended, status, body, error = self._core.http_reply(request)
        if ended and status:
            return status, body
        raise Unreachable(
            f"nobody answers at {name}:{port}: {error or 'timed out'}",
            hint="Is the port published (ports=[...]), and does a task run?",
        )

    def serve(self, address: str, name: str) -> Door:
        from swarmpy._world.served import SimDoor

        self.door(name)
        door = SimDoor(self._core, name, address, self._served.discard)
        self._served.add(door)
        return door

    def watch(self, beat: Callable[[], float]) -> Callable[[], None]:
        return self._pulse.watch(beat)

    def waiting_for(self, what: str) -> AbstractContextManager[None]:
        return nullcontext()

    def close(self) -> None:
        self._pulse.clear()
        for door in list(self._served):
            door.close()
        self._doors.clear()
        self._closed = True
