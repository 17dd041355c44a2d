"""Every node answers for the service while other nodes freeze, lose packets and die."""

import swarmpy as sp


@sp.test(seeds=30, managers=3, workers=3)
def test_mesh_under_chaos(swarm: sp.Swarm) -> None:
    web = swarm.services.create("nginx", name="web", replicas=6, ports=["8080:80"])
    web.wait()
    with swarm.load("web", port=8080, rate=50, from_=["m1", "w1"]) as load:
        swarm.faults.net(between=("m2", "*"), latency="50ms", loss=0.05, for_="5s")
        swarm.faults.kill("w2", for_="10s")
        swarm.faults.freeze("w3", for_="2s")
        swarm.sleep("20s")
    assert load.failed <= 0.05 * len(load.requests), load
    assert load.requests[-1].error == ""
