"""A wait that takes long says what it waits for, on stderr: a silent program would look stuck."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SILENT_SECONDS = 2.0


@contextmanager
def waiting_for(what: str) -> Iterator[None]:
    """`what` ends the sentence "still waiting for ...", which is said once, after `SILENT_SECONDS`."""
    timer = threading.Timer(SILENT_SECONDS, _say, (what,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _say(what: str) -> None:
    print(f"swarmpy: still waiting for {what}", file=sys.stderr, flush=True)
