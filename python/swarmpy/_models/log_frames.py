"""Docker's log stream (docker-api.md 5.2): frames of an 8-byte head and one line, with a time and details
before the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote_plus

from swarmpy._models import times
from swarmpy.errors import INCOMPLETE, IncompleteLogs, SwarmError

MISSING = "swarmpy.missing"  # in a line's details: it is not the task's, but says what is missing of it
STREAMS = {0: "stdin", 1: "stdout", 2: "stderr", 3: "error"}


@dataclass(frozen=True)
class LogFrame:
    stream: str  # "stdout", "stderr"; "missing": what is lost of its task; "error": what is, at the end
    time: datetime
    details: dict[str, str]
    text: str


def incomplete(text: str, lines: Sequence[object] = ()) -> SwarmError:
    """What the server's last words mean: after Docker's own, each is a reason."""
    _, found, reasons = text.strip().partition(INCOMPLETE)
    if not found:
        return SwarmError(text.strip(), code="Unavailable")
    return IncompleteLogs(reasons.split(", "), lines=lines)


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
    known = {unquote_plus(key): unquote_plus(value) for key, _, value in pairs}
    return LogFrame("missing" if MISSING in known else stream, times.parse(stamp), known, text)
