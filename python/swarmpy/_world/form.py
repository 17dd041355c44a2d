"""Forming a swarm through the API, as `docker swarm init` and `join` do. Workers join all at once."""

from __future__ import annotations

from collections.abc import Sequence

from swarmpy._connection.base import Connection, Exchange
from swarmpy._connection.client import finish, make_request
from swarmpy._world.base import World

ANYWHERE = "0.0.0.0:2377"  # what the docker CLI sends; the node reads it as its own address
AT_ONCE = 200


def init(world: World, name: str) -> None:
    body = {"ListenAddr": ANYWHERE, "AdvertiseAddr": world.address(name).rpartition(":")[0]}
    finish(world.door(name).open(make_request("POST", "/swarm/init", body=body)))


def join_all(
    world: World, names: Sequence[str], token: str, remotes: Sequence[str], *, at_once: bool
) -> None:
    """Managers join one after the other (Raft changes its members one at a time); workers need not wait."""
    size = AT_ONCE if at_once else 1
    for start in range(0, len(names), size):
        under_way = [_join(world, name, token, remotes) for name in names[start : start + size]]
        for exchange in under_way:
            finish(exchange)


def _join(world: World, name: str, token: str, remotes: Sequence[str]) -> Exchange:
    body = join_body(world.address(name), token, remotes)
    door: Connection = world.door(name)
    return door.open(make_request("POST", "/swarm/join", body=body))


def join_body(address: str, token: str, remotes: Sequence[str]) -> dict[str, object]:
    return {
        "ListenAddr": ANYWHERE,
        "AdvertiseAddr": address.rpartition(":")[0],
        "RemoteAddrs": list(remotes),
        "JoinToken": token,
    }
