"""RealWorld: daemons on this machine, tied to this Python process, and the wall clock."""

from __future__ import annotations

import http.client
import time
import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from swarmpy._connection.base import Connection, Request, Shown
from swarmpy._connection.http import HttpConnection
from swarmpy._models.plain import LOOPBACK
from swarmpy._world.base import Door, Needs
from swarmpy._world.pulse import WallPulse
from swarmpy.errors import NotSupportedInMode, Unreachable
from swarmpy.plan import Fault
from swarmpy.states import Mode

if TYPE_CHECKING:
    from swarmpy._cluster import LocalCluster
    from swarmpy._faults.real import RealBreaker

MANAGEMENT_PORT = 2377
NOT_PUBLISHED = "Is the port published (ports=[...]), and does a task run? Its service's tasks say why not."
MOMENT = 0.02  # seconds for which a fresh look at the swarm counts as now


def http_get(host: str, port: int, path: str, timeout: float) -> tuple[int, str]:
    connection = http.client.HTTPConnection(host, port, timeout=max(timeout, 0.001))
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    except OSError as error:
        raise Unreachable(f"nobody answers at {host}:{port}: {error}", hint=NOT_PUBLISHED) from error
    except http.client.HTTPException as error:
        raise Unreachable(
            f"what answers at {host}:{port} is no HTTP ({type(error).__name__})", hint=NOT_PUBLISHED
        ) from error
    finally:
        connection.close()


def _nothing() -> None:
    """No watcher."""


class WallClock:
    """Time of the worlds that have no clock of their own."""

    def __init__(self, seed: int | None = None) -> None:
        self._start = time.monotonic()
        self._epoch_ns = time.time_ns()
        self._seed, self._random = seed, Random(seed)
        self._closed = False
        self.between: Callable[[], None] = _nothing

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
        return Mode.REAL

    @property
    def seed(self) -> int | None:
        return self._seed

    @property
    def trace_hash(self) -> str | None:
        return None

    @property
    def epoch_ns(self) -> int:
        return self._epoch_ns

    def now(self) -> float:
        return time.monotonic() - self._start

    def sleep(self, span: float) -> None:
        """Whatever a watcher finds meanwhile in its thread (`between`) is raised here."""
        end = time.monotonic() + span
        self.between()
        while (left := end - time.monotonic()) > 0:
            time.sleep(left if self.between is _nothing else min(left, 0.05))
            self.between()

    def step(self) -> bool:
        raise NotSupportedInMode(
            "real time cannot be stepped",
            hint="Use swarm.sleep() or swarm.run(until=...), or a simulated swarm.",
        )

    def waiting_for(self, what: str) -> AbstractContextManager[None]:
        from swarmpy._cluster.patience import waiting_for

        return waiting_for(what)

    def moment(self) -> object:
        return int(time.monotonic() / MOMENT)

    def hurry(self) -> None:
        pass

    def mark(self) -> object:
        return None

    def whole_mark(self) -> object:
        return None

    def wait_for_news(self, since: object, span: float, pause: float, needs: Needs | None) -> None:
        self.sleep(min(span, pause))

    def may_be_there(self, needs: Needs) -> bool:
        return True

    def look(self, request: Request) -> Shown | None:
        return None

    def may_lead(self, name: str) -> bool:
        return True

    def counted(self, name: str) -> str:
        return ""

    def watch(self, beat: Callable[[], float]) -> Callable[[], None]:
        return WallPulse().watch(beat)


# By folder: those worlds of this Python whose clusters end with them.
_owners: weakref.WeakValueDictionary[Path, RealWorld] = weakref.WeakValueDictionary()


class RealWorld(WallClock):
    """`init`: form the daemons into a swarm at once. `around`: a cluster that is there, and stays."""

    def __init__(
        self,
        *,
        managers: int,
        workers: int,
        name: str | None,
        init: bool,
        seed: int | None = None,
        net: str = LOOPBACK,
    ) -> None:
        super().__init__(seed)
        from swarmpy._cluster import LocalCluster  # only real swarms need processes

        self._cluster: LocalCluster = LocalCluster.start(
            name=name, managers=managers, workers=workers, init=init, lease=True, net=net
        )
        self._ours = True
        self._breaker: RealBreaker | None = None
        _owners[self._cluster.folder] = self

    @classmethod
    def around(cls, cluster: LocalCluster, seed: int | None = None) -> RealWorld:
        world = cls.__new__(cls)
        WallClock.__init__(world, seed)
        world._cluster, world._ours, world._breaker = cluster, False, None
        return world

    @classmethod
    def reused(cls, cluster: LocalCluster, seed: int | None = None) -> RealWorld:
        """As `around`; but a cluster that ends with an older world of this Python ends with this one now."""
        world = cls.around(cluster, seed)
        owner = _owners.get(cluster.folder)
        if owner is not None and owner._ours and not owner._cluster.ended:
            world._cluster, world._ours, owner._ours = owner._cluster, True, False
            _owners[cluster.folder] = world
        return world

    @classmethod
    def end(cls, cluster: LocalCluster) -> None:
        """Ends a cluster, whichever process it belongs to."""
        owner = _owners.get(cluster.folder)
        if owner is not None and owner._ours:
            owner.close()
        cluster.close()

    @property
    def name(self) -> str:
        return self._cluster.name

    def ended(self) -> str:
        if not self._closed and self._cluster.ended:
            return f'this swarm was ended: the cluster "{self.name}" that it was is not there any more'
        return super().ended()

    def ways_in(self, workers: Collection[str]) -> list[Connection]:
        return self.doors(without=workers) or self.doors()

    def doors(self, without: Collection[str] = ()) -> list[Connection]:
        nodes = [node for node in self._cluster.nodes if node.name not in without and node.alive]
        return [HttpConnection(node.docker_host, node.name) for node in nodes]

    def door(self, name: str) -> Connection:
        return HttpConnection(self.docker_host(name), name)

    def dead(self) -> Collection[str]:
        return [node.name for node in self._cluster.nodes if not node.alive]

    def alive(self, name: str) -> bool:
        return all(node.alive for node in self._cluster.nodes if node.name == name)

    def add(self, name: str, *, labels: Mapping[str, str], nano_cpus: int, memory_bytes: int) -> None:
        if labels or nano_cpus or memory_bytes:
            raise NotSupportedInMode(
                "a real node has this machine's CPUs and memory, and swarmd's own labels",
                hint="Leave out cpus=, memory= and engine_labels=.",
            )
        self._cluster.add(name)

    def address(self, name: str) -> str:
        return f"{self._cluster.node(name).address}:{MANAGEMENT_PORT}"

    def reach(self, name: str) -> str:
        return self._cluster.node(name).reach

    def docker_host(self, name: str) -> str:
        return self._cluster.node(name).docker_host

    def kill(self, name: str) -> None:
        """As a fault that has no end: it is told in the history."""
        if self._cluster.node(name).alive:
            self.breaker().begin(Fault("kill", node=name))

    def start(self, name: str) -> None:
        self.breaker().end_down(name)
        if not self._cluster.node(name).alive:
            self._cluster.node(name).start()

    def machines(self) -> Sequence[str]:
        return [node.name for node in self._cluster.nodes]

    def breaker(self) -> RealBreaker:
        from swarmpy._faults.real import RealBreaker

        if self._breaker is None:
            self._breaker = RealBreaker(self._cluster, self._epoch_ns)
        return self._breaker

    def http_get(self, name: str, port: int, path: str, timeout: float) -> tuple[int, str]:
        return http_get(self.reach(name), port, path, timeout)

    def serve(self, address: str, name: str) -> Door:
        raise NotSupportedInMode(
            f"a real node serves the docker API already (asked for {address})",
            hint=f"Point docker at it: DOCKER_HOST={self.docker_host(name)}",
        )

    def close(self) -> None:
        self._closed = True
        if self._breaker is not None:
            self._breaker.close(ending=self._ours)
        if self._ours:
            self._cluster.close()
