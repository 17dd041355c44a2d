"""Shapes: nodes, services and tasks as a recording's state has them, of the API's objects and of changes."""

from __future__ import annotations

from typing import Any

UNKNOWN = -1  # of which version of its service's spec: lists do not tell
Item = dict[str, Any]


def before_item(raw: Any) -> Item:
    """The object as its first change found it."""
    about = raw["Actor"].get("Attributes", {})
    kept = {key: about[key] for key in ("service", "service.id", "slot", "node") if key in about}
    return {"ID": raw["Actor"]["ID"], "Name": about.get("name", ""), **kept, **raw["Before"]}


def node_item(raw: Any, _: Any) -> Item:
    told = {"Role": raw["Spec"]["Role"], "State": raw["Status"]["State"]}
    name = raw["Description"].get("Hostname") or raw["ID"]
    return {"ID": raw["ID"], "Name": name, **told, "Availability": raw["Spec"]["Availability"]}


def service_item(raw: Any, _: Any) -> Item:
    spec = raw["Spec"]
    replicated = spec.get("Mode", {}).get("Replicated")
    found: Item = {"ID": raw["ID"], "Name": spec["Name"]}
    found["Mode"] = "global" if replicated is None else "replicated"
    found["Replicas"] = 0 if replicated is None else replicated.get("Replicas", 0)
    found["SpecVersion"] = UNKNOWN
    found["UpdateState"] = (raw.get("UpdateStatus") or {}).get("State", "")
    found["Parallelism"] = (spec.get("UpdateConfig") or {}).get("Parallelism", 1)
    found["RollbackParallelism"] = (spec.get("RollbackConfig") or {}).get("Parallelism", 1)
    return found


def task_item(raw: Any, services: dict[str, str]) -> Item:
    service = raw.get("ServiceID", "")
    return {
        "ID": raw["ID"],
        "service": services.get(service, service),
        "service.id": service,
        "slot": raw.get("Slot", 0),
        "State": raw["Status"]["State"],
        "DesiredState": raw["DesiredState"],
        "NodeID": raw.get("NodeID", ""),
        "SpecVersion": UNKNOWN,
    }


MAKERS = {"node": node_item, "service": service_item, "task": task_item}
