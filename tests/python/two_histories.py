"""The run that tests of Raft's promises share: a disk forgets, and committed entries are written over."""

from __future__ import annotations

import swarmpy as sp


def two_histories(c: sp.Swarm) -> tuple[str, str]:
    """One voter's disk comes back as it was before it voted. So the manager that was away wins the same term
    and writes over what was committed and answered. Gives both leaders.
    """
    away = c.wait_leader().name
    voters = [node.name for node in c.nodes if node.role == "manager" and node.name != away]
    c.sleep("1s")
    for name in voters:
        c.faults.disk(name, old_copy=True)
    alone = c.faults.partition(away)
    first = c.wait_leader(other_than=away).name
    c.services.create("nginx", name="lost", replicas=1)
    c.sleep("1s")
    c.faults.partition(first)
    alone.heal()
    (forgetful,) = (name for name in voters if name != first)
    c.nodes[forgetful].kill()
    c.nodes[forgetful].restart()
    return first, away
