"""Two of three managers die: tasks go on, writes are refused in words; one is back, and all goes on."""

import pytest

import swarmpy as sp


@sp.test(seeds=40, managers=3, workers=2)
def test_quorum_lost_and_back(swarm: sp.Swarm) -> None:
    web = swarm.services.create("nginx", name="web", replicas=4, constraints=["node.role==worker"])
    web.wait()
    swarm.check.always(sp.inv.at_least_running("web", 4), sp.inv.no_lost_writes)
    with swarm.faults.kill("m1"), swarm.faults.kill("m2"), pytest.raises(sp.NoQuorum):
        web.scale(5)
    web.scale(6).wait()
    swarm.assert_converged(timeout="30s")
