"""Faults of what joins nodes that have network namespaces. The hub carries them out, and the daemons know
nothing of them: a packet is dropped where it arrives; a machine without power has a cable that is down.

Which nodes hear which, and whose cable is up, follows from the ledger alone. `settle` tells the hub all of
it, under a lock: the last process that does so has read the newest page.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from swarmpy._cluster import private
from swarmpy._faults.ledger import Ledger
from swarmpy.plan import Fault

if TYPE_CHECKING:
    from swarmpy._cluster import LocalCluster

CUTS = ("partition", "cut")


def carries(cluster: LocalCluster, fault: Fault) -> bool:
    """The hub does it, in place of the daemons."""
    return fault.kind in CUTS and cluster.hub is not None


def settle(cluster: LocalCluster) -> None:
    """Makes the hub's wires what the ledger says. Raises `ClusterError` when the hub is gone."""
    hub = cluster.hub
    if hub is None:
        return
    with open(cluster.folder / "wires.lock", "w", opener=private.opener) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        faults = [one.value for one in Ledger(cluster.folder).read().active if one.left != 0]
        nodes = cluster.nodes
        for node in nodes:
            hub.add(node.name, node.address)
        off = {fault.args["node"] for fault in faults if fault.kind == "power_off"}
        unheard = who_is_unheard(faults, [node.name for node in nodes])
        for node in nodes:
            hub.set_link(node.name, node.name not in off)
            hub.deafen(node.name, unheard[node.name])


def who_is_unheard(faults: Iterable[Fault], names: Sequence[str]) -> dict[str, list[str]]:
    """Of each node: the nodes that it does not hear."""
    unheard: dict[str, set[str]] = {name: set() for name in names}
    for fault in faults:
        for source, target, both in _links(fault):
            for a in _members(source, target, names):
                for b in _members(target, source, names):
                    if a != b:
                        unheard[b].add(a)
                        unheard[a] |= {b} if both else set()
    return {name: sorted(others) for name, others in unheard.items()}


def _links(fault: Fault) -> list[tuple[Sequence[str], Sequence[str], bool]]:
    """What it cuts: from, to, and whether the way back is cut, too."""
    words = fault.args
    if fault.kind == "cut":
        return [(words["from"], words["to"], words.get("both", True))]
    if fault.kind != "partition":
        return []
    groups = [*words.get("groups", [[words.get("of")]])]
    groups += [["*"]] if len(groups) == 1 else []
    both = not words.get("one_way", False)
    return [(one, other, both) for i, one in enumerate(groups) for other in groups[i + 1 :]]


def _members(end: Sequence[str], opposite: Sequence[str], names: Sequence[str]) -> list[str]:
    """Of "*": all nodes that are not on the other end."""
    if list(end) != ["*"]:
        return [name for name in names if name in end]
    return [name for name in names if list(opposite) == ["*"] or name not in opposite]
