"""Shrinking: a failure's smallest run. The tests here are wrong on purpose, so the smallest is known."""

from __future__ import annotations

import asyncio
import json
import shlex
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import swarmpy as sp
from swarmpy.cli import main
from swarmpy.errors import InvalidArgument
from swarmpy.testing.failure import Failure
from swarmpy.testing.mask import Happening, Item, Mask, Shape
from swarmpy.testing.shrink import shrink
from swarmpy.testing.trial import Coverage, Record


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class _CannotSay(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@sp.test(seeds=1, managers=3, workers=5)
def breaks_when_w2_and_w4_are_down(swarm: sp.Swarm) -> None:
    web = swarm.services.create("nginx", name="web", replicas=4)
    web.wait()
    killed = ["w1", "w3", "w2", "w5", "m3", "w1", "w3", "w5", "w1", "w3", "w5", "w1", "w4", "w5"]
    for turn, name in enumerate(killed):
        swarm.nodes[name].kill()
        swarm.sleep("100ms")
        if turn % 4 == 0:
            web.scale(4 + turn)
        if name not in ("w2", "w4"):
            swarm.nodes[name].restart()
    assert swarm.nodes["w2"].alive or swarm.nodes["w4"].alive, "two that matter are down"


def test_fourteen_faults_shrink_to_the_two_that_are_enough() -> None:
    begun = time.monotonic()
    failure = breaks_when_w2_and_w4_are_down.run().failures[0]
    assert time.monotonic() - begun < 10  # a second or two on a quiet machine
    shrunk = failure.shrunk
    assert [one.text for one in shrunk.faults] == ["kill(w2)", "kill(w4)"]
    assert shrunk.before[0] == 14 and len(shrunk.needless) == 12 and shrunk.minimal
    assert shrunk.operations == () and shrunk.shape == Shape(3, 5)  # it names m3 and w5
    assert "shrunk 14 -> 2 faults: kill(w2)@" in str(failure) and "these do not matter: kill(w1)@" in str(
        failure
    )
    record = json.loads(Path(failure.file).read_text())["shrunk"]
    assert len(record["faults"]) == 2 and len(record["needless"]) == 12 and record["minimal"]
    assert record["nodes"] == {"managers": 3, "workers": 5} and record["operations"] == []


def test_nodes_that_nobody_names_are_left_out() -> None:
    @sp.test(seeds=1, managers=3, workers=5)
    def any_two(swarm: sp.Swarm) -> None:
        workers = [node for node in swarm.nodes if node.role == "worker"]
        for node in workers:
            node.kill()
        assert len([node for node in workers if not node.alive]) < 2

    failure = any_two.run().failures[0]
    assert failure.shrunk.shape == Shape(1, 2) and len(failure.shrunk.faults) == 2
    assert "shrunk 5 -> 2 faults" in str(failure) and "nodes: 1 manager, 2 workers" in str(failure)


def test_the_same_failure_shrinks_the_same_way() -> None:
    first, again = (breaks_when_w2_and_w4_are_down.run().failures[0] for _ in range(2))
    assert str(first) == str(again)


def test_shrinking_can_be_left_out() -> None:
    begun = time.monotonic()
    failure = breaks_when_w2_and_w4_are_down.run(shrink=False).failures[0]
    assert failure.shrunk is None and len(failure.faults) == 14 and time.monotonic() - begun < 5


@sp.test(seeds=1, managers=3, workers=1)
def never_sees_it(swarm: sp.Swarm) -> None:
    swarm.check.sometimes("three lead", lambda now: len(now.leaders) > 2)
    with swarm.faults.partition("leader", for_="2s"):
        swarm.sleep("3s")


def test_what_was_never_seen_is_not_looked_for_in_less() -> None:
    """An empty run fails so, too: a run that was made smaller would say that no fault matters."""
    failure = never_sees_it.run().failures[0]
    assert failure.shrunk is None and "not made smaller" in str(failure)
    assert sp.replay(failure.journal).nodes["m1"] is not None and Path(failure.timeline).exists()


def test_the_nearest_run_that_passes() -> None:
    breaks_when_w2_and_w4_are_down.run()
    near = sp.nearest_passing(breaks_when_w2_and_w4_are_down)
    assert near.without.text == "kill(w4)" and near.seed == 0 and near.failing != near.passing
    assert "seed 0 passes without kill(w4)@" in str(near) and "kill(w4)" in near._repr_html_()


def test_the_nearest_run_may_be_another_seed() -> None:
    @sp.test(seeds=3, managers=1, workers=0)
    def only_odd(swarm: sp.Swarm) -> None:
        assert swarm.seed % 2

    near = sp.nearest_passing(only_odd, 0)
    assert near.seed == 1 and near.without is None and str(near) == "seed 0 fails, seed 1 passes"
    with pytest.raises(InvalidArgument, match="has not failed"):
        sp.nearest_passing(only_odd)
    with pytest.raises(InvalidArgument, match="does not fail"):
        sp.nearest_passing(only_odd, 1)


def test_a_run_that_fails_in_another_way_does_not_count() -> None:
    @sp.test(seeds=1, managers=1, workers=2)
    def two_ways(swarm: sp.Swarm) -> None:
        swarm.nodes["w1"].kill()
        swarm.nodes["w2"].kill()
        if swarm.nodes["w1"].alive != swarm.nodes["w2"].alive:
            raise ValueError("only one is down")
        assert swarm.nodes["w1"].alive, "both are down"

    shrunk = two_ways.run().failures[0].shrunk
    assert [one.text for one in shrunk.faults] == ["kill(w1)", "kill(w2)"]


def test_changes_and_sleeps_that_are_needed_stay() -> None:
    @sp.test(seeds=1, managers=1, workers=2)
    def scaled(swarm: sp.Swarm) -> None:
        web = swarm.services.create("nginx", name="web", replicas=1)
        web.scale(3)
        swarm.nodes["w1"].label(zone="a")
        web.scale(5)
        swarm.sleep("3s")
        swarm.sleep("8s")
        assert not (web.running == 5 and swarm.now > 6), "five of them"

    shrunk = scaled.run().failures[0].shrunk
    assert [one.text for one in shrunk.operations] == ["scale(web, 5)"] and shrunk.faults == ()
    assert shrunk.at == pytest.approx(8, abs=0.5)  # one sleep is gone, half of the other would not do


def test_a_masked_kill_spares_the_restart_too() -> None:
    """Which would kill a node that runs, to start it again."""

    @sp.test(seeds=1, managers=1, workers=2)
    def restarted(swarm: sp.Swarm) -> None:
        for name in ("w1", "w2"):
            swarm.nodes[name].kill()
            swarm.nodes[name].restart()
        assert swarm._world.core.events() < 0, "always"

    shrunk = restarted.run().failures[0].shrunk
    assert shrunk.faults == () and shrunk.operations == ()
    assert "shrunk 2 -> 0 faults" in shrunk.line()


@sp.test(seeds=1, managers=3, workers=3)
def breaks_when_m1_and_w1_are_away(swarm: sp.Swarm) -> None:
    with swarm.faults.run(PLAN):
        for _ in range(40):
            swarm.sleep("250ms")
            away = {one.fault.args.get("node") for one in swarm.faults.active}
            assert not {"m1", "w1"} <= away, "both are away"


PLAN = """
freeze m2 at 541ms for 1.5s
stop m1 at 1.1s for 1.3s
partition m1 | m2 m3 w1 w2 w3 one-way at 1.9s for 886ms
freeze w2 at 3.6s for 3.9s
freeze m1 at 4.2s for 1.6s
freeze w3 at 4.6s for 3.3s
cut m2 <-> m3 at 5s for 2s
stop w1 at 7.1s for 1.9s
kill m2 at 7.2s for 1.7s
freeze w2 at 7.8s for 477ms
kill m1 at 8.2s for 4s
cut w3 -> m3 at 8.3s for 1s
kill w2 at 9.4s for 1s
freeze m3 at 9.9s for 1s
"""


def test_a_plan_shrinks_to_the_faults_that_matter() -> None:
    begun = time.monotonic()
    failure = breaks_when_m1_and_w1_are_away.run().failures[0]
    assert time.monotonic() - begun < 10
    shrunk = failure.shrunk
    assert [one.kind for one in shrunk.faults] == ["stop", "kill"] and shrunk.minimal
    assert len(failure.faults) == 11, "what was still to come has not happened"
    assert failure.plan["plan"] == 1 and len(failure.plan["faults"]) == 11
    assert shrunk.faults[0].text.startswith("stop(w1, for=") and shrunk.faults[1].text.startswith(
        "kill(m1, for="
    )
    assert sum(one.span for one in shrunk.faults) < 1.9 + 4, "and shorter"


def test_the_leader_is_named() -> None:
    @sp.test(seeds=1, managers=3, workers=0)
    def leader(swarm: sp.Swarm) -> None:
        with swarm.faults.partition("leader"):
            swarm.sleep("3s")
        swarm.wait_converged()
        swarm.faults.kill("leader")
        raise ValueError("here")

    failure = leader.run(shrink=False).failures[0]
    assert [one.text for one in failure.faults] == [
        "partition(m1, for=3s)",
        f"kill({failure.plan['faults'][1]['node']})",
    ]


# ---- the search itself, over tests that are only counted


def _counted(needed: set[int], total: int) -> tuple[list[int], object]:
    runs = []

    def rerun(mask: Mask) -> Record:
        runs.append(mask)
        there = [n for n in range(total) if mask.lets(("fault", n))]
        happened = tuple(Happening(("fault", n), "kill", f"kill({n})", float(n)) for n in there)
        fails = needed <= set(there)
        shape = mask.applied_to(Shape())
        failure = (
            Failure("t", 1, shape, "inv", "what", 1.0, ("invariant", "inv"), happened) if fails else None
        )
        return Record(1, Coverage(1), failure)

    return runs, rerun


@pytest.mark.parametrize("needed", [{3}, {0, 13}, {5, 6, 7}, set(range(14)), set()])
def test_what_is_left_is_needed_and_nothing_needed_is_gone(needed: set[int]) -> None:
    runs, rerun = _counted(needed, 14)
    found = shrink(rerun, rerun(Mask()).failure, budget=60)
    assert {one.item[1] for one in found.faults} == needed and found.minimal
    assert len(runs) == len(set(runs)), "an answer is kept"


def _by(fails: Callable[[set[Item]], bool], items: Sequence[Item]) -> Callable[[Mask], Record]:
    """A test in which all of `items` happen that the mask lets."""

    def rerun(mask: Mask) -> Record:
        there = [item for item in items if mask.lets(item)]
        happened = tuple(
            Happening(item, "kill" if item[0] == "fault" else item[0], str(item), 1.0, 0.0, item in there)
            for item in items
        )
        failure = Failure(
            "t", 1, mask.applied_to(Shape()), "inv", "what", 1.0, ("invariant", "inv"), happened
        )
        return Record(1, Coverage(1), failure if fails(set(there)) else None)

    return rerun


def test_what_another_thing_made_needed_is_left_out_too() -> None:
    """The second kill matters as long as the service is scaled, which is found to be needless later."""

    def fails(there: set[Item]) -> bool:
        return ("fault", 0) in there and (("write", 0) not in there or ("fault", 1) in there)

    rerun = _by(fails, [("fault", 0), ("fault", 1), ("write", 0)])
    found = shrink(rerun, rerun(Mask()).failure, budget=60)
    assert [one.item for one in found.faults] == [("fault", 0)] and found.operations == () and found.minimal


def test_sleeps_that_nothing_needs_are_left_out() -> None:
    rerun = _by(lambda there: ("fault", 0) in there, [("fault", 0), ("sleep", 0), ("sleep", 1)])
    found = shrink(rerun, rerun(Mask()).failure, budget=60)
    assert not found.mask.lets(("sleep", 0)) and not found.mask.lets(("sleep", 1)) and found.minimal


def test_what_the_first_run_did_not_come_to_is_no_way_to_fail() -> None:
    """Without the first fault the test goes on and comes to a third one, and fails the same way."""

    def rerun(mask: Mask) -> Record:
        there = [n for n in (0, 1) if mask.lets(("fault", n))]
        if len(there) < 2 and mask.lets(("fault", 2)):
            there.append(2)
        happened = tuple(Happening(("fault", n), "kill", f"kill({n})", float(n)) for n in there)
        failure = Failure("t", 1, Shape(), "inv", "what", 1.0, ("invariant", "inv"), happened)
        return Record(1, Coverage(1), failure if len(there) == 2 or 2 in there else None)

    found = shrink(rerun, rerun(Mask()).failure, budget=60)
    assert [one.item[1] for one in found.faults] == [0, 1] and found.minimal


def test_few_of_many_are_found_quickly() -> None:
    runs, rerun = _counted({111, 777}, 1000)
    found = shrink(rerun, rerun(Mask()).failure, budget=60)
    assert {one.item[1] for one in found.faults} == {111, 777} and len(runs) < 80


def test_when_time_is_over_the_best_so_far_stands() -> None:
    _runs, rerun = _counted({3}, 14)
    first = rerun(Mask()).failure
    found = shrink(rerun, first, budget=0.0)
    assert not found.minimal and "were over" in found.why and len(found.faults) == 14


def test_ctrl_c_keeps_the_best_so_far() -> None:
    runs, rerun = _counted({3}, 14)
    first = rerun(Mask()).failure

    def interrupted(mask: Mask) -> Record:
        if len(runs) == 8:
            raise KeyboardInterrupt
        return rerun(mask)

    found = shrink(interrupted, first, budget=60)
    assert not found.minimal and found.why == "it was interrupted" and 1 <= len(found.faults) < 14
    assert 3 in {one.item[1] for one in found.faults}


def test_ctrl_c_while_shrinking_reports_and_goes_on_upwards(capsys: pytest.CaptureFixture[str]) -> None:
    runs = []

    @sp.test(seeds=1, managers=1, workers=2)
    def interrupted(swarm: sp.Swarm) -> None:
        runs.append(1)
        swarm.nodes["w1"].kill()
        swarm.nodes["w2"].kill()
        if len(runs) == 5:
            raise KeyboardInterrupt
        assert swarm.nodes["w1"].alive

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    said = capsys.readouterr().out
    assert "maybe not the smallest: it was interrupted" in said and "1 of 1 seed" not in said
    assert interrupted.last.interrupted and Path(interrupted.last.failures[0].file).exists()


def test_the_line_that_replays_it_works_when_pasted(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "with space"
    folder.mkdir()
    monkeypatch.chdir(folder)
    failure = breaks_when_w2_and_w4_are_down.run().failures[0]
    assert failure.journal == "swarmpy-failures/breaks_when_w2_and_w4_are_down-0.swarm"
    command, *words = shlex.split(failure.replay)
    assert command == "swarmpy" and words[:2] == ["replay", str(Path(failure.journal).resolve())]
    monkeypatch.chdir("/")  # a shell may be anywhere
    assert words[2] == "--until" and main(words) == 1
    monkeypatch.chdir(folder)
    said = capsys.readouterr().out
    assert "two that matter are down" in said and "kill w2" in said and "kill w4" in said
    assert "kill w1" not in said, "it is the small run"
    page = Path(failure.timeline).read_text()
    assert failure.timeline.endswith("-0.html") and "two that matter are down" in page


def test_files_of_two_tests_of_one_name_stand_beside_each_other() -> None:
    def made(name: str) -> sp.testing.SeedTest:
        def fails(swarm: sp.Swarm) -> None:
            raise ValueError(name)

        fails.__qualname__ = f"{name}.test_it"
        return sp.test(seeds=1, managers=1, workers=0)(fails)

    ways = [made(name).run().failures[0] for name in ("TestOne", "TestTwo", "TestOne")]
    assert ways[0].file == "swarmpy-failures/test_it-0.json" == ways[2].file
    assert ways[1].file.endswith("TestTwo-test_it-0.json") and Path(ways[1].journal).exists()
    assert json.loads(Path(ways[0].file).read_text())["what"].startswith("TestOne")


@pytest.mark.parametrize(
    "ends", [SystemExit(3), asyncio.CancelledError(), _CannotSay(), ValueError("\ud800")]
)
def test_whatever_a_test_raises_is_told_with_its_seed(ends: BaseException) -> None:
    @sp.test(seeds=[7], managers=1, workers=0)
    def raises(swarm: sp.Swarm) -> None:
        raise ends

    failure = raises.run().failures[0]
    assert failure.seed == 7 and failure.invariant == type(ends).__name__ and Path(failure.file).exists()


def test_what_leaves_pytest_is_no_failure() -> None:
    @sp.test(seeds=[7], managers=1, workers=0)
    def leaves(swarm: sp.Swarm) -> None:
        pytest.exit("enough")

    with pytest.raises(pytest.exit.Exception):
        leaves.run()


def test_long_lists_are_counted_and_the_record_has_all() -> None:
    @sp.test(seeds=1, managers=1, workers=1, shrink=False)
    def many(swarm: sp.Swarm) -> None:
        for _ in range(50):
            swarm.faults.freeze("w1", for_="1ms")
            swarm.sleep("2ms")
        raise ValueError("at last")

    failure = many.run().failures[0]
    assert " and 30 more" in str(failure) and len(json.loads(Path(failure.file).read_text())["faults"]) == 50


def test_the_nearest_run_that_passes_is_asked_of_a_failure_or_a_seed() -> None:
    with pytest.raises(InvalidArgument, match="failure is a whole number"):
        sp.nearest_passing(breaks_when_w2_and_w4_are_down, "seed 0")


def test_the_nearest_run_that_passes_tells_where_they_part() -> None:
    breaks_when_w2_and_w4_are_down.run()
    near = sp.nearest_passing(breaks_when_w2_and_w4_are_down)
    assert near.diff and not near.diff.same and "w4" in str(near.diff.only_first)
