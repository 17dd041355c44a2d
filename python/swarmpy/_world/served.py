"""SimDoor: a simulated node as docker's clients see one. Sockets and thread are the engine's own."""

from __future__ import annotations

from collections.abc import Callable

from swarmpy._core import Door as CoreDoor
from swarmpy._core import World as Core
from swarmpy.errors import SwarmError


class SimDoor:
    """An open door; `.docker_host` is for `DOCKER_HOST`. Time follows the wall clock until it is closed, by
    `close()`, at the end of a `with`, or with its swarm.
    """

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
        """What to set `DOCKER_HOST` to: `unix:///...` or `tcp://...`."""
        return self._core.url()

    def close(self) -> None:
        """Nobody is served any more. Safe to call twice."""
        self._core.close()
        self._closed(self)

    def __enter__(self) -> SimDoor:
        return self

    def __exit__(self, *why: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Door {self.docker_host} -> {self._node}>"
