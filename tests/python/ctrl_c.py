"""Ctrl-C in the middle of a test."""

from __future__ import annotations

import contextlib
import gc
import signal
import threading
import time
from collections.abc import Iterator

import pytest


@contextlib.contextmanager
def pressed_ctrl_c(*, after: float, ends_within: float) -> Iterator[None]:
    """Presses Ctrl-C after `after` seconds; the block must end with it within `ends_within` seconds more.

    Python collects no garbage meanwhile. CPython drops a KeyboardInterrupt that is raised in a callback of
    the collector, and hypothesis keeps one there: a wait without an end would then go on for ever.
    """
    pressed: list[float] = []

    def press() -> None:
        pressed.append(time.monotonic())
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    timer = threading.Timer(after, press)
    with _no_collection():
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            yield
        took = time.monotonic() - pressed[0]
    timer.join()
    assert took < ends_within


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
