"""One vocabulary: Python's faults and plans and the engine's are the same words, in text and in JSON."""

from __future__ import annotations

import json

import pytest

import swarmpy as sp
from swarmpy import _core


def test_plans_that_the_engine_draws_are_plans() -> None:
    with sp.Swarm(managers=3, workers=2, seed=3) as swarm:
        core = swarm._world.core
        for seed in range(50):
            drawn = core.draw_plan(json.dumps({"seed": seed, "duration": "20s"}))
            plan = sp.Plan.from_json(drawn)
            assert json.loads(plan.to_json()) == json.loads(drawn)
            assert [str(fault) for fault in plan] == _core.plan_text(drawn).splitlines()


def test_what_is_wrong_is_said_with_the_nearest_word() -> None:
    with pytest.raises(ValueError, match=r'there is no fault "kil".*Did you mean "kill"'):
        _core.fault_json("kil m1")
    with sp.Swarm(managers=1, seed=1) as swarm:
        core = swarm._world.core
        with pytest.raises(ValueError, match=r'there is no node "m11".*Did you mean "m1"'):
            core.begin_fault('{"kind": "disk", "node": "m11", "full": true}')
        assert core.active_faults() == []


@pytest.mark.parametrize(
    "line",
    [
        "net leader <-> * latency 30ms loss 0.02",
        "hold m1 <-> m2 for 2s",
        "throttle m2 factor 100",
        "disk m2 full",
        "disk m3 errors fsync=EIO after 3",
        "clock m1 skew 1h drift 1.1 jump 5s",
    ],
)
def test_a_swarm_bears_each_of_them_and_is_itself_again(line: str) -> None:
    with sp.Swarm(managers=3, workers=2, seed=5) as swarm:
        core = swarm._world.core
        core.begin_fault(_core.fault_json(line))
        web = swarm.services.create("nginx", name="web", replicas=3)
        web.wait()
        swarm.sleep("10s")
        swarm.heal()
        swarm.wait_converged()
        assert web.running == 3
