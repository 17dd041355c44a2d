"""The last chapter: two services on a network of their own, on nodes with network namespaces."""

from __future__ import annotations

import swarmpy as sp
from swarmpy._cluster.hub import NotGranted
from swarmpy.demo.narrator import Narrator
from swarmpy.errors import SwarmError

ASK = "getent hosts api; getent ahostsv4 tasks.api | grep STREAM"


def networks(narrator: Narrator) -> None:
    narrator.chapter("A network: names in place of addresses")
    try:
        with sp.Swarm(managers=1, workers=1, mode="real", net="namespaces") as swarm:
            _names(narrator, swarm)
    except NotGranted as error:
        narrator.tell(f"Left out: overlay networks need network namespaces. {error.message}")


def _names(narrator: Narrator, swarm: sp.Swarm) -> None:
    narrator.command("docker network create -d overlay front")
    swarm.networks.create("front")
    narrator.command("docker service create --name api --replicas 2 --network front nginx")
    api = swarm.services.create("nginx", name="api", replicas=2, networks="front")
    if not api.wait():
        raise SwarmError("expected but not seen: two tasks run on the network")
    narrator.observed(f"api has the address {api.virtual_ips['front']}, and each task one of its own")
    narrator.command(f"docker service create --name shell --network front busybox sh -c '{ASK}; sleep 60'")
    command = ["sh", "-c", f"{ASK}; sleep 60"]
    shell = swarm.services.create("busybox", name="shell", command=command, networks="front")
    narrator.command("docker service logs shell")
    said = _heard(swarm, shell, api)
    narrator.observed(f"api is {said[0]}, tasks.api are {' and '.join(said[1:])}")


def _heard(swarm: sp.Swarm, shell: sp.Service, api: sp.Service) -> list[str]:
    """The addresses that the names lead to, as a task hears them."""

    def words() -> list[str]:
        return [line.text.split()[0] for line in shell.logs() if line.text.strip()]

    swarm.run(until=lambda _: len(words()) >= 3, timeout="20s")
    wanted = {api.virtual_ips["front"], *(task.addresses["front"] for task in api.tasks)}
    if set(words()) != wanted:
        raise SwarmError(f"expected but not seen: the names lead to {sorted(wanted)}")
    return words()
