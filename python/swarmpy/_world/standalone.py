"""Machines for `swarmpy.Node("m1")`, outside any swarm at first.

Those of one mode that live at the same time share one world, as machines share a network: they can join each
other, and a swarm that they formed can reach each of its machines. The world ends when the last one is closed
or forgotten.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable

from swarmpy._world.base import World
from swarmpy._world.real import RealWorld
from swarmpy.states import Mode


class _Shared:
    """A world and how many open nodes it has; the nodes keep it alive."""

    def __init__(self, world: World) -> None:
        self.world, self.open = world, 0

    def add(self, name: str) -> None:
        self.world.add(name, labels={}, nano_cpus=0, memory_bytes=0)
        self.open += 1

    def end(self, name: str) -> None:
        """Once per node. The last one out turns off the lights."""
        self.open -= 1
        if self.open:
            self.world.kill(name)
        else:
            self.world.close()


_shared: weakref.WeakValueDictionary[Mode, _Shared] = weakref.WeakValueDictionary()


def machine(name: str, mode: Mode) -> tuple[World, Callable[[], None]]:
    """Starts a machine `name`; the world that it is in, and what ends it."""
    shared = _shared.get(mode)
    if shared is None or not shared.open:
        shared = _shared[mode] = _Shared(_new_world(mode))
    try:
        shared.add(name)
    except BaseException:
        if not shared.open:
            shared.world.close()
        raise
    return shared.world, lambda: shared.end(name)


def _new_world(mode: Mode) -> World:
    if mode is Mode.REAL:
        return RealWorld(managers=0, workers=0, name=None, init=False)
    from swarmpy._world.sim import SimWorld  # only where it is built

    return SimWorld(seed=0)
