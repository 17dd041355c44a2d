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
PYTHONS: random.Random = random.random.__self__  # type: ignore[attr-defined]  # the module's functions are its methods

_turns = threading.RLock()


@contextlib.contextmanager
def own_chance(seed: int) -> Iterator[None]:
    """Python's own `random` begins with the seed, too, and is as it was afterwards.

    `random.choice(...)` draws from a generator that no other thread has. A name that a module took before
    (`from random import choice`) leads to Python's own one, which begins with the seed as well.
    """
    main = threading.current_thread() is threading.main_thread()  # only a test of its own waits for it
    with contextlib.nullcontext() if main else _turns, _told_apart(random.Random(seed)), _begun(seed):
        yield


@contextlib.contextmanager
def _begun(seed: int) -> Iterator[None]:
    before = PYTHONS.getstate()
    PYTHONS.seed(seed)
    try:
        yield
    finally:
        PYTHONS.setstate(before)


@contextlib.contextmanager
def _told_apart(mine: random.Random) -> Iterator[None]:
    """This thread draws from `mine`, and what other threads draw meanwhile comes from elsewhere."""
    me, others = threading.get_ident(), random.Random()
    before = {name: getattr(random, name) for name in random.__all__ if hasattr(random.Random, name)}

    def told_apart(name: str) -> Callable[..., Any]:
        ours, theirs = getattr(mine, name), getattr(others, name)

        def drawn(*arguments: Any, **named: Any) -> Any:
            return (ours if threading.get_ident() == me else theirs)(*arguments, **named)

        return drawn

    for name in before:
        setattr(random, name, told_apart(name))
    _wait_for_draws_of_others(me)
    try:
        yield
    finally:
        for name, function in before.items():
            setattr(random, name, function)


def _wait_for_draws_of_others(me: int) -> None:
    """A thread in the middle of a draw from Python's own one has begun it before; that takes microseconds."""
    ends = time.monotonic() + PATIENCE
    while (
        any(_draws(frame) for thread, frame in sys._current_frames().items() if thread != me)
        and time.monotonic() < ends
    ):
        time.sleep(0)


def _draws(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == random.__file__ and frame.f_locals.get("self") is PYTHONS:
            return True
        frame = frame.f_back
    return False
