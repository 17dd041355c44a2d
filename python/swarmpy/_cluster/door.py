"""A daemon's API over its unix socket, as far as clusters need it: calls, and waiting for a condition."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

from swarmpy.errors import SwarmError, Timeout, Unreachable, error_of

RECHECK = 0.25  # seconds after which a condition is looked at again although no event came


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(self._path)
        except OSError:
            self.sock.close()
            raise


class Door:
    """Speaks to the daemon behind `docker_host` ("unix:///...")."""

    def __init__(self, docker_host: str, timeout: float = 30.0) -> None:
        self.docker_host = docker_host
        self._timeout = timeout

    def get(self, path: str, timeout: float | None = None, headers: Mapping[str, str] | None = None) -> Any:
        return self.ask("GET", path, None, timeout, headers)

    def post(self, path: str, body: object = None, timeout: float | None = None) -> Any:
        return self.ask("POST", path, body, timeout)

    def delete(self, path: str) -> Any:
        return self.ask("DELETE", path)

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The decoded answer. SwarmError for an error reply, Unreachable when there is no answer."""
        text = self.text(path, method, body, timeout, headers)
        return json.loads(text) if text.strip() else None

    def text(
        self,
        path: str,
        method: str = "GET",
        body: object = None,
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        connection = self._connection(timeout)
        try:
            connection.request(method, path, *_encode(body, headers))
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            raise self._silent(error) from error
        finally:
            connection.close()
        if response.status >= 400:
            raise _refused(response, text)
        return text

    def until(self, holds: Callable[[], bool], timeout: float, what: str) -> None:
        """Returns as soon as `holds()`; asked again at each event. Timeout after `timeout`."""
        deadline = time.monotonic() + timeout
        connection = self._connection(None)
        try:
            response = self._open_events(connection)
            while not holds():
                if time.monotonic() > deadline:
                    raise Timeout(f"{what}: not so after {timeout:g} seconds")
                if not _next_line(response):
                    connection.close()
                    connection = self._connection(None)
                    response = self._open_events(connection)
        finally:
            connection.close()

    def _open_events(self, connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
        try:
            connection.request("GET", "/swarmpy/v1/events")
            stream = connection.sock
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise self._silent(error) from error
        if response.status >= 400:
            raise _refused(response, response.read().decode())
        stream.settimeout(RECHECK)
        return response

    def _connection(self, timeout: float | None) -> http.client.HTTPConnection:
        path = self.docker_host.removeprefix("unix://")
        return _UnixConnection(path, self._timeout if timeout is None else timeout)

    def _silent(self, error: Exception) -> Unreachable:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        hint = "is the node running? see: swarmpy ls"
        return Unreachable(f"no answer at {self.docker_host}: {reason}", hint=hint)


def _encode(body: object, headers: Mapping[str, str] | None) -> tuple[str | None, dict[str, str]]:
    if body is None:
        return None, dict(headers or {})
    return json.dumps(body), {"Content-Type": "application/json", **(headers or {})}


def _refused(response: http.client.HTTPResponse, text: str) -> SwarmError:
    headers = {name.lower(): value for name, value in response.getheaders()}
    return error_of(response.status, _message(text, response.reason), headers)


def _message(text: str, reason: str) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text.strip() or reason


def _next_line(response: http.client.HTTPResponse) -> bool:
    """Waits for an event or for RECHECK. False when the stream must be opened again."""
    try:
        return bool(response.readline())
    except (OSError, http.client.HTTPException):
        return False
