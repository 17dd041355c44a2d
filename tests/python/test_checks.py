"""`swarm.check` in the simulator: asked in the engine, at the very event, without changing the run."""

from __future__ import annotations

import copy
import gc
import itertools
import pickle
import re
import traceback
import weakref
from typing import Any

import pytest

import swarmpy as sp
from swarmpy.peek import Peek
from two_histories import two_histories


def made(seed: int = 1, *, managers: int = 3, workers: int = 2) -> sp.Swarm:
    return sp.Swarm(managers=managers, workers=workers, seed=seed)


def story(c: sp.Swarm) -> str | None:
    web = c.services.create("nginx:1.10", name="web", replicas=4, ports=["8080:80"])
    web.wait()
    c.wait_leader().kill()
    c.sleep("8s")
    web.update(image="nginx:1.11").wait()
    return c.trace_hash


def test_checks_leave_the_run_as_it_is() -> None:
    with made() as bare:
        alone = story(bare)
    with made() as c:
        c.check.always("few", lambda s: s.running("web") <= 5)
        c.check.always("clock", lambda s: s.now >= 0 and len(s.nodes) == 5 and len(s.events) >= 0)
        c.check.always(*sp.inv.all()[:7])
        c.check.sometimes("failover", lambda s: s.elections > 1)
        c.check.eventually("a leader", lambda s: s.leader, within="10s", after="task.failed")
        assert story(c) == alone


def test_no_event_is_skipped() -> None:
    with made() as c:
        core: Any = c._world.core  # type: ignore[attr-defined]
        seen: list[float] = []
        c.check.always("each", lambda s: seen.append(s.now) or True)
        begun, asked = core.events(), len(seen)
        c.services.create("nginx", name="web", replicas=3).wait()
        list(c.nodes)
        c.step()
        c.sleep("1s")
        assert len(seen) - asked == core.events() - begun > 100
        assert seen == sorted(seen)


def test_one_that_reads_no_clock_is_asked_when_its_answer_may_differ() -> None:
    with made() as c:
        core: Any = c._world.core  # type: ignore[attr-defined]
        counts: list[int] = []
        c.check.always("counts", lambda s: counts.append(s.running("web")) or True)
        begun = core.events()
        web = c.services.create("nginx", name="web", replicas=3)
        web.wait()
        web.scale(1).wait()
        assert len(counts) < (core.events() - begun) / 3
        changes = [b - a for a, b in itertools.pairwise(counts) if a != b]
        assert counts[-1] == 1 and sum(changes) == 1 and set(counts) == {0, 1, 2, 3}


def test_a_broken_one_ends_the_run_at_that_event_and_leaves_it_readable(tmp_path: Any) -> None:
    with made() as c:
        web = c.services.create("nginx", name="web", replicas=4)
        web.wait()
        c.check.always("three run", lambda s: s.running("web") >= 4)
        c.nodes["w1"].kill()
        with pytest.raises(sp.InvariantBroken) as caught:
            c.sleep("30s")
        error = caught.value
        assert error.invariant == "three run" and error.at == c.now and "three run" in error.what
        assert isinstance(error, sp.InvariantError)
        assert c.peek().running("web") < 4 and c.events("task") and c.trace_hash
        assert c.check.broken and "broken" in repr(c.check)
        at = c.now
        for again in (lambda: c.sleep(1), lambda: c.step(), lambda: web.scale(5), lambda: c.run(timeout=1)):
            with pytest.raises(sp.InvariantBroken, match="does not go on"):
                again()
        assert c.now == at


def test_what_is_broken_now_is_broken_at_once() -> None:
    with made() as c, pytest.raises(sp.InvariantBroken):
        c.check.always("web runs", lambda s: s.running("web") > 0)


def test_an_exception_of_the_user_is_theirs() -> None:
    with made() as c:

        def my_function(state: Peek) -> bool:
            if state.running("web") > 1:
                raise KeyError("my own mistake")
            return True

        c.check.always("mine", my_function)
        with pytest.raises(KeyError, match="my own mistake") as caught:
            c.services.create("nginx", name="web", replicas=3).wait()
        shown = "".join(traceback.format_exception(caught.value))
        assert "my_function" in shown and 'raise KeyError("my own mistake")' in shown
        assert 'in the check "mine"' in shown


def test_a_check_only_looks() -> None:
    with made() as c:
        c.check.always("acts", lambda s: s.running("web") == 0 or c.sleep(1))
        with pytest.raises(ValueError, match="only looks"):
            c.services.create("nginx", name="web", replicas=1).wait()


def test_a_check_breaks_and_heals_nothing() -> None:
    with made() as c:
        held = c.faults.hold("m1", "m2")
        acts: dict[str, Any] = {
            "kill": lambda s: c.faults.kill("w1"),
            "run": lambda s: c.faults.run(["kill w1"]),
            "end": lambda s: held.heal() or True,
            "heal": lambda s: c.heal() or True,
            "node": lambda s: c.nodes["w1"].kill() or True,
            "restart": lambda s: c.nodes["w1"].restart() or True,
        }
        for name, act in acts.items():
            with pytest.raises(ValueError, match="only looks"):
                c.check.always(name, act)
        assert held.active and c.nodes["w1"].alive and len(c.faults.history) == 1


def test_a_function_that_cannot_be_asked_is_no_check() -> None:
    with made() as c:
        c.check.always("good", lambda s: True)
        with pytest.raises(AttributeError):
            c.check.always("three run", lambda s: s.runing("web") == 0)  # type: ignore[attr-defined]
        assert c.check.names == ["good"] and len(c.check.rows()) == 1
        c.check.always("three run", lambda s: s.running("web") == 0)
        c.sleep("1s")
        wrong: list[str] = []
        c.check.always("later", lambda s: wrong[0] if wrong else True)
        wrong.append("")
        c.check.always("other", lambda s: 1 / len(wrong) if len(wrong) < 2 else 1 / 0)
        wrong.append("")
        with pytest.raises((ZeroDivisionError, sp.InvariantBroken)):
            c.nodes.leader.kill()  # type: ignore[union-attr]
            c.sleep("1s")


def test_one_that_raised_says_so() -> None:
    with made() as c:
        c.check.always("later", lambda s: s.leader == "m1" or 1 / 0)
        with pytest.raises(ZeroDivisionError), c.faults.kill("m1"):
            c.sleep("1s")
        assert c.check.rows()[0][-1] == "raised"


def test_a_check_may_ask_the_swarm_itself() -> None:
    with made() as c:
        web = c.services.create("nginx", name="web", replicas=2)
        web.wait()
        asked: list[int] = []
        c.check.always("by the swarm", lambda s: asked.append(web.running) or asked[-1] == s.running("web"))
        c.check.always("clock", lambda s: c.now == s.now == s.at)
        web.scale(4).wait()
        c.nodes["w1"].kill()
        web.wait()
        assert set(asked) >= {2, 3, 4}


def test_a_state_that_is_kept_stays_as_it_was() -> None:
    with made() as c:
        kept: list[tuple[Peek, int, float, int]] = []
        c.check.always("keeps", lambda s: kept.append((s, s.running("web"), s.now, len(s.requests))) or True)
        web = c.services.create("nginx", name="web", replicas=3, ports=["8080:80"])
        web.wait()
        c.http.get("m1:8080")
        for state, running, now, requests in kept:
            assert (state.running("web"), state.at, len(state.requests)) == (running, now, requests)
            assert sum(task.runs for task in state.tasks) == running
            assert all(one.at <= now for one in state.events)
        last = kept[-1][0]
        assert last.leader == c.nodes.leader.name and last.term == c.peek().term  # type: ignore[union-attr]
        assert "Peek at" in repr(last) and last.node_states == {"ready": 5}
        assert len({(one, one.now) for one, *_ in kept[-3:]}) == 3


def test_the_state_and_a_peek_are_one() -> None:
    with made() as c:
        states: list[Peek] = []
        c.check.always("keeps", lambda s: states.append(s) or s.now >= 0)
        c.services.create("nginx", name="web", replicas=3).wait()
        c.sleep("1s")
        peeked = c.peek()
        assert type(states[-1]) is sp.Peek
        for part in ("leader", "leaders", "nodes", "services", "tasks", "raft", "term", "elections"):
            assert getattr(states[-1], part) == getattr(peeked, part), part
        assert peeked.elections == 1 and peeked.leaders_per_term_max == 1
        assert list(states[-1].events) == list(peeked.events) != []
        with pytest.raises(AttributeError):
            peeked.at = 3.0  # type: ignore[misc]


def test_a_copy_of_a_state_tells_the_same_story() -> None:
    with made() as c:
        web = c.services.create("nginx", name="web", replicas=2, ports=["8080:80"])
        web.wait()
        c.http.get("m1:8080")
        c.wait_leader().kill()
        c.wait_leader()
        states = [c.peek()]
        c.check.always("copied", lambda s: states.append(copy.deepcopy(s)) or True)
        for state in (*states, pickle.loads(pickle.dumps(states[0]))):
            assert state == states[0] and state.elections == 2 and state.leaders_per_term_max == 1
            assert len(state.requests) == 1 and len(state.events) == len(states[0].events) > 0


def test_eventually_has_a_deadline() -> None:
    with made() as c:
        c.check.eventually("web runs", lambda s: s.running("web") == 2, within="5s")
        c.services.create("nginx", name="web", replicas=2).wait()
        c.sleep("10s")
        begun = c.now
        c.check.eventually("nine", lambda s: s.running("web") == 9, within="2s")
        with pytest.raises(sp.InvariantBroken) as caught:
            c.sleep("10s")
        assert caught.value.at == pytest.approx(begun + 2, abs=1e-9) == c.now
        assert "within 2s" in caught.value.what


def test_eventually_after_something_begins_anew_each_time() -> None:
    with made() as c:
        web = c.services.create("nginx", name="web", replicas=4)
        web.wait()
        c.check.eventually("heals", lambda s: s.running("web") == 4, within="30s", after="node.down")
        c.check.eventually("again", lambda s: s.leader, within="20s", after=lambda s: s.leader is None)
        assert "holds" in repr(c.check)
        c.nodes["w1"].kill()
        c.sleep("40s")
        c.wait_leader().kill()
        c.sleep("40s")
        c.check.eventually("never", lambda s: False, within="1s", after="service.update")
        c.sleep("5s")
        with pytest.raises(sp.InvariantBroken, match="never did not come to hold"):
            web.scale(5)
            c.sleep("5s")
        with pytest.raises(sp.InvalidArgument, match="kind of event"):
            c.check.eventually("x", lambda s: True, within="1s", after="task.fialed")


def test_eventually_once_it_held_nothing_is_due_until_it_begins_again() -> None:
    with made() as c:
        web = c.services.create("nginx", name="web", replicas=2)
        web.wait()
        c.check.eventually("another", lambda s: True, within="1s", after="service.update")
        web.scale(3).wait()
        c.check.eventually("of old", lambda s: False, within="1s", after="service.update")
        c.sleep("5s")  # what happened before it was asked for does not count
        held: list[float] = []

        def once(state: Peek) -> bool:
            if not held and state.now > begun + 0.5:
                held.append(state.now)
                return True
            return False

        begun = c.now
        c.check.eventually("by a function", once, within="2s", after=lambda s: s.running("web") == 3)
        c.sleep("8s")
        assert held, "it was true all the time, and came to be true once"

    with made() as c:
        web = c.services.create("nginx", name="web", replicas=2)
        web.wait()
        asked: list[float] = []

        def third(state: Peek) -> bool:
            asked.append(state.now)
            return state.now > begun + 1 and not any(begun + 1 < one < state.now for one in asked)

        begun = c.now
        c.check.eventually("twice", third, within="3s", after="service.update")
        web.scale(3)
        web.scale(4)
        c.sleep("9s")
        assert asked, "both were waiting for the same moment"


def test_a_task_comes_to_a_state_once() -> None:
    with made() as c:
        web = c.services.create("nginx", name="web", replicas=4)
        web.wait()
        c.check.eventually("never", lambda s: False, within="1s", after="task.running")
        web.scale(1).wait()  # three that run are told to stop: they do not come to run again
        c.sleep("5s")
        with pytest.raises(sp.InvariantBroken, match="never did not come to hold"):
            web.scale(2).wait()
            c.sleep("5s")


@pytest.mark.parametrize("seed", range(4))
def test_a_look_is_taken_at_the_very_event(seed: int) -> None:
    with made(seed) as c:
        c.check.always(sp.inv.quorum_kept)
        c.nodes["m1"].kill()
        c.sleep(0.1 * seed)
        begun = c.now
        with pytest.raises(sp.InvariantBroken) as caught:
            c.nodes["m2"].kill()
            c.sleep("1s")
        assert 0 <= caught.value.at - begun < 1e-6


def test_sometimes_wants_to_be_seen_once() -> None:
    with made() as c:
        c.check.sometimes("a failover", lambda s: s.elections > 1)
        with pytest.raises(sp.InvariantBroken, match="a failover never held"):
            c.check.finish()
    with pytest.raises(sp.InvariantBroken), made() as c:
        c.check.sometimes("a failover", lambda s: s.elections > 1)
    with pytest.raises(KeyError, match="mine"), made() as c:
        c.check.sometimes("a failover", lambda s: s.elections > 1)
        raise KeyError("mine")
    with made() as c:
        c.check.sometimes("a failover", lambda s: s.elections > 1)
        c.wait_leader().kill()
        c.sleep("5s")
        assert "held" in repr(c.check)
        c.check.finish()


def test_mistakes_are_told_before_anything_is_asked() -> None:
    with made() as c:
        c.services.create("nginx", name="web", replicas=1).wait()
        with pytest.raises(sp.NotFound, match="wbe") as caught:
            c.check.always(sp.inv.at_least_running("wbe", 3))
        assert 'Did you mean "web"' in caught.value.hint
        for wrong in (
            lambda: c.check.always("x"),
            lambda: c.check.always("x", 3),
            lambda: c.check.always(3, len),
        ):
            with pytest.raises(sp.InvalidArgument):
                wrong()  # type: ignore[no-untyped-call]
        c.check.always("x", lambda s: True)
        with pytest.raises(sp.Conflict):
            c.check.always("x", lambda s: True)
        with pytest.raises(sp.InvalidArgument):
            sp.inv.at_least_running("web", 0)
        with pytest.raises(sp.InvalidArgument):
            sp.inv.log_matching("web")
        assert c.check.names == ["x"] and len(c.check) == 1
        for given, hint in (
            (sp.inv.at_least_running, 'sp.inv.at_least_running("web", 3)'),
            (sp.inv.all(), "always(*those)"),
            (len, "three run"),
        ):
            with pytest.raises(sp.InvalidArgument) as told:
                c.check.always(given)  # type: ignore[arg-type]
            assert hint in told.value.hint and len(told.value.message) < 120


def test_an_invariant_is_told_in_one_line() -> None:
    for one in (*sp.inv.all(), sp.inv.at_least_running("web", 3), sp.inv.at_most_running("web", 3)):
        assert "\n" not in repr(one) and one.name in repr(one)


def test_a_service_or_a_node_stands_for_its_name() -> None:
    with made() as c:
        web = c.services.create("nginx", name="web", replicas=3)
        web.wait()
        now = c.peek()
        assert now.running(web) == now.running("web") == 3 == len(now.tasks_of(web))
        assert now.service(web).name == "web" and now.node(c.nodes["w1"]).name == "w1"
        assert now.nodes["w1"] == now.node("w1") == now.nodes[3] and now.services["web"].running == 3
        with pytest.raises(sp.NotFound, match="wbe"):
            now.services["wbe"]
        c.check.always("w1 is well", lambda s: s.nodes["w1"].state == "ready")
        c.check.always("three run", lambda s: s.running(web) == 3)
        with pytest.raises(sp.InvalidArgument, match="a name is text"):
            now.running(3)  # type: ignore[arg-type]


def test_invariants_have_names_and_json() -> None:
    three = sp.inv.at_least_running("web", 3)
    assert three.name == "at_least_running(web, 3)"
    assert three.to_json() == {"kind": "at_least_running", "service": "web", "number": 3}
    for one in (*sp.inv.all(), three, sp.inv.at_most_running("web", 4), sp.inv.update_pace("web")):
        assert sp.inv.from_json(one.to_json()) == one and one.about and one.name in repr(one)
    assert sp.inv.one_leader_per_term() == sp.inv.one_leader_per_term
    assert [one.kind for one in sp.inv.all()] == [
        "one_leader_per_term",
        "no_lost_writes",
        "no_lost_commits",
        "log_matching",
        "at_most_one_per_slot",
        "replicas_at_most_desired",
        "update_pace",
        "quorum_kept",
        "no_failed_requests",
    ]
    assert sp.inv.committed_never_lost == sp.inv.no_lost_commits
    with pytest.raises(sp.InvalidArgument, match="one_leader"):
        sp.inv.from_json({"kind": "one_leadr_per_term"})


@pytest.mark.parametrize(
    ("invariant", "does", "sentence"),
    [
        (sp.inv.at_least_running("web", 3), "kill", r"web ran 2 tasks at [0-9.]+s, at least 3 were promised"),
        (sp.inv.at_most_running("web", 3), "scale", r"web ran 4 tasks at [0-9.]+s, at most 3 were allowed"),
        (sp.inv.no_failed_requests, "ask", r"GET w1:8080, sent at .* failed at .*: connection refused"),
        (sp.inv.quorum_kept, "lose", r"no majority of the managers ran and reached each other at"),
    ],
)
def test_what_breaks_is_said_in_a_sentence(invariant: sp.Invariant, does: str, sentence: str) -> None:
    with made() as c:
        c.check.always(invariant)
        web = c.services.create("nginx", name="web", replicas=3, ports=["8080:80"])
        web.wait()
        c.sleep("1s")
        assert not c.check.broken
        with pytest.raises(sp.InvariantBroken, match=sentence) as caught:
            if does == "kill":
                web.tasks[0].kill()
            elif does == "scale":
                web.scale(4)
            elif does == "ask":
                c.nodes["w1"].kill()
                with pytest.raises(sp.Unreachable):
                    c.http.get("w1:8080")
            else:
                c.nodes["m1"].kill()
                c.nodes["m2"].kill()
            c.sleep("10s")
        assert caught.value.invariant == invariant.name and caught.value.at == c.now


@pytest.mark.parametrize(
    ("invariant", "sentence"),
    [
        (sp.inv.one_leader_per_term, "FIRST and SECOND both led in term 3, at AT"),
        (sp.inv.no_lost_commits, "entry [0-9]+, which FIRST had committed, was another one on SECOND at AT"),
        (
            sp.inv.log_matching,
            "the logs of FIRST and SECOND differ at or before entry [0-9]+ of term 3, at AT",
        ),
        (
            sp.inv.no_lost_writes,
            "a write was answered when entry [0-9]+ was committed, and the log of SECOND, which leads in "
            "term 3, ended at [0-9]+ at AT",
        ),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_a_disk_that_forgets_breaks_what_raft_promises(
    invariant: sp.Invariant, sentence: str, seed: int
) -> None:
    with made(seed) as c:
        c.check.always(invariant)
        first, second = two_histories(c)
        assert not c.check.broken
        with pytest.raises(sp.InvariantBroken) as caught:
            c.sleep("20s")
        error = caught.value
        assert error.invariant == invariant.name and error.at == c.now
        said = (
            sentence.replace("FIRST", first)
            .replace("SECOND", second)
            .replace("AT", f"{round(c.now * 1e9) // 10**6 / 1000:.3f}s")
        )
        assert re.match(
            f"{said}. This run is outside of what Raft assumes: m[123]'s disk came back", error.what
        )


def test_a_disk_that_forgets_is_told_where_nobody_asks() -> None:
    with (
        made() as c,
        pytest.raises(sp.InvariantError, match=r"the term on disk went back .* outside of what"),
    ):
        two_histories(c)
        c.sleep("20s")


@pytest.mark.parametrize("seed", range(12))
def test_the_ready_made_ones_hold_in_storms(seed: int) -> None:
    with made(seed, managers=3, workers=3) as c:
        c.check.always(*sp.inv.all()[:7])
        order = "start-first" if seed % 2 else "stop-first"
        web = c.services.create(
            "nginx:1.10", name="web", replicas=6, update=sp.Rolling(parallelism=2, order=order)
        )
        for step in range(6):
            node = c.random.choice(list(c.nodes))
            node.kill()
            c.sleep(c.random.uniform(0.2, 4))
            if step % 2 == 0:
                with_quorum = c.run(until=lambda c: c.nodes.leader is not None, timeout="20s")
                assert with_quorum
                web.update(image=f"nginx:1.1{step + 1}")
            elif step == 3:
                web.scale(4)
            c.sleep(c.random.uniform(0.1, 3))
            node.restart()
        c.services.create("nginx", name="late", replicas=2)
        c.services["late"].remove()
        c.sleep("40s")
        assert all(asked > 0 for _, _, asked, _ in c.check.rows()), c.check


def test_a_swarm_that_is_forgotten_ends_though_a_check_knows_it() -> None:
    c = made(managers=1, workers=0)
    c.check.always("knows it", lambda s: c is not None)
    c.sleep("1s")
    gone = weakref.ref(c)
    c = None  # type: ignore[assignment]
    gc.collect()
    assert gone() is None


def test_a_served_swarm_is_checked_by_its_doors_thread(tmp_path: Any) -> None:
    with made() as c:
        seen: list[float] = []
        c.check.always("sees", lambda s: seen.append(s.now) or s.now < 1e9)
        with c.serve(f"unix://{tmp_path}/door.sock"):
            web = c.services.create("nginx", name="web", replicas=2)
            assert web.wait()
            begun = len(seen)
            c.sleep("300ms")
            assert len(seen) > begun


def test_the_figures_table() -> None:
    with made() as c:
        assert "no checks" in repr(c.check)
        c.check.always("few", lambda s: s.running("web") < 9)
        c.sleep("1s")
        ((name, kind, asked, state),) = c.check.rows()
        assert (name, kind, state) == ("few", "always", "holds") and asked > 0
        assert "CHECK" in repr(c.check) and "<table>" in c.check._repr_html_()


def test_a_function_with_a_mistake_is_no_check_and_the_swarm_goes_on() -> None:
    c = sp.Swarm(managers=1, seed=3)
    c.check.always("fine", lambda s: s.term >= 0)
    for make in (
        lambda: c.check.always("typo", lambda s: s.runing("web") >= 0),
        lambda: c.check.sometimes("typo", lambda: True),
        lambda: c.check.eventually("typo", lambda s: s.oh, within="5s"),
        lambda: c.check.eventually("typo", lambda s: True, within="5s", after=lambda s: s.oh),
    ):
        with pytest.raises((AttributeError, TypeError)) as caught:
            make()
        assert 'in the check "typo"' in "".join(caught.value.__notes__)
        assert c.check.names == ["fine"] and [row[0] for row in c.check.rows()] == ["fine"]
    c.sleep("1s")
    c.check.always("typo", lambda s: s.running("web") >= 0)
    c.check.finish()
    c.check.always("later", lambda s: s.now < 3 or s.oh)
    with pytest.raises(AttributeError):
        c.sleep("5s")
    assert c.check.names == ["fine", "typo", "later"], "one that raised later stays: it is part of the run"


def test_tab_offers_invariants_and_nothing_that_is_only_imported() -> None:
    offered = dir(sp.inv)
    assert {"all", "at_least_running", "one_leader_per_term", "from_json"} <= set(offered)
    assert not {"Any", "Callable", "re", "annotations", "whole"} & set(offered)
