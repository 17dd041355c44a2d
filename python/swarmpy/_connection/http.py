"""A real node's door: HTTP/1.1 over a unix socket or TCP, one connection per request, by the standard library
alone.
"""

from __future__ import annotations

import contextlib
import http.client
import select
import socket
import threading
import time
from urllib.parse import urlsplit

from swarmpy._connection.base import Exchange, Head, Request, Shown
from swarmpy.errors import InvalidArgument, Timeout, Unreachable

CONNECT_TIMEOUT = 5.0  # seconds


class _UnixHTTPConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=CONNECT_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class HttpConnection:
    """`docker_host` as docker writes it: `unix:///path` or `tcp://host:port[/base]`."""

    def __init__(self, docker_host: str, name: str = "") -> None:
        self.docker_host = docker_host
        self._name = name or docker_host
        url = urlsplit(docker_host)
        if url.scheme not in ("unix", "tcp", "http") or not (url.path or url.netloc):
            raise InvalidArgument(
                f"not a docker host: {docker_host!r}", hint="Write unix:///path/to/socket or tcp://host:2375."
            )
        self._unix_path = url.path if url.scheme == "unix" else ""
        self._host, self._port = url.hostname or "localhost", url.port or 2375
        self._base = "" if self._unix_path else url.path.rstrip("/")

    @property
    def name(self) -> str:
        return self._name

    def look(self, request: Request) -> Shown | None:
        return None

    def open(self, request: Request) -> Exchange:
        wire = self._wire()
        try:
            wire.request(request.method, self._base + request.target, request.body, dict(request.headers))
        except OSError as error:
            wire.close()
            whom = self._name if self._name == self.docker_host else f"{self._name} at {self.docker_host}"
            raise Unreachable(f"cannot reach {whom}: {error}") from error
        except BaseException:
            wire.close()
            raise
        return _HttpExchange(wire, self._name)

    def _wire(self) -> http.client.HTTPConnection:
        if self._unix_path:
            return _UnixHTTPConnection(self._unix_path)
        return http.client.HTTPConnection(self._host, self._port, timeout=CONNECT_TIMEOUT)


class _HttpExchange:
    def __init__(self, wire: http.client.HTTPConnection, name: str) -> None:
        self._wire, self._name = wire, name
        self._socket = wire.sock  # http.client forgets it once an answer without length begins
        self._answer: http.client.HTTPResponse | None = None
        self._reading = threading.RLock()
        self._over = False

    def head(self, timeout: float) -> Head:
        answer = self._answered(timeout)
        return Head(answer.status, {name.lower(): value for name, value in answer.getheaders()})

    def read(self, timeout: float) -> bytes:
        deadline = time.monotonic() + timeout
        parts: list[bytes] = []
        while part := self.piece(deadline - time.monotonic()):
            parts.append(part)
        if part is None:
            raise Timeout(f"{self._name} did not finish its answer within {timeout:.0f} s")
        return b"".join(parts)

    def ready(self, timeout: float) -> bool:
        with self._reading:
            waiting = not self._buffered() and not self._over
            came = self._comes_within(timeout) if waiting else True
        if self._over:
            self.close()
        return came

    def _buffered(self) -> bool:
        """Has something been read already that is more than the line end after a chunk?"""
        answer = self._answered(CONNECT_TIMEOUT)
        if answer.fp is None or self._over:
            return True
        try:
            self._socket.setblocking(False)
            return bool(answer.fp.peek(1).strip())
        except OSError:  # hung up: piece() says so
            return True

    def _comes_within(self, timeout: float) -> bool:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(None if timeout == float("inf") else max(timeout, 0.0) * 1000))

    def piece(self, timeout: float) -> bytes | None:
        with self._reading:
            part = self._piece(timeout)
        if self._over:  # somebody hung up meanwhile, and this may be the last piece that is asked for
            self.close()
        return part

    def _piece(self, timeout: float) -> bytes | None:
        try:
            answer = self._answered(timeout)
            self._patience(timeout)
            part = answer.read1(1 << 16)
        except TimeoutError:
            self.close()
            return None
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Unreachable(f"{self._name} hung up: {error}", sent=True) from error
        if not part:
            self.close()
        return part

    def close(self) -> None:
        self._over = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes who reads in another thread, and closes then
        if not self._reading.acquire(blocking=False):
            return
        try:
            if self._answer is not None:
                self._answer.close()
            self._wire.close()
        finally:
            self._reading.release()

    def _answered(self, timeout: float) -> http.client.HTTPResponse:
        if self._answer is not None:
            return self._answer
        try:
            self._patience(timeout)
            self._answer = self._wire.getresponse()
        except TimeoutError as error:
            self.close()
            raise Timeout(f"{self._name} did not answer within {timeout:.0f} s") from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Unreachable(f"{self._name} hung up: {error}", sent=True) from error
        except BaseException:
            self.close()
            raise
        return self._answer

    def _patience(self, timeout: float) -> None:
        # settimeout(0) would mean non-blocking, and infinity is None.
        self._socket.settimeout(None if timeout == float("inf") else max(timeout, 0.001))
