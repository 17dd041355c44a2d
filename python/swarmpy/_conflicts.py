"""A conflict names what is in the way, and how to get at it in Python."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from swarmpy.errors import SwarmError

T = TypeVar("T")
_NAME = re.compile(r"service (\S+) already exists")
_NETWORK = re.compile(r"network with name (\S+) already exists")
_PORT = re.compile(r"port '(\d+)' is already in use by service '([^']+)'")


def helped(ask: Callable[[], T]) -> T:
    """What `ask()` gives. A refusal because a name or a port is taken gets its next step."""
    try:
        return ask()
    except SwarmError as error:
        error.hint = error.hint or _hint(error.message)
        raise


def _hint(message: str) -> str:
    if found := _NAME.search(message):
        it = f'swarm.services["{found[1]}"]'
        return f"{it} is it: update it, remove it ({it}.remove()), or take another name=."
    if found := _NETWORK.search(message):
        it = f'swarm.networks["{found[1]}"]'
        return f"{it} is it: use it, remove it ({it}.remove()), or take another name."
    if found := _PORT.search(message):
        it = f'swarm.services["{found[2]}"]'
        return f"{it} is it: publish another port, or remove it ({it}.remove())."
    return ""
