"""Faults that a daemon does to itself (`swarmd --faults`): what is told to which, and again after a start.

Names of nodes are their addresses there.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from swarmpy._faults import wires
from swarmpy._faults.ledger import Entry, Ledger
from swarmpy._faults.words import LINKS
from swarmpy.errors import SwarmError, Timeout, Unreachable
from swarmpy.plan import Fault

if TYPE_CHECKING:
    from swarmpy._cluster import LocalCluster, LocalNode

PATH = "/swarmpy/v1/faults"
INSIDE = ("partition", *LINKS, "disk", "clock", "throttle", "image")
PATIENCE = 5.0  # seconds for a daemon to take a fault


def is_inside(cluster: LocalCluster, fault: Fault) -> bool:
    """The daemons do it to themselves."""
    return fault.kind in INSIDE and not wires.carries(cluster, fault)


def nodes_of(fault: Fault, nodes: Iterable[LocalNode]) -> list[LocalNode]:
    """The daemons that have to know of it: both ends of a link; a daemon at neither end does nothing."""
    node = fault.args.get("node")
    if set(fault.args) == {"node", "old_copy"}:  # done from outside
        return []
    return [one for one in nodes if node is None or one.name == node]


def tell(ledger: Ledger, entry: Entry, node: LocalNode, addresses: Mapping[str, str]) -> None:
    """Raises where the daemon refuses; one that is dead or stands still is told when it is back."""
    if not node.alive or node.stopped:
        return
    body = with_addresses(_inside_of(entry.value), addresses).but(at=None, for_=entry.left or None).to_dict()
    try:
        number = node.door.post(PATH, body, PATIENCE)["Id"]
    except (Unreachable, Timeout):
        return
    with ledger.page() as page:
        now = page.find(entry.number)
        if now is not None:
            now.told[node.name] = number
    if now is None:  # it ended meanwhile
        untell(node, number)


def untell_all(node: LocalNode) -> None:
    """Also faults that are on no page: their process was interrupted before it could write them down."""
    if not node.alive or node.stopped:
        return
    with suppress(SwarmError):
        node.door.post(f"{PATH}/heal", None, PATIENCE)


def forget_unwritten(ledger: Ledger, fault: Fault, node: LocalNode, addresses: Mapping[str, str]) -> None:
    """After an interrupted `tell`: the same fault there, under a number that is nowhere written down."""
    if not node.alive or node.stopped:
        return
    same = with_addresses(_inside_of(fault), addresses).but(at=None, for_=None)
    known = {entry.told.get(node.name) for entry in ledger.read().active}
    with suppress(SwarmError):
        for one in node.door.get(PATH, PATIENCE):
            if one["Id"] not in known and Fault.from_json(one["Fault"]).but(for_=None) == same:
                untell(node, one["Id"])


def _inside_of(fault: Fault) -> Fault:
    return fault.but(old_copy=None) if "old_copy" in fault.args else fault


def untell(node: LocalNode, number: int) -> None:
    if not node.alive or node.stopped:
        return
    try:
        node.door.ask("DELETE", f"{PATH}/{number}", timeout=PATIENCE)
    except SwarmError:
        return


def tell_again(cluster: LocalCluster, name: str, *, anew: bool) -> None:
    """All that is active and that a node does not know: it was started (`anew`), or it stood still. One that
    is to stand still does so at once.
    """
    ledger = Ledger(cluster.folder)
    if not ledger.read().active:
        return
    wires.settle(cluster)
    if anew:
        with ledger.page() as page:
            for entry in page.active:
                entry.told.pop(name, None)
    nodes = cluster.nodes
    addresses = {node.name: node.address for node in nodes}
    for entry in ledger.read().active:
        fault = entry.value
        if not is_inside(cluster, fault) or name in entry.told or entry.left == 0:
            continue
        for node in nodes_of(fault, nodes):
            if node.name == name:
                tell(ledger, entry, node, addresses)
    frozen = [one for one in ledger.read().active if one.value.kind == "freeze" and one.left != 0]
    if anew and any(one.value.args["node"] == name for one in frozen):
        cluster.node(name).signal(signal.SIGSTOP)


def with_addresses(fault: Fault, addresses: Mapping[str, str]) -> Fault:
    def there(value: Any) -> Any:
        return [there(one) for one in value] if isinstance(value, list) else addresses.get(value, value)

    words = fault.args
    return fault.but(
        **{key: there(words[key]) for key in ("from", "to", "groups", "of", "node") if key in words}
    )
