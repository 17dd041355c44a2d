"""up, ls, env, node kill, node start, down."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Iterable
from typing import Any

from swarmpy._cluster import ClusterError, LocalCluster, LocalNode
from swarmpy._cluster.cluster import MOST_NODES
from swarmpy._cluster.patience import waiting_for
from swarmpy.cli import pick
from swarmpy.cli.table import table
from swarmpy.errors import SwarmError

KEYS = ("cluster", "name", "state", "role", "pid", "address", "docker_host", "published_at", "data_root")
ERROR, LOCKED = "error", "locked"
SHOWN = {ERROR: ERROR, LOCKED: LOCKED}  # of what a node says of itself; the others run
ASK_SECONDS = 2.0
MANY_MANAGERS, MANY_NODES = 9, 40  # above these `up` asks first


def up(options: argparse.Namespace) -> None:
    name = options.name if options.name is not None else options.cluster or "default"
    if min(options.managers, options.workers) < 0 or options.managers + options.workers == 0:
        raise ClusterError(
            "a cluster needs at least one node, and not less than none", "swarmpy up --managers 1"
        )
    _agree(options)
    nodes = (options.managers, options.workers)
    made = LocalCluster.start(name, *nodes, init=not options.no_init, lease=False, net=options.net)
    if options.json:
        print(json.dumps(_rows([made]), indent=2))
    else:
        _tell_of(made, options)
    if options.watch:
        from swarmpy.cli.top import show  # here: no other command needs it

        print()
        show(made)


def _tell_of(made: LocalCluster, options: argparse.Namespace) -> None:
    print(_table(_rows([made])))
    name = made.name
    if options.no_init:
        print(f'\nCluster "{name}": {len(made.nodes)} daemons, outside any swarm.')
    else:
        print(f'\nCluster "{name}": a swarm of {options.managers} managers and {options.workers} workers.')
    if not all(node.is_reached for node in made.nodes):
        print("This machine reaches what a node publishes at 127.0.X.Y in place of 10.214.X.Y.")
    print("Point docker at a node:\n")
    for node in made.nodes:
        print(f"    export DOCKER_HOST={node.docker_host}")
    if made.nodes:
        which = f" --cluster {name}" if len(LocalCluster.all()) > 1 else ""
        print(f'\nor: eval "$(swarmpy env{which} {made.nodes[0].name})"    End it all: swarmpy down {name}')


def _agree(options: argparse.Namespace) -> None:
    """Very many daemons are started on purpose only. A script says --yes."""
    total = options.managers + options.workers
    if total > MOST_NODES or options.yes or (options.managers <= MANY_MANAGERS and total <= MANY_NODES):
        return
    sentence = (
        f"{options.managers} managers and {options.workers} workers are {total} daemons on this machine"
    )
    if options.managers > MANY_MANAGERS:
        sentence += f", and each change waits for {options.managers // 2 + 1} managers to write it down"
    if not sys.stdin.isatty():
        raise ClusterError(sentence, "say --yes if that is what you want, or ask for less: --managers 3")
    if _answer(f"{sentence}. Go on? [y/N] ") not in ("y", "yes"):
        raise ClusterError("nothing was started", "ask for less: swarmpy up --managers 3")


def _answer(question: str) -> str:
    try:
        return input(question).strip().lower()
    except EOFError:
        return ""


def ls(options: argparse.Namespace) -> None:
    rows = _rows([LocalCluster.open(options.cluster)] if options.cluster else LocalCluster.all())
    print(json.dumps(rows, indent=2) if options.json or options.format == "json" else _table(rows))
    for row in rows:
        if row["state"] == ERROR:
            print(f"{row['cluster']} {row['name']}: {row['error']}", file=sys.stderr)
        elif row["state"] == LOCKED:
            say = f"swarmpy --cluster {row['cluster']} unlock {row['name']}"
            print(f"{row['cluster']} {row['name']} needs its swarm's unlock key: {say}", file=sys.stderr)


def env(options: argparse.Namespace) -> None:
    host = pick.node(options).docker_host
    print(json.dumps({"DOCKER_HOST": host}) if options.json else f"export DOCKER_HOST={host}")


def kill(options: argparse.Namespace) -> None:
    node = pick.node(options)
    node.kill()
    _tell_name(node, options)


def start(options: argparse.Namespace) -> None:
    node = pick.node(options)
    node.start()
    _tell_name(node, options)


def unlock(options: argparse.Namespace) -> None:
    node = pick.node(options)
    key = getpass.getpass("Enter unlock key: ") if sys.stdin.isatty() else sys.stdin.readline()
    node.door.post("/swarm/unlock", {"UnlockKey": key.strip()})
    _tell_name(node, options)


def _tell_name(node: LocalNode, options: argparse.Namespace) -> None:
    print(json.dumps(_row(pick.cluster(options), node), indent=2) if options.json else node.name)


def down(options: argparse.Namespace) -> None:
    if options.all and options.name:
        raise ClusterError("--all and a name exclude each other", "swarmpy down NAME, or swarmpy down --all")
    if options.all:
        ended = LocalCluster.all()
    else:
        options.cluster = options.name or options.cluster
        ended = [pick.cluster(options)]
    for cluster in ended:
        cluster.close()
        if not options.json:
            print(cluster.name)
    if options.json:
        print(json.dumps({"ended": [cluster.name for cluster in ended]}))


def _rows(clusters: Iterable[LocalCluster]) -> list[dict[str, Any]]:
    with waiting_for("nodes that do not answer"):
        return [_row(cluster, node) for cluster in clusters for node in cluster.nodes]


def _row(cluster: LocalCluster, node: LocalNode) -> dict[str, Any]:
    pid = node.pid
    swarm = {} if pid is None else _swarm_of(node)
    failed = swarm.get("LocalNodeState") == ERROR
    values = (
        cluster.name,
        node.name,
        "dead" if pid is None else SHOWN.get(str(swarm.get("LocalNodeState")), "running"),
        _role_now(node, swarm),
        pid,
        node.address,
        node.docker_host,
        node.reach,
        str(node.data_root),
    )
    row = dict(zip(KEYS, values, strict=True))
    return {**row, "error": swarm["Error"]} if failed else row


def _swarm_of(node: LocalNode) -> dict[str, Any]:
    """What the node says of its swarm; nothing when it does not answer."""
    try:
        swarm: dict[str, Any] = node.door.get("/info", timeout=ASK_SECONDS)["Swarm"]
    except SwarmError:
        return {}
    return swarm


def _role_now(node: LocalNode, swarm: dict[str, Any]) -> str:
    """What the node is in its swarm; outside one, or when it does not answer, what it was started as."""
    if swarm.get("LocalNodeState") != "active":
        return node.role
    return "manager" if swarm["ControlAvailable"] else "worker"


def _table(rows: list[dict[str, Any]]) -> str:
    keys = KEYS[:-2]  # the others are for programs
    cells = [["-" if row[key] is None else str(row[key]) for key in keys] for row in rows]
    return table([key.upper() for key in keys], cells)
