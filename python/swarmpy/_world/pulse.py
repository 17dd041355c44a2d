"""Pulse: calls the watchers, again and again while time passes. Two kinds, one for each kind of time.

A beat returns the seconds until it wants the next one. What watches never sees two beats at once, and
nothing is kept for later: a beat that comes late is one beat.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from swarmpy._core import World as Core

Beat = Callable[[], float]


class VirtualPulse:
    """Beats at points of virtual time, in the thread that lets it pass: the same at every run."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._due: dict[Beat, int] = {}
        self._beating = False

    def watch(self, beat: Beat) -> Callable[[], None]:
        self._due[beat] = self._core.now_ns()

        def stop() -> None:
            self._due.pop(beat, None)

        return stop

    def go_on_in(self, core: Core) -> None:
        """Another run takes the place of this one: who watches looks at once."""
        self._core = core
        self.hurry()

    def hurry(self) -> None:
        """All beats are due now."""
        self._due = dict.fromkeys(self._due, self._core.now_ns())

    def clear(self) -> None:
        self._due.clear()

    def limit(self, until_ns: int) -> int:
        """How far time may run before somebody wants to look."""
        if not self._due or self._beating:
            return until_ns
        return min(until_ns, *self._due.values())

    def beat(self) -> None:
        if not self._due or self._beating:
            return
        self._beating = True
        try:
            for beat, due in list(self._due.items()):
                if due <= self._core.now_ns() and beat in self._due:
                    span = max(beat(), 0.001)
                    if beat in self._due:
                        self._due[beat] = self._core.now_ns() + round(span * 1e9)
        finally:
            self._beating = False

    def run_to(self, until_ns: int) -> None:
        self.run(lambda stop: self._core.run_to(stop), until_ns)

    def run(self, wait: Callable[[int], object], until_ns: int) -> object:
        """Waits by `wait(stop)` with beats in between; it says "deadline" (or nothing) when it came to it."""
        while True:
            self.beat()
            stop = self.limit(until_ns)
            how = wait(stop)
            if how not in (None, "deadline") or stop >= until_ns:
                return how


class WallPulse:
    """Beats in a thread of its own, which ends with the last watcher and never keeps Python alive."""

    def watch(self, beat: Beat) -> Callable[[], None]:
        ended = threading.Event()

        def go_on() -> None:
            while not ended.wait(beat()):
                pass

        # With the context of the cell that began it: what a notebook shows then belongs there.
        context = contextvars.copy_context()
        thread = threading.Thread(target=lambda: context.run(go_on), name="swarmpy-view", daemon=True)
        thread.start()

        def stop() -> None:
            ended.set()
            if thread is not threading.current_thread():
                thread.join(5.0)

        return stop
