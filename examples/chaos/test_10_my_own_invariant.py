"""An invariant of one's own, asked after every event: no node ever runs more than its share."""

import swarmpy as sp


def no_node_is_crowded(now: sp.Peek) -> bool:
    return all(sum(task.runs for task in now.tasks if task.node == node.name) <= 5 for node in now.nodes)


@sp.test(seeds=50, managers=3, workers=3)
def test_my_own_invariant(swarm: sp.Swarm) -> None:
    swarm.check.always("no node is crowded", no_node_is_crowded)
    swarm.check.sometimes("a node was down", lambda now: any(node.state == "down" for node in now.nodes))
    web = swarm.services.create("nginx", name="web", replicas=9)
    web.wait()
    swarm.faults.kill("w1", for_="20s")
    swarm.assert_converged(timeout="60s")
