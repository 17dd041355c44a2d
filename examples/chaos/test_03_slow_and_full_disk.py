"""A manager's disk is slow, then full: the others commit; freed, it catches up."""

import swarmpy as sp


@sp.test(seeds=30, managers=3, workers=2)
def test_slow_and_full_disk(swarm: sp.Swarm) -> None:
    web = swarm.services.create("nginx", name="web", replicas=2)
    swarm.check.always(sp.inv.no_lost_writes, sp.inv.log_matching)
    with swarm.faults.disk("m2", fsync_delay="500ms"):
        web.scale(4).wait()
    with swarm.faults.disk("m3", full=True):
        web.scale(6).wait()
        swarm.sleep("2s")
    swarm.assert_converged(timeout="30s")
    assert swarm.run(until=lambda s: {one.node for one in s.peek().raft} == {"m1", "m2", "m3"}, timeout="30s")
