"""The leader is cut off, or a minority, or one way only: the majority goes on, and healed they agree."""

import swarmpy as sp


@sp.test(seeds=30, managers=3, workers=2)
def test_partition(swarm: sp.Swarm) -> None:
    web = swarm.services.create("nginx", name="web", replicas=3)
    swarm.check.always(sp.inv.one_leader_per_term, sp.inv.no_lost_commits, sp.inv.no_lost_writes)
    for of, one_way in (("leader", False), ("minority", False), ("leader", True)):
        old = swarm.wait_leader()
        with swarm.faults.partition(of, one_way=one_way):
            swarm.wait_leader(other_than=old if of == "leader" else None, timeout="10s")
            web.scale(web.replicas + 1)
        swarm.assert_converged(timeout="30s")
