"""Clocks are wrong, run fast, and jump: leases and timers bear it, and nothing is lost."""

import swarmpy as sp


@sp.test(seeds=30, managers=3, workers=2)
def test_clocks(swarm: sp.Swarm) -> None:
    web = swarm.services.create("nginx", name="web", replicas=4)
    web.wait()
    swarm.check.always(sp.inv.one_leader_per_term, sp.inv.at_most_one_per_slot, sp.inv.no_lost_writes)
    skew = swarm.faults.clock("m1", skew="-1h")
    with skew, swarm.faults.clock("m2", drift=1.05), swarm.faults.clock("w1", jump="10m"):
        web.scale(6)
        swarm.sleep("30s")
    swarm.assert_converged(timeout="30s")
