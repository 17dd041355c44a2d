"""The client over real sockets, against a door of a few lines: streams, errors, and passing over the dead."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any

import pytest

import swarmpy as sp
from swarmpy._connection.client import Client, lines, make_request
from swarmpy._connection.http import HttpConnection, _HttpExchange


class Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        if self.path.startswith("/stream"):
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for chunk in (b'{"a":', b'1}\n{"a":2}\n'):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                self.wfile.flush()
            if "slow" in self.path:
                time.sleep(1.0)
            self.wfile.write(b"0\r\n\r\n")
        elif self.path == "/worker":
            self._answer(503, b'{"message":"This node is not a swarm manager. Use ..."}')
        elif self.path in ("/nodes", "/services"):
            self._answer(200, b"[]")
        elif self.path == "/hang":
            self.close_connection = True
        else:
            self._answer(200, b'{"path":"%s"}' % self.path.encode())

    def do_POST(self) -> None:
        self._answer(409, b'{"message":"taken"}', {"Swarmpy-Code": "AlreadyExists", "Swarmpy-Hint": "rename"})

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingUnixStreamServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        pass  # a client that hung up: some tests do


@pytest.fixture
def door(tmp_path: Path) -> Iterator[str]:
    path = str(tmp_path / "door.sock")
    with Server(path, Door) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"unix://{path}"
        server.shutdown()
        thread.join()


def client(*hosts: str) -> Client:
    return Client(lambda: [HttpConnection(host) for host in hosts])


def test_a_filter_travels_as_json(door: str) -> None:
    answer = client(door).json("GET", "/tasks", query={"filters": {"service": {"web": True}}, "skip": None})
    assert answer["path"] == "/tasks?filters=%7B%22service%22%3A+%7B%22web%22%3A+true%7D%7D"


def test_an_error_carries_code_hint_and_status(door: str) -> None:
    with pytest.raises(sp.Conflict) as caught:
        client(door).json("POST", "/services/create", body={})
    assert (caught.value.code, caught.value.hint, caught.value.status) == ("AlreadyExists", "rename", 409)
    assert str(caught.value) == "taken\nHint: rename"


def test_lines_come_whole_however_they_were_cut(door: str) -> None:
    assert list(lines(client(door).stream("/stream"))) == [b'{"a":1}', b'{"a":2}']


def test_a_stream_ends_when_its_time_is_over(door: str) -> None:
    deadline = time.monotonic() + 0.2
    got = list(lines(client(door).stream("/stream-slow"), lambda: max(deadline - time.monotonic(), 0)))
    assert got == [b'{"a":1}', b'{"a":2}']
    assert time.monotonic() < deadline + 0.5


def test_hanging_up_wakes_who_reads_in_another_thread(door: str) -> None:
    """http.client does not bear to be closed while it reads."""
    ends: list[type[BaseException] | None] = []

    def read(stream: Iterator[bytes]) -> None:
        try:
            list(stream)
        except BaseException as error:
            ends.append(type(error))
        else:
            ends.append(None)

    for _ in range(50):
        exchange = client(door).stream("/stream-slow")
        reader = threading.Thread(target=read, args=(lines(exchange),))
        reader.start()
        time.sleep(0.005)
        exchange.close()
        reader.join()
    assert set(ends) <= {None, sp.Unreachable}


def test_who_has_read_when_another_hangs_up_closes(door: str, monkeypatch: pytest.MonkeyPatch) -> None:
    exchange = HttpConnection(door).open(make_request("GET", "/stream-slow"))
    assert isinstance(exchange, _HttpExchange)
    exchange.head(5.0)
    answer = exchange._answer
    assert answer
    read, closed = threading.Event(), threading.Event()

    def read1(_: int) -> bytes:
        read.set()
        closed.wait(5.0)
        return b"piece"

    monkeypatch.setattr(answer, "read1", read1)
    reader = threading.Thread(target=exchange.piece, args=(5.0,))
    reader.start()
    read.wait(5.0)
    exchange.close()
    closed.set()
    reader.join()
    assert answer.isclosed() and exchange._wire.sock is None


def test_the_dead_are_passed_over_and_the_living_remembered(door: str, tmp_path: Path) -> None:
    nobody = f"unix://{tmp_path}/nobody.sock"
    both = client(nobody, door)
    assert both.json("GET", "/x")["path"] == "/x"
    assert both._by_preference()[0].name == door


def test_nobody_and_no_manager_are_told_apart(door: str, tmp_path: Path) -> None:
    with pytest.raises(sp.Unreachable, match="cannot reach"):
        client(f"unix://{tmp_path}/nobody.sock").call("GET", "/x")
    with pytest.raises(sp.NotManager) as caught:
        client(f"unix://{tmp_path}/nobody.sock", door).call("GET", "/worker")
    assert "Ask a manager" in caught.value.hint


def test_an_answer_that_breaks_off_says_that_the_request_was_sent(door: str) -> None:
    with pytest.raises(sp.Unreachable) as caught:
        client(door).call("GET", "/hang")
    assert caught.value.sent


def test_a_door_that_is_none_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(sp.InvalidArgument, match="not a docker host"):
        HttpConnection("10.0.0.1")


def test_connect_asks_at_once(door: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", door)
    swarm = sp.connect()
    assert swarm.mode == "real" and swarm.seed is None and swarm.trace_hash is None
    refused: list[Callable[[], object]] = [swarm.step, lambda: swarm.serve("unix:///x")]
    for ask in refused:
        with pytest.raises(sp.NotSupportedInMode) as caught:
            ask()
        assert caught.value.hint
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(sp.Unreachable):
            sp.connect(f"tcp://127.0.0.1:{free.getsockname()[1]}")
