"""A worker comes and goes: its tasks move, no slot has two that run, and it is taken back."""

import swarmpy as sp


@sp.test(seeds=40, managers=3, workers=3)
def test_flapping_worker(swarm: sp.Swarm) -> None:
    web = swarm.services.create("nginx", name="web", replicas=6)
    web.wait()
    swarm.check.always(sp.inv.at_most_one_per_slot, sp.inv.replicas_at_most_desired("web"))
    for span in ("500ms", "3s", "8s", "1s"):
        with swarm.faults.freeze("w1"):
            swarm.sleep(span)
        swarm.sleep(span)
    swarm.assert_converged(timeout="30s")
