"""Machines for `swarmpy.Node("m1")`, outside any swarm at first.

Simulated ones that live at the same time share one world, or they could not join each other; the world ends
with the last of them. Real ones are daemons on this machine, whose loopback network is shared by nature.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable

from swarmpy._world.base import World
from swarmpy._world.real import RealWorld
from swarmpy._world.sim import SimWorld
from swarmpy.states import Mode

_shared: weakref.ReferenceType[SimWorld] | None = None


def machine(name: str, mode: Mode) -> tuple[World, Callable[[], None]]:
    """Starts a machine `name`; the world that it is in, and what ends it."""
    if mode is Mode.REAL:
        real = RealWorld(managers=0, workers=0, name=None, init=False)
        try:
            real.add(name, labels={}, nano_cpus=0, memory_bytes=0)
        except BaseException:
            real.close()
            raise
        return real, real.close
    world = _shared_world()
    world.add(name, labels={}, nano_cpus=0, memory_bytes=0)
    return world, lambda: world.kill(name)


def _shared_world() -> SimWorld:
    global _shared  # one network for all, as real machines have
    world = _shared() if _shared else None
    if world is None:
        world = SimWorld(seed=0)
        _shared = weakref.ref(world)
    return world
