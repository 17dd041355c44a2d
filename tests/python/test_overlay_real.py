"""Overlay networks of real nodes: names, virtual addresses, who reaches whom, what a task is kept from."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

import swarmpy as sp
from inside import Inside, running, serve
from local import eventually
from spaces import emptied, spaced
from swarmpy._cluster import LocalCluster

pytestmark = pytest.mark.real

# RTM_DELLINK of eth0 by its index (rtnetlink(7)): a fresh machine has no `ip`.
CUT = """
import socket, struct
with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as kernel:
    body = struct.pack("=BBHiII", 0, 0, 0, socket.if_nametoindex("eth0"), 0, 0)
    kernel.send(struct.pack("=IHHII", 16 + len(body), 17, 5, 1, 0) + body)
    assert struct.unpack_from("=i", kernel.recv(4096), 16)[0] == 0
"""
LOOK = """
import ctypes, json, os, socket, struct, sys
def error(work):
    try:
        work()
        return "done"
    except OSError as error:
        return type(error).__name__
def enter():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(os.open("/proc/1/ns/net", os.O_RDONLY), 0) != 0:
        raise OSError(ctypes.get_errno(), "setns")
def take_down():
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as kernel:
        body = struct.pack("=BBHiII", 0, 0, 0, socket.if_nametoindex("eth0"), 0, 1)
        kernel.send(struct.pack("=IHHII", 16 + len(body), 16, 5, 1, 0) + body)
        number = struct.unpack_from("=i", kernel.recv(4096), 16)[0]
        if number:
            raise OSError(-number, "set down")
print(json.dumps({
    "data root": os.listdir(sys.argv[1]),
    "api": error(lambda: socket.socket(socket.AF_UNIX).connect(sys.argv[2])),
    "resolv.conf": open("/etc/resolv.conf").read(),
    "host's network": error(enter),
    "address": error(take_down),
}))
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with spaced(1, 2) as made:
        yield made


@pytest.fixture
def swarm(cluster: LocalCluster) -> Iterator[sp.Swarm]:
    with emptied(cluster) as swarm:
        yield swarm


def address_of(task: dict, network: sp.Network) -> str:
    places = {one["Network"]["ID"]: one["Addresses"][0] for one in task["NetworksAttachments"]}
    return str(places[network.id]).partition("/")[0]


def test_tasks_on_all_nodes_reach_each_other_by_name_and_by_the_virtual_address(
    cluster: LocalCluster, swarm: sp.Swarm
) -> None:
    front = swarm.networks.create("front")
    web = serve(swarm, "web", "front", replicas=6)
    tasks = running(cluster, web)
    assert len({one["NodeID"] for one in tasks}) == 3
    inside = Inside(tasks[0])
    assert inside.resolve("web") == {web.virtual_ips["front"]} == inside.resolve("WEB.front")
    assert inside.resolve("tasks.web") == {address_of(one, front) for one in tasks}
    answered = set(inside.ask("web", 200))
    assert answered == {one["ID"] for one in tasks}, "each has a chance of a sixth: none is left out"
    for one in tasks:
        assert inside.ask(address_of(one, front)) == [one["ID"]]


def test_two_networks_never_hear_each_other(cluster: LocalCluster, swarm: sp.Swarm) -> None:
    front, back = swarm.networks.create("front"), swarm.networks.create("back")
    left, right = serve(swarm, "left", "front", replicas=3), serve(swarm, "right", "back", replicas=3)
    both = serve(swarm, "both", "front", "back")
    seen = Inside(running(cluster, left)[0])
    assert seen.resolve("right") == {"gaierror"} and seen.resolve("tasks.right") == {"gaierror"}
    assert not any(seen.connects(address_of(one, back)) for one in running(cluster, right))
    assert not seen.connects(right.virtual_ips["back"])
    middle = Inside(running(cluster, both)[0])
    assert middle.ask("left") and middle.ask("right")
    assert seen.ask("both") and Inside(running(cluster, right)[0]).ask("both"), "it answers on both networks"
    assert front.subnet != back.subnet


def test_a_service_without_a_virtual_address_and_aliases(cluster: LocalCluster, swarm: sp.Swarm) -> None:
    front = swarm.networks.create("front")
    names = [{"target": "front", "aliases": ["db", "store"]}]
    many = swarm.services.create("nginx", name="many", replicas=3, networks=names, endpoint_mode="dnsrr")
    assert many.wait() and not many.virtual_ips
    tasks = running(cluster, many)
    inside = Inside(tasks[0])
    addresses = {address_of(one, front) for one in tasks}
    for name in ("many", "db", "store", "tasks.many", "tasks.db"):
        assert inside.resolve(name) == addresses, name
    container = tasks[1]["Status"]["ContainerStatus"]["ContainerID"]
    assert inside.resolve(container[:12]) == {address_of(tasks[1], front)}
    reverse = inside.run("getent", "hosts", address_of(tasks[2], front))
    assert f"many.{tasks[2]['Slot']}.{tasks[2]['ID']}.front" in reverse


def test_a_rolling_update_under_load_loses_no_request(cluster: LocalCluster, swarm: sp.Swarm) -> None:
    swarm.networks.create("front")
    web = serve(swarm, "web", "front", replicas=4)
    client = Inside(running(cluster, serve(swarm, "client", "front"))[0])
    with client.load("web") as load:
        for order in ("stop-first", "start-first"):
            web.update(force=True, update=sp.Rolling(delay="100ms", parallelism=1, order=order))
            assert web.wait()
    assert load.failed == [] and load.count > 100


def test_a_published_port_leads_to_tasks_in_namespaces(cluster: LocalCluster, swarm: sp.Swarm) -> None:
    swarm.networks.create("front")
    serve(swarm, "web", "front", replicas=2, ports=["8080:80"])
    for node in cluster.nodes:
        assert swarm.http.get(f"{node.name}:8080").status == 200


def test_the_world_is_reached_from_networks_that_are_not_internal(
    cluster: LocalCluster, swarm: sp.Swarm
) -> None:
    if not cluster.nodes[0].is_reached:
        pytest.skip("a plain user's host has no link to the nodes")
    swarm.networks.create("front")
    swarm.networks.create("back", internal=True)
    open_task = Inside(running(cluster, serve(swarm, "open", "front", "back"))[0])
    shut_task = Inside(running(cluster, serve(swarm, "shut", "back"))[0])
    host = cluster.nodes[0].address.rpartition(".")[0] + ".254"
    with socket.create_server((host, 0)) as world:
        port = world.getsockname()[1]
        assert open_task.connects(host, port) and not shut_task.connects(host, port)
        caller, (address, _) = world.accept()
        caller.close()
        assert address in {node.address for node in cluster.nodes}, "it comes from its node"
    own = [node for node in cluster.nodes if not open_task.connects(node.address, 7946, 0.3)]
    assert len(own) == 1, "of all nodes it does not reach its own"


def test_what_somebody_breaks_is_mended_within_a_second(cluster: LocalCluster, swarm: sp.Swarm) -> None:
    swarm.networks.create("front")
    web = serve(swarm, "web", "front", replicas=3)
    inside = Inside(running(cluster, web)[0])
    inside.python(CUT)
    eventually(cluster.nodes[0].door, lambda: inside.connects("web", patience=0.2), "it is back", 2.0)


def test_a_daemon_that_was_killed_leaves_nothing_and_serves_again(
    cluster: LocalCluster, swarm: sp.Swarm
) -> None:
    swarm.networks.create("front")
    web = serve(swarm, "web", "front", replicas=3)
    node = cluster.nodes[2]
    ids = {one["Description"]["Hostname"]: one["ID"] for one in cluster.nodes[0].door.get("/nodes")}
    on_it = [one for one in running(cluster, web) if one["NodeID"] == ids[node.name]]
    assert on_it
    node.kill()
    eventually(
        cluster.nodes[0].door, lambda: not Path(f"/proc/{Inside(on_it[0]).pid}").exists(), "its task ends"
    )
    node.start()
    web.update(force=True)
    assert web.wait()
    tasks = running(cluster, web)
    assert set(Inside(tasks[0]).ask("web", 60)) == {one["ID"] for one in tasks}


def test_a_task_finds_neither_the_daemon_nor_other_namespaces(cluster: LocalCluster, swarm: sp.Swarm) -> None:
    swarm.networks.create("front")
    node = cluster.nodes[0]
    swarm.services.create(
        "busybox",
        name="looks",
        command=["python3", "-c", LOOK, str(node.data_root), node.docker_host.removeprefix("unix://")],
        networks=["front"],
        restart_condition="none",
        constraints=[f"node.hostname=={node.name}"],
    )
    looks = swarm.services["looks"]
    eventually(node.door, lambda: [str(one.state) for one in looks.tasks] == ["complete"], "it ends")
    found = json.loads("".join(line.text for line in looks.logs()))
    assert found["data root"] == ["tasks"], "its own folder only"
    assert found["api"] == "FileNotFoundError"
    assert "nameserver 127.0.0.11" in found["resolv.conf"]
    assert found["host's network"] == found["address"] == "PermissionError"
