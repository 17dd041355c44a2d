"""Two minutes of faults that the seed draws, with a quorum left at every moment; then calm, and rest."""

import swarmpy as sp


@sp.test(seeds=100, managers=3, workers=3)
def test_random_faults(swarm: sp.Swarm) -> None:
    web = swarm.services.create("nginx", name="web", replicas=6)
    swarm.check.always(*sp.inv.all())
    plan = swarm.faults.random(every="5s", for_="2m", keep_quorum=True)
    with swarm.faults.run(plan):
        for replicas in (3, 9, 6):
            swarm.sleep("40s")
            web.scale(replicas)
    swarm.assert_converged(timeout="60s")
