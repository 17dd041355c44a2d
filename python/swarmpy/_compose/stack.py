"""A compose file as a whole: the networks and services of a stack, as the API's JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from swarmpy._compose import networks, service, words
from swarmpy._compose.interpolation import filled
from swarmpy._compose.networks import StackNetwork
from swarmpy._compose.source import Source, read
from swarmpy.errors import InvalidArgument


@dataclass(frozen=True)
class StackFile:
    """`networks`: those that the services use. `services`: a ServiceSpec each, by the name in the file.
    `remarks`: what Docker's CLI would say while it reads the file.
    """

    networks: tuple[StackNetwork, ...]
    services: Mapping[str, Mapping[str, Any]]
    remarks: tuple[str, ...]


def load(source: Source, stack: str, own: Mapping[str, str]) -> StackFile:
    """Reads a file, or a mapping of the same shape. `own`: the client's own variables.

    Raises `InvalidArgument` for what Docker's CLI refuses, in its words where it has some; `SwarmError` for
    volumes, secrets and configs.
    """
    document, folder = read(source)
    words.check_version(document.get("version"))
    document = words.check("(root)", filled(document, own), words.TOP)
    words.check_top(document)
    section = document.get("services") or {}
    if not isinstance(section, Mapping):
        raise InvalidArgument("services must be a mapping")
    services = {name: words.check_service(name, one) for name, one in section.items()}
    used = networks.networks(stack, document.get("networks"), services)
    remarks, specs = list(words.remarks(services)), {}
    for name, said in services.items():
        specs[name], more = service.spec(stack, name, said, used, folder, own)
        remarks += more
    return StackFile(tuple(used.values()), specs, tuple(remarks))
