"""A simulated node's door: the same requests, in process.

A look (a GET whose answer is there) takes no time, and the run goes on as if it had not happened. While
somebody waits for anything else, virtual time runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swarmpy._connection.base import Exchange, Head, Request, Shown
from swarmpy.errors import Timeout, Unreachable

if TYPE_CHECKING:
    from swarmpy._core import World
    from swarmpy._world.pulse import VirtualPulse

_FAR_FUTURE_NS = (1 << 63) - 2


class SimConnection:
    """A way to the machine `name` of `world`."""

    def __init__(self, world: World, name: str, pulse: VirtualPulse) -> None:
        self._world, self._name, self._pulse = world, name, pulse

    @property
    def name(self) -> str:
        return self._name

    def look(self, request: Request) -> Shown | None:
        return look(self._world, self._name, request)

    def open(self, request: Request) -> Exchange:
        if not self._world.alive(self._name):
            raise Unreachable(f"cannot reach {self._name}: it is not running")
        headers = list(request.headers.items())
        call = self._world.call(self._name, request.method, request.target, headers, request.body)
        return SimExchange(self._world, self._name, call, self._pulse)


def look(world: World, name: str, request: Request) -> Shown | None:
    """What `name` would answer now; "": the swarm's witness. None: the answer takes time."""
    how, last_known, status, headers, body = world.look(name, request.target, list(request.headers.items()))
    if how == "dead":
        raise Unreachable(
            f"cannot reach {name}: it is not running" if name else "no node of this swarm is running"
        )
    if how == "silent":
        raise Timeout(f"{name or 'the swarm'} does not answer: it is stopped")
    if how == "takes time":
        return None
    head = Head(status, {key.lower(): value for key, value in headers})
    return Shown(head, body, last_known=last_known)


class SimExchange:
    def __init__(self, world: World, name: str, call: int, pulse: VirtualPulse) -> None:
        self._world, self._name, self._call, self._pulse = world, name, call, pulse
        self._open = True

    def head(self, timeout: float) -> Head:
        if not self._wait("head", timeout):
            self.close()
            raise Timeout(f"{self._name} did not answer within {timeout:.0f} s")
        _, _, status, headers = self._world.reply(self._call)
        return Head(status, {name.lower(): value for name, value in headers})

    def read(self, timeout: float) -> bytes:
        if not self._wait("end", timeout):
            self.close()
            raise Timeout(f"{self._name} did not finish its answer within {timeout:.0f} s")
        body = self._world.take_body(self._call)
        self.close()
        return body

    def ended(self, timeout: float) -> bool:
        """Is the whole answer there?"""
        return not self._open or self._wait("end", timeout)

    def ready(self, timeout: float) -> bool:
        return not self._open or self._wait("piece", timeout)

    def piece(self, timeout: float) -> bytes | None:
        if not self._open:
            return b""
        if not self._wait("piece", timeout):
            self.close()
            return None
        part = self._world.take_body(self._call)
        if not part:
            self.close()
        return part

    def close(self) -> None:
        if self._open:
            self._open = False
            self._world.hang_up(self._call)

    def _wait(self, wanted: str, timeout: float) -> bool:
        until = min(self._world.now_ns() + round(min(timeout, 1e9) * 1e9), _FAR_FUTURE_NS)
        try:
            how = self._pulse.run(lambda stop: self._world.wait_reply(self._call, wanted, stop), until)
        except BaseException:  # Ctrl-C too: the caller no longer waits for this answer
            self._abandon()
            raise
        if how == "gone":
            self.close()
            raise Unreachable(f"{self._name} stopped while it was asked", sent=True)
        return how == "done"

    def _abandon(self) -> None:
        try:
            self.close()
        except Exception:  # the world is poisoned; the first error is the one to show
            self._open = False
