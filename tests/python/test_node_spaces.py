"""Nodes with network namespaces: addresses and ports as on machines of their own, and nothing is left."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

import spaces
import swarmpy as sp
from local import ROOT, exists, own_home, swarmpy
from other_user import NOBODY
from spaces import spaced
from swarmpy._cluster import LocalCluster, networks
from swarmpy._cluster.hub import NotGranted
from swarmpy._cluster.places import program

pytestmark = pytest.mark.real

LEASED = """
import signal
from swarmpy._cluster import LocalCluster
cluster = LocalCluster.start("leased", 1, 1, net="namespaces")
print(cluster.nodes[0].address, *cluster.processes(), flush=True)
signal.pause()
"""
PLAIN_USER = """
import json, socket, time
import swarmpy as sp
from swarmpy._cluster import LocalCluster
from swarmpy._cluster.hub import NotGranted
def answer_of_m1(swarm):
    while True:
        try:
            return swarm.http.get("m1:9090").status
        except sp.Unreachable:
            time.sleep(0.01)
try:
    swarm = sp.Swarm(3, mode="real", name="plain", net="namespaces")
except NotGranted as error:
    print(json.dumps({"refused": str(error)}))
    raise SystemExit
with swarm:
    cluster = LocalCluster.open("plain")
    assert swarm.services.create("nginx:1.10", name="web", replicas=2, ports=["8080:80"]).wait()
    answers = [swarm.http.get(f"{node.name}:8080").status for node in cluster.nodes]
    pids = cluster.processes()
    nodes = cluster.nodes
    with socket.socket() as other:  # a program of this machine
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((nodes[0].reach, 9090))
        other.listen()
        assert swarm.services.create("nginx:1.10", name="late", ports=["9090:80"]).wait()
        assert swarm.http.get("m2:9090").status == 200
    late = answer_of_m1(swarm)
    leaders = [swarm.nodes.leader.name]
    with swarm.faults.partition("leader"):
        while not (found := [one.name for one in swarm.nodes if one.is_leader and one.name != leaders[0]]):
            time.sleep(0.01)
    leaders += found
print(json.dumps({
    "addresses": [node.address for node in nodes], "reach": [node.reach for node in nodes],
    "answers": answers, "leaders": leaders, "pids": pids, "late": late,
}))
"""
NO_SPACES = """
from pathlib import Path
Path("/proc/sys/user/max_net_namespaces").write_text("0")
from swarmpy._cluster import LocalCluster
try:
    LocalCluster.start("refused", 1, 0, net="namespaces")
except Exception as error:
    print(type(error).__name__, error)
with LocalCluster.start("fallen-back", 1, 0, net="auto") as cluster:
    print(cluster.nodes[0].address)
"""


def published(swarm: sp.Swarm, replicas: int = 2) -> None:
    web = swarm.services.create("nginx:1.10", name="web", replicas=replicas, ports=["8080:80"])
    assert web.wait()


def answer_at(address: str, port: int) -> int:
    connection = http.client.HTTPConnection(address, port, timeout=10)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    finally:
        connection.close()


def test_three_nodes_form_a_swarm_each_at_an_address_and_in_a_namespace_of_its_own() -> None:
    with spaced(3, 0) as cluster:
        network = cluster.nodes[0].address.split(".")[2]
        assert [node.address for node in cluster.nodes] == [f"10.214.{network}.{n}" for n in (1, 2, 3)]
        inside = {spaces.space_of(node.pid) for node in cluster.nodes}
        assert len(inside) == 3 and spaces.space_of(os.getpid()) not in inside
        listed = cluster.nodes[0].door.get("/nodes")
        managers = {one["ManagerStatus"]["Addr"] for one in listed}
        assert managers == {f"10.214.{network}.{n}:2377" for n in (1, 2, 3)}


def test_the_host_reaches_a_published_port_at_each_nodes_address() -> None:
    with spaced(1, 2) as cluster, sp.attach("spaced") as swarm:
        published(swarm)
        for node in cluster.nodes:
            assert answer_at(node.reach, 8080) == 200
            assert swarm.http.get(f"{node.name}:8080").status == 200


@contextmanager
def as_plain_user(script: str) -> Iterator[subprocess.Popen[str]]:
    """Runs `script` as a user without rights, with a home of its own."""
    if os.geteuid() != 0:
        pytest.skip("only root becomes another user")
    with TemporaryDirectory(prefix="swarmpy-test-") as folder:
        os.chown(folder, NOBODY, NOBODY)
        environment = {**os.environ, "SWARMPY_HOME": f"{folder}/home", "PYTHONPATH": str(ROOT / "python")}
        python = subprocess.Popen(
            [sys.executable, "-c", script],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
        )
        try:
            yield python
        finally:
            python.kill()
            python.communicate()


def test_a_plain_user_has_them_too_and_reaches_what_is_published_and_cuts() -> None:
    with as_plain_user(PLAIN_USER) as python:
        said, _ = python.communicate(timeout=120)
        first = json.loads(said)
        if "refused" in first:
            pytest.skip(first["refused"])
        assert [address.rpartition(".")[0][:7] for address in first["addresses"]] == ["10.214."] * 3
        assert all(reach.startswith("127.0.") for reach in first["reach"])
        assert first["answers"] == [200, 200, 200]
        assert first["late"] == 200  # once the port was given back
        assert first["leaders"][0] != first["leaders"][1]
        assert not any(exists(pid) for pid in first["pids"])


def test_all_of_a_plain_user_ends_with_the_python_that_leased_it() -> None:
    with as_plain_user(LEASED) as python:
        assert python.stdout is not None
        words = python.stdout.readline().split()
        if not words:
            pytest.skip("no user namespaces here")
        assert len(words) == 1 + 4  # two daemons, the hub and its door in the host's namespace
        python.kill()
        spaces.await_end([int(word) for word in words[1:]])


def test_down_leaves_no_process_no_link_and_no_namespace() -> None:
    with spaced(1, 1) as cluster:
        with sp.attach("spaced") as swarm:
            published(swarm)
        pids, link = cluster.processes(), spaces.host_link(cluster)
        inside = {spaces.space_of(node.pid) for node in cluster.nodes}
        assert len(pids) == 3 + 2  # two daemons, the hub, two shims
        assert not cluster.nodes[0].is_reached or link in spaces.links()
        cluster.close()
        assert not any(exists(pid) for pid in pids)
        assert link not in spaces.links()
        assert not inside & spaces.network_spaces()


def test_all_ends_with_the_python_that_leased_it() -> None:
    with own_home() as home:
        python = subprocess.Popen([sys.executable, "-c", LEASED], stdout=subprocess.PIPE, text=True)
        assert python.stdout is not None
        words = python.stdout.readline().split()
        if not words:
            pytest.skip("no namespaces here")
        address, pids = words[0], [int(word) for word in words[1:]]
        assert len(pids) == 3
        python.send_signal(signal.SIGKILL)
        python.communicate()
        spaces.await_end(pids)
        link = f"swarmpy{address.split('.')[2]}"
        spaces.await_links(lambda links: link not in links)
        assert LocalCluster.all() == [] and not home.exists()


def test_a_killed_hub_takes_the_links_with_it_and_a_node_that_starts_says_so() -> None:
    with spaced(1, 0) as cluster:
        node, link = cluster.nodes[0], spaces.host_link(cluster)
        assert node.hub is not None and node.hub.pid is not None
        os.kill(node.hub.pid, signal.SIGKILL)
        spaces.await_links(lambda links: link not in links)
        node.kill()
        with pytest.raises(sp.ClusterError, match='hub of the cluster "spaced" does not answer'):
            node.start()


def test_a_node_that_starts_again_is_in_its_namespace() -> None:
    with spaced(1, 0) as cluster:
        (node,) = cluster.nodes
        before = spaces.space_of(node.pid)
        node.kill()
        node.start()
        assert spaces.space_of(node.pid) == before


def test_a_node_that_is_added_has_the_next_address() -> None:
    with spaced(1, 0, init=False) as cluster:
        added = cluster.add("w1")
        assert added.address == cluster.nodes[0].address.rpartition(".")[0] + ".2"
        assert spaces.space_of(added.pid) not in (
            spaces.space_of(cluster.nodes[0].pid),
            spaces.space_of(os.getpid()),
        )


def test_two_clusters_have_networks_of_their_own() -> None:
    with spaced(1, 0) as one, spaces.start(1, 0, name="other") as other:
        assert one.nodes[0].address != other.nodes[0].address
        assert spaces.host_link(one) != spaces.host_link(other)
        taken = {int(cluster.nodes[0].address.split(".")[2]) for cluster in (one, other)}
        assert not one.nodes[0].is_reached or taken <= networks._routed()


def test_up_says_the_addresses_and_down_ends_it() -> None:
    with own_home():
        up = swarmpy("up", "--managers", "1", "--workers", "0", "--net", "namespaces", "--json")
        if up.returncode != 0:
            pytest.skip(up.stderr)
        (row,) = json.loads(up.stdout)
        assert row["address"].startswith("10.214.")
        assert swarmpy("down").returncode == 0
        assert not exists(row["pid"])


def test_where_none_are_granted_the_kernel_says_why_and_auto_takes_the_loopback() -> None:
    with own_home():
        command = ["unshare", "--user", "--map-root-user", sys.executable, "-c", NO_SPACES]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        if "unshare" in done.stderr:
            pytest.skip(done.stderr)
        *said, fallen_back = done.stdout.splitlines()
        refused = " ".join(said)
        assert refused.startswith(
            f"{NotGranted.__name__} nodes cannot have network namespaces here: cannot make"
        )
        assert "No space left on device" in refused and 'net="loopback"' in refused
        assert fallen_back.startswith("127.0.")


def test_a_namespace_that_cannot_be_entered_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    for flag in ("--netns", "--userns"):
        command = [program(), flag, "/nowhere", "--data-root", tmp_path / "root"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        said = f"swarmd: {flag} /nowhere cannot be entered: the kernel says: No such file or directory\n"
        assert (done.returncode, done.stderr) == (1, said)
        assert not (tmp_path / "root").exists()


def test_a_simulated_swarm_has_no_net() -> None:
    with pytest.raises(sp.InvalidArgument, match="net is about real nodes"):
        sp.Swarm(net="namespaces")
    with pytest.raises(sp.InvalidArgument, match="Did you mean"):
        sp.Swarm(mode="real", net="namespace")
