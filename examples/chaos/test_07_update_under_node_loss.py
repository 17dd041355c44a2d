"""A worker dies in the middle of a rolling update: the update keeps its pace and is finished."""

import swarmpy as sp


@sp.test(seeds=40, managers=3, workers=3)
def test_update_under_node_loss(swarm: sp.Swarm) -> None:
    order = sp.Rolling(parallelism=2, delay="1s", order="start-first", monitor="2s", max_failure_ratio=0.9)
    web = swarm.services.create("nginx:1.25", name="web", replicas=6, update=order)
    web.wait()
    swarm.check.always(sp.inv.update_pace("web"), sp.inv.at_most_one_per_slot)
    web.update(image="nginx:1.26")
    swarm.run(until=lambda c: c.peek().service("web").update_state == "updating" and c.sleep("1s") is None)
    swarm.faults.kill("w1")
    web.wait(timeout="120s")
    assert {task.image for task in web.tasks.running} == {"nginx:1.26"}
