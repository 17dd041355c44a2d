"""The networks of a compose file: which are made, which must be there, and which a service is attached to.

By the rules of Docker's CLI (docker/cli: cli/compose/convert): only networks that a service names are made; a
service that names none is in `default`. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from swarmpy._compose import values, words
from swarmpy._models.network_info import create_request
from swarmpy.errors import InvalidArgument

NAMESPACE = "com.docker.stack.namespace"
DEFAULT = "default"
OF_NODES = ("bridge", "host", "none", "default")  # each node has them; they know no aliases


@dataclass(frozen=True)
class StackNetwork:
    """`name`: what it is called in the swarm. `request`: the body of POST /networks/create; None when it is
    external: it must be there.
    """

    name: str
    request: Mapping[str, Any] | None


def networks(stack: str, section: Any, services: Mapping[str, Mapping[str, Any]]) -> dict[str, StackNetwork]:
    """Those that the services use, by their names in the file. Raises `InvalidArgument` for a wrong one."""
    known = words.check("networks", section, list(section) if isinstance(section, Mapping) else [])
    made = {name: _network(stack, name, one) for name, one in known.items()}
    used: dict[str, StackNetwork] = {}
    for service, said in services.items():
        for name in _named(f"services.{service}.networks", said.get("networks")):
            if name not in made and name != DEFAULT:
                raise InvalidArgument(
                    f'service {service}: undefined network "{name}"',
                    hint=f"Declare it: networks: {{{name}: {{}}}} at the top level of the file.",
                )
            used[name] = made.get(name) or _network(stack, DEFAULT, None)
    return used


def attachments(service: str, said: Any, known: Mapping[str, StackNetwork]) -> list[dict[str, Any]]:
    """The API's NetworkAttachmentConfigs, by name; the service's own name is an alias in each."""
    where, found = f"services.{service}.networks", []
    for name, section in _named(where, said).items():
        one = words.check(f"{where}.{name}", section, words.ATTACHMENT)
        aliases = values.texts(f"{where}.{name}.aliases", one.get("aliases"))
        target = known[name].name
        if target not in OF_NODES:
            aliases.append(service)
        options = values.labels(f"{where}.{name}.driver_opts", one.get("driver_opts"))
        found.append(values.omit_empty({"Target": target, "Aliases": aliases, "DriverOpts": options}))
    return sorted(found, key=lambda one: str(one["Target"]))


def _named(where: str, said: Any) -> dict[str, Any]:
    """A service's networks: a list of names, or a mapping."""
    if isinstance(said, Mapping):
        return dict(said) or {DEFAULT: None}
    return dict.fromkeys(values.texts(where, said) or [DEFAULT])


def _network(stack: str, key: str, section: Any) -> StackNetwork:
    where = f"networks.{key}"
    said = words.check(where, section, words.NETWORK)
    name, external = values.text(f"{where}.name", said.get("name")), said.get("external")
    if isinstance(external, Mapping):
        old_name = values.text(f"{where}.external.name", external.get("name"))
        if name and old_name:
            raise InvalidArgument(f"network {key}: network.external.name and network.name conflict")
        return StackNetwork(name or old_name or key, None)
    if values.truth(f"{where}.external", external):
        return StackNetwork(name or key, None)
    name = name or f"{stack}_{key}"
    return StackNetwork(name, _request(where, stack, name, said))


def _request(where: str, stack: str, name: str, said: Mapping[str, Any]) -> dict[str, Any]:
    request = create_request(
        name,
        driver=values.text(f"{where}.driver", said.get("driver")) or "overlay",
        subnet=None,
        gateway=None,
        ip_range=None,
        flags={
            "Internal": values.truth(f"{where}.internal", said.get("internal")),
            "Attachable": values.truth(f"{where}.attachable", said.get("attachable")),
            "Ingress": False,
            "ConfigOnly": False,
        },
        options=values.labels(f"{where}.driver_opts", said.get("driver_opts")),
        labels={**values.labels(f"{where}.labels", said.get("labels")), NAMESPACE: stack},
    )
    return {**request, "IPAM": _ipam(f"{where}.ipam", said.get("ipam"))}


def _ipam(where: str, section: Any) -> dict[str, Any] | None:
    said = words.check(where, section, words.IPAM)
    driver, blocks = values.text(f"{where}.driver", said.get("driver")), said.get("config") or []
    if not isinstance(blocks, list | tuple):
        raise InvalidArgument(f"{where}.config must be a list")
    if not driver and not blocks:
        return None
    subnets = [
        values.text(f"{where}.config.{number}.subnet", words.check(where, block, ["subnet"]).get("subnet"))
        for number, block in enumerate(blocks)
    ]
    return {"Driver": driver, "Config": [{"Subnet": subnet} for subnet in subnets]}
