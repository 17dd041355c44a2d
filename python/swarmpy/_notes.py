"""Notes: what was done to a swarm by our own hand (a kill, an update), for views to mark. Nothing waits for
them and nothing decides by them.
"""

from __future__ import annotations

import weakref
from collections import deque
from dataclasses import dataclass

from swarmpy._world.base import World

MOST = 1000

_of_world: weakref.WeakKeyDictionary[World, deque[Note]] = weakref.WeakKeyDictionary()


@dataclass(frozen=True)
class Note:
    """`kind`: `"fault"`, `"repair"` or `"update"`. `at`: seconds on the swarm's clock. `node`: whose daemon
    was killed or started, else "".
    """

    at: float
    kind: str
    text: str
    node: str = ""


def note(world: World, kind: str, text: str, *, node: str = "") -> None:
    _of_world.setdefault(world, deque(maxlen=MOST)).append(Note(world.now(), kind, text, node))
    world.hurry()


def notes(world: World) -> list[Note]:
    return list(_of_world.get(world, ()))
