"""SimDoor: a simulated node as docker's clients see one. Sockets and thread are the engine's own."""

from __future__ import annotations

from collections.abc import Callable

from swarmpy._core import Door as CoreDoor
from swarmpy._core import World as Core
from swarmpy._world.base import Door
from swarmpy.errors import SwarmError


class SimDoor(Door):
    """One that stands open."""

    def __init__(self, core: Core, node: str, address: str, closed: Callable[[SimDoor], None]) -> None:
        try:
            self._core = CoreDoor(core, node, address)
        except ValueError as error:
            raise SwarmError(
                f"cannot serve {node} at {address}: {error}",
                code="FailedPrecondition",
                hint="Take a free address: unix:///path/to/socket or tcp://127.0.0.1:port.",
            ) from error
        self._node, self._closed = node, closed

    @property
    def docker_host(self) -> str:
        return self._core.url()

    def close(self) -> None:
        self._core.close()
        self._closed(self)

    def __repr__(self) -> str:
        return f"<Door {self.docker_host} -> {self._node}>"
