"""image add, image ls: on the process runner an image is a named command."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import Any

from swarmpy._cluster import ClusterError
from swarmpy._cluster.patience import waiting_for
from swarmpy.cli import pick
from swarmpy.cli.table import table

IMAGES = "/swarmpy/v1/images"


def add(options: argparse.Namespace) -> None:
    """Tells every node that runs: a catalogue is a node's own, as images are."""
    if not options.command:
        raise ClusterError("an image needs a command", "swarmpy image add NAME[:TAG] -- COMMAND...")
    nodes = pick.cluster(options).nodes
    told = [node for node in nodes if node.alive]
    if not told:
        raise ClusterError("no node of this cluster runs", "start one: swarmpy node start m1")
    command = [absolute(options.command[0]), *options.command[1:]]
    for node in told:
        with waiting_for(f"{node.name} to answer"):
            node.door.post(IMAGES, {"Reference": options.reference, "Command": command})
    missed = [node.name for node in nodes if node not in told]
    if options.json:
        names = [node.name for node in told]
        about = {"image": options.reference, "command": command, "told": names, "not_told": missed}
        print(json.dumps(about))
        return
    if missed:
        print(f"not told, because dead: {', '.join(missed)}; add it again when they run", file=sys.stderr)
    print(options.reference)


def absolute(program: str) -> str:
    """`./app` is this folder's, and a daemon's folder is another. A word without "/" is for $PATH."""
    return str(Path(program).absolute()) if "/" in program else program


def ls(options: argparse.Namespace) -> None:
    cluster = pick.cluster(options)
    node = next((node for node in cluster.nodes if node.alive), None)
    if node is None:
        raise ClusterError("no node of this cluster runs", "start one: swarmpy node start m1")
    found = node.door.get(IMAGES)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    rows = [
        (*named(image), "built in" if image["Builtin"] else "yours", shlex.join(image["Command"]))
        for image in found
    ]
    print(table(("IMAGE", "TAGS", "KIND", "COMMAND"), rows))


def named(image: dict[str, Any]) -> tuple[str, str]:
    """("nginx", "1.10 to 1.29, latest, ..."), ("mine", "any"), ("mine:1", "")."""
    name, star, _ = image["Reference"].partition(":*")
    return name, (image["Tags"] or "any") if star else ""
