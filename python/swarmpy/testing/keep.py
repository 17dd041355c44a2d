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


class Keep:
    """Files that begin with the test's name and the seed, in `folder`."""

    def __init__(self, folder: str, test: str, seed: int) -> None:
        name = re.sub(r"[^\w.-]+", "-", test.rpartition("::")[2]).strip("-")
        self._folder, self._stem = Path(folder), f"{name}-{seed}"

    def __call__(self, swarm: Swarm, failure: Failure) -> Failure:
        """Of the run that just failed, before its swarm is closed."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            failure = self._journal(swarm, failure)
            return self._timeline(swarm, failure)
        except (OSError, SwarmError) as error:
            return replace(failure, notes=(*failure.notes, f"not all could be written: {error}"))

    def record(self, failure: Failure) -> Failure:
        """Writes the record, last: it names the other files."""
        path = self._path("json")
        failure = replace(failure, file=str(path))
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(failure.to_dict(), indent=2) + "\n")
        except OSError as error:
            return replace(failure, file="", notes=(*failure.notes, f"no record was written: {error}"))
        return failure

    def _journal(self, swarm: Swarm, failure: Failure) -> Failure:
        save = getattr(swarm, "save", None)
        if save is None:
            return failure
        path = self._path("swarm")
        save(path, failure=failure.to_dict())
        return replace(failure, journal=str(path), replay=replay_line(str(path), failure.at))

    def _timeline(self, swarm: Swarm, failure: Failure) -> Failure:
        if swarm.mode is not Mode.SIM:
            return failure
        from swarmpy._timeline import Failure as Broken
        from swarmpy._timeline import save_timeline

        broken = Broken(failure.invariant, failure.what, failure.at)
        path, title = self._path("html"), f"{failure.test}, seed {failure.seed}"
        save_timeline(swarm, path, title=title, failure=broken, replay=failure.replay)
        return replace(failure, timeline=str(path))

    def _path(self, ending: str) -> Path:
        path = self._folder / f"{self._stem}.{ending}"
        with contextlib.suppress(ValueError):
            return path.resolve().relative_to(Path.cwd())
        return path
