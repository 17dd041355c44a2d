"""The face that both worlds' doors have: a request goes out, an exchange comes back.

A request is only sent by `open()`; waiting happens in the exchange, so that many can be under way at once.
Timeouts are seconds on the swarm's clock (virtual seconds in the simulator).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Request:
    """`target` is path and query, percent-escaped; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Head:
    """Status line and headers (lower-case names) of an answer."""

    status: int
    headers: Mapping[str, str]


class Exchange(Protocol):
    """One request under way. Raises `Unreachable` when the node is gone, `Timeout` when it is too slow."""

    def head(self, timeout: float) -> Head: ...

    def read(self, timeout: float) -> bytes:
        """The whole body."""

    def ready(self, timeout: float) -> bool:
        """Has a piece come, or the end? Waits for it. False when `timeout` is over: nothing is lost."""

    def piece(self, timeout: float) -> bytes | None:
        """What has come since the last piece; b"" at the end; None when `timeout` is over (and then it is
        closed).
        """

    def close(self) -> None:
        """Hangs up; harmless when it is over already."""


class Shown:
    """A whole answer that took no time, as an exchange. `last_known`: there is no leader now, and it is
    what the manager that knows most knew last.
    """

    def __init__(self, head: Head, body: bytes, *, last_known: bool = False) -> None:
        self._head, self._body, self.last_known = head, body, last_known

    def head(self, timeout: float) -> Head:
        return self._head

    def read(self, timeout: float) -> bytes:
        return self._body

    def ready(self, timeout: float) -> bool:
        return True

    def piece(self, timeout: float) -> bytes | None:
        whole, self._body = self._body, b""
        return whole

    def close(self) -> None:
        pass


class Connection(Protocol):
    """A way to one node."""

    @property
    def name(self) -> str: ...

    def look(self, request: Request) -> Shown | None:
        """What it would answer to a GET now, where that can be had without asking. None: ask it."""

    def open(self, request: Request) -> Exchange: ...
