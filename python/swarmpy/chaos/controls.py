"""Controls: the swarm of an experiment, and its time.

    "controls": [{"name": "swarm", "provider": {"type": "python", "module": "swarmpy.chaos.controls",
                  "arguments": {"managers": 3, "workers": 2, "mode": "sim", "seed": 7,
                                "services": [{"image": "nginx", "name": "web", "replicas": 4}]}}}]

The swarm is started before the experiment and ended after it; `services` are created and have converged. In a
simulated swarm the `pauses` of activities pass in virtual time. The journal of the experiment gets an entry
`swarmpy`: mode, seed, trace hash and what went wrong when, as a plan that can be run again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from chaoslib import substitute
from chaoslib.exceptions import InterruptExecution
from chaoslib.run import RunEventHandler

from swarmpy.chaos import load, stage, watch
from swarmpy.errors import SwarmError
from swarmpy.states import Mode

PAUSES = "swarmpy-pauses"  # where an activity's own pauses are kept while it runs


class _Continuously(RunEventHandler):  # type: ignore[misc]
    def start_continuous_hypothesis(self, frequency: int) -> None:
        """In virtual time "continuously" is after every event."""
        watch.asked()


def configure_control(experiment: Mapping[str, Any], event_registry: Any = None, **_: Any) -> None:
    """Called by the Chaos Toolkit once, before the experiment."""
    if event_registry is not None:
        event_registry.register(_Continuously())


def before_experiment_control(
    context: Mapping[str, Any],
    managers: int = 3,
    workers: int = 2,
    mode: str = "sim",
    seed: int | None = 0,
    name: str | None = None,
    services: Sequence[Mapping[str, Any]] = (),
    **_: Any,
) -> None:
    """Starts the swarm and its services. A swarm that was there keeps those that it has already."""
    try:
        options = {"managers": managers, "workers": workers, "mode": mode, "seed": seed, "name": name}
        swarm = stage.open_swarm(**options)
        there = [one.name for one in swarm.services] if stage.is_given() else []
        for service in services:
            if service.get("name") not in there:
                swarm.services.create(**{"image": "nginx", **service}).wait()
    except SwarmError as error:
        stage.cannot_be_had(error)
        raise InterruptExecution(f"the swarm of this experiment cannot be had: {error}") from error


def after_experiment_control(
    context: Mapping[str, Any], state: dict[str, Any] | None = None, **_: Any
) -> None:
    """Writes into the journal what the swarm knows, and ends it."""
    try:
        if state is not None:
            watch.judge(state)
            state["swarmpy"] = _about()
    finally:
        watch.forget()
        load.forget()
        stage.close_swarm()


def _about() -> dict[str, Any]:
    swarm = stage.swarm()
    plan = json.loads(swarm.faults.history.to_json())
    about = {"mode": str(swarm.mode), "seed": swarm.seed, "trace_hash": swarm.trace_hash}
    return {**about, "now": swarm.now, "faults": plan["faults"]}


def before_method_control(context: Mapping[str, Any], **_: Any) -> None:
    """Begins to watch the steady state, should it be asked for continuously."""
    watch.begin(context)


def before_activity_control(
    context: dict[str, Any],
    configuration: Mapping[str, Any] | None = None,
    secrets: Mapping[str, Any] | None = None,
    **_: Any,
) -> None:
    """Lets the pause before an activity pass in virtual time, and keeps the other."""
    pauses = context.get("pauses")
    if not pauses or stage.swarm().mode is not Mode.SIM:
        return
    context[PAUSES], context["pauses"] = pauses, {}
    _pass(_meant(pauses, configuration, secrets).get("before"))


def after_activity_control(
    context: dict[str, Any],
    configuration: Mapping[str, Any] | None = None,
    secrets: Mapping[str, Any] | None = None,
    **_: Any,
) -> None:
    """Lets the pause after an activity pass in virtual time."""
    pauses = context.pop(PAUSES, None)
    if pauses is None:
        return
    context["pauses"] = pauses
    _pass(_meant(pauses, configuration, secrets).get("after"))


def _meant(pauses: Any, configuration: Any, secrets: Any) -> Any:
    """`{"after": "${pause}"}` is what the experiment's configuration says."""
    return substitute(pauses, configuration or {}, secrets or {})


def _pass(span: float | str | None) -> None:
    if span:
        stage.swarm().sleep(float(span) if str(span).replace(".", "", 1).isdigit() else span)
