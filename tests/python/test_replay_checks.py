"""What a run asked is asked again: in its replay, in forks of it, and by `when_inevitable`; and what a failed
run did after its failure is no part of what it was going to do.
"""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import swarmpy as sp
from two_histories import two_histories

inv = sp.inv
Story = Callable[[sp.Swarm], Any]


def web(c: sp.Swarm, replicas: int = 4, **more: Any) -> sp.Service:
    service = c.services.create("nginx:1.10", name="web", replicas=replicas, **more)
    service.wait()
    return service


def too_few(c: sp.Swarm) -> None:
    web(c)
    c.check.always(inv.at_least_running("web", 4))
    with c.faults.freeze("w1"):
        c.sleep("40s")


def too_many(c: sp.Swarm) -> None:
    service = web(c, 2)
    c.check.always("few", inv.at_most_running("web", 2))
    service.scale(3)
    c.sleep("5s")


def no_quorum(c: sp.Swarm) -> None:
    c.check.always(inv.quorum_kept)
    c.faults.freeze("m2", for_="3s")
    c.sleep("1s")
    c.nodes["m3"].kill()
    c.sleep("2s")


def no_quorum_at_once(c: sp.Swarm) -> None:
    """Broken before time goes on: the check, the fault and the failure have one instant."""
    c.check.always(inv.quorum_kept)
    c.faults.partition([["m1"], ["m2"], ["m3"]])
    c.sleep("1s")


def failed_requests(c: sp.Swarm) -> None:
    web(c, 2, ports=["8080:80"])
    c.check.always(inv.one_leader_per_term, inv.no_failed_requests)
    with c.load("web", port=8080, rate=200, from_=["m1", "w1"]):
        c.sleep("1s")
        with c.faults.power_off("w1", for_="5s"):
            c.sleep("10s")


def broken_from_the_start(c: sp.Swarm) -> None:
    web(c, 3)
    c.check.always(inv.at_most_running("web", 2))


def broken_later_among_all(c: sp.Swarm) -> None:
    """Every ready-made one is asked; one breaks."""
    web(c)
    c.check.always("three run", lambda s: s.running("web") >= 1)
    c.check.always(*inv.all()[:7], inv.at_least_running("web", 4), inv.at_most_running("web", 9))
    c.sleep("1s")
    c.faults.run(sp.Plan(["kill w1 at 1s for 20s", "freeze w2 at 2s for 20s"]))
    c.sleep("30s")


def promises_broken(rule: sp.inv.Invariant) -> Story:
    """One voter forgets that it has voted and what it has acknowledged."""

    def story(c: sp.Swarm) -> None:
        c.check.always(rule)
        web(c, 1)
        two_histories(c)
        c.sleep("20s")

    return story


STORIES: dict[str, Story] = {
    **{
        one.name: promises_broken(one)
        for one in (inv.one_leader_per_term, inv.no_lost_commits, inv.log_matching, inv.no_lost_writes)
    },
    "at_least_running(web, 4)": too_few,
    "few": too_many,
    "quorum_kept": no_quorum,
    "quorum_kept ": no_quorum_at_once,
    "no_failed_requests": failed_requests,
    "at_most_running(web, 2)": broken_from_the_start,
    "at_least_running(web, 4) ": broken_later_among_all,
}


def broken_run(story: Story, path: Path, seed: int = 5) -> tuple[sp.InvariantBroken, str]:
    """What broke, and the trace."""
    with sp.Swarm(managers=3, workers=2, seed=seed) as c:
        with pytest.raises(sp.InvariantBroken) as broke:
            story(c)
        c.save(path)
        return broke.value, str(c.trace_hash)


def told(error: sp.InvariantBroken) -> tuple[str, float, str]:
    return error.invariant, error.at, error.what


@pytest.mark.parametrize("name", STORIES)
def test_what_broke_breaks_again_at_the_same_event(name: str, tmp_path: Path) -> None:
    path = tmp_path / "run.swarm"
    first, trace = broken_run(STORIES[name], path)
    assert first.invariant == name.strip()
    r = sp.replay(path)
    assert r.trace_hash == trace
    assert r.failure is not None
    assert (r.failure.invariant, r.failure.at, r.failure.what) == told(first)
    assert r.failure_again() == "it broke again in the engine, at the same moment"

    watched = r.watched_core()
    with pytest.raises(sp.InvariantBroken) as again:
        watched.run_to(round(r.end * 1e9))
    assert told(again.value) == told(first)
    assert watched.core.done()[0] == (r.journal.failure or {})["steps"]

    begun = r.formed_ns() / 1e9
    for at in {begun, (begun + first.at) / 2}:
        live = r.fork(at=at)
        with pytest.raises(sp.InvariantBroken) as in_fork:
            live.sleep("60s")
        assert told(in_fork.value) == told(first)
        with pytest.raises(sp.InvariantBroken):
            live.sleep("1s")
        live.close()


@pytest.mark.parametrize("name", STORIES)
def test_the_picture_shows_it_and_the_command_prints_it(name: str, tmp_path: Path) -> None:
    from swarmpy.cli.main import main

    path = tmp_path / "run.swarm"
    broken_run(STORIES[name], path)
    assert main(["replay", str(path)]) == 1
    found = sp.when_inevitable(path, forks=48, seconds=60)
    assert found.points[-1].p == 1.0, found


def test_a_replay_whose_check_breaks_otherwise_is_not_the_same(tmp_path: Path) -> None:
    path = tmp_path / "run.swarm"
    broken_run(too_few, path)
    r = sp.replay(path)
    failure = dict(r.journal.failure or {})
    for wrong in ({"at": failure["at"] + 0.5}, {"what": "two ran"}, {"steps": 3}):
        other = sp.Replay(r.journal.with_failure({**failure, **wrong}))
        assert other.failure_again().startswith("NOT the same"), wrong
    whole = sp.Replay(r.journal.with_failure({**failure, "invariant": "at_most_running(web, 9)"}))
    assert whole.failure_again().startswith("NOT the same")


def test_checks_change_no_trace_in_a_replay(tmp_path: Path) -> None:
    def run(checks: bool) -> str:
        with sp.Swarm(managers=3, workers=2, seed=3) as c:
            web(c)
            if checks:
                c.check.always(*inv.all()[:7])
            c.nodes["w1"].kill()
            c.sleep("3s")
            c.save(tmp_path / f"{checks}.swarm")
            return str(c.trace_hash)

    assert run(True) == run(False)
    assert sp.replay(tmp_path / "True.swarm").trace_hash == sp.replay(tmp_path / "False.swarm").trace_hash
    assert sp.diff_runs(tmp_path / "True.swarm", tmp_path / "False.swarm").same


# ---- functions of the test, assertions, the engine's own


def test_functions_are_not_kept_and_it_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def story(c: sp.Swarm) -> None:
        web(c)
        c.check.always("four run", lambda s: s.running("web") >= 4)
        c.check.always(inv.one_leader_per_term)
        with c.faults.freeze("w1"):
            c.sleep("40s")

    path = tmp_path / "run.swarm"
    broken_run(story, path, seed=9)
    r = sp.replay(path)
    again = r.failure_again()
    assert "a function of the test" in again
    assert "seed 9" in again
    assert "the same run, by its trace" in again
    from swarmpy.cli.main import main

    assert main(["replay", str(path)]) == 1
    assert "a function of the test" in capsys.readouterr().out
    with pytest.raises(sp.InvalidArgument, match="seen by Python"):
        sp.when_inevitable(path)
    live = r.fork(at="0.2s")  # the function is not asked there; what is ready-made is
    live.sleep("5s")
    assert live.check.names == ["one_leader_per_term"]


def test_what_the_engine_itself_found_wrong_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "run.swarm"
    with sp.Swarm(managers=3, workers=1, seed=1) as c:
        web(c)
        leader = c.nodes.leader.name
        others = [name for name in ("m1", "m2", "m3") if name != leader]
        for name in others:
            c.faults.disk(name, old_copy=True)
        c.sleep("2s")
        c.services.create("nginx", name="more", replicas=2).wait()
        with pytest.raises(sp.InvariantError), c.faults.power_off(leader):
            for name in others:
                c.faults.power_off(name, for_="1s")
            c.sleep("20s")
        try:
            c.sleep("1s")
        except sp.InvariantError as error:
            c.save(path, failure=error)
    r = sp.replay(path)
    assert r.failure_again() == "it broke again in the engine, at the same moment"
    breaks = r.journal.steps - 1
    assert r.seek(r.end).steps_taken == breaks, "just before it broke"
    assert r.nodes["m1"] is not None and r.step() is None
    step = r.seek_step(breaks).step()
    assert step is not None and ", and then: " in step.what and r.steps_taken == breaks


# ---- what is shown


def test_the_table_of_checks_stands_where_the_replay_stands(tmp_path: Path) -> None:
    path = tmp_path / "run.swarm"
    first, _ = broken_run(broken_later_among_all, path)
    r = sp.replay(path)
    assert len(r.check) == 10
    assert r.check.names[0] == "three run"
    states = {name: state for name, _, _, state in r.check.rows()}
    assert states["at_least_running(web, 4)"] == "broken"
    assert states["three run"] == "in the test"
    assert r.check.broken
    r.seek(first.at - 0.01)
    before = {name: (asked, state) for name, _, asked, state in r.check.rows()}
    assert before["at_least_running(web, 4)"][1] == "holds"
    assert before["at_least_running(web, 4)"][0] > 0
    r.seek("0s")
    assert {state for *_, state in r.check.rows()} == {"not yet", "in the test"}
    assert "CHECK" in repr(r.check)
    assert r.check._repr_html_()
    assert r.seek(r.end).same_run


def test_a_fork_shows_its_checks_and_takes_more(tmp_path: Path) -> None:
    path = tmp_path / "run.swarm"
    first, _ = broken_run(too_few, path)
    r = sp.replay(path)
    live = r.fork(at="1s", without_fault=None)
    assert live.check.names == ["at_least_running(web, 4)"]
    live.check.always(inv.at_least_running("web", 4))  # it is asked already
    live.check.always("by hand", lambda s: s.running("web") >= 1)
    assert [name for name, *_ in live.check.rows()] == ["at_least_running(web, 4)", "by hand"]
    with pytest.raises(sp.InvariantBroken) as broke:
        live.sleep("5s")
    assert told(broke.value) == told(first)
    live.save(tmp_path / "fork.swarm")
    again = sp.replay(tmp_path / "fork.swarm")
    assert [one["name"] for one in again.journal.checks] == live.check.names
    assert again.failure_again() == "it broke again in the engine, at the same moment"


def test_a_check_that_came_later_comes_later_in_a_fork(tmp_path: Path) -> None:
    path = tmp_path / "run.swarm"
    first, _ = broken_run(too_few, path)
    live = sp.replay(path).fork(at=0)
    assert live.check.names == []
    with pytest.raises(sp.InvariantBroken) as broke:
        live.sleep("5s")
    assert told(broke.value) == told(first)
    live.save(tmp_path / "fork.swarm")
    assert sp.replay(tmp_path / "fork.swarm").failure is not None


def test_a_fork_goes_on_after_the_failure(tmp_path: Path) -> None:
    path = tmp_path / "run.swarm"
    broken_run(too_few, path)
    r = sp.replay(path)
    live = r.fork()
    live.sleep("20s")
    assert live.services["web"].running == 4
    live.check.always(inv.at_least_running("web", 4))
    live.sleep("5s")


def test_a_fork_without_the_fault_or_without_the_checks_does_not_break(tmp_path: Path) -> None:
    path = tmp_path / "run.swarm"
    first, _ = broken_run(too_few, path)
    r = sp.replay(path)
    fine = r.fork(without_fault=0)
    fine.sleep("10s")
    assert fine.services["web"].running == 4
    unasked = r.fork(at="1s", checks=False)
    unasked.sleep("10s")
    assert unasked.now > first.at
    assert len(unasked.check) == 0
    unasked.check.always("own", lambda s: True)
    unasked.sleep("1s")
    assert [name for name, *_ in unasked.check.rows()] == ["own"]


# ---- the clean-up after a failure


def test_a_fault_that_was_healed_by_the_failure_goes_on_in_a_fork(tmp_path: Path) -> None:
    path = tmp_path / "run.swarm"
    _first, _ = broken_run(too_few, path)
    r = sp.replay(path)
    (fault,) = r.faults
    assert (fault.kind, fault.for_) == ("freeze", None)
    live = r.fork(at="1s", checks=False)
    live.sleep("30s")
    (active,) = live.faults.active
    assert active.fault.kind == "freeze"
    assert str(live.nodes["w1"].state) == "down"
    live.heal()
    live.sleep("10s")
    assert str(live.nodes["w1"].state) == "ready"


def test_the_same_of_an_assertion(tmp_path: Path) -> None:
    path = tmp_path / "run.swarm"
    with sp.Swarm(managers=3, workers=2, seed=5) as c:
        web(c, ports=["8080:80"])
        try:
            with (
                c.load("web", port=8080, rate=10),
                c.faults.kill("w2", for_="500ms"),
                c.faults.freeze("w1"),
                c.faults.run(sp.Plan(["kill m3 at 20s"])),
            ):
                c.sleep("5s")
                raise AssertionError("a test failed")
        except AssertionError as error:
            c.save(path, failure=error)
    r = sp.replay(path)
    assert r.same_run
    assert [(fault.kind, fault.for_) for fault in r.faults] == [("kill", 0.5), ("freeze", None)]
    live = r.fork(at="2s")
    live.sleep("30s")
    assert {active.fault.kind for active in live.faults.active} == {"freeze", "kill"}  # m3's came, too
    sent = len(live.peek().requests)
    live.sleep("1s")
    assert len(live.peek().requests) == sent + 10  # and the load goes on


def test_an_exception_that_the_test_expected_is_no_failure(tmp_path: Path) -> None:
    path = tmp_path / "run.swarm"
    with sp.Swarm(managers=3, workers=2, seed=5) as c:
        with contextlib.suppress(ValueError), c.faults.freeze("w1"):
            c.sleep("2s")
            raise ValueError("as expected")
        c.sleep("2s")
        c.nodes["w2"].kill()
        c.save(path, failure={"invariant": "mine", "at": c.now, "what": "later"})
    r = sp.replay(path)
    assert [fault.for_ is not None for fault in r.faults] == [True, False]
    live = r.fork(at="1s")
    live.sleep("5s")
    assert [one.fault.kind for one in live.faults.active] == ["kill"]


def test_when_inevitable_does_not_heal_what_the_failure_healed(tmp_path: Path) -> None:
    """With the clean-up the freeze would end before the swarm can see it, in every branch."""
    path = tmp_path / "run.swarm"
    broken_run(too_few, path)
    found = sp.when_inevitable(path, forks=40, seconds=60)
    assert found.points[-1].p == 1.0
    assert found.since is not None
    assert found.since < 1.0, found


def test_a_failure_record_leaves_the_clean_up_out(tmp_path: Path) -> None:
    def story(swarm: sp.Swarm) -> None:
        web(swarm)
        swarm.check.always(inv.at_least_running("web", 4))
        with swarm.faults.freeze("w1"):
            swarm.sleep("40s")

    result = sp.test(seeds=1, managers=3, workers=2, executor="here", progress=False)(story).run(
        report=str(tmp_path)
    )
    failure = result.failures[0]
    told_inputs = json.loads(Path(failure.journal).read_text().splitlines()[0])["failure"]
    assert told_inputs["inputs"] > 0
    assert sp.replay(failure.journal).failure_again() == "it broke again in the engine, at the same moment"
