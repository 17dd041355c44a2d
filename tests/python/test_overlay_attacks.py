"""What tasks of one network try on others, on other nodes and on the name server; flows of UDP."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

import swarmpy as sp
from inside import Inside, running, serve
from spaces import emptied, spaced
from swarmpy._cluster import LocalCluster

pytestmark = pytest.mark.real

# A VXLAN frame (RFC 7348) to a node: within it UDP to a task, port 5555, on the network with this VNI.
FORGE = """
import socket, struct, sys
node, vni, victim, source = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF
mac = lambda ip: b"\\x02\\x42" + socket.inet_aton(ip)
udp = struct.pack("!HHHH", 4444, 5555, 14, 0) + b"forged"
ends = socket.inet_aton(source), socket.inet_aton(victim)
head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, *ends)
head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
frame = struct.pack("!II", 0x08000000, vni << 8) + mac(victim) + mac(source) + b"\\x08\\x00" + head + udp
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as world:
    for _ in range(50):
        world.sendto(frame, (node, 4789))
"""
# Says "ready", and then whether a datagram came.
LISTEN = """
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
    own.bind(("0.0.0.0", 5555))
    own.settimeout(1.0)
    print("ready", flush=True)
    try:
        print(own.recv(100).decode(), flush=True)
    except TimeoutError:
        print("nothing", flush=True)
"""
SERVE = """
import os, socket
own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
own.bind(("0.0.0.0", 5353))
while True:
    said, sender = own.recvfrom(100)
    own.sendto(os.environ["SWARM_TASK_ID"].encode(), sender)
"""
# One socket asks until somebody else answers than before, and says who.
FLOW = """
import socket, sys, time
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
    own.settimeout(0.1)
    own.connect((sys.argv[1], 5353))
    first, end = None, time.monotonic() + 20
    while time.monotonic() < end:
        try:
            own.send(b"?")
            who = own.recv(100).decode()
        except OSError:
            time.sleep(0.02)
            continue
        if first is None:
            first = who
            print(who, flush=True)
        if who != first:
            print(who, flush=True)
            break
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with spaced(1, 2) as made:
        yield made


@pytest.fixture
def swarm(cluster: LocalCluster) -> Iterator[sp.Swarm]:
    with emptied(cluster) as swarm:
        yield swarm


def test_frames_that_a_task_forges_get_nowhere(cluster: LocalCluster, swarm: sp.Swarm) -> None:
    swarm.networks.create("front")
    secret = swarm.networks.create("secret", internal=True)
    attacker = running(cluster, serve(swarm, "front", "front", mode="global"))
    victims = running(cluster, serve(swarm, "vault", "secret", mode="global"))
    for task in victims:
        node = next(n for n in cluster.nodes[0].door.get("/nodes") if n["ID"] == task["NodeID"])
        address = task["NetworksAttachments"][0]["Addresses"][0].partition("/")[0]
        other = victims[0] if task is not victims[0] else victims[1]
        source = other["NetworksAttachments"][0]["Addresses"][0].partition("/")[0]
        command = ["nsenter", "-t", str(Inside(task).pid), "-n", "-m", sys.executable, "-c", LISTEN]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as listens:
            assert listens.stdout is not None and listens.stdout.readline() == "ready\n"
            for one in attacker:
                Inside(one).python(FORGE, node["Status"]["Addr"], secret.vni, address, source)
            assert listens.stdout.readline() == "nothing\n"


def test_a_task_finds_no_other_node_of_its_cluster(cluster: LocalCluster, swarm: sp.Swarm) -> None:
    swarm.networks.create("front")
    inside = Inside(running(cluster, serve(swarm, "web", "front"))[0])
    for node in cluster.nodes:
        for path in (node.docker_host.removeprefix("unix://"), f"{node.data_root}/swarm"):
            assert inside.python("import os, sys; print(os.path.exists(sys.argv[1]))", path) == "False", path


def test_a_flow_of_udp_goes_on_to_another_task_when_its_own_has_gone(
    cluster: LocalCluster, swarm: sp.Swarm
) -> None:
    swarm.networks.create("front")
    udp = swarm.services.create(
        "busybox", name="udp", replicas=2, networks=["front"], command=["python3", "-c", SERVE]
    )
    assert udp.wait()
    client = Inside(running(cluster, serve(swarm, "client", "front"))[0])
    command = [
        "nsenter",
        "-t",
        str(client.pid),
        "-n",
        "-m",
        sys.executable,
        "-c",
        FLOW,
        udp.virtual_ips["front"],
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as flow:
        assert flow.stdout is not None
        first = flow.stdout.readline().strip()
        assert first in {one["ID"] for one in running(cluster, udp)}
        next(task for task in udp.tasks if task.id == first).kill()
        second = flow.stdout.readline().strip()
    assert second and second != first
