"""Nothing is left behind: no process, no port, no socket, no folder, whichever process dies and however."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from local import eventually, exists, listening_on, mentions, own_home
from swarmpy._cluster import LocalCluster

pytestmark = pytest.mark.real

# A stubborn task: it ignores SIGTERM, and has children in sessions of their own.
STUBBORN = "trap '' TERM; setsid sleep 1000 & sleep 1000 & wait; wait; sleep 1000"
SCRIPT = """
import sys, signal
from swarmpy._cluster import LocalCluster
cluster = LocalCluster.start("leased", 1, 1)
print(*[node.pid for node in cluster.nodes], flush=True)
signal.pause()
"""


def deploy(cluster: LocalCluster, replicas: int, *command: str) -> list[int]:
    """A service; the process ids of its running tasks."""
    door = cluster.nodes[0].door
    container = {"Image": "ubuntu:14.04", "Args": list(command)}
    spec = {"Name": "svc", "TaskTemplate": {"ContainerSpec": container}}
    door.post("/services/create", {**spec, "Mode": {"Replicated": {"Replicas": replicas}}})

    def running() -> list[int]:
        tasks = [task for task in door.get("/tasks") if task["Status"]["State"] == "running"]
        return [int(task["Status"]["ContainerStatus"]["PID"]) for task in tasks]

    eventually(door, lambda: len(running()) == replicas, "the tasks run")
    return running()


def test_down_leaves_nothing() -> None:
    with own_home() as home:
        cluster = LocalCluster.start("gone", 3, 2)
        tasks = deploy(cluster, 4, "/bin/bash", "-c", STUBBORN)
        nodes, pids = cluster.nodes, [node.pid for node in cluster.nodes]
        assert all(exists(pid) for pid in tasks)
        cluster.close()
        assert not any(exists(pid) for pid in [*pids, *tasks] if pid)
        assert mentions(str(home)) == []
        assert not any(listening_on(node.address, 2377) for node in nodes)
        assert not home.exists()
        cluster.close()  # twice is fine


def test_tasks_die_with_their_node() -> None:
    with own_home(), LocalCluster.start("node", 1, 0) as cluster:
        tasks = deploy(cluster, 2, "/bin/bash", "-c", STUBBORN)
        (node,) = cluster.nodes
        node.kill()
        handles = [os.pidfd_open(pid) for pid in tasks if exists(pid)]
        for handle in handles:
            signal_when_gone(handle)
        assert not any(exists(pid) for pid in tasks)


def signal_when_gone(handle: int) -> None:
    import select

    poll = select.poll()
    poll.register(handle, select.POLLIN)
    assert poll.poll(10_000), "a task outlives its node"
    os.close(handle)


def test_daemons_die_with_the_python_that_leased_them() -> None:
    with own_home() as home:
        python = subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True)
        assert python.stdout is not None
        pids = [int(word) for word in python.stdout.readline().split()]
        assert len(pids) == 2
        handles = [os.pidfd_open(pid) for pid in pids]
        python.send_signal(signal.SIGKILL)
        python.communicate()
        for handle in handles:
            signal_when_gone(handle)
        assert LocalCluster.all() == []  # and what it left on disk is swept away
        assert not home.exists()


def test_a_name_in_use_is_refused_and_what_is_there_stays() -> None:
    with own_home(), LocalCluster.start("twice", 1, 0) as cluster:
        with pytest.raises(Exception, match='a cluster "twice" is there already'):
            LocalCluster.start("twice", 1, 0)
        assert cluster.nodes[0].alive
