"""World: machines, the ways to them, and time. Everything else of a swarm goes through its API, the same in
each world.

Times are seconds since the world began. A *machine* is a daemon by its hostname, in a swarm or not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Protocol

from swarmpy._brief import Brief
from swarmpy._connection.base import Connection, Request, Shown
from swarmpy.states import Mode

if TYPE_CHECKING:
    from swarmpy._faults.breaker import Breaker

FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.2  # seconds between two looks, growing
SHORTEST = 1e-9  # seconds: the clock's own step


@dataclass(frozen=True)
class Needs:
    """What must be there at least, so that it is worth to ask: so many nodes are ready, and of each of these
    services as many newest tasks run as it wants (or it stands still, or is gone).
    """

    services: tuple[str, ...] = ()
    ready_nodes: int = 0


class World(Protocol):
    between: Callable[[], None]  # asked again and again while time passes; what it raises ends the wait

    @property
    def name(self) -> str:
        """As `swarmpy ls` shows it; "" where there is none."""

    @property
    def random(self) -> Random:
        """For choices of this package that must repeat with the seed."""

    def ended(self) -> str:
        """Why nothing can be asked any more; "" while it can."""

    @property
    def mode(self) -> Mode: ...

    @property
    def seed(self) -> int | None: ...

    @property
    def trace_hash(self) -> str | None: ...

    @property
    def epoch_ns(self) -> int:
        """The calendar's time (Unix nanoseconds) at `now() == 0`."""

    def now(self) -> float: ...

    def sleep(self, span: float) -> None: ...

    def step(self) -> bool: ...

    def moment(self) -> object:
        """Equal at two times only if nothing can have happened in between."""

    def hurry(self) -> None:
        """Something was done by our own hand: who watches looks before any more virtual time passes."""

    def mark(self) -> object:
        """What `wait_for_news` compares with: how it is now."""

    def whole_mark(self) -> object:
        """As `mark`, and Raft of each manager belongs to it. None: that cannot be known."""

    def wait_for_news(self, since: object, span: float, pause: float, needs: Needs | None) -> None:
        """Lets time pass until a look may show something else than at the mark `since` (None: until anything
        happens) and `needs` may be there, and `span` seconds at most. `pause`: how long a world that cannot
        tell waits.
        """

    def may_be_there(self, needs: Needs) -> bool:
        """False only where `needs` are certainly not there: it is not worth to ask."""

    def look(self, request: Request) -> Shown | None:
        """The answer to a GET that can be had without asking, by the swarm's witness. None: ask."""

    def doors(self, without: Collection[str] = ()) -> list[Connection]:
        """Ways to the machines that run, in the order of their making; `without` these names."""

    def ways_in(self, workers: Collection[str]) -> list[Connection]:
        """Ways to those who may answer for the swarm; `workers` are known to be no managers."""

    def door(self, name: str) -> Connection: ...

    def dead(self) -> Collection[str]:
        """Names of those machines that have no running daemon, as far as this world knows."""

    def alive(self, name: str) -> bool:
        """False only for a machine that is known not to run."""

    def may_lead(self, name: str) -> bool:
        """False for one that only thinks so: it reaches no quorum, as far as this world knows."""

    def counted(self, name: str) -> str:
        """What a machine's daemons counted so far, as `GET /metrics` says it; "" where that is not known."""

    def add(self, name: str, *, labels: Mapping[str, str], nano_cpus: int, memory_bytes: int) -> None:
        """Starts one more daemon, outside any swarm. 0 CPUs or memory: the world's default."""

    def address(self, name: str) -> str:
        """`ip:2377`, where other nodes reach it."""

    def reach(self, name: str) -> str:
        """Where this machine reaches the ports that a node publishes."""

    def docker_host(self, name: str) -> str: ...

    def kill(self, name: str) -> None: ...

    def start(self, name: str) -> None: ...

    def http_get(self, name: str, port: int, path: str, timeout: float) -> tuple[int, str]:
        """Status and body of a published port of a node. Raises `Unreachable`."""

    def serve(self, address: str, name: str) -> Door: ...

    def watch(self, beat: Callable[[], float]) -> Callable[[], None]:
        """Calls `beat` again and again while time passes; it returns the seconds until it wants the next.
        What is returned ends it.
        """

    def waiting_for(self, what: str) -> AbstractContextManager[None]:
        """A wait that takes long in real time says so."""

    def machines(self) -> Sequence[str]:
        """The names of all machines, those that are down too, in the order of their making."""

    def breaker(self) -> Breaker:
        """What carries out faults here. Raises `NotSupportedInMode` where nothing is ours to break."""

    def close(self) -> None: ...


class Door(metaclass=Brief):
    """A real door in front of a simulated node (`swarm.serve()`): docker and its libraries can use it. Time
    follows the wall clock until it is closed: by `close()`, at the end of a `with`, or with its swarm.
    """

    @property
    def docker_host(self) -> str:
        """What to set `DOCKER_HOST` to: `unix:///...` or `tcp://...`."""
        raise NotImplementedError

    def close(self) -> None:
        """Stops serving. Safe to call twice."""
        raise NotImplementedError

    def __enter__(self) -> Door:
        return self

    def __exit__(self, *why: object) -> None:
        self.close()


def wait_until(
    world: World,
    holds: Callable[[], bool],
    timeout: float,
    *,
    again: Callable[[], float] = lambda: math.inf,
    needs: Callable[[], Needs | None] = lambda: None,
) -> bool:
    """Asks `holds` whenever it may have become true, letting the world run in between. False when `timeout`
    seconds are over. In the simulator that is after every event that a look can show, while `needs()` are
    there, and after `again()` seconds without any; in real time, again and again.
    """
    deadline, pause = world.now() + timeout, FIRST_PAUSE
    while True:
        mark = world.mark()
        if holds():
            return True
        left = deadline - world.now()
        if left < SHORTEST:
            return False
        span = again()
        world.wait_for_news(mark if span > 0 else None, min(left, span or left), pause, needs())
        pause = min(pause * 1.5, LONGEST_PAUSE)
