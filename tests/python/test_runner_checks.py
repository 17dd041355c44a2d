"""What `swarm.check` says of a run, over many seeds: what broke, when it did, and what was never seen."""

from __future__ import annotations

from pathlib import Path

import pytest

import swarmpy as sp

pytest.importorskip("swarmpy.check", reason="swarm.check is not in this tree")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@sp.test(seeds=3, managers=3, workers=3)
def three_always_run(swarm: sp.Swarm) -> None:
    web = swarm.services.create("nginx", name="web", replicas=4)
    web.wait()
    swarm.check.always("three run", lambda s: s.running("web") >= 3)
    for turn in range(6):
        swarm.sleep("200ms")
        if turn == 2:
            web.scale(2)
        swarm.nodes["w3"].label(turn=str(turn))
    swarm.sleep("5s")


def test_a_broken_invariant_is_named_with_the_moment_it_first_broke() -> None:
    result = three_always_run.run()
    failure = result.failures[0]
    assert len(result.failures) == 3 and failure.invariant == "three run" and 0 < failure.at < 3
    assert [one.text for one in failure.shrunk.operations] == ["scale(web, 2)"]
    assert "three run: " in str(failure)
    with pytest.raises(sp.InvariantError) as caught:
        result.check()
    assert caught.value.invariant == "three run"


def test_what_was_never_seen_fails_the_run() -> None:
    @sp.test(seeds=2, managers=1, workers=1)
    def tests_nothing(swarm: sp.Swarm) -> None:
        swarm.check.sometimes("a failover", lambda s: s.leader == "m9")
        swarm.sleep("1s")

    result = tests_nothing.run()
    assert len(result.failures) == 2 and result.failures[0].invariant == "a failover"


def test_an_exception_in_a_check_shows_its_own_traceback() -> None:
    @sp.test(seeds=1, managers=1, workers=1, shrink=False)
    def breaks(swarm: sp.Swarm) -> None:
        swarm.check.always("divides", lambda s: 1 / (len(s.tasks) - 2))
        swarm.services.create("nginx", replicas=2).wait()

    failure = breaks.run().failures[0]
    assert failure.invariant == "ZeroDivisionError" and "len(s.tasks) - 2" in failure.traceback


def test_the_report_is_the_same_in_other_processes() -> None:
    assert str(three_always_run.run(executor=2)) == str(three_always_run.run(executor="here"))
