"""World: machines, the ways to them, and time. Everything else of a swarm goes through its API, the same in
each world.

Times are seconds since the world began. A *machine* is a daemon by its hostname, in a swarm or not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from random import Random
from typing import Protocol

from swarmpy._connection.base import Connection
from swarmpy.states import Mode

FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.2  # seconds between two looks, growing


class World(Protocol):
    @property
    def name(self) -> str:
        """As `swarmpy ls` shows it; "" where there is none."""

    @property
    def random(self) -> Random:
        """For choices of ours that shall repeat with the seed."""

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

    def doors(self, without: Collection[str] = ()) -> list[Connection]:
        """Ways to the machines that run, in the order of their making; `without` these names."""

    def door(self, name: str) -> Connection: ...

    def dead(self) -> Collection[str]:
        """Names of those machines that have no running daemon, as far as this world knows."""

    def alive(self, name: str) -> bool:
        """False only for a machine that is known not to run."""

    def add(self, name: str, *, labels: Mapping[str, str], nano_cpus: int, memory_bytes: int) -> None:
        """Starts one more daemon, outside any swarm. 0 CPUs or memory: the world's default."""

    def address(self, name: str) -> str:
        """`ip:2377`, where other nodes reach it."""

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

    def close(self) -> None: ...


class Door(Protocol):
    """A real door in front of a simulated node; closed at the end of a `with`, or with its swarm."""

    @property
    def docker_host(self) -> str: ...

    def close(self) -> None: ...

    def __enter__(self) -> Door: ...

    def __exit__(self, *why: object) -> None: ...


def wait_until(world: World, holds: Callable[[], bool], timeout: float) -> bool:
    """Looks again and again, letting the world run in between. False when `timeout` seconds are over."""
    deadline, pause = world.now() + timeout, FIRST_PAUSE
    while not holds():
        left = deadline - world.now()
        if left <= 0:
            return False
        world.sleep(min(pause, left))
        pause = min(pause * 1.5, LONGEST_PAUSE)
    return True
