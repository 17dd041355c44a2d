"""Bad clients at a real daemon: what they send is refused in a sentence, what they do hurts no other client.

Limits: a request's head 64 KiB, its body 64 MiB, ten seconds for the head, 64 MiB of unread stream.
"""

from __future__ import annotations

import contextlib
import json
import resource
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import eventually, own_home
from swarmpy import InvalidArgument, NotFound, SwarmError
from swarmpy._cluster import Door, LocalCluster, LocalNode

pytestmark = pytest.mark.real

CONNECTIONS = 10_000


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with own_home(), LocalCluster.start("bad", 1, 1) as cluster:
        yield cluster


@pytest.fixture
def node(cluster: LocalCluster) -> LocalNode:
    return cluster.nodes[0]


@contextlib.contextmanager
def connected(node: LocalNode) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(node.docker_host.removeprefix("unix://"))  # blocks while the backlog is full
        client.settimeout(20)
        yield client


def said(client: socket.socket) -> bytes:
    """All that comes until the daemon hangs up."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


def resident(node: LocalNode) -> int:
    assert node.pid is not None
    return int(Path(f"/proc/{node.pid}/statm").read_text().split()[1]) * resource.getpagesize()


def descriptors(node: LocalNode) -> int:
    return sum(1 for _ in Path(f"/proc/{node.pid}/fd").iterdir())


def answers_quickly(node: LocalNode) -> bool:
    """For other clients nothing has changed."""
    began = time.monotonic()
    node.door.get("/info", timeout=5)
    return time.monotonic() - began < 1.0


def service(name: str, *command: str, **task: object) -> dict[str, object]:
    container = {"Image": "alpine", "Args": list(command)} if command else {"Image": "nginx:1.10"}
    return {"Name": name, "TaskTemplate": {"ContainerSpec": container, **task}}


# ---- what is sent


@pytest.mark.parametrize(
    "body",
    ["{", "[1, 2]", "nonsense", '{"Name": 7}', '{"Name": "a", "TaskTemplate": []}', '"' + "[" * 100_000],
)
def test_malformed_json_is_refused_in_a_sentence(node: LocalNode, body: str) -> None:
    with connected(node) as client:
        head = f"POST /services/create HTTP/1.1\r\nHost: d\r\nContent-Length: {len(body)}\r\n"
        client.sendall((head + "Content-Type: application/json\r\nConnection: close\r\n\r\n" + body).encode())
        head, _, answer = said(client).decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 400"), head
    assert len(json.loads(answer)["message"]) > 10


@pytest.mark.parametrize(
    ("request_head", "status", "sentence"),
    [
        (b"POST /services/create HTTP/1.1\r\nContent-Length: 68719476736\r\n\r\n", 413, "64 MiB"),
        (b"GET /info HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", 431, "64 KiB"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 10 + b"\r\n\r\n", 400, "malformed HTTP"),
        (b"GET  HTTP/1.1\r\n\r\n", 400, "malformed HTTP"),
        (b"POST /info HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, "malformed HTTP"),
    ],
    ids=["a body of 64 GiB", "a head of 70 kB", "TLS", "no target", "a negative length"],
)
def test_what_is_no_request_is_refused(
    node: LocalNode, request_head: bytes, status: int, sentence: str
) -> None:
    with connected(node) as client:
        client.sendall(request_head)
        answer = said(client).decode()
    assert answer.startswith(f"HTTP/1.1 {status}")
    assert sentence in answer
    assert answers_quickly(node)


def test_a_service_that_makes_no_sense_is_refused(node: LocalNode) -> None:
    door = node.door
    minus = {**service("minus"), "Mode": {"Replicated": {"Replicas": -1}}}
    for spec in (service("-a"), service("a" * 64), minus):
        with pytest.raises(InvalidArgument):
            door.post("/services/create", spec)
    for path in ("/nodes/nosuch", "/services/nosuch", "/tasks/nosuch", "/nosuch"):
        with pytest.raises(NotFound):
            door.get(path)
    with pytest.raises(SwarmError, match="update out of sequence"):
        created = door.post("/services/create", service("late"))["ID"]
        door.post(f"/services/{created}/update?version=1", service("late"))
    door.delete("/services/late")
    door.post("/services/create", {**service("x"), "TaskTemplate": {"ContainerSpec": {"Image": "nosuch:1"}}})
    eventually(
        door,
        lambda: any(task["Status"].get("Err") == "No such image: nosuch:1" for task in door.get("/tasks")),
        "the task is rejected",
    )
    door.delete("/services/x")


# ---- how it is sent


def test_ten_thousand_idle_connections_cost_little_and_stop_nobody(node: LocalNode) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(CONNECTIONS, hard // 2 if hard > 0 else CONNECTIONS)  # both sides are on this machine
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 256), hard))
    before, open_before = resident(node), descriptors(node)
    ask = b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(connected(node)).sendall(ask)  # served once: it may stay for ever
        eventually(node.door, lambda: descriptors(node) >= open_before + count, "all are connected")
        assert answers_quickly(node)
        assert resident(node) - before < 12 * 1024 * count
    eventually(node.door, lambda: descriptors(node) < open_before + 20, "all are closed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_half_a_request_is_dropped_after_ten_seconds_and_hurts_nobody(node: LocalNode) -> None:
    with connected(node) as silent, connected(node) as head, connected(node) as dying:
        head.sendall(b"POST /services/create HTTP/1.1\r\nContent-Le")
        dying.sendall(b"POST /services/create HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
        dying.close()
        assert answers_quickly(node)
        for client in (silent, head):
            assert said(client) == b""  # well before the twenty seconds of our patience


def test_requests_without_end_whose_answers_nobody_reads_wait(node: LocalNode) -> None:
    """A client that pipelines and does not read is not served further."""
    before = resident(node)
    ask = b"GET /nodes HTTP/1.1\r\nHost: d\r\n\r\n" * 1000
    sent = 0
    with connected(node) as client:
        client.settimeout(1)
        with contextlib.suppress(TimeoutError):
            while sent < 400 << 20:
                sent += client.send(ask)
        assert sent < 8 << 20
        assert resident(node) - before < 24 << 20
        assert answers_quickly(node)


def test_a_slow_reader_of_a_flood_stalls_nobody_and_is_bounded(cluster: LocalCluster) -> None:
    manager, worker = cluster.nodes
    flood = service("flood", "yes", "and a line of text that is somewhat longer")
    placed = {
        **flood,
        "TaskTemplate": {**flood["TaskTemplate"], "Placement": {"Constraints": ["node.role==worker"]}},
    }  # type: ignore[dict-item]
    created = manager.door.post("/services/create", placed)["ID"]
    eventually(manager.door, lambda: running(manager.door, "flood") == 1, "the flood runs")
    with connected(manager) as logs, connected(manager) as events, connected(worker) as local:
        logs.sendall(f"GET /services/{created}/logs?follow=1&stdout=1 HTTP/1.1\r\n\r\n".encode())
        events.sendall(b"GET /swarmpy/v1/events HTTP/1.1\r\n\r\n")
        container = worker.door.get("/containers/json")[0]["Id"]
        local.sendall(f"GET /containers/{container}/logs?follow=1&stdout=1 HTTP/1.1\r\n\r\n".encode())
        assert logs.recv(100) and local.recv(100)
        for _ in range(20):  # others are served all the while
            assert answers_quickly(manager) and answers_quickly(worker)
            manager.door.post("/services/create", {**service("other"), "Mode": {"Global": {}}})
            eventually(manager.door, lambda: running(manager.door, "other") == 2, "others start", 10)
            manager.door.delete("/services/other")
        assert resident(manager) < 300 << 20 and resident(worker) < 300 << 20
        states = {n["Status"]["State"] for n in manager.door.get("/nodes")}
        assert states == {"ready"}, "the flood starves no heartbeat"
    manager.door.delete("/services/flood")
    eventually(manager.door, lambda: running(manager.door, "flood") == 0, "the flood ends")


def test_a_client_that_dies_in_the_middle_leaves_nothing_open(cluster: LocalCluster) -> None:
    manager = cluster.nodes[0]
    manager.door.post(
        "/services/create", service("talker", "sh", "-c", "while :; do echo x; sleep 0.1; done")
    )
    eventually(manager.door, lambda: running(manager.door, "talker") == 1, "it talks")
    before = descriptors(manager)
    for path in ("/services/talker/logs?follow=1&stdout=1", "/events", "/swarmpy/v1/events", "/tasks"):
        for _ in range(20):
            with connected(manager) as client:
                client.sendall(f"GET {path} HTTP/1.1\r\n\r\n".encode())
    eventually(manager.door, lambda: descriptors(manager) <= before + 2, "all are closed")
    manager.door.delete("/services/talker")


def running(door: Door, name: str) -> int:
    services = [one["ID"] for one in door.get("/services") if one["Spec"]["Name"] == name]
    tasks = door.get('/tasks?filters={"desired-state":["running"]}')
    return sum(t["ServiceID"] in services and t["Status"]["State"] == "running" for t in tasks)
