"""Docker's log stream (docker-api.md 5.2): frames of an 8-byte head and one line, with a time and details
before the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote_plus

from swarmpy._models import times

STREAMS = {0: "stdin", 1: "stdout", 2: "stderr", 3: "error"}


@dataclass(frozen=True)
class LogFrame:
    stream: str  # "stdout", "stderr"; "error": the text is the server's own complaint
    time: datetime
    details: dict[str, str]
    text: str


class Deframer:
    """Bytes in as they come, whole frames out."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[LogFrame]:
        self._rest += data
        while len(self._rest) >= 8:
            end = 8 + int.from_bytes(self._rest[4:8], "big")
            if len(self._rest) < end:
                return
            kind, payload, self._rest = self._rest[0], self._rest[8:end], self._rest[end:]
            yield _frame(STREAMS.get(kind, "error"), payload.decode(errors="replace").removesuffix("\n"))


def _frame(stream: str, payload: str) -> LogFrame:
    if stream == "error":
        return LogFrame(stream, times.ZERO, {}, payload)
    stamp, _, rest = payload.partition(" ")
    details, _, text = rest.partition(" ")
    pairs = (pair.partition("=") for pair in details.split(",") if pair)
    return LogFrame(
        stream, times.parse(stamp), {unquote_plus(key): unquote_plus(value) for key, _, value in pairs}, text
    )
