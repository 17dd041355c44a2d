"""Experiment: a file of the Chaos Toolkit as an object. Its JSON is the Toolkit's own, read and run by
chaoslib; what is added here is the swarm, and virtual time.
"""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swarmpy import _show
from swarmpy._brief import Brief
from swarmpy._models.nearest import check_word
from swarmpy.errors import InvalidArgument, SwarmError

if TYPE_CHECKING:
    from swarmpy.swarm import Swarm

STRATEGIES = ("default", "before-method-only", "after-method-only", "during-method-only", "continuously")
CONTINUOUS = ("during-method-only", "continuously")
HEADER = ("ACTIVITY", "TYPE", "STATUS", "OUTPUT")


class Experiment(metaclass=Brief):
    """An experiment of the Chaos Toolkit: a steady state, a method that breaks things, rollbacks.

    `Experiment(content)` of a mapping, `Experiment.load(path)` of a JSON file. `.title`, `.content` (a copy),
    `.save(path)`, `.to_json()`, `.run(swarm)`. Needs `pip install "swarmpy[chaos]"`; raises `InvalidArgument`
    with the Toolkit's own sentence for what is no valid experiment.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content: dict[str, Any] = copy.deepcopy(dict(content))
        lib = _chaoslib()
        try:
            lib.experiment.ensure_experiment_is_valid(self._content)
        except lib.exceptions.ChaosException as error:
            raise InvalidArgument(
                f"this is no experiment: {error}",
                hint="`chaos discover --no-install swarmpy` lists what is there.",
            ) from error

    @classmethod
    def load(cls, path: str | Path) -> Experiment:
        """Raises `InvalidArgument` when the file is no experiment, OSError when it cannot be read."""
        try:
            content = json.loads(Path(path).read_text())
        except ValueError as error:
            raise InvalidArgument(f"{path} is no JSON: {error}", hint="See examples/chaos/*.json.") from error
        if not isinstance(content, dict):
            raise InvalidArgument(f"{path} is no experiment: a JSON object is wanted")
        return cls(content)

    @property
    def title(self) -> str:
        """As it is written in the file."""
        return str(self._content.get("title", ""))

    @property
    def content(self) -> dict[str, Any]:
        """The JSON as a dict of its own."""
        return copy.deepcopy(self._content)

    def to_json(self) -> str:
        """The Toolkit's JSON, that `load` and `chaos run` read."""
        return json.dumps(self._content, indent=2) + "\n"

    def save(self, path: str | Path) -> Path:
        """Writes the JSON; returns the path."""
        file = Path(path)
        file.write_text(self.to_json())
        return file

    def run(self, swarm: Swarm | None = None, *, strategy: str = "default") -> ExperimentJournal:
        """Runs it. On `swarm`, which stays open and is healed afterwards; without one, the experiment's own
        control `swarmpy.chaos.controls` makes the swarm, or `SWARMPY_CLUSTER` names it.

        `strategy`: when the steady state is asked, as `chaos run --hypothesis-strategy` has it;
        `"continuously"` means after every event in a simulated swarm. Services that the control names and a
        given swarm has already are those.

        Raises `SwarmError` where there is no swarm to run it on, or a service of it cannot be had.
        """
        from swarmpy.chaos import stage, watch
        from swarmpy.swarm import Swarm

        check_word("strategy", strategy, STRATEGIES)
        if swarm is not None and not isinstance(swarm, Swarm):
            raise InvalidArgument(f"an experiment runs on a swarm, not on {swarm!r}", hint="swarmpy.Swarm()")
        lib = _chaoslib()
        content = _with_control(self.content)
        how = lib.types.Strategy.from_string(strategy)
        watch.expect(strategy in CONTINUOUS)
        with contextlib.nullcontext() if swarm is None else stage.given(swarm), stage.why_none():
            return ExperimentJournal(lib.experiment.run_experiment(content, strategy=how))

    def __repr__(self) -> str:
        method = ", ".join(str(one.get("name", "?")) for one in self._content.get("method", []))
        return f"<Experiment {self.title!r}: {method}>"


class ExperimentJournal(metaclass=Brief):
    """What an experiment did. `.status` (`"completed"`, `"failed"`, `"aborted"`, ...), `.deviated` (the
    steady state was not there when it should have been), `.faults`, `.seed` and `.trace_hash` of its swarm,
    `.content`: the Toolkit's journal. `.failed`: what could not be done or asked, by name, with the reason.
    True when it completed, did not deviate, and nothing in it failed.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content: dict[str, Any] = dict(content)

    @property
    def status(self) -> str:
        """The Toolkit's word."""
        return str(self.content.get("status", ""))

    @property
    def deviated(self) -> bool:
        """The steady state was lost."""
        return bool(self.content.get("deviated"))

    @property
    def faults(self) -> list[dict[str, Any]]:
        """Everything that went wrong on purpose, as `Plan` has it."""
        return list(self.content.get("swarmpy", {}).get("faults", []))

    @property
    def seed(self) -> int | None:
        """Of the swarm; None where there was none."""
        seed: int | None = self.content.get("swarmpy", {}).get("seed")
        return seed

    @property
    def trace_hash(self) -> str | None:
        """Of everything that happened in a simulated swarm."""
        value: str | None = self.content.get("swarmpy", {}).get("trace_hash")
        return value

    @property
    def failed(self) -> dict[str, str]:
        """Activities that failed, and why: a name that there is not, a swarm without quorum."""
        runs = [run for run in self._runs() if run.get("status") == "failed"]
        return {str(run["activity"].get("name", "")): _reason(run) for run in runs}

    def to_json(self) -> str:
        """As `chaos run` writes `journal.json`."""
        return json.dumps(self.content, indent=2, default=str) + "\n"

    def __bool__(self) -> bool:
        return self.status == "completed" and not self.deviated and not self.failed

    def _runs(self) -> list[dict[str, Any]]:
        return [*self.content.get("run", []), *self.content.get("rollbacks", [])]

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                str(run["activity"].get("name", "")),
                str(run["activity"].get("type", "")),
                str(run.get("status", "")),
                _reason(run) if run.get("status") == "failed" else _output(run),
            )
            for run in self._runs()
        ]

    def _head(self) -> str:
        title = self.content.get("experiment", {}).get("title", "")
        return f"experiment {title!r} {self.status}, " + ("deviated" if self.deviated else "did not deviate")

    def __repr__(self) -> str:
        return f"<{self._head()}>\n{_show.table(HEADER, self._rows())}"

    def _repr_html_(self) -> str:
        return _show.html_box([_show.html_table(self._head(), HEADER, self._rows())])


def _output(run: Mapping[str, Any]) -> str:
    return "" if run.get("output") is None else str(run["output"])


def _reason(run: Mapping[str, Any]) -> str:
    """The last sentence of the traceback that the Toolkit keeps, with its hint."""
    lines = "".join(run.get("exception") or ["no reason was told"]).strip().splitlines()
    says = [at for at, line in enumerate(lines) if line[:1].strip() and not line.startswith("Hint:")]
    return " ".join(lines[says[-1] :]).removeprefix("chaoslib.exceptions.ActivityFailed: ")


def _with_control(content: dict[str, Any]) -> dict[str, Any]:
    """Every experiment gets the control: it is what lets virtual time pass."""
    controls = content.setdefault("controls", [])
    if not any(one.get("provider", {}).get("module") == "swarmpy.chaos.controls" for one in controls):
        provider = {"type": "python", "module": "swarmpy.chaos.controls"}
        controls.append({"name": "swarmpy", "provider": provider})
    return content


def _chaoslib() -> Any:
    try:
        import chaoslib
        import chaoslib.exceptions
        import chaoslib.experiment
        import chaoslib.types
    except ModuleNotFoundError as error:
        raise SwarmError(
            "the Chaos Toolkit is not installed",
            code="FailedPrecondition",
            hint='pip install "swarmpy[chaos]"',
        ) from error
    return chaoslib
