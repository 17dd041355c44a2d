"""The leader dies under load: another leads within seconds, and who asks a worker notices nothing."""

import swarmpy as sp


@sp.test(seeds=40, managers=3, workers=2)
def test_leader_loss_under_load(swarm: sp.Swarm) -> None:
    web = swarm.services.create(
        "nginx", name="web", replicas=2, ports=["8080:80"], constraints=["node.role==worker"]
    )
    web.wait()
    swarm.check.always(sp.inv.one_leader_per_term, sp.inv.no_lost_writes)
    old = swarm.nodes.leader
    with swarm.load("web", port=8080, rate=100, from_=["w1", "w2"]) as load:
        old.kill()
        swarm.wait_leader(other_than=old, timeout="5s")
        web.scale(4).wait()
    assert load.ok > 0 and load.failed == 0, load
