"""The `deploy` section of a service: how many tasks, where, with what, and how they are replaced. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from swarmpy._compose import values, words
from swarmpy._models.nearest import did_you_mean
from swarmpy.errors import InvalidArgument

MODES = {
    "": "Replicated",
    "replicated": "Replicated",
    "global": "Global",
    "replicated-job": "ReplicatedJob",
    "global-job": "GlobalJob",
}


def mode(where: str, deploy: Mapping[str, Any]) -> dict[str, Any]:
    """The API's ServiceMode. Without a number of replicas the swarm's default is meant: 1."""
    word = values.text(f"{where}.mode", deploy.get("mode"))
    replicas = values.whole(f"{where}.replicas", deploy.get("replicas"))
    kind = MODES.get(word)
    if kind is None:
        raise InvalidArgument(f"unknown mode: {word}", hint=did_you_mean(word, [one for one in MODES if one]))
    if kind == "ReplicatedJob":
        return {kind: values.omit_none({"MaxConcurrent": replicas, "TotalCompletions": replicas})}
    if kind != "Replicated" and replicas is not None:
        raise InvalidArgument("replicas can only be used with replicated or replicated-job mode")
    return {kind: values.omit_none({"Replicas": replicas})}


def rolling(where: str, section: Any) -> dict[str, Any] | None:
    """The API's UpdateConfig; None when nothing is said."""
    if section is None:
        return None
    said = words.check(where, section, words.ROLLING)
    parallelism = values.whole(f"{where}.parallelism", said.get("parallelism"))
    config = values.omit_empty(
        {
            "Delay": values.span(f"{where}.delay", said.get("delay")),
            "FailureAction": values.text(f"{where}.failure_action", said.get("failure_action")),
            "Monitor": values.span(f"{where}.monitor", said.get("monitor")),
        }
    )
    return {
        "Parallelism": 1 if parallelism is None else parallelism,
        **config,
        "MaxFailureRatio": values.ratio(f"{where}.max_failure_ratio", said.get("max_failure_ratio")),
        "Order": values.text(f"{where}.order", said.get("order")),
    }


def resources(where: str, section: Any) -> dict[str, Any]:
    """The API's ResourceRequirements."""
    said = words.check(where, section, ["limits", "reservations"])
    found: dict[str, Any] = {}
    if said.get("limits") is not None:
        limits = words.check(f"{where}.limits", said["limits"], words.LIMITS)
        pids = values.whole(f"{where}.limits.pids", limits.get("pids"))
        found["Limits"] = {**_amounts(f"{where}.limits", limits), **values.omit_empty({"Pids": pids})}
    if said.get("reservations") is not None:
        where = f"{where}.reservations"
        reserved = words.check(where, said["reservations"], words.RESERVATIONS)
        asked = reserved.get("generic_resources") or []
        generic = [_generic(f"{where}.generic_resources", one) for one in asked]
        found["Reservations"] = {
            **_amounts(where, reserved),
            **values.omit_empty({"GenericResources": generic}),
        }
    return found


def restart_policy(where: str, legacy: Any, section: Any) -> dict[str, Any] | None:
    """The API's RestartPolicy. `legacy`: the service's own `restart`, which counts where `deploy` says
    nothing.
    """
    if section is None:
        return _legacy_restart(values.text("restart", legacy))
    said = words.check(where, section, words.RESTART)
    condition = values.text(f"{where}.condition", said.get("condition"))
    return values.omit_empty({"Condition": condition}) | values.omit_none(
        {
            "Delay": values.span(f"{where}.delay", said.get("delay")),
            "MaxAttempts": values.whole(f"{where}.max_attempts", said.get("max_attempts")),
            "Window": values.span(f"{where}.window", said.get("window")),
        }
    )


def placement(where: str, section: Any) -> dict[str, Any]:
    """The API's Placement."""
    said = words.check(where, section, words.PLACEMENT)
    spreads = [words.check(f"{where}.preferences", one, ["spread"]) for one in said.get("preferences") or []]
    labels = [values.text(f"{where}.preferences.spread", one.get("spread")) for one in spreads]
    preferences = [{"Spread": {"SpreadDescriptor": label}} for label in labels]
    return values.omit_empty(
        {
            "Constraints": values.texts(f"{where}.constraints", said.get("constraints")),
            "Preferences": preferences,
            "MaxReplicas": values.whole(f"{where}.max_replicas_per_node", said.get("max_replicas_per_node")),
        }
    )


def _amounts(where: str, said: Mapping[str, Any]) -> dict[str, Any]:
    return values.omit_empty(
        {
            "NanoCPUs": values.nano_cpus(f"{where}.cpus", said.get("cpus")),
            "MemoryBytes": values.memory(f"{where}.memory", said.get("memory")),
        }
    )


def _generic(where: str, one: Any) -> dict[str, Any]:
    said = words.check(where, one, ["discrete_resource_spec"]).get("discrete_resource_spec")
    said = words.check(f"{where}.discrete_resource_spec", said, ["kind", "value"])
    kind = values.text(f"{where}.kind", said.get("kind"))
    value = values.whole(f"{where}.value", said.get("value"))
    return {"DiscreteResourceSpec": values.omit_empty({"Kind": kind, "Value": value})}


def _legacy_restart(word: str) -> dict[str, Any] | None:
    kind, colon, attempts = word.partition(":")
    conditions = {"always": "any", "unless-stopped": "any", "on-failure": "on-failure"}
    if kind in ("", "no"):
        return None
    if kind not in conditions or (colon and not attempts.isdigit()):
        raise InvalidArgument(f"invalid restart policy: {word!r}", hint="Use deploy.restart_policy instead.")
    return {"Condition": conditions[kind]} | ({"MaxAttempts": int(attempts)} if int(attempts or 0) else {})
