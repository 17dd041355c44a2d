"""Client: the Docker API in Python's terms, over any number of doors. JSON in and out, errors typed, dead
managers passed over.

It knows routes' shapes no better than `json` does: what the fields mean is `_models`' business.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import urlencode

from swarmpy._connection.base import Connection, Exchange, Head, Request, Shown
from swarmpy.errors import Locked, NoQuorum, NotManager, SwarmError, Timeout, Unreachable, error_of

TIMEOUT = 30.0  # seconds on the swarm's clock; the engine itself answers sooner, with a reason
FIRST_TIMEOUT = 5.0  # for a node that may be stopped, where another can be asked the same
ASK_ANOTHER = (NoQuorum, Timeout, Locked, NotManager, Unreachable)  # what tells most first
MAYBE_DONE = "It may have been carried out: look at the present state before you try again."
NOT_FOUND = 404  # of a manager without a leader: it may be there, and only not known to this one
_NO_DEADLINE = float("inf")
_ANY_READ = "/swarm"  # small, and answered only by a manager that has a leader
_T = TypeVar("_T")


class Client:
    """Asks until a node answers. `doors` gives the ways to try, best first; the last to answer is asked
    first. `dead`: names of machines that are known not to run, for errors.

    `look` gives answers to reads that are there without asking anybody, None for others. A look changes
    nothing here either: whom the next write asks does not hang on it.

    A read goes on to the next manager whatever the first one lacks: a leader, an answer in time, or its life.
    A write goes on only where the first one certainly did nothing with it.
    """

    def __init__(
        self,
        doors: Callable[[], list[Connection]],
        dead: Callable[[], Collection[str]] = tuple,
        look: Callable[[Request], Shown | None] = lambda _request: None,
    ) -> None:
        self._doors, self._dead, self._look = doors, dead, look
        self._strict = False
        self._last = ""
        self.writes = 0  # requests that may have changed something
        self._avoided: set[str] = set()  # by name: without an answer or a leader when they were last asked

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
        text: str | None = None,
        headers: Mapping[str, str] | None = None,
        at: Connection | None = None,
        before_write: bool = False,
        after_read: bool = False,
    ) -> bytes:
        """Sends one request and gives the answer's body. `at`: to this node and no other. `before_write`: a
        read that is no look but the first half of a change. `after_read`: the manager that was asked last has
        just shown that it has a leader.
        """
        request = make_request(method, path, query=query, body=body, text=text, headers=headers)
        is_read = method == "GET"
        self.writes += not is_read
        if is_read and not before_write and (seen := self._seen(request, at)):
            return finish(seen)
        if at is not None:
            self._check_open()
            return finish(at.open(request))
        if not is_read and not after_read:
            self._find_a_manager()
        return self._first(lambda door, timeout: finish(door.open(request), timeout), may_repeat=is_read)

    def stream(
        self,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        at: Connection | None = None,
    ) -> Exchange:
        """Begins a GET whose answer comes bit by bit. The caller closes it."""
        request = make_request("GET", path, query=query)
        if seen := self._seen(request, at):
            return begin(seen)
        if at is not None:
            self._check_open()
            return begin(at.open(request))
        return self.stream_and_door(path, query=query)[1]

    def stream_and_door(
        self, path: str, *, query: Mapping[str, object] | None = None
    ) -> tuple[Connection, Exchange]:
        """As `stream`, for one that goes on: and who answers."""
        request = make_request("GET", path, query=query)
        return self._first(lambda door, timeout: (door, begin(door.open(request), timeout)), may_repeat=True)

    def check(self, door: Connection, timeout: float = FIRST_TIMEOUT) -> None:
        """Raises unless the manager behind `door` can read the swarm's present state."""
        finish(door.open(make_request("GET", _ANY_READ)), timeout)

    def of_one(
        self,
        path: str,
        take: Callable[[Connection, Exchange, float], _T],
        *,
        query: Mapping[str, object] | None = None,
        or_any: bool = True,
    ) -> _T:
        """Takes what a manager answers of its own knowledge, from one that has a leader: so it is what the
        swarm knows. Where none has, from any node that answers, `or_any`.
        """
        request = make_request("GET", path, query=query)

        def taken(door: Connection, timeout: float) -> _T:
            return take(door, begin(door.open(request), timeout), timeout)

        def checked(door: Connection, timeout: float) -> _T:
            self.check(door, timeout)
            return taken(door, timeout)

        if seen := self._seen(request, None):
            return take(self._doors()[0], seen, 0.0)
        try:
            return self._first(checked, may_repeat=True)
        except (NoQuorum, NotManager):
            if not or_any:
                raise
            return self._first(taken, may_repeat=True)

    @contextlib.contextmanager
    def of_a_leader(self) -> Iterator[None]:
        """Within, what is only the last that is known is `NoQuorum`: waits go by what a leader says, and so
        does who says that there is none of a name.
        """
        before, self._strict = self._strict, True
        try:
            yield
        finally:
            self._strict = before

    def _seen(self, request: Request, at: Connection | None) -> Exchange | None:
        """The answer that takes no time, if there is one."""
        if at is not None:
            self._check_open()
            return at.look(request)
        try:
            return self._good(self._look(request))
        except ASK_ANOTHER:  # each manager for itself: the error says what each said
            return self._first(
                lambda door, _: self._good(door.look(request)) or door.open(request),
                may_repeat=True,
                remember=False,
            )

    def _good(self, seen: Shown | None) -> Exchange | None:
        if seen and seen.last_known and (self._strict or seen.head(0.0).status == NOT_FOUND):
            raise NoQuorum("the swarm has no leader just now: one is being elected")
        return begin(seen) if seen else None

    def _find_a_manager(self) -> None:
        """Before a write, which must not be sent twice: a manager that is cut off, or frozen, is found by a
        read. It is asked first from then on.
        """
        if len(self._doors()) > 1:
            self._first(self.check, may_repeat=True)

    def _first(
        self, ask: Callable[[Connection, float], _T], *, may_repeat: bool, remember: bool = True
    ) -> _T:
        said: dict[str, SwarmError] = {}
        doors = self._by_preference()
        for door in doors:
            try:
                answer = ask(door, FIRST_TIMEOUT if may_repeat and door is not doors[-1] else TIMEOUT)
            except ASK_ANOTHER as error:
                said[door.name] = error
                if remember and not isinstance(error, NotManager):
                    self._avoided.add(door.name)
                if not (may_repeat or error.nothing_done):
                    raise _maybe_done(_told(error, said, self._dead())) from None
            else:
                if remember:
                    self._last = door.name
                    self._avoided.discard(door.name)
                return answer
        if not said:
            raise Unreachable("no node of this swarm is running")
        raise _told(_weightiest(said.values()), said, self._dead()) from None

    def _by_preference(self) -> list[Connection]:
        return sorted(self._doors(), key=lambda door: (door.name in self._avoided, door.name != self._last))

    def _check_open(self) -> None:
        self._doors()


def _weightiest(errors: Iterable[SwarmError]) -> SwarmError:
    """Of what several said, what tells most: "no leader" before "I am no manager"."""
    return min(errors, key=lambda error: [isinstance(error, kind) for kind in ASK_ANOTHER].index(True))


def _told(error: SwarmError, said: Mapping[str, SwarmError], dead: Iterable[str]) -> SwarmError:
    """The error, with the nodes that were asked and what each said."""
    error.asked = {name: other.message for name, other in said.items()}
    same = [name for name, text in error.asked.items() if text == error.message]
    parts = [f"asked {', '.join(same)}", *(f"{n}: {t}" for n, t in error.asked.items() if n not in same)]
    if away := ", ".join(sorted(dead)):
        parts.append(f"not running: {away}")
    error.message = f"{error.message} ({'; '.join(parts)})"
    error.args = (error.message,)
    return error


def _maybe_done(error: SwarmError) -> SwarmError:
    if MAYBE_DONE not in error.hint:
        error.hint = f"{MAYBE_DONE} {error.hint}".strip()
    return error


def make_request(
    method: str,
    path: str,
    *,
    query: Mapping[str, object] | None = None,
    body: object = None,
    text: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Request:
    """A request of the API: `query` values that are dicts become JSON (filters), booleans 1 or 0; None is
    left out. `body` is sent as JSON, `text` as it is.
    """
    words = {key: _query_word(value) for key, value in (query or {}).items() if value is not None}
    target = _target(path, tuple(words.items())) if words else path
    all_headers = dict(headers or {})
    payload = b"" if text is None else text.encode()
    if body is not None:
        payload = json.dumps(body).encode()
        all_headers["content-type"] = "application/json"
    return Request(method, target, all_headers, payload)


@lru_cache(maxsize=256)  # waits ask the same few again and again
def _target(path: str, words: tuple[tuple[str, str], ...]) -> str:
    return f"{path}?{urlencode(words)}"


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
