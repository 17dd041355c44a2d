"""Chance: Python's own `random`, for as long as a seed is run. It begins with the seed, and is as it was
afterwards.

There is one for the whole process, and it must be the test's alone. So seeds that run in threads take turns,
and a thread that is no test's (Dask's workers draw all the time) gets another one meanwhile.
"""

from __future__ import annotations

import contextlib
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

PATIENCE = 0.1  # seconds

_turns = threading.RLock()


@contextlib.contextmanager
def own_chance(seed: int) -> Iterator[None]:
    """Python's own `random` begins with the seed, too, and is as it was afterwards."""
    main = threading.current_thread() is threading.main_thread()  # only a test of its own waits for it
    with contextlib.nullcontext() if main else _turns, _not_for_others(), _begun(seed):
        yield


@contextlib.contextmanager
def _begun(seed: int) -> Iterator[None]:
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)


@contextlib.contextmanager
def _not_for_others() -> Iterator[None]:
    """What other threads draw meanwhile comes from elsewhere."""
    me, others = threading.get_ident(), random.Random()
    before = {name: getattr(random, name) for name in random.__all__ if hasattr(random.Random, name)}

    def told_apart(mine: Callable[..., Any], theirs: Callable[..., Any]) -> Callable[..., Any]:
        def drawn(*arguments: Any, **named: Any) -> Any:
            return (mine if threading.get_ident() == me else theirs)(*arguments, **named)

        return drawn

    for name, mine in before.items():
        setattr(random, name, told_apart(mine, getattr(others, name)))
    _wait_for_draws_of_others(me)
    try:
        yield
    finally:
        for name, mine in before.items():
            setattr(random, name, mine)


def _wait_for_draws_of_others(me: int) -> None:
    """A thread in the middle of a draw from the test's one has begun it before; that takes microseconds."""
    ends = time.monotonic() + PATIENCE
    while (
        any(_draws(frame) for thread, frame in sys._current_frames().items() if thread != me)
        and time.monotonic() < ends
    ):
        time.sleep(0)


def _draws(frame: FrameType | None) -> bool:
    while frame is not None and frame.f_code.co_filename != random.__file__:
        frame = frame.f_back
    return frame is not None
