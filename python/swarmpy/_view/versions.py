"""Versions: what the specs of one swarm are called in its pictures, and which number each has. All views of a
swarm share them, so that a version keeps its letter and colour from picture to picture.
"""

from __future__ import annotations

import json
import threading
import weakref
from collections.abc import Mapping
from typing import Any

from swarmpy._world.base import World


class Versions:
    def __init__(self) -> None:
        self._specs: dict[tuple[str, str], list[str]] = {}  # service and image -> its specs, in order
        self._numbers: dict[str, int] = {}
        self._lock = threading.Lock()

    def name(self, service: str, image: str, spec: Mapping[str, Any]) -> str:
        """The image; for the second spec with it `nginx:1.10 (2)`. Where tasks may run makes no version."""
        text = json.dumps({key: of for key, of in spec.items() if key != "Placement"}, sort_keys=True)
        with self._lock:
            specs = self._specs.setdefault((service, image), [])
            if text not in specs:
                specs.append(text)
            number = specs.index(text) + 1
        return image if number == 1 else f"{image} ({number})"

    def number(self, name: str) -> int:
        """In the order of their coming, from 0."""
        with self._lock:
            return self._numbers.setdefault(name, len(self._numbers))


_of_world: weakref.WeakKeyDictionary[World, Versions] = weakref.WeakKeyDictionary()


def versions_of(world: World) -> Versions:
    return _of_world.setdefault(world, Versions())
