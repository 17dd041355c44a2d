"""Networks and stacks of real daemons, in the words of simulated ones: made, stored, deployed again, removed.

That their tasks reach each other is no part of this: it needs the nodes' data plane.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

import swarmpy as sp
from local import Docker, needs_docker, own_home

pytestmark = pytest.mark.real
pytest.importorskip("yaml")
VOTING = Path(__file__).parent / "stacks" / "voting.yml"


@pytest.fixture(scope="module")
def c() -> Iterator[sp.Swarm]:
    with own_home(), sp.Swarm(managers=1, workers=1, mode="real", seed=42) as swarm:
        yield swarm


def test_a_network_gives_addresses(c: sp.Swarm) -> None:
    front = c.networks.create("front", subnet="10.9.0.0/24", labels={"tier": "front"})
    web = c.services.create("nginx", name="web", replicas=2, networks=front)
    assert c.run(until=lambda _: web.virtual_ips and all(task.addresses for task in web.tasks), timeout="10s")
    given = [web.virtual_ips["front"], *(task.addresses["front"] for task in web.tasks)]
    assert len(set(given)) == 3
    assert all(ip_address(one) in ip_network(front.subnet) for one in given)
    with pytest.raises(sp.SwarmError, match="is in use by service"):
        front.remove()
    web.remove()
    assert c.run(until=lambda s: s.networks.list(dangling=True), timeout="10s")
    assert c.networks.prune(label="tier=front") == ["front"]


@needs_docker
def test_the_cli_and_python_go_on_with_each_others_stacks(c: sp.Swarm, tmp_path: Path) -> None:
    docker = Docker(c.nodes["m1"], tmp_path)  # type: ignore[arg-type]  # it has a docker_host

    def deploy_by_cli(*more: str) -> str:
        return docker("stack", "deploy", "-d", "--resolve-image", "never", *more, "-c", str(VOTING), "voting")

    assert deploy_by_cli().count("Creating service") == 5
    stack = c.stacks["voting"]
    specs = {service.name: service.spec for service in stack.services}
    tasks = {task.id for task in stack.tasks}
    assert c.stacks.deploy(VOTING, "voting") == stack
    assert "Updating service" in deploy_by_cli()
    assert {service.name: service.spec for service in stack.services} == specs
    assert {task.id for task in stack.tasks} == tasks, "nothing changed, so no task was replaced"
    assert docker("stack", "ls", "--format", "{{.Name}} {{.Services}}") == "voting 5"
    stack.remove()
    assert docker("stack", "ls", "--format", "{{.Name}}") == "" and len(c.stacks) == 0
    assert [one.name for one in c.networks] == ["ingress"]
