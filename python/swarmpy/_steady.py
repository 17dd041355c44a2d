"""Steady: a stream that does not stay with a manager that is cut off.

Such a manager, or a frozen one, has nothing to tell and does not know it. So after some silence it is asked
whether it can still read the swarm's state; if not, the stream goes on at another one, where the first one
stopped. A node that dies ends the stream with an error: who reads begins again, with `since`.
"""

from __future__ import annotations

import contextlib

from swarmpy._connection.base import Connection, Exchange
from swarmpy._connection.client import ASK_ANOTHER
from swarmpy._hub import Hub

TICK = 1e-9  # seconds: what is nearer than this is now
QUIET = 2.0  # seconds of silence after which the manager is asked whether it still belongs to the swarm
ANSWER_TIMEOUT = 30.0


class Steady:
    """`part()` until it gives None, then `close()`. Subclasses say how it is opened."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._door, self._exchange = self.open(again=False)
        self._heard()

    def open(self, *, again: bool) -> tuple[Connection, Exchange]:
        """A manager, and its stream. `again`: from where the last stopped, and only of one with a leader."""
        raise NotImplementedError

    def part(self, patience: float) -> bytes | None:
        """What has come, b"" when `patience` seconds were quiet; None when the stream has ended."""
        self._hub.check_open()
        quiet = max(self._quiet_until - self._hub.world.now(), 0.0)
        if not self._exchange.ready(min(patience, quiet)):
            if self._hub.world.now() >= self._quiet_until - TICK:
                self._look_after()
            return b""
        part = self._exchange.piece(ANSWER_TIMEOUT)
        self._heard()
        return part or None

    def close(self) -> None:
        """Hangs up, and wakes who waits in another thread."""
        self._exchange.close()

    def move(self) -> None:
        """Goes on at another manager. Raises when there is none."""
        door, exchange = self.open(again=True)
        self._exchange.close()
        self._door, self._exchange = door, exchange

    def _heard(self) -> None:
        self._quiet_until = self._hub.world.now() + QUIET

    def is_stale(self) -> bool:
        """Others know more by now, though its manager has a leader."""
        return False

    def _look_after(self) -> None:
        """Has the silent manager a leader? If not, and another has, the other goes on."""
        try:
            self._hub.client.check(self._door)
            stale = self.is_stale()
        except ASK_ANOTHER:
            stale = True
        if stale:
            with contextlib.suppress(*ASK_ANOTHER):  # no manager knows more: this one is as good as any
                self.move()
        self._heard()
