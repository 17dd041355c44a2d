"""Client: the Docker API in Python's terms, over any number of doors. JSON in and out, errors typed, dead
managers passed over.

It knows routes' shapes no better than `json` does: what the fields mean is `_models`' business.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

from swarmpy._connection.base import Connection, Exchange, Head, Request
from swarmpy.errors import NotManager, SwarmError, Timeout, Unreachable, error_of

TIMEOUT = 30.0  # seconds on the swarm's clock; the engine itself answers sooner, with a reason
FIRST_TIMEOUT = 5.0  # for a node that may be stopped, where another can be asked the same
_NO_DEADLINE = float("inf")
_T = TypeVar("_T")


class Client:
    """Asks whoever can answer. `doors` gives the ways to try, best first; the last that answered is asked
    first.
    """

    def __init__(self, doors: Callable[[], list[Connection]]) -> None:
        self._doors = doors
        self._last = ""
        self.writes = 0  # requests that may have changed something
        self._silent: set[str] = set()  # by name: those that did not answer when they were last asked

    def json(self, method: str, path: str, **options: Any) -> Any:
        """The parsed answer, None for an empty one. Options as for `call`."""
        body = self.call(method, path, **options)
        return json.loads(body) if body.strip() else None

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        at: Connection | None = None,
    ) -> bytes:
        """Sends one request and gives the answer's body. `at`: to this node and no other."""
        request = make_request(method, path, query=query, body=body, headers=headers)
        self.writes += method != "GET"
        if at is not None:
            return finish(at.open(request))
        return self._first(
            lambda door, timeout: finish(door.open(request), timeout), safe_to_repeat=method == "GET"
        )

    def stream(
        self,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        at: Connection | None = None,
    ) -> Exchange:
        """Begins a GET whose answer comes bit by bit. The caller closes it."""
        request = make_request("GET", path, query=query)
        if at is not None:
            return begin(at.open(request))
        return self._first(lambda door, timeout: begin(door.open(request), timeout), safe_to_repeat=True)

    def _first(self, ask: Callable[[Connection, float], _T], *, safe_to_repeat: bool) -> _T:
        refused: SwarmError | None = None
        doors = self._by_preference()
        for door in doors:
            is_last = door is doors[-1]
            try:
                answer = ask(door, FIRST_TIMEOUT if safe_to_repeat and not is_last else TIMEOUT)
            except NotManager as error:
                refused = error
            except Timeout:
                self._silent.add(door.name)
                if is_last or not safe_to_repeat:
                    raise
            except Unreachable as error:
                if error.sent and not safe_to_repeat:
                    raise
                refused = refused or error
            else:
                self._last = door.name
                self._silent.discard(door.name)
                return answer
        raise refused or Unreachable("no node of this swarm is running")

    def _by_preference(self) -> list[Connection]:
        return sorted(self._doors(), key=lambda door: (door.name in self._silent, door.name != self._last))


def make_request(
    method: str,
    path: str,
    *,
    query: Mapping[str, object] | None = None,
    body: object = None,
    headers: Mapping[str, str] | None = None,
) -> Request:
    """A request of the API: `query` values that are dicts become JSON (filters), booleans 1 or 0; None is
    left out.
    """
    words = {key: _query_word(value) for key, value in (query or {}).items() if value is not None}
    target = f"{path}?{urlencode(words)}" if words else path
    all_headers = dict(headers or {})
    payload = b""
    if body is not None:
        payload = json.dumps(body).encode()
        all_headers["content-type"] = "application/json"
    return Request(method, target, all_headers, payload)


def begin(exchange: Exchange, timeout: float = TIMEOUT) -> Exchange:
    """Waits for the head; an error's answer is raised."""
    head = exchange.head(timeout)
    if head.status >= 400:
        raise _error(head, exchange.read(TIMEOUT))
    return exchange


def finish(exchange: Exchange, timeout: float = TIMEOUT) -> bytes:
    """Waits for the whole answer."""
    return begin(exchange, timeout).read(TIMEOUT)


def lines(exchange: Exchange, timeout: Callable[[], float] | None = None) -> Iterator[bytes]:
    """The complete lines of a stream, as they come; ends with it, or when the `timeout()` of the moment is
    over.
    """
    rest = b""
    try:
        while part := exchange.piece(timeout() if timeout else _NO_DEADLINE):
            *whole, rest = (rest + part).split(b"\n")
            yield from (line for line in whole if line.strip())
    finally:
        exchange.close()


def _query_word(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _error(head: Head, body: bytes) -> SwarmError:
    try:
        message = str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        message = body.decode(errors="replace").strip() or f"HTTP status {head.status}"
    return error_of(head.status, message, head.headers)
