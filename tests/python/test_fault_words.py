"""One vocabulary: Python's faults and plans and the engine's are the same words, in text and in JSON."""

from __future__ import annotations

import json

import pytest

import swarmpy as sp
from swarmpy import _core

LINES = [
    "partition m1 | m2 m3 w1 one-way at 1.5s for 3s",
    "partition leader for 2s",
    "partition m2 m3",
    "cut m1 <-> m2 m3",
    "cut m1 -> *",
    "net m1 -> * latency 80ms jitter 5ms loss 0.05 duplicate 1 reorder 0.000001",
    "hold m1 <-> m2 for 5s",
    "throttle w1 factor 2.5",
    "disk m2 fsync_delay 500ms full errors fsync=ENOSPC,write=EIO after 3 lost_tail 4 flip 2 torn old_copy",
    "clock m3 skew -2s drift 1.01 jump 1m0s",
    "freeze w1 for 2s",
    "power_off m1",
    "stop m1",
    "kill leader at 2s for 1s",
    "kill_task web.1 at 1s",
    "port w1 8080",
    "image web:2 exists false exit_code 1 after 1s ignores_term start 10ms",
    "transfer",
]


@pytest.mark.parametrize("line", LINES)
def test_a_fault_is_the_same_in_python_and_in_the_engine(line: str) -> None:
    fault = sp.Fault.parse(line)
    assert str(fault) == line
    assert _core.fault_text(fault.to_json()) == line
    assert json.loads(_core.fault_json(line)) == json.loads(fault.to_json())


def test_plans_that_the_engine_draws_are_plans() -> None:
    with sp.Swarm(managers=3, workers=2, seed=3) as swarm:
        core = swarm._world.core
        for seed in range(50):
            drawn = core.draw_plan(json.dumps({"seed": seed, "duration": "20s"}))
            plan = sp.Plan.from_json(drawn)
            assert json.loads(plan.to_json()) == json.loads(drawn)
            assert [str(fault) for fault in plan] == _core.plan_text(drawn).splitlines()


def test_what_is_wrong_is_said_with_the_nearest_word() -> None:
    with pytest.raises(ValueError, match='there is no fault "kil".*Did you mean "kill"'):
        _core.fault_json("kil m1")
    with sp.Swarm(managers=1, seed=1) as swarm:
        core = swarm._world.core
        with pytest.raises(ValueError, match='there is no node "m11".*Did you mean "m1"'):
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
