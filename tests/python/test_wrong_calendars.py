"""A leader whose calendar was wrong for a moment ends no swarm: nodes keep what is valid here."""

from __future__ import annotations

import pytest

import swarmpy as sp


@pytest.mark.parametrize("skew", ["2h", "48h", "-2300h"])
def test_a_root_rotation_under_a_wrong_calendar(skew: str) -> None:
    with sp.Swarm(managers=3, workers=2, seed=5) as swarm:
        leader = swarm.wait_leader().name
        swarm.faults.add(f"clock {leader} skew {skew}")
        swarm.sleep("2s")
        with pytest.raises(sp.SwarmError):  # it waits for the nodes, which keep what they have
            swarm.rotate_root(timeout="30s")
        swarm.heal()
        for name in [node.name for node in swarm.nodes]:
            swarm.nodes[name].restart()
        swarm.assert_converged(timeout="120s")
        assert swarm.run(lambda s: not s.root.in_progress, timeout="120s")


@pytest.mark.parametrize("skew", ["3h", "-3h"])
def test_a_renewal_under_a_wrong_calendar(skew: str) -> None:
    with sp.Swarm(managers=3, workers=2, seed=6) as swarm:
        swarm.update(cert_expiry="1h")
        swarm.rotate_root()  # all have certificates of an hour
        leader = swarm.wait_leader().name
        swarm.faults.add(f"clock {leader} skew {skew}")
        swarm.sleep("40m")
        swarm.heal()
        swarm.assert_converged(timeout="5m")
