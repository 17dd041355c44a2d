"""The steady state of an experiment, asked continuously: in a simulated swarm after every event.

The Chaos Toolkit itself asks every second of the wall clock, in which minutes of virtual time may pass, and
begins in a thread of its own, when half of them may have passed. So the method is watched from its first
moment, and what was seen counts if the Toolkit then asks.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Mapping
from typing import Any

from swarmpy.chaos import probes, stage
from swarmpy.errors import Conflict
from swarmpy.peek import Peek
from swarmpy.states import Mode

_lost: dict[str, dict[str, Any]] = {}  # by the probe's name: the first moment that did not tolerate
_run = object()  # another one for each experiment
_expected: bool | None = None  # whether the Toolkit will ask; None: it may
_asked = False


def expect(asks: bool) -> None:
    """Whether the Toolkit will ask continuously, where that is known beforehand."""
    global _expected
    _expected = asks


def asked() -> None:
    """The Toolkit asks continuously."""
    global _asked
    _asked = True


def begin(experiment: Mapping[str, Any]) -> None:
    """From now on; nothing in real time, where the Toolkit's own rhythm is meant."""
    if _expected is False or stage.swarm().mode is not Mode.SIM:
        return
    for probe in experiment.get("steady-state-hypothesis", {}).get("probes", []):
        ask = _of_state(probe)
        if ask is not None:
            _add(f"steady state: {probe['name']}", ask)


def _add(name: str, ask: Callable[[Peek], bool]) -> None:
    """Under a name that is free: a swarm keeps the checks of an earlier experiment."""
    for number in itertools.count(1):
        with contextlib.suppress(Conflict):
            stage.swarm().check.always(name if number == 1 else f"{name} ({number})", ask)
            return


def _of_state(probe: Mapping[str, Any]) -> Callable[[Peek], bool] | None:
    from chaoslib.hypothesis import within_tolerance

    provider = probe["provider"]
    function = probes.OF_STATE.get(provider.get("func", ""))
    if provider.get("module") != probes.__name__ or function is None:
        return None
    arguments, run = provider.get("arguments", {}), _run

    def ask(state: Peek) -> bool:
        if run is not _run:
            return True  # its experiment is over
        try:
            value = function(state, **arguments)
        except Exception as error:  # a service that is gone: what cannot be asked is not there
            value = f"{type(error).__name__}: {error}"
        if not within_tolerance(probe["tolerance"], value):
            _lost.setdefault(probe["name"], {"at": state.at, "value": value, "tolerance": probe["tolerance"]})
        return True  # the Toolkit judges when the experiment is over; the run goes on

    return ask


def judge(journal: dict[str, Any]) -> None:
    """Tells the journal what was lost, and when."""
    if not _lost or not _asked:
        return
    journal["deviated"] = True
    journal["swarmpy-lost"] = {name: dict(about) for name, about in _lost.items()}


def forget() -> None:
    """The experiment is over."""
    global _run, _expected, _asked
    _lost.clear()
    _run, _expected, _asked = object(), None, False
