"""Keep: what a failure leaves in a folder: its journal, its timeline, its record. Nothing for what passes."""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import replace
from pathlib import Path

from swarmpy.errors import SwarmError
from swarmpy.states import Mode
from swarmpy.swarm import Swarm
from swarmpy.testing.failure import Failure, replay_line
from swarmpy.testing.settings import chosen

MOST_LETTERS = 60  # of a test's name, in bytes four times as many: file systems bear 255


class Keep:
    """Files that begin with the test's name and the seed, in `folder`, as the shell sees it where this was
    started: a test may go elsewhere.
    """

    def __init__(self, folder: str, test: str, seed: int) -> None:
        self._base = chosen.base or Path.cwd()
        self._test, self._seed = test, seed
        self._folder = (self._base / folder).resolve()
        self._name = _plain(test.rpartition("::")[2])
        self._claimed = False

    def __call__(self, swarm: Swarm, failure: Failure) -> Failure:
        """Of the run that just failed, before its swarm is closed."""
        try:
            self._claim()
            failure = self._journal(swarm, failure)
            return self._timeline(swarm, failure)
        except (OSError, SwarmError, UnicodeError) as error:
            return replace(failure, notes=(*failure.notes, f"not all could be written: {error}"))

    def record(self, failure: Failure) -> Failure:
        """Writes the record, last: it names the other files."""
        try:
            self._claim()
            path = self._path("json")
            failure = replace(failure, file=self._told(path))
            path.write_text(json.dumps(failure.to_dict(), indent=2) + "\n")
        except OSError as error:
            return replace(failure, file="", notes=(*failure.notes, f"no record was written: {error}"))
        return failure

    def _claim(self) -> None:
        """The short name is for the test that has it first; another one of that name gets its whole one."""
        if self._claimed:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            with self._path("json").open("x") as record:
                record.write(json.dumps({"swarmpy": "failure", "test": self._test}))
        except FileExistsError:
            if _test_of(self._path("json")) != self._test:
                self._name = _plain(self._test)
        self._claimed = True

    def _journal(self, swarm: Swarm, failure: Failure) -> Failure:
        save = getattr(swarm, "save", None)
        if save is None:
            return failure
        path = self._path("swarm")
        save(path, failure=failure.to_dict())
        return replace(failure, journal=self._told(path), replay=replay_line(str(path), failure.at))

    def _timeline(self, swarm: Swarm, failure: Failure) -> Failure:
        if swarm.mode is not Mode.SIM:
            return failure
        from swarmpy._timeline import Failure as Broken
        from swarmpy._timeline import save_timeline

        broken = Broken(failure.invariant, failure.what, failure.at)
        path, title = self._path("html"), f"{failure.test}, seed {failure.seed}"
        save_timeline(swarm, path, title=title, failure=broken, replay=failure.replay)
        return replace(failure, timeline=self._told(path))

    def _path(self, ending: str) -> Path:
        return self._folder / f"{self._name}-{self._seed}.{ending}"

    def _told(self, path: Path) -> str:
        """Short where it can be; the line that replays it has the whole path and works anywhere."""
        with contextlib.suppress(ValueError):
            return str(path.relative_to(self._base.resolve()))
        return str(path)


def _plain(name: str) -> str:
    """Of a test, for a file's name."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-")[:MOST_LETTERS] or "test"


def _test_of(record: Path) -> str:
    """Whose record this is; "" where that is not known."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return str(json.loads(record.read_text()).get("test"))
    return ""
