"""Answers of the stock docker CLI that are true or say what is missing: logs of a node that is down, what is
published where, what tasks use, the signal of a kill; and nodes that are ready when init has answered.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import Docker, eventually, needs_docker, own_home
from swarmpy._cluster import LocalCluster

pytestmark = [pytest.mark.real, needs_docker]

QUIET = ("-d", "-q", "--no-resolve-image")
HELLO = ("sh", "-c", "echo hello; exec sleep 999")
INCOMPLETE = (
    "error from daemon in stream: Error grabbing logs: rpc error: code = Unknown desc = warning: incomplete "
    "log stream. some logs could not be retrieved for the following reasons: "
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with own_home(), LocalCluster.start("answers", managers=1, workers=2) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def docker(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Docker:
    return Docker(cluster.node("m1"), tmp_path_factory.mktemp("docker-config"))


def wait_running(docker: Docker, service: str, count: int) -> None:
    def runs() -> bool:
        rows = docker.rows("service", "ls", "--filter", f"name={service}")
        return [row["REPLICAS"].split("/")[0] for row in rows] == [str(count)]

    eventually(docker.node.door, runs, f"{count} tasks of {service} run")


def test_published_ports_are_found(cluster: LocalCluster, docker: Docker) -> None:
    here = ("--constraint", "node.hostname==m1")
    docker(
        "service", "create", *QUIET, "--name", "p", *here, "-p", "published=8482,target=80,mode=host", "nginx"
    )
    wait_running(docker, "p", 1)
    (container,) = docker("ps", "-q", "--filter", "publish=8482").split()
    where = f"{cluster.node('m1').address}:8482"
    assert docker("port", container, "80") == where
    assert docker.rows("ps", "--filter", "expose=80")[0]["PORTS"] == f"{where}->80/tcp"
    assert docker("ps", "-q", "--filter", "publish=8483") == ""
    assert "should not contain ':'" in docker.refused("ps", "--filter", "publish=1:2")


def test_what_tasks_use_is_shown(docker: Docker) -> None:
    burn = ("sh", "-c", "while :; do :; done")
    here = ("--constraint", "node.hostname==m1")
    docker("service", "create", *QUIET, "--name", "burn", *here, "ubuntu", *burn)
    wait_running(docker, "burn", 1)
    rows = {row["NAME"].split(".")[0]: row for row in docker.rows("stats", "--no-stream")}
    assert float(rows["burn"]["CPU %"].rstrip("%")) > 5
    assert rows["burn"]["PIDS"] == "1" and not rows["burn"]["MEM USAGE / LIMIT"].startswith("0B")
    one = json.loads(docker("stats", "--no-stream", "--format", "json", rows["burn"]["NAME"]))
    assert one["Name"] == rows["burn"]["NAME"]
    usage = {row["TYPE"]: row for row in docker.rows("system", "df")}
    assert int(usage["Containers"]["ACTIVE"]) >= 1 and int(usage["Images"]["TOTAL"]) > 1
    docker("service", "rm", "burn")


def test_info_names_the_machine(docker: Docker) -> None:
    info = json.loads(docker("info", "--format", "{{json .}}"))
    assert (
        info["KernelVersion"]
        == subprocess.run(["uname", "-r"], check=False, capture_output=True, text=True).stdout.strip()
    )
    assert {"bridge", "host"} <= set(info["Plugins"]["Network"]) and info["OperatingSystem"]
    assert "overlay" not in info["Plugins"]["Network"], "no node of the real world can carry one yet"


def test_a_services_events_have_those_of_its_containers(docker: Docker) -> None:
    (container,) = docker("ps", "-q", "--filter", "publish=8482").split()
    docker("kill", "-s", "USR1", container)
    eventually(docker.node.door, lambda: '"signal":"10"' in events_of(docker, "p"), "the signal is told")
    assert '"Type":"service"' in events_of(docker, "p")


def events_of(docker: Docker, service: str) -> str:
    past = ("events", "--since", "10m", "--until", "0s", "--format", "{{json .}}")
    return docker(*past, "--filter", f"service={service}")


def test_logs_name_the_node_that_is_down(cluster: LocalCluster, docker: Docker) -> None:
    docker("service", "create", *QUIET, "--name", "g", "--mode", "global", "ubuntu", *HELLO)
    wait_running(docker, "g", 3)
    eventually(docker.node.door, lambda: docker("service", "logs", "g").count("hello") == 3, "all said hello")
    command = ["docker", "service", "logs", "-f", "--raw", "g"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=docker.environment, stdout=pipe, stderr=pipe, text=True) as following:
        assert following.stdout and following.stderr
        assert [following.stdout.readline() for _ in range(3)] == ["hello\n"] * 3
        cluster.node("w1").kill()
        assert "reasons: node w1 " in following.stderr.readline()
        done = docker.run("service", "logs", "g")
        assert done.returncode == 1 and done.stdout.count("hello") == 2
        assert done.stderr.strip() == f"{INCOMPLETE}node w1 is not available"
        rows = docker.rows("service", "ps", "--no-trunc", "g")
        lost = next(row["ID"] for row in rows if row["NODE"] == "w1")
        assert docker.refused("service", "logs", lost) == f"{INCOMPLETE}node w1 is not available"
        docker("service", "rm", "g")
        assert following.wait(timeout=60) == 1
    cluster.node("w1").start()


def test_a_node_is_ready_when_init_has_answered(tmp_path: Path) -> None:
    with own_home(), LocalCluster.start("inits", managers=1, workers=0, init=False) as cluster:
        docker = Docker(cluster.node("m1"), tmp_path)
        for _ in range(15):
            docker("swarm", "init", "--advertise-addr", cluster.node("m1").address)
            assert docker("node", "ls", "--format", "{{.Status}}") == "Ready"
            before = docker("node", "inspect", "self", "--format", "{{.Version.Index}}")
            docker("node", "update", "--label-add", "a=b", "m1")
            assert int(before) + 1 == int(docker("node", "inspect", "self", "--format", "{{.Version.Index}}"))
            docker("swarm", "leave", "--force")
