"""What a swarm looks like in text: its nodes with their tasks, a service slot by slot."""

from __future__ import annotations

from collections.abc import Sequence

from swarmpy.cli.table import table
from swarmpy.demo.stage import Json, View

HISTORY = 2  # tasks shown of a slot


def nodes(view: View) -> str:
    """`docker node ls`, with the tasks that run on each node behind it."""
    rows = []
    for node in sorted(view.nodes, key=lambda one: view.hostname(one["ID"])):
        manager = node.get("ManagerStatus") or {}
        standing = "Leader" if manager.get("Leader") else str(manager.get("Reachability", "")).title()
        tasks = [view.label(task) for task in view.running() if task.get("NodeID") == node["ID"]]
        status = node["Status"]["State"].title()
        rows.append((view.hostname(node["ID"]), status, standing or "-", " ".join(sorted(tasks)) or "-"))
    return table(("NODE", "STATUS", "MANAGER", "RUNNING TASKS"), rows)


def service(view: View, name: str) -> str:
    """`docker service ps`: each slot's newest tasks first, the older ones marked as its past."""
    rows: list[Sequence[str]] = []
    for _, tasks in sorted(view.slots(name).items()):
        for age, task in enumerate(tasks[:HISTORY]):
            rows.append(_task_row(view, task, past=age > 0))
    return table(("TASK", "IMAGE", "NODE", "DESIRED", "STATE", "ERROR"), rows)


def _task_row(view: View, task: Json, *, past: bool) -> Sequence[str]:
    label = view.label(task)
    return (
        rf" \_ {label}" if past else label,
        view.image(task),
        view.hostname(task.get("NodeID", "")) or "-",
        task["DesiredState"].title(),
        task["Status"]["State"].title(),
        str(task["Status"].get("Err", ""))[:40],
    )
