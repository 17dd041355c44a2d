"""replay: a run that was saved, again: its seed, its faults, how it stood at a moment, and what broke.

Exit code 1 when the run failed, 0 when it did not, 2 for a file or a time that cannot be.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections import deque
from typing import Any

from swarmpy import duration
from swarmpy._replay.replaying import Replay, Step, replay
from swarmpy.cli.as_json import plain
from swarmpy.errors import InvalidArgument, SwarmError, Unreachable

MOST_EVENTS = 1_000_000


def run(options: argparse.Namespace) -> int:
    try:
        if options.events < 0:
            raise InvalidArgument(f"--events cannot be negative: {options.events}", hint="--events 0: none.")
        again = replay(options.file, force=options.force)
        last = _steps(again, options.until, options.events)
        if options.html:
            _write_timeline(again, options.html)
    except SwarmError as error:
        hint = f"\n  next: {error.hint}" if error.hint else ""
        print(f"swarmpy: {error.message}{hint}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"swarmpy: {options.html} cannot be written: {error.strerror}", file=sys.stderr)
        return 2
    print(json.dumps(_as_json(again, last), indent=2) if options.json else _as_text(again, last, options))
    return 1 if again.failure else 0


def _steps(again: Replay, until: str | None, events: int) -> deque[Step]:
    """Stands at the moment that was asked for; the last steps before it."""
    count = min(max(events, 0), MOST_EVENTS)
    moment = again.end if until is None else min(duration.seconds(_as_span(until)), again.end)
    again.seek(moment)
    last: deque[Step] = deque(maxlen=count)
    if count > 0:
        stop = again.steps_taken
        again.seek_step(max(stop - count, 0))
        while again.steps_taken < stop and (step := again.step()):
            last.append(step)
        again.seek(moment)
    return last


def _as_span(text: str) -> float | str:
    """`1.4` is seconds, as `1.4s` is."""
    try:
        return float(text)
    except ValueError:
        return text


def _write_timeline(again: Replay, path: str) -> None:
    from swarmpy._timeline import save_timeline

    try:
        save_timeline(again, path)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise SwarmError(f"{path} cannot be written: {why}", hint="Make its folder first.") from None


def _as_text(again: Replay, last: deque[Step], options: argparse.Namespace) -> str:
    journal = again.journal
    lines = [
        f"{options.file}: seed {again.seed}, {again.end:.9g}s, swarmpy {journal.version}",
        _sameness(again),
        f"faults ({len(again.faults)}):" if len(again.faults) else "no faults",
        *(f"  {number}: {fault}" for number, fault in enumerate(again.faults)),
        *([f"at {again.now:.9g}s, the last of {again.steps_taken} steps:"] if last else []),
        *(_indented(str(step)) for step in last),
        _state(again),
        _verdict(again),
    ]
    return "\n".join(line for line in lines if line)


def _state(again: Replay) -> str:
    try:
        return repr(again.peek())
    except Unreachable as error:  # before the first one was started, or when all are down
        return f"at {again.now:.9g}s: {error.message}"


def _state_dict(again: Replay) -> Any:
    try:
        return plain(again.peek().to_dict())
    except Unreachable:
        return None


def _sameness(again: Replay) -> str:
    if again.same_run:
        return f"the same run as then: trace {again.journal.trace_hash}"
    return f"NOT the same run as then: its trace was {again.journal.trace_hash}, another engine wrote it"


def _verdict(again: Replay) -> str:
    failure = again.failure
    if failure is None:
        return "the run did not fail"
    later = " (later than this moment)" if failure.at > again.now + 1e-9 else ""
    return f"FAILED{later}: {failure}\n  {again.failure_again()}"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _as_json(again: Replay, last: deque[Step]) -> dict[str, Any]:
    failure = again.failure
    return {
        "swarmpy": "replay",
        "seed": again.seed,
        "version": again.journal.version,
        "engine": again.journal.engine,
        "now": again.now,
        "end": again.end,
        "trace_hash": again.trace_hash,
        "same_run": again.same_run,
        "plan": again.journal.plan,
        "checks": list(again.journal.checks),
        "state": _state_dict(again),
        "events": [dataclasses.asdict(step) for step in last],
        "failure": dataclasses.asdict(failure) if failure else None,
        "failure_again": again.failure_again(),
    }
