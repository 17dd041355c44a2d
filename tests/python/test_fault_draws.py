"""Drawn plans: what they never do, over many seeds and shapes. No swarm is needed for that."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

import swarmpy as sp
from swarmpy._faults.draw import DEFAULT, DRAWN, Draw, check_kinds

RECOVERY = 1.0  # seconds until a manager that is back is at work


def drawn(seed: int, managers: int, *, kinds: Sequence[str] = DEFAULT, keep: bool = True) -> sp.Plan:
    draw = Draw(
        managers=[f"m{n}" for n in range(1, managers + 1)],
        workers=["w1", "w2"],
        tasks=["web.1"],
        kinds=kinds,
        every=0.5,
        length=20.0,
        most=4.0,
        keep_quorum=keep,
        random=Random(seed),
    )
    return draw.plan()


def taken_away(fault: sp.Fault, managers: int) -> set[str]:
    """The managers that cannot do their work, by the text of the fault alone; of a link one end."""
    known = {f"m{n}" for n in range(1, managers + 1)}
    if "node" in fault.args:
        return {fault.args["node"]} & known
    if "groups" in fault.args:
        return min(({*group} & known for group in fault.args["groups"]), key=len)
    ends = [*fault.args["from"], *fault.args["to"]]
    return {*[name for name in ends if name in known][:1]}


@pytest.mark.parametrize("managers", [1, 2, 3, 4, 5, 7])
def test_a_quorum_of_managers_is_left_at_every_moment(managers: int) -> None:
    harmed = 0
    for seed in range(60):
        plan = drawn(seed, managers)
        away = [(fault, taken_away(fault, managers)) for fault in plan if fault.kind != "net"]
        for fault, _ in away:
            at = fault.at or 0.0
            gone = {
                name
                for other, names in away
                for name in names
                if (other.at or 0.0) <= at < (other.at or 0.0) + (other.for_ or 0.0) + RECOVERY - 0.002
            }
            assert len(gone) * 2 < managers or not gone, f"seed {seed}, at {at}: {gone}\n{plan!r}"
            harmed += bool(gone)
    assert (harmed > 0) == (managers > 2)


def test_without_that_care_a_quorum_is_lost() -> None:
    plan = drawn(1, 3, kinds=["kill"], keep=False)
    down = [
        {one.args["node"] for one in plan if (one.at or 0) <= t < (one.at or 0) + (one.for_ or 0)}
        for t in range(20)
    ]
    assert any(len(names & {"m1", "m2", "m3"}) > 1 for names in down)


def test_faults_begin_within_the_plan_and_last_as_long_as_they_may() -> None:
    for seed in range(60):
        plan = drawn(seed, 3, kinds=["net", "freeze"])
        assert all(0 < (fault.at or 0) < 20 for fault in plan)
        assert all(0.4 - 0.001 <= (fault.for_ or 0) <= 4.001 for fault in plan)
        starts = [fault.at or 0 for fault in plan]
        gaps = [b - a for a, b in itertools.pairwise(starts)]
        assert min(gaps) >= 0.1 - 0.002, "a fifth of every= at least"
    many = [len(drawn(seed, 3, kinds=["net"])) for seed in range(60)]
    assert sum(many) / len(many) == pytest.approx(40, rel=0.1), "one every half second"


def test_every_kind_that_may_be_drawn_is_and_has_sound_arguments() -> None:
    seen: set[str] = set()
    for seed in range(60):
        for fault in drawn(seed, 3, kinds=DRAWN):
            seen.add(fault.kind)
            assert sp.Fault.parse(str(fault)) == fault
            if fault.kind in ("kill_task", "transfer"):
                assert fault.for_ is None
            if fault.kind == "net":
                assert 0 <= fault.args.get("loss", 0) <= 0.3
    assert seen == set(DRAWN)
    assert check_kinds("power-off") == ["power_off"] and check_kinds(None) == list(DEFAULT)


# ---- the engine's own draw, which storms of seeds take


def test_the_engine_counts_on_no_manager_that_has_just_come_back() -> None:
    kinds = ["kill", "freeze"]
    options = {"kinds": kinds, "every": "400ms", "for": "700ms", "duration": "20s"}
    with sp.Swarm(managers=3, workers=1, seed=1) as c:
        core: Any = c._world.core  # type: ignore[attr-defined]
        for seed in range(60):
            plan = sp.Plan.from_json(core.draw_plan(json.dumps({**options, "seed": seed})))
            for fault in plan:
                at = fault.at or 0.0
                gone = {
                    one.args["node"]
                    for one in plan
                    if (one.at or 0.0) <= at < (one.at or 0.0) + (one.for_ or 0.0) + RECOVERY - 1e-6
                }
                assert len(gone - {"w1"}) <= 1, f"seed {seed}, at {at}: {gone}"


def test_the_engine_draws_parts_of_frames_up_to_a_tenth() -> None:
    with sp.Swarm(managers=3, workers=1, seed=1) as c:
        core: Any = c._world.core  # type: ignore[attr-defined]
        texts = [core.draw_plan(json.dumps({"kinds": ["net"], "seed": seed})) for seed in range(60)]
    drawn = [fault.args for text in texts for fault in sp.Plan.from_json(text)]
    for key in ("loss", "duplicate", "reorder"):
        parts = [one[key] for one in drawn if key in one]
        assert len(parts) > 50 and 0.001 <= min(parts) < 0.01 and 0.09 < max(parts) <= 0.1
