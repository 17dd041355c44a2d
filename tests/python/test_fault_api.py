"""`swarm.faults` in the simulator: begun, ended, told, never fatal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import swarmpy as sp
from swarmpy._notes import notes


@pytest.fixture
def swarm() -> Any:
    with sp.Swarm(managers=3, workers=2, seed=5) as c:
        yield c


WRONG: list[tuple[Callable[[sp.Swarm], object], type[Exception], str]] = [
    (lambda c: c.faults.freeze("w11"), sp.NotFound, '"w1"'),
    (lambda c: c.faults.partition([["m1"], ["typo"]]), sp.NotFound, "m2"),
    (lambda c: c.faults.partition("ledaer"), sp.NotFound, '"leader"'),
    (lambda c: c.faults.partition("minorty"), sp.NotFound, '"minority"'),
    (lambda c: c.faults.cut("m1", "m9"), sp.NotFound, "m9"),
    (lambda c: c.faults.mend("m1", "m9"), sp.NotFound, "m9"),
    (lambda c: c.faults.kill("web.1"), sp.NotFound, "web.1"),
    (lambda c: c.faults.disk("m1"), sp.InvalidArgument, "at least one"),
    (lambda c: c.faults.disk("m1", errors={"write": "EFOO"}), sp.InvalidArgument, "EIO"),
    (lambda c: c.faults.freeze("w1", for_="soon"), sp.InvalidArgument, "duration"),
    (lambda c: c.faults.freeze(3), sp.InvalidArgument, "a name"),  # type: ignore[arg-type]
    (lambda c: c.faults.net(between="m1", loss=1), sp.InvalidArgument, "two ends"),  # type: ignore[arg-type]
    (lambda c: c.faults.net(between=("m1", "m2"), to="m3", loss=1), sp.InvalidArgument, "one of them"),
    (lambda c: c.faults.add("freze w1"), sp.InvalidArgument, "freeze"),
    (lambda c: c.faults.run(["freeze w1", "kill m9"]), sp.NotFound, "m9"),
    (lambda c: c.faults.run("nowhere.json"), sp.InvalidArgument, "cannot be read"),
    (lambda c: c.faults.random(kinds=["kil"]), sp.InvalidArgument, "kill"),
    (lambda c: c.faults.random(every=0), sp.InvalidArgument, "more than 0s"),
    (lambda c: c.faults.random(every=1e-9, for_="1m"), sp.InvalidArgument, "100000 at most"),
    (lambda c: c.faults.run("killl m1"), sp.InvalidArgument, 'Did you mean "kill"?'),
    (lambda c: c.faults.run(None), sp.InvalidArgument, "a list of faults"),  # type: ignore[arg-type]
    (lambda c: c.faults.net(between=("m1", "*"), loss=1e-9), sp.InvalidArgument, "six places"),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_a_typo_is_an_error_and_nothing_else(swarm: sp.Swarm, number: int) -> None:
    act, kind, part = WRONG[number]
    before = swarm.trace_hash
    with pytest.raises(kind) as error:
        act(swarm)
    assert part in str(error.value)
    assert swarm.trace_hash == before and not swarm.faults.active and not swarm.faults.history
    assert swarm.nodes.leader is not None


def test_a_fault_ends_with_its_with_however_that_ends(swarm: sp.Swarm) -> None:
    for stop in (KeyboardInterrupt, ValueError):
        with pytest.raises(stop), swarm.faults.freeze("w1") as fault:
            assert fault.active and [one.id for one in swarm.faults.active] == [fault.id]
            raise stop
        assert not fault.active and not swarm.faults.active
        fault.heal()
    assert [(one.kind, one.args["node"]) for one in swarm.faults.history] == [("freeze", "w1")] * 2


def test_a_fault_lasts_as_long_as_it_was_told(swarm: sp.Swarm) -> None:
    fault = swarm.faults.power_off("w1", for_="2s")
    swarm.sleep("1.999s")
    assert fault.active and not swarm.nodes["w1"].alive
    swarm.sleep("2ms")
    assert not fault.active and swarm.nodes["w1"].alive
    assert swarm.faults.history[-1].for_ == 2.0


def test_leader_and_minority_are_those_of_the_moment(swarm: sp.Swarm) -> None:
    leader = swarm.nodes.leader
    assert leader is not None
    with swarm.faults.partition("minority") as fault:
        assert leader.name not in str(fault.fault)
    with swarm.faults.partition("leader") as fault:
        assert fault.fault.args["of"] == leader.name
        assert swarm.run(
            lambda c: c.nodes.leader is not None and c.nodes.leader.name != leader.name, timeout="20s"
        )
    assert swarm.faults.history[-1].args["of"] == leader.name


def test_links_have_the_direction_that_was_said(swarm: sp.Swarm) -> None:
    faults = swarm.faults
    for fault, text in (
        (faults.cut("m1", "m2", both=False), "cut m1 -> m2"),
        (faults.cut("m1", "m2"), "cut m1 <-> m2"),
        (faults.hold("m2", "w1", both=False), "hold m2 -> w1"),
        (faults.hold("m2"), "hold m2 <-> *"),
        (faults.net(between=("m1", "w1"), latency="5ms"), "net m1 <-> w1 latency 5ms"),
        (faults.net(from_="m1", to="w1", latency="5ms"), "net m1 -> w1 latency 5ms"),
        (faults.net(from_="m1", loss=0.1), "net m1 -> * loss 0.1"),
        (faults.net(to="m1", loss=0.1), "net * -> m1 loss 0.1"),
        (faults.net(jitter="1ms"), "net * <-> * jitter 1ms"),
        (faults.partition("w1", one_way=True), "partition w1 one-way"),
        (faults.partition(["m1"], ["m2", "m3"], one_way=True), "partition m1 | m2 m3 one-way"),
        (faults.partition([["m1", "w1"], ["m2"]]), "partition m1 w1 | m2"),
    ):
        assert str(fault.fault) == text and fault.active
        fault.heal()
        assert not fault.active


def test_one_side_of_a_cut_is_mended(swarm: sp.Swarm) -> None:
    swarm.faults.cut("m1", ["m2", "m3"])
    swarm.faults.mend("m2", "m1")
    cut = [one.fault for one in swarm.faults.active]
    assert {(one.args["from"][0], one.args["to"][0]) for one in cut} == {("m1", "m3"), ("m3", "m1")}
    swarm.faults.mend("m1")
    assert not swarm.faults.active


def test_kills_of_nodes_and_tasks_are_told(swarm: sp.Swarm) -> None:
    web = swarm.services.create("nginx", name="web", replicas=2)
    web.wait()
    swarm.nodes["w2"].kill()
    assert [str(one.fault) for one in swarm.faults.active] == ["kill w2"]
    swarm.nodes["w2"].restart()
    assert not swarm.faults.active and swarm.nodes["w2"].alive
    swarm.faults.kill("w1")
    swarm.heal()
    swarm.heal()
    assert swarm.nodes["w1"].alive
    swarm.sleep("5s")  # the leader hears from w1 what died with it
    web.wait()
    swarm.faults.kill(web.tasks.running[0])
    assert [one.kind for one in swarm.faults.history] == ["kill", "kill", "kill_task"]
    assert web.wait()


def test_what_happened_can_be_run_again() -> None:
    def story(plan: sp.Plan | None) -> tuple[str | None, sp.Plan]:
        with sp.Swarm(managers=3, workers=2, seed=9) as c:
            if plan is None:
                with c.faults.partition("leader"):
                    c.sleep("3s")
                c.faults.freeze("w1", for_="1s")
            else:
                c.faults.run(plan)
                c.sleep("3s")
            c.sleep("5s")
            return c.trace_hash, c.faults.history

    first, told = story(None)
    again, told_again = story(told)
    assert told_again == told == sp.Plan.from_json(told.to_json())
    assert again == first
    assert story(told.without(1))[0] != first


def test_a_random_plan_repeats_and_spares_the_quorum() -> None:
    def drawn(**how: Any) -> sp.Plan:
        with sp.Swarm(managers=3, workers=2, seed=3) as c:
            return c.faults.random(every="1s", for_="2m", **how)

    assert drawn() == drawn() != drawn(seed=8) == drawn(seed=8)
    plan = drawn(kinds=["kill", "freeze"], lasting="5s")
    assert 60 < len(plan) < 180 and {fault.kind for fault in plan} == {"kill", "freeze"}
    assert max((fault.at or 0) + (fault.for_ or 0) for fault in plan) < 125
    for fault in plan:
        at = fault.at or 0
        down = {o.args["node"] for o in plan if (o.at or 0) <= at < (o.at or 0) + (o.for_ or 0)}
        assert len(down & {"m1", "m2", "m3"}) <= 1
    wild = drawn(kinds=["kill"], lasting="30s", keep_quorum=False)
    assert any(
        len(
            {o.args["node"] for o in wild if (o.at or 0) <= t < (o.at or 0) + (o.for_ or 0)}
            & {"m1", "m2", "m3"}
        )
        > 1
        for t in range(120)
    )


def test_a_plan_runs_and_is_over(swarm: sp.Swarm) -> None:
    plan = swarm.faults.random(kinds=["kill", "freeze", "partition"], every="2s", for_="20s", lasting="3s")
    with swarm.faults.run(plan) as running:
        assert not running.over
        running.wait()
        assert running.over and not swarm.faults.active
    assert len(swarm.faults.history) == len(plan)
    with swarm.faults.run("freeze w1 at 1s\nkill w2 at 1h"):
        swarm.sleep("2s")
        assert [str(one.fault) for one in swarm.faults.active] == ["freeze w1"]
    assert not swarm.faults.active
    swarm.sleep("2h")
    assert swarm.nodes["w2"].alive


def test_quiet_holds_faults_back_and_asks_whether_it_heals(swarm: sp.Swarm) -> None:
    swarm.services.create("nginx", name="web", replicas=4).wait()
    freeze = swarm.faults.freeze("w1")
    begun = swarm.now
    assert swarm.faults.quiet("10s")
    assert swarm.now == pytest.approx(begun + 10)
    assert freeze.active
    freeze.heal()
    swarm.faults.image("nginx:1.10", exists=False)
    swarm.services.create("nginx:1.10", name="held", replicas=1)
    assert swarm.faults.quiet("20s")  # the image is there meanwhile
    swarm.services.create("nowhere:1", name="broken", replicas=1)
    with pytest.raises(sp.ConvergenceTimeout, match="does not heal") as error:
        swarm.faults.quiet("5s")
    assert any("broken" in blocker for blocker in error.value.blockers)


def test_a_gate_masks_faults(swarm: sp.Swarm) -> None:
    asked: list[tuple[int, str]] = []

    def gate(number: int, fault: sp.Fault) -> bool:
        asked.append((number, str(fault)))
        return number != 1

    swarm._hub.fault_gate = gate
    swarm.faults.freeze("w1", for_="1s")
    masked = swarm.faults.freeze("w2")
    assert not masked.active and masked.id is None
    masked.heal()
    swarm.faults.run(["freeze m1 for 1s"])
    assert asked == [(0, "freeze w1 for 1s"), (1, "freeze w2"), (2, "freeze m1 for 1s")]


def test_healing_a_closed_swarm_is_harmless() -> None:
    with sp.Swarm(managers=1, workers=1, seed=1) as c:
        fault = c.faults.freeze("w1")
        running = c.faults.run(["freeze w1 at 9s"])
    told = notes(c._hub.world)
    for _ in range(2):
        c.heal()
        c.faults.heal()
        fault.heal()
        running.heal()
    assert notes(c._hub.world) == told, "nothing is done, and nothing is told"
    assert not fault.active and "closed" in repr(c.faults)
    with pytest.raises(sp.SwarmError, match="closed"):
        c.faults.freeze("w1")


def test_without_a_quorum_faults_end_too(swarm: sp.Swarm) -> None:
    swarm.faults.kill("m1")
    swarm.faults.kill("m2")
    swarm.sleep("1s")
    swarm.heal()
    assert swarm.wait_converged("30s")


def test_a_set_of_names_has_one_order_in_every_process(swarm: sp.Swarm) -> None:
    """The order of a set of texts is another in each Python; a seed's run must not be."""
    names = {"w2", "m3", "m2", "m1"}
    assert str(swarm.faults.partition(names).fault) == "partition m1 m2 m3 w2"
    sides = {frozenset({"m3", "m2"}), frozenset({"m1"})}
    assert str(swarm.faults.partition(sides).fault) == "partition m1 | m2 m3"
    assert str(swarm.faults.cut({"w2", "w1"}, {"m2", "m1"}).fault) == "cut w1 w2 <-> m1 m2"


def test_a_pair_is_a_link_and_a_list_is_cut_off(swarm: sp.Swarm) -> None:
    assert str(swarm.faults.hold(("m1", "m2")).fault) == "hold m1 <-> m2"
    assert str(swarm.faults.cut(("m1", "*"), both=False).fault) == "cut m1 -> *"
    assert str(swarm.faults.cut(["m1", "m2"]).fault) == "cut m1 m2 <-> *"
    swarm.heal()
    swarm.faults.cut("m1", "m2")
    swarm.faults.mend(("m2", "m1"))
    assert not swarm.faults.active


def test_a_fault_says_whether_it_is_to_come_or_over(swarm: sp.Swarm) -> None:
    coming, dropped = swarm.faults.add("freeze w1 at 2s for 1s"), swarm.faults.add("freeze w2 at 2s")
    assert repr(coming) == "<fault, to come: freeze w1 at 2s for 1s>" and not coming.active
    dropped.heal()
    assert repr(dropped) == "<fault, over: freeze w2 at 2s>"
    swarm.sleep("2.5s")
    assert coming.active and repr(coming).startswith("<fault freeze w1")
    swarm.sleep("1s")
    assert repr(coming).startswith("<fault, over: freeze w1")


def test_a_plan_is_run_from_whatever_says_it(swarm: sp.Swarm) -> None:
    fault = sp.Fault("freeze", node="w1", for_="1s")
    for plan in (fault, [fault], {"plan": 1, "faults": [fault.to_dict()]}, str(fault)):
        with swarm.faults.run(plan) as running:
            assert list(running.plan) == [fault]


def test_a_port_that_is_published_already_cannot_be_taken(swarm: sp.Swarm) -> None:
    web = swarm.services.create("nginx", name="web", replicas=2, ports=["8080:80"])
    web.wait()
    with pytest.raises(sp.Conflict, match="8080 of w1 is in use"):
        swarm.faults.port("w1", 8080)
    assert not swarm.faults.active and not swarm.faults.history
    with swarm.faults.port("w1", 9090), swarm.faults.port("w1", 9090):
        assert len(swarm.faults.active) == 2


def test_the_leaders_cut_is_mended_by_that_word(swarm: sp.Swarm) -> None:
    swarm.faults.cut("leader", "w1")
    swarm.faults.mend("w1", "leader")
    assert not swarm.faults.active


def test_a_plan_is_over_later_by_as_long_as_it_was_held_back(swarm: sp.Swarm) -> None:
    with swarm.faults.run(["freeze w1 at 1s for 5s", "freeze w2 at 8s for 1s"]) as plan:
        swarm.sleep("2s")
        swarm.faults.quiet("10s")
        swarm.sleep("6.5s")
        assert plan.active and not plan.over
        plan.wait()
        swarm.sleep("1ms")
        assert plan.over and not plan.active and len(swarm.faults.history) == 3
        assert swarm.now == pytest.approx(swarm.faults.history[-1].at + 1, abs=0.01)  # type: ignore[operator]


def test_kill_task_is_drawn_from_tasks_that_run(swarm: sp.Swarm) -> None:
    swarm.services.create("nginx", name="shop", replicas=2).wait()
    swarm.faults.image("redis:7", exists=False)
    swarm.services.create("redis:7", name="cache", replicas=2)
    swarm.sleep("3s")
    tasks = {task.name: task.state for task in swarm.services["cache"].tasks}
    assert {"cache.1", "cache.2"} <= {*tasks}
    plan = swarm.faults.random("kill_task", every="1s", for_="2m", seed=3)
    assert not {"cache.1", "cache.2"} & {fault.args["task"] for fault in plan}
    assert {"shop.1", "shop.2"} <= {fault.args["task"] for fault in plan}
