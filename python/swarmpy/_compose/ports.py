"""A service's `ports`, in short and in long words, as the API's PortConfigs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from swarmpy._compose import values, words
from swarmpy._models.options import port_configs
from swarmpy.errors import InvalidArgument


def configs(where: str, ports: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """By the published port, as Docker's CLI sends them; and its remarks."""
    if not isinstance(ports, list | tuple | None):
        raise InvalidArgument(f"{where} must be a list")
    found: list[dict[str, Any]] = []
    remarks: list[str] = []
    for number, port in enumerate(ports or []):
        if isinstance(port, Mapping):
            found.append(_long(f"{where}.{number}", port))
        else:
            found += _short(f"{where}.{number}", port, remarks)
    return sorted(found, key=lambda one: one.get("PublishedPort", 0)), remarks


def _short(where: str, port: Any, remarks: list[str]) -> Iterator[dict[str, Any]]:
    """`80`, `"8080:80"`, `"8080:80/udp"`, ranges, an address before them (Docker passes over it)."""
    if isinstance(port, bool) or not isinstance(port, int | str):
        raise InvalidArgument(f"{where} must be a number, a string or a mapping")
    words_, slash, protocol = str(port).partition("/")
    host, colon, rest = _address_and_ports(words_)
    if colon:
        told = port if slash else f"{port}/tcp"
        remarks.append(f"ignoring IP-address ({told}) service will listen on '0.0.0.0'")
    for config in port_configs((rest if colon else host) + slash + protocol.lower()):
        yield values.omit_empty(config)


def _address_and_ports(text: str) -> tuple[str, str, str]:
    """`127.0.0.1:8080:80` and `[::1]:8080:80` are an address and `8080:80`."""
    if text.count(":") < 2:
        return text, "", ""
    before, colon, target = text.rpartition(":")
    address, colon, published = before.rpartition(":")
    return address, colon, f"{published}:{target}" if published else target


def _long(where: str, port: Mapping[str, Any]) -> dict[str, Any]:
    said = words.check(where, port, words.PORT)
    return values.omit_empty(
        {
            "Protocol": values.text(f"{where}.protocol", said.get("protocol")),
            "TargetPort": values.whole(f"{where}.target", said.get("target")),
            "PublishedPort": values.whole(f"{where}.published", said.get("published")),
            "PublishMode": values.text(f"{where}.mode", said.get("mode")),
        }
    )
