"""run.swarm: a run of a simulated swarm as a file that a person can read.

A line of JSON that says what it is, the run's own lines (the world, an input a line, the end: the engine's
business), and a line of JSON with a checksum of all before it. Large ones are gzipped. It holds inputs, no
state, and no secrets but those that the inputs had.
"""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from swarmpy.errors import NotFound, SwarmError

FORMAT = 1
RULE = "check"  # the input that is one of `sp.inv`
GZIP_FROM = 1 << 20  # bytes
GZIP_MAGIC = b"\x1f\x8b"
MOST_BYTES = 1 << 30  # what a gzipped one may unfold to


class JournalError(SwarmError):
    """A file that is no journal of a run, is not whole, or was written by another engine."""

    default_code = "DataLoss"
    default_hint = "Save the run again: swarm.save(path)."


@dataclass(frozen=True)
class Journal:
    """What is in the file. `run`: the engine's lines. `end`: seconds. `failure`: what broke, or None."""

    seed: int
    version: str
    engine: str
    end: float
    steps: int
    trace_hash: str
    run: bytes = field(repr=False)
    name: str = ""
    checks: tuple[Mapping[str, Any], ...] = ()
    failure: Mapping[str, Any] | None = None
    plan: Mapping[str, Any] | None = None

    def to_bytes(self) -> bytes:
        """As it stands in the file, not gzipped."""
        about = {
            "swarmpy": "journal",
            "format": FORMAT,
            "version": self.version,
            "engine": self.engine,
            "seed": self.seed,
            "name": self.name,
            "checks": list(self.checks),
            "failure": self.failure,
            "plan": self.plan,
        }
        body = _line(about) + self.run
        end = {"end": self.end, "steps": self.steps, "trace_hash": self.trace_hash}
        return body + _line({**end, "checksum": _checksum(body + json.dumps(end).encode())})

    def save(self, path: str | os.PathLike[str]) -> str:
        """Writes the file, whole or not at all. Returns the path."""
        content = self.to_bytes()
        if len(content) >= GZIP_FROM:
            content = gzip.compress(content, mtime=0)
        beside = f"{os.fspath(path)}.{os.getpid()}.part"
        try:
            if Path(path).exists() and not Path(path).is_file():  # /dev/stdout is written to, and stays
                Path(path).write_bytes(content)
                return os.fspath(path)
            Path(beside).write_bytes(content)
            Path(beside).replace(path)
        except OSError as error:
            raise SwarmError(
                f"{os.fspath(path)} cannot be written: {error.strerror}", hint="Make its folder first."
            ) from None
        finally:
            Path(beside).unlink(missing_ok=True)
        return os.fspath(path)

    def with_failure(self, failure: Mapping[str, Any] | None) -> Journal:
        return dataclasses.replace(self, failure=failure)


def load(path: str | os.PathLike[str]) -> Journal:
    """Reads a file. Raises `NotFound` and `JournalError`."""
    where = os.fspath(path)
    try:
        content = Path(where).read_bytes()
    except FileNotFoundError:
        raise NotFound(f"there is no file {where}", hint="A run is saved by swarm.save(path).") from None
    except OSError as error:
        raise JournalError(f"{where} cannot be read: {error.strerror}", hint="Say where it lies.") from None
    return parse(_unfolded(content, where), where)


def parse(content: bytes, where: str) -> Journal:
    """`where`: the file's name, for errors."""
    first, _, rest = content.partition(b"\n")
    about = _json(first)
    if not isinstance(about, dict) or about.get("swarmpy") != "journal":
        raise JournalError(f"{where} is no journal of a run", hint="A run is saved by swarm.save(path).")
    if about.get("format") != FORMAT:
        raise JournalError(
            f"{where} is a journal of format {about.get('format')}, written by swarmpy "
            f"{about.get('version', '?')}; this one reads format {FORMAT}",
            code="FailedPrecondition",
            hint="Replay it with the version that wrote it, or run the test again and save it anew.",
        )
    run, last = _split_last(rest)
    end = _json(last)
    if not isinstance(end, dict) or "checksum" not in end:
        raise JournalError(f"{where} is cut short: its last line is missing", hint=_ANEW)
    checksum = end.pop("checksum")
    if checksum != _checksum(first + b"\n" + run + json.dumps(end).encode()):
        raise JournalError(f"{where} was altered: its checksum is another one", hint=_ANEW)
    try:
        _check_fields(where, {**about, **end})
        return Journal(
            seed=about["seed"],
            version=about["version"],
            engine=about["engine"],
            name=about["name"],
            checks=tuple(about["checks"]),
            failure=about["failure"],
            plan=about["plan"],
            end=end["end"],
            steps=end["steps"],
            trace_hash=end["trace_hash"],
            run=run,
        )
    except KeyError as missing:
        raise JournalError(f"{where} does not say {missing}", hint=_ANEW) from None


def is_rule(line: bytes) -> bool:
    """This line of a run is the beginning of a check from `sp.inv`."""
    return line.split(b" ", 3)[2:3] == [RULE.encode()]


def rules_of(run: bytes) -> list[dict[str, Any]]:
    """The checks from `sp.inv` of a run, in their order: `{"kind": "always", "name", "inv"}`."""
    found = []
    for line in filter(is_rule, run.splitlines()):
        said = json.loads(line.split(b" ", 3)[3])
        about = {key: said[key] for key in ("kind", "service", "number") if said[key]}
        found.append({"kind": "always", "name": said["name"], "inv": about})
    return found


_FIELDS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("version", "engine", "name", "trace_hash"), str),
    **dict.fromkeys(("seed", "steps"), int),
    **dict.fromkeys(("failure", "plan"), (dict, type(None))),
    "checks": list,
    "end": (int, float),
}


def _check_fields(where: str, told: Mapping[str, Any]) -> None:
    """Raises KeyError for what is missing."""
    wrong = [name for name, kind in _FIELDS.items() if not isinstance(told[name], kind)]
    if not wrong and not all(isinstance(one, dict) and {"name", "inv"} <= {*one} for one in told["checks"]):
        wrong.append("checks")
    if not wrong and told["failure"] and not {"invariant", "at", "what"} <= {*told["failure"]}:
        wrong.append("failure")
    if wrong:
        raise JournalError(f'{where} has no "{wrong[0]}" that could be one', hint=_ANEW)


_ANEW = "Copy it again as a whole, or save the run again: swarm.save(path)."


def _unfolded(content: bytes, where: str) -> bytes:
    if not content.startswith(GZIP_MAGIC):
        return content
    try:
        with gzip.open(io.BytesIO(content)) as folded:
            found = folded.read(MOST_BYTES + 1)
    except (OSError, EOFError, ValueError, zlib.error):
        raise JournalError(f"{where} is cut short or altered: gzip cannot unfold it", hint=_ANEW) from None
    if len(found) > MOST_BYTES:
        raise JournalError(f"{where} unfolds to more than {MOST_BYTES >> 30} GiB: it is no journal")
    return found


def _split_last(text: bytes) -> tuple[bytes, bytes]:
    """The last line, if it is whole, and all before it."""
    if not text.endswith(b"\n"):
        return text, b""
    at = text.rfind(b"\n", 0, -1) + 1
    return text[:at], text[at:-1]


def _json(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _line(what: Mapping[str, Any]) -> bytes:
    return json.dumps(what).encode() + b"\n"


def _checksum(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()
