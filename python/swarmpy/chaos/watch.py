"""The steady state of an experiment, asked continuously: in a simulated swarm after every event.

The Chaos Toolkit itself asks every second of the wall clock, in which minutes of virtual time may pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from swarmpy.chaos import probes, stage
from swarmpy.peek import Peek
from swarmpy.states import Mode

_lost: dict[str, dict[str, Any]] = {}  # by the probe's name: the first moment that did not tolerate
_rounds = 0


def begin(experiment: Mapping[str, Any]) -> None:
    """From now on; nothing in real time, where the Toolkit's own rhythm is meant."""
    global _rounds
    if stage.swarm().mode is not Mode.SIM:
        return
    _rounds += 1
    for probe in experiment.get("steady-state-hypothesis", {}).get("probes", []):
        ask = _of_state(probe)
        if ask is not None:
            name = f"steady state: {probe['name']}"
            stage.swarm().check.always(name if _rounds == 1 else f"{name} ({_rounds})", ask)


def _of_state(probe: Mapping[str, Any]) -> Callable[[Peek], bool] | None:
    from chaoslib.hypothesis import within_tolerance

    provider = probe["provider"]
    function = probes.OF_STATE.get(provider.get("func", ""))
    if provider.get("module") != probes.__name__ or function is None:
        return None
    arguments = provider.get("arguments", {})

    def ask(state: Peek) -> bool:
        value = function(state, **arguments)
        if not within_tolerance(probe["tolerance"], value):
            _lost.setdefault(probe["name"], {"at": state.at, "value": value, "tolerance": probe["tolerance"]})
        return True  # the Toolkit judges when the experiment is over; the run goes on

    return ask


def judge(journal: dict[str, Any]) -> None:
    """Tells the journal what was lost, and when."""
    if not _lost:
        return
    journal["deviated"] = True
    journal["swarmpy-lost"] = {name: dict(about) for name, about in _lost.items()}


def forget() -> None:
    """The experiment is over."""
    global _rounds
    _lost.clear()
    _rounds = 0
