"""Recordings made by hand: what the lines of one look like, and files of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

T0 = 1_790_000_000_000_000_000
HEAD = {"swarmpy": "recording", "format": 1, "epoch": T0}
Raw = dict[str, Any]


def ns(seconds: float) -> int:
    return T0 + round(seconds * 1e9)


def node(name: str, state: str = "ready") -> Raw:
    return {"ID": f"id-{name}", "Name": name, "Role": "manager", "State": state, "Availability": "active"}


def service(replicas: int = 3, version: int = 1, update: str = "", pace: int = 1) -> Raw:
    told = {"Name": "web", "Mode": "replicated", "Replicas": replicas, "SpecVersion": version}
    return {"ID": "s1", **told, "UpdateState": update, "Parallelism": pace, "RollbackParallelism": pace}


def task(slot: int, where: str = "m1", id: str = "", version: int = 1, state: str = "running") -> Raw:
    who = {"ID": id or f"t{slot}", "service": "web", "service.id": "s1", "slot": slot}
    return {**who, "State": state, "DesiredState": "running", "NodeID": f"id-{where}", "SpecVersion": version}


def state(tasks: list[Raw], web: Raw | None = None) -> Raw:
    nodes = [node("m1"), node("m2"), node("m3")]
    return {
        "Type": "state",
        "Version": 1,
        "timeNano": ns(0),
        "Nodes": nodes,
        "Services": [web or service()],
        "Tasks": tasks,
    }


def change(at: float, version: int, of: Raw, **now: Any) -> Raw:
    """A task comes to be, or to be so."""
    kept = ("service", "service.id", "slot")
    facts = {key: value for key, value in of.items() if key not in (*kept, "ID")}
    about = {key: str(of[key]) for key in kept} | {"desired_state": now.get("DesiredState", "running")}
    after = {**facts, **now}
    actor = {"ID": of["ID"], "Attributes": about}
    found = {"Type": "task", "Action": after["State"], "Actor": actor, "timeNano": ns(at), "Version": version}
    return {**found, "Before": facts, "After": after}


def of_service(at: float, version: int, before: Raw, after: Raw) -> Raw:
    actor = {"ID": "s1", "Attributes": {"name": "web"}}
    found = {"Type": "service", "Action": "update", "Actor": actor, "timeNano": ns(at), "Version": version}
    return {**found, "Before": before, "After": after}


def leads(at: float, term: int, who: str, action: str = "leader", other: str = "") -> Raw:
    about = {"name": who, "term": str(term), **({"leader": other} if other else {})}
    ids = {"m1": 11, "m2": 22, "m3": 33}
    found = {"Type": "raft", "Action": action, "Actor": {"ID": f"id-{who}", "Attributes": about}}
    return {**found, "timeNano": ns(at), "RaftID": ids[who], "OtherRaftID": ids.get(other, 0)}


def log(at: float, manager: str, commit: int, entries: list[list[Any]]) -> Raw:
    found = {"Type": "log", "Manager": manager, "timeNano": ns(at), "Commit": commit}
    return {**found, "Before": None, "Entries": entries}


def look(at: float, **alive: bool) -> Raw:
    return {"Type": "look", "timeNano": ns(at), "Managers": alive}


def written(folder: Path, items: list[Raw], *, head: bool = True, end: bool = True) -> Path:
    path = folder / "run.events"
    last = [{"Type": "end", "timeNano": ns(60)}] if end else []
    rows = [*([HEAD] if head else []), *items, *last]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


THREE = [task(1), task(2), task(3)]
STOPPED = {"DesiredState": "shutdown"}
NEW = service(version=2, update="updating")
UPDATE = [
    of_service(1, 10, service(), NEW),
    change(1.1, 11, task(1, id="n1", version=2, state="ready")),
    change(1.1, 11, task(1), **STOPPED),
    change(1.2, 12, task(2, id="n2", version=2, state="ready")),
]
