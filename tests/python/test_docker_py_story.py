"""The story, told by docker-py, Docker's own Python client, to five real daemons."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local import eventually, own_home
from swarmpy._cluster import LocalCluster

docker = pytest.importorskip("docker")
pytestmark = pytest.mark.real
HELLO = ["/bin/bash", "-c", "while true; do echo Hello Docker; sleep 1; done"]


@pytest.fixture
def cluster() -> Iterator[LocalCluster]:
    with own_home(), LocalCluster.start("py", init=False) as made:
        yield made


def running(service: Any) -> list[dict[str, Any]]:
    tasks = service.tasks(filters={"desired-state": "running"})
    return [task for task in tasks if task["Status"]["State"] == "running"]


def images(service: Any) -> list[str]:
    return [task["Spec"]["ContainerSpec"]["Image"] for task in running(service)]


def test_the_story(cluster: LocalCluster) -> None:
    clients = {
        node.name: docker.DockerClient(base_url=node.docker_host, version="auto") for node in cluster.nodes
    }
    try:
        tell(cluster, clients)
    finally:
        for client in clients.values():
            client.close()


# Long: one story, from `swarm init` to the last `swarm leave`.
def tell(cluster: LocalCluster, clients: dict[str, Any]) -> None:
    m1, door = clients["m1"], cluster.node("m1").door

    def see(what: str, holds: Callable[[], bool]) -> None:
        eventually(door, holds, what)

    assert m1.info()["Swarm"]["LocalNodeState"] == "inactive"
    address = cluster.node("m1").address
    assert m1.swarm.init(advertise_addr=address)
    m1.swarm.reload()
    tokens = m1.swarm.attrs["JoinTokens"]
    for name in ("m2", "m3", "w1", "w2"):
        token = tokens["Manager" if name.startswith("m") else "Worker"]
        assert clients[name].swarm.join(
            remote_addrs=[f"{address}:2377"], join_token=token, advertise_addr=cluster.node(name).address
        )
    see(
        "five nodes are ready", lambda: [n.attrs["Status"]["State"] for n in m1.nodes.list()] == ["ready"] * 5
    )
    with pytest.raises(docker.errors.APIError, match="This node is not a swarm manager"):
        clients["w1"].nodes.list()

    hello = m1.services.create("ubuntu:14.04", command=HELLO, name="hello")
    see("hello runs", lambda: len(running(hello)) == 1)
    see("its log is read", lambda: b"Hello Docker" in b"".join(hello.logs(stdout=True)))
    assert hello.remove()

    web = m1.services.create(
        "nginx:1.10",
        name="web",
        mode=docker.types.ServiceMode("replicated", replicas=4),
        endpoint_spec=docker.types.EndpointSpec(ports={8089: 80}),
        update_config=docker.types.UpdateConfig(parallelism=2, delay=0, monitor=1_000_000),
        restart_policy=docker.types.RestartPolicy(condition="any", delay=0),
    )
    see("four tasks run", lambda: len(running(web)) == 4)
    assert m1.services.list(filters={"name": "web"})[0].id == web.id

    victim = running(web)[0]
    owner = m1.nodes.get(victim["NodeID"]).attrs["Description"]["Hostname"]
    clients[owner].containers.get(victim["Status"]["ContainerStatus"]["ContainerID"]).kill()
    see(
        "the killed task is replaced",
        lambda: victim["ID"] not in [t["ID"] for t in running(web)] and len(running(web)) == 4,
    )
    states = {task["ID"]: task["Status"]["State"] for task in web.tasks()}
    assert states[victim["ID"]] == "failed"

    web.reload()  # It got its ports after docker-py had read it, which made a newer version of it.
    assert web.scale(6)
    see("six tasks run", lambda: len(running(web)) == 6)
    web.reload()
    assert web.update(image="nginx:1.11")
    see("all run the new image", lambda: images(web) == ["nginx:1.11"] * 6)

    node = next(node for node in m1.nodes.list() if node.attrs["Description"]["Hostname"] == "w1")
    assert node.update({**node.attrs["Spec"], "Availability": "drain"})
    see("w1 is empty", lambda: node.id not in [t["NodeID"] for t in running(web)] and len(running(web)) == 6)
    with pytest.raises(docker.errors.APIError, match="update out of sequence"):
        node.update({**node.attrs["Spec"], "Availability": "active"})

    with pytest.raises(docker.errors.NotFound, match="service nosuch not found"):
        m1.services.get("nosuch")
    assert web.remove()
    see("no service is left", lambda: m1.services.list() == [])
    assert clients["w2"].swarm.leave()
    assert clients["w2"].info()["Swarm"]["LocalNodeState"] == "inactive"
