"""RemoteWorld: a swarm that somebody else runs, seen through one door (or some). It can be asked anything and
owns no machine.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

from swarmpy._connection.base import Connection
from swarmpy._connection.client import Client
from swarmpy._connection.http import HttpConnection
from swarmpy._world.base import Door
from swarmpy._world.real import WallClock, http_get
from swarmpy.errors import NoQuorum, NotManager, NotSupportedInMode, Timeout, Unreachable

if TYPE_CHECKING:
    from swarmpy._faults.breaker import Breaker


class RemoteWorld(WallClock):
    def __init__(self, docker_host: str, *others: str) -> None:
        super().__init__()
        self._door = HttpConnection(docker_host)
        self._doors: list[Connection] = [self._door, *map(HttpConnection, others)]

    def doors(self, without: Collection[str] = ()) -> list[Connection]:
        return list(self._doors)

    def ways_in(self, workers: Collection[str]) -> list[Connection]:
        return list(self._doors)

    def door(self, name: str) -> Connection:
        raise NotSupportedInMode(
            f"only {self._door.docker_host} is connected, not the node {name} itself",
            hint=f'Connect to it: swarmpy.connect("tcp://{name}:2375").',
        )

    def dead(self) -> Collection[str]:
        return ()

    def alive(self, name: str) -> bool:
        return True

    def add(self, name: str, *, labels: Mapping[str, str], nano_cpus: int, memory_bytes: int) -> None:
        self._not_ours(f"add {name}")

    def address(self, name: str) -> str:
        return self._not_ours(f"know the address of {name}")

    def reach(self, name: str) -> str:
        return self.address(name)

    def docker_host(self, name: str) -> str:
        return self._door.docker_host

    def kill(self, name: str) -> None:
        self._not_ours(f"kill {name}")

    def start(self, name: str) -> None:
        self._not_ours(f"start {name}")

    def http_get(self, name: str, port: int, path: str, timeout: float) -> tuple[int, str]:
        return http_get(self._host_of(name), port, path, timeout)

    def _host_of(self, name: str) -> str:
        """A node's name stands for its address; what is none, or cannot be asked for, is a host as it is."""
        with contextlib.suppress(ValueError):
            return str(ipaddress.ip_address(name))
        with contextlib.suppress(NotManager, NoQuorum, Unreachable, Timeout):
            for node in Client(self.doors).json("GET", "/nodes"):
                if node["Description"].get("Hostname") == name and node["Status"].get("Addr"):
                    return str(node["Status"]["Addr"])
        return name

    def serve(self, address: str, name: str) -> Door:
        return self._not_ours(f"serve {name} at {address}")

    def machines(self) -> Sequence[str]:
        return ()

    def breaker(self) -> Breaker:
        return self._not_ours("break anything")

    def close(self) -> None:
        self._closed = True

    def _not_ours(self, what: str) -> NoReturn:
        raise NotSupportedInMode(
            f"cannot {what}: a connected swarm's machines belong to somebody else",
            hint='Do it on that machine, or start your own: swarmpy.Swarm(mode="real").',
        )
