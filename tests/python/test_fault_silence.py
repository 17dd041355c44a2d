"""No fault is without effect in silence: what could not begin is told, what would do nothing is refused."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

import swarmpy as sp
from swarmpy._faults.draw import Draw
from swarmpy._faults.sides import check_other_side

NOBODY = "all nodes are on one side, and nobody is on the other"


def test_a_fault_that_cannot_begin_is_told_by_its_plan() -> None:
    with sp.Swarm(managers=3, workers=1, seed=1) as c:
        begun = c.now
        with c.faults.run(["kill_task web.9 at 1s", "freeze w1 at 2s for 1s"]) as plan:
            assert plan.skipped == []
            with pytest.warns(UserWarning, match=r'kill_task web.9 at 1s did not begin: .*"web.9"'):
                plan.wait()
            (skipped,) = plan.skipped
            assert skipped.fault == sp.Fault.parse("kill_task web.9 at 1s")
            assert skipped.at == pytest.approx(begun + 1) and "no running task" in skipped.why
            assert c.faults.skipped == [skipped]
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                plan.wait()  # once is enough
        assert "skipped" in repr(skipped) and "web.9" in skipped._repr_html_()
        assert c.faults.run(["freeze w1 for 1s"]).wait().skipped == []


def test_a_partition_of_a_leader_that_there_is_not_is_told() -> None:
    with sp.Swarm(managers=3, workers=0, seed=2) as c:
        one = c.faults.add("partition leader at 5s")
        for name in ("m1", "m2"):
            c.faults.kill(name)
        c.sleep("6s")
        assert [str(skipped.fault) for skipped in c.faults.skipped] == ["partition leader at 5s"]
        assert "nobody leads" in repr(one)


def test_the_report_of_many_seeds_tells_what_was_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    @sp.test(seeds=3, managers=1, workers=1, executor="here")
    def no_such_task(swarm: sp.Swarm) -> None:
        swarm.faults.run(["kill_task web.9 at 1s"])
        swarm.sleep("2s")

    result = no_such_task.run()
    assert result.passed and "skipped in 3 seeds: kill_task web.9 at 1s did not begin" in str(result)
    assert result.coverage.faults == {} and result.to_dict()["coverage"]["skipped"]

    @sp.test(seeds=1, managers=1, workers=1, executor="here", shrink=0)
    def fails(swarm: sp.Swarm) -> None:
        swarm.faults.run(["kill_task web.9 at 1s"])
        swarm.sleep("2s")
        raise AssertionError("so")

    failed = fails.run()
    assert "skipped: kill_task web.9 at 1s did not begin" in str(failed.failures[0])


@pytest.mark.parametrize(
    "text",
    [
        "partition m1 m2 m3 w1",
        "partition leader m2 m3 w1",
        "cut m1 m2 m3 w1 <-> *",
        "hold * -> m1 m2 m3 w1",
        "net m3 m2 w1 m1 -> * loss 0.5",
    ],
)
def test_nobody_on_the_other_side_is_refused(text: str) -> None:
    with sp.Swarm(managers=3, workers=1, seed=1) as c:
        with pytest.raises(sp.InvalidArgument, match=NOBODY) as refused:
            c.faults.add(text)
        assert "Leave a node out" in refused.value.hint
        with pytest.raises(sp.InvalidArgument, match=NOBODY):
            c.faults.run([f"{text} at 1s"])
        with pytest.raises(sp.InvalidArgument, match=NOBODY):  # as real daemons are asked
            check_other_side(sp.Fault.parse(text), [node.name for node in c.nodes])
        assert not c.faults.active and not c.faults.history


def test_nobody_on_the_other_side_by_the_nodes_themselves() -> None:
    with sp.Swarm(managers=1, workers=1, seed=1) as c:
        with pytest.raises(sp.InvalidArgument, match=NOBODY):
            c.faults.partition(c.nodes)
        c.faults.partition("leader").heal()
        c.faults.net(latency="5ms").heal()
    with sp.Swarm(managers=1, workers=0, seed=1) as alone:
        for begin in (
            lambda: alone.faults.partition("leader"),
            lambda: alone.faults.partition("m1"),
            lambda: alone.faults.cut("m1"),
            lambda: alone.faults.net(latency="5ms"),
        ):
            with pytest.raises(sp.InvalidArgument, match=NOBODY):
                begin()


def test_of_one_node_nothing_between_nodes_is_drawn() -> None:
    from random import Random

    kinds = ["partition", "cut", "net", "hold", "clock"]
    plan = Draw(["m1"], [], [], kinds, 1.0, 60.0, 1.0, True, Random(1)).plan()
    assert plan and {fault.kind for fault in plan} == {"clock"}


def test_quiet_holds_faults_back_for_a_block() -> None:
    with sp.Swarm(managers=3, workers=2, seed=3) as c:
        frozen = c.faults.freeze("w1", for_="30s")
        plan = c.faults.run(["kill w2 at 15s for 1s"])
        told = len(c.faults.history)
        with c.faults.quiet("5s") as quiet:
            assert quiet and not c.faults.active and len(c.faults.history) == told
            c.sleep("20s")
            assert c.faults.quiet("1s")  # within: they stay held back
            assert not c.faults.active and c.nodes["w2"].alive and not plan.over
        assert [str(one.fault.kind) for one in c.faults.active] == ["freeze"] and frozen.active
        plan.wait()
        assert plan.over and [fault.kind for fault in c.faults.history].count("kill") == 1
        with pytest.raises(ZeroDivisionError), c.faults.quiet("5s"):
            raise ZeroDivisionError
        assert frozen.active
        assert c.faults.quiet("5s") and frozen.active  # the plain call


def test_what_is_said_twice_is_refused() -> None:
    for text, key in (
        ("kill m1 at 1s at 2s", "at"),
        ("kill m1 for 1s for 2s", "for"),
        ("net m1 -> m2 latency 1ms latency 2ms", "latency"),
        ("disk m1 full full", "full"),
    ):
        with pytest.raises(sp.InvalidArgument, match=f"{key} is said twice"):
            sp.Fault.parse(text)
    for json in (
        '{"kind": "kill", "node": "m1", "node": "m2"}',
        '{"kind": "disk", "node": "m1", "errors": {"node": "EIO", "node": "EIO"}}',
    ):
        with pytest.raises(sp.InvalidArgument, match='the key "node" is there twice'):
            sp.Fault.from_json(json)
    with pytest.raises(sp.InvalidArgument, match='the key "faults" is there twice'):
        sp.Plan.from_json('{"plan": 1, "faults": [], "faults": []}')
    with pytest.raises(sp.InvalidArgument, match="since is said twice"):
        sp.Plan.parse("since 0s\nsince 1s")


def test_an_invariant_that_there_is_not_names_the_nearest() -> None:
    with pytest.raises(AttributeError, match='Did you mean "one_leader_per_term"'):
        _ = sp.inv.one_leader_per_trem
    with pytest.raises(AttributeError, match='Did you mean "at_least_running"'):
        _ = sp.inv.at_least_runing
    assert not hasattr(sp.inv, "__wrapped__")


@pytest.mark.real
def test_both_worlds_tell_alike() -> None:
    with sp.Swarm(managers=1, workers=1, mode="real") as c:
        with pytest.raises(sp.InvalidArgument, match=NOBODY):
            c.faults.partition(c.nodes)
        with c.faults.run(["kill_task web.9 at 100ms", "freeze w1 at 200ms for 100ms"]) as plan:
            with pytest.warns(UserWarning, match=r"kill_task web.9 at 100ms did not begin: .*web.9"):
                plan.wait()
            assert [one.fault.kind for one in plan.skipped] == ["kill_task"] and plan.skipped[0].at > 0
        c.faults.freeze("w1", for_="30s")
        with c.faults.quiet("1s"):
            assert not c.faults.active
            c.sleep("100ms")
            assert not c.faults.active and len(c.faults.history) == 2
        assert [one.fault.kind for one in c.faults.active] == ["freeze"]


def test_a_restart_that_a_disk_fault_prevents_names_the_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def ends_at_once(node: sp.Node) -> None:
        raise sp.Unreachable(f"{node.name} does not answer")

    with sp.Swarm(managers=1, workers=1, seed=1) as c:
        monkeypatch.setattr(sp.Node, "_start_anew", ends_at_once)
        with pytest.raises(sp.Unreachable):
            c.nodes["w1"].restart()
        with c.faults.disk("w1", errors={"read": "EIO"}):
            with pytest.raises(
                sp.SwarmError, match="its disk has a fault, disk w1 errors read=EIO"
            ) as refused:
                c.nodes["w1"].restart()
            assert "heal" in refused.value.hint and "restart" not in refused.value.hint
            with pytest.raises(sp.Unreachable):
                c.nodes["m1"].restart()


def test_a_replay_knows_what_was_skipped(tmp_path: Path) -> None:
    with sp.Swarm(managers=1, workers=1, seed=1) as c:
        c.faults.run(["kill_task web.9 at 1s"])
        c.sleep("2s")
        c.save(tmp_path / "run.swarm")
        skipped = c.faults.skipped
    replay = sp.replay(tmp_path / "run.swarm")
    assert list(replay.seek(skipped[0].at + 0.5).faults.skipped) == skipped
    assert not replay.seek(skipped[0].at - 0.5).faults.skipped
