"""The routing mesh as users meet it: every node answers on a published port, in both worlds; docker's own
words about ports; a rolling update under load.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest

import swarmpy as sp
from local import Docker, eventually, needs_docker, own_home
from swarmpy._cluster import LocalCluster
from swarmpy._world.real import http_get
from swarmpy._world.remote import RemoteWorld

NODES = ("m1", "w1", "w2")


@contextlib.contextmanager
def _answers_nonsense(host: str) -> Iterator[int]:
    """A port at which a program says something that is no HTTP."""

    def answer() -> None:
        with listener.accept()[0] as client:
            client.recv(1000)
            client.sendall(b"nonsense\r\n\r\n")

    with socket.create_server((host, 0)) as listener:
        thread = threading.Thread(target=answer)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


@pytest.mark.parametrize("mode", ["sim", "real"])
def test_every_node_answers_for_every_task(mode: str) -> None:
    with own_home(), sp.Swarm(managers=1, workers=2, mode=mode) as c:
        web = c.services.create("nginx:1.10", name="web", replicas=3, ports=["8080:80"])
        assert web.wait()
        c.run(lambda c: all(_answers(c, name) for name in NODES))
        for name in NODES:
            seen = Counter(c.http.get(f"{name}:8080").task for _ in range(6))
            assert seen == {"web.1": 2, "web.2": 2, "web.3": 2}
        answer = c.http.get("m1:8080")
        assert answer.status == 200
        assert answer.task_id in {task.id for task in web.tasks}
        assert "nginx:1.10" in answer.body
        with pytest.raises(sp.Unreachable, match=r"nobody answers at .*:8081"):
            c.http.get("m1:8081")
        with pytest.raises(sp.InvalidArgument, match="no node and port"):
            c.http.get("m1")
        with pytest.raises(sp.NotFound, match="nosuch") as unknown:
            c.http.get("nosuch:8080")
        assert "m1, w1, w2" in unknown.value.hint
        if mode == "real":
            outside = sp.connect(c.nodes["m1"].docker_host)
            assert outside.http.get("w2:8080").status == 200, "by a node's name, too"
            with pytest.raises(sp.Unreachable, match=r"nobody answers at .*:2377"):
                c.http.get("m1:2377")  # TLS between nodes, and no word to others
            with (
                _answers_nonsense(c.nodes["m1"].addr.split(":")[0]) as port,
                pytest.raises(sp.Unreachable, match="is no HTTP"),
            ):
                c.http.get(f"m1:{port}")
        c.nodes["w1"].kill()
        assert all(c.http.get("w2:8080").status == 200 for _ in range(6))


def _answers(c: sp.Swarm, name: str) -> bool:
    try:
        return c.http.get(f"{name}:8080").status == 200
    except sp.Unreachable:
        return False


def test_a_request_without_patience_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(sp.Unreachable, match="timed out"):
        http_get("127.0.0.1", silent.getsockname()[1], "/", timeout=0)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_port_answers_though_nobody_knows_the_nodes(host: str, tmp_path: Path) -> None:
    outside = RemoteWorld(f"unix://{tmp_path}/nobody.sock")
    with HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as page:
        threading.Thread(target=page.handle_request, daemon=True).start()
        assert outside.http_get(host, page.server_port, "/", timeout=5.0)[0] == 200


def test_requests_take_virtual_time_and_change_nothing_between_runs() -> None:
    def story() -> tuple[object, ...]:
        with sp.Swarm(managers=1, workers=1, seed=7) as c:
            c.services.create("nginx", name="web", replicas=2, ports=["8080:80"]).wait()
            before = c.now
            tasks = [c.http.get("w1:8080").task for _ in range(4)]
            assert 0 < c.now - before < 0.1
            return c.trace_hash, tasks

    assert story() == story()


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with own_home():
        cluster = LocalCluster.start(managers=1, workers=2, init=True, lease=True)
        try:
            yield cluster
        finally:
            cluster.close()


@pytest.fixture
def docker(cluster: LocalCluster, tmp_path: Path) -> Iterator[Docker]:
    docker = Docker(cluster.nodes[0], tmp_path)
    yield docker
    for name in docker("service", "ls", "--format", "{{.Name}}").split():
        docker("service", "rm", name)


def get(address: str, port: int = 8080) -> str:
    with socket.create_connection((address, port), timeout=5) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(65536), b"")).decode()
    assert answer.startswith("HTTP/1.1 200 OK") and answer.endswith("</pre>\n"), answer
    return answer


def answering(address: str, port: int = 8080) -> bool:
    try:
        return bool(get(address, port))
    except OSError:
        return False


QUIET = ("--detach", "--quiet", "--no-resolve-image")


@needs_docker
def test_dockers_words_about_ports(cluster: LocalCluster, docker: Docker) -> None:
    docker("service", "create", *QUIET, "--name", "myweb", "--replicas", "2", "-p", "8080:80", "nginx")
    for node in cluster.nodes:
        eventually(cluster.nodes[0].door, lambda at=node.address: answering(at), f"{node.name} answers")  # type: ignore[misc]
    assert docker.rows("service", "ls")[0]["PORTS"] == "*:8080->80/tcp"
    taken = docker.refused("service", "create", *QUIET, "--name", "other", "-p", "8080:80", "nginx")
    assert "port '8080' is already in use by service 'myweb'" in taken
    udp = docker.refused("service", "create", *QUIET, "--name", "dns", "-p", "53:53/udp", "nginx")
    assert "udp is not there yet" in udp
    docker("service", "create", *QUIET, "--name", "any", "-p", "80", "nginx")
    ports = docker(
        "service", "inspect", "any", "--format", "{{range .Endpoint.Ports}}{{.PublishedPort}}{{end}}"
    )
    eventually(
        cluster.nodes[0].door, lambda: answering(cluster.nodes[0].address, 30000), "it was given 30000"
    )
    assert ports in ("", "30000")
    docker("service", "create", *QUIET, "--name", "ranges", "-p", "9001-9003:81-83", "nginx")
    assert docker.rows("service", "ls", "--filter", "name=ranges")[0]["PORTS"] == "*:9001-9003->81-83/tcp"


@needs_docker
def test_a_host_port_is_one_nodes_own(cluster: LocalCluster, docker: Docker) -> None:
    where = ("--constraint", "node.hostname==w1")
    docker(
        "service",
        "create",
        *QUIET,
        "--name",
        "own",
        *where,
        "-p",
        "published=8181,target=80,mode=host",
        "nginx",
    )
    w1, m1 = cluster.node("w1"), cluster.node("m1")
    eventually(m1.door, lambda: answering(w1.address, 8181), "w1 answers")
    assert not answering(m1.address, 8181)
    assert docker.rows("service", "ps", "own")[0]["PORTS"] == "*:8181->80/tcp"


@needs_docker
def test_a_host_port_that_is_left_open_is_picked_and_shown(cluster: LocalCluster, docker: Docker) -> None:
    where = ("--constraint", "node.hostname==w1")
    docker("service", "create", *QUIET, "--name", "any", *where, "-p", "target=80,mode=host", "nginx")
    w1 = cluster.node("w1")
    eventually(w1.door, lambda: docker.rows("service", "ps", "any")[0]["PORTS"] != "", "it runs")
    shown = docker.rows("service", "ps", "any")[0]["PORTS"]
    assert re.fullmatch(r"\*:\d+->80/tcp", shown), shown
    port = int(shown[2:].split("-")[0])
    eventually(w1.door, lambda: answering(w1.address, port), "w1 answers")


@needs_docker
def test_a_port_of_another_program_is_a_warning_of_that_node(cluster: LocalCluster, docker: Docker) -> None:
    m1, w1 = cluster.node("m1"), cluster.node("w1")
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((w1.address, 8282))
        other.listen()
        docker("service", "create", *QUIET, "--name", "web", "-p", "8282:80", "nginx")
        eventually(m1.door, lambda: answering(m1.address, 8282), "m1 answers")

        def message() -> str:
            return docker("node", "inspect", "w1", "--format", "{{.Status.Message}}")

        eventually(m1.door, lambda: "8282" in message(), "the swarm knows")
        assert "in use by another program" in message()
    eventually(m1.door, lambda: answering(w1.address, 8282), "w1 answers, once it can")
    eventually(m1.door, lambda: message() == "", "the warning is gone")


class Load(threading.Thread):
    """Requests to each node in turn, one connection each, until it is told to end."""

    def __init__(self, addresses: list[str], begin: int) -> None:
        super().__init__()
        self.addresses, self.begin, self.over = addresses, begin, threading.Event()
        self.served, self.errors = 0, list[str]()

    def run(self) -> None:
        number = self.begin
        while not self.over.wait(0.01):
            number += 1
            try:
                get(self.addresses[number % len(self.addresses)])
                self.served += 1
            except (OSError, AssertionError) as error:
                self.errors.append(repr(error))


@needs_docker
def test_a_rolling_update_loses_no_request(cluster: LocalCluster, docker: Docker) -> None:
    how = ("--update-order", "start-first", "--update-monitor", "100ms", "--update-delay", "0s")
    docker(
        "service", "create", *QUIET, *how, "--name", "web", "--replicas", "6", "-p", "8080:80", "nginx:1.10"
    )
    addresses = [node.address for node in cluster.nodes]
    eventually(cluster.nodes[0].door, lambda: all(map(answering, addresses)), "all answer")
    loads = [Load(addresses, begin) for begin in range(8)]
    for load in loads:
        load.start()
    docker("service", "update", "--quiet", "--no-resolve-image", "--image", "nginx:1.11", "web")
    time.sleep(0.2)  # of requests after it: not a wait for anything
    for load in loads:
        load.over.set()
        load.join()
    assert [error for load in loads for error in load.errors] == []
    assert sum(load.served for load in loads) > 50
    assert "nginx:1.11" in get(addresses[0])


@pytest.mark.parametrize("mode", ["sim", pytest.param("real", marks=pytest.mark.real)])
def test_nobody_listens_at_a_port_that_the_image_does_not_serve(mode: str) -> None:
    with own_home(), sp.Swarm(managers=1, workers=1, mode=mode) as c:
        wrong = c.services.create("nginx", name="wrong", replicas=2, ports=["8081:81"])
        assert wrong.wait()
        with pytest.raises(sp.Unreachable):
            c.http.get("m1:8081", timeout="5s")
