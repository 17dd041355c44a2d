"""Two worlds over a run that was written down: one that plays it and takes no orders, and one that has left
it and goes on by itself.

Machines come as the run's inputs make them, so the ways to them are found when they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, NoReturn

from swarmpy._connection.base import Connection, Exchange, Request
from swarmpy._connection.sim import SimConnection
from swarmpy._faults.sim import SimBreaker
from swarmpy._world.base import Door
from swarmpy._world.sim import SimWorld
from swarmpy.errors import InvalidArgument, InvariantError, NotSupportedInMode, SwarmError

if TYPE_CHECKING:
    from swarmpy._core import World as Core
    from swarmpy._replay.file import Journal
    from swarmpy.plan import Fault, Plan

FORK = "Go on from here as a swarm of your own: live = replay.fork()."


class FollowedWorld(SimWorld):
    """One whose machines may come by themselves."""

    def _seen(self) -> None:
        core = self._core
        for name in core.machines():
            if name not in self._doors:
                self._doors[name] = self._way(core, name)

    def _way(self, core: Core, name: str) -> SimConnection:
        return SimConnection(core, name, self._pulse)

    def doors(self, without: Collection[str] = ()) -> list[Connection]:
        self._seen()
        return super().doors(without)

    def ways_in(self, workers: Collection[str]) -> list[Connection]:
        self._seen()
        return super().ways_in(workers)

    def door(self, name: str) -> Connection:
        self._seen()
        return super().door(name)


class ReplayWorld(FollowedWorld):
    """The run itself, at some moment. Time may pass in it, and be turned back; nothing else is done to it."""

    def __init__(self, journal: Journal, make: Callable[[], Core]) -> None:
        self.journal, self._make = journal, make
        self._moved = True
        self._broke = False
        super().__init__(journal.seed, core=make())
        self._breaker = ReadOnlyBreaker(self)

    def is_set_up(self) -> None:
        """All that belongs to it was made. Until it is told where to stand, it stands at the end."""
        self._moved = False

    # ---- where it stands

    @property
    def _core(self) -> Core:
        self.settle()
        return self._played

    @_core.setter
    def _core(self, core: Core) -> None:
        self._played = core

    @property
    def end_ns(self) -> int:
        return round(self.journal.end * 1e9)

    @property
    def moved(self) -> bool:
        """Somebody said where to stand."""
        return self._moved

    def pulse_beats(self) -> None:
        """Calls the watchers."""
        self._pulse.beat()

    @property
    def broke(self) -> bool:
        """The engine found itself wrong where this stands: it is the moment before."""
        return self._broke

    def settle(self) -> None:
        """Without a place that was asked for, it stands at the end of the run."""
        if not self._moved:
            self.to(self.end_ns)

    def begin(self) -> None:
        """Stands before all that happened."""
        if self._moved:
            self._set(self._make())
        self._moved = True

    def to(self, moment_ns: int) -> None:
        """After all that happened until then. What breaks in the engine on the way is the end."""
        self._moved = True
        if moment_ns < self._played.now_ns() or self._broke:
            self._set(self._make())
        try:
            self._pulse.run_to(moment_ns)
        except InvariantError:
            self.stand_before_it_broke()

    def steps(self) -> int:
        return self._core.done()[0]

    def where(self) -> tuple[int, int]:
        """Steps that were taken, and the time."""
        steps, now_ns, _ = self._core.done()
        return steps, now_ns

    def to_step(self, number: int) -> None:
        """Where so many steps were taken."""
        if number < self.steps() or self._broke:
            self._set(self._make())
        try:
            self._played.run_to_step(number)
        except InvariantError:
            self.stand_before_it_broke()

    def stand_before_it_broke(self) -> None:
        """Nothing can be seen in a world that broke."""
        steps, _, _ = self._played.done()
        self._set(self._make())
        self._played.run_to_step(steps - 1)
        self._broke = True

    def _set(self, core: Core) -> None:
        self._played, self._broke = core, False
        self._doors.clear()
        self._pulse.go_on_in(core)

    def _in(self, span: float) -> int:
        """Time ends where the run ended."""
        begun, end = self._core.now_ns(), self.end_ns
        if begun >= end and span > 0:
            raise SwarmError(
                f"the run ended at {self.journal.end:.9g}s: nothing comes after it",
                code="OutOfRange",
                hint=FORK,
            )
        return min(super()._in(span), end)

    def sleep(self, span: float) -> None:
        if self._core.now_ns() + round(span * 1e9) > self.end_ns:
            raise past_the_end(self.journal.end, self.now() + span)
        super().sleep(span)

    # ---- it takes no orders

    def _way(self, core: Core, name: str) -> SimConnection:
        return ReadOnlyConnection(core, name, self._pulse)

    def add(self, name: str, *, labels: Mapping[str, str], nano_cpus: int, memory_bytes: int) -> None:
        _refuse(f"add {name} to it")

    def kill(self, name: str) -> None:
        _refuse(f"kill {name}")

    def start(self, name: str) -> None:
        _refuse(f"start {name}")

    def http_get(self, name: str, port: int, path: str, timeout: float) -> tuple[int, str]:
        _refuse(f"ask {name}:{port}")

    def serve(self, address: str, name: str) -> Door:
        _refuse(f"serve {name}")


class ReadOnlyBreaker(SimBreaker):
    """Of whatever core the replay stands in."""

    def __init__(self, world: ReplayWorld) -> None:
        self._world = world

    @property
    def _core(self) -> Core:  # type: ignore[override]
        return self._world.core

    def begin(self, fault: Fault) -> int:
        _refuse(f"break it: {fault}")

    def end(self, number: int) -> None:
        _refuse("end a fault in it")

    def heal(self) -> None:
        _refuse("heal it")

    def run(self, plan: Plan) -> list[int]:
        _refuse("run a plan of faults in it")

    def kill_task(self, task: str, ask: Callable[[], None]) -> None:
        _refuse(f"kill the task {task}")

    def quiet(self, on: bool) -> None:
        _refuse("hold its faults back")


class ReadOnlyConnection(SimConnection):
    def open(self, request: Request) -> Exchange:
        _refuse(f"send {request.method} {request.target.partition('?')[0]}")


def past_the_end(end: float, asked: float) -> SwarmError:
    return InvalidArgument(
        f"the run ended at {end:.9g}s: there is no {asked:.9g}s",
        code="OutOfRange",
        hint=f"Say a time up to {end:.9g}, or go on from its end: live = replay.fork().",
    )


def _refuse(what: str) -> NoReturn:
    raise NotSupportedInMode(f"a replay is what happened: one cannot {what}", hint=FORK)
