"""Ready-made invariants over states that were seen: what real time and recorded runs are judged by. Each is
held, then broken, by states made by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

import swarmpy as sp
from swarmpy._checks.wall import Line, WallChecks
from swarmpy.peek import Peek, PeekNode, PeekRaft, PeekService, PeekTask
from swarmpy.requests import Request, of_list
from swarmpy.states import Availability, NodeState, Reachability, Role, TaskState, UpdateState


def state(
    at: float = 1.2345,
    *,
    running: Sequence[tuple[int, str]] = (),
    wanted: int = 2,
    update: str = "none",
    mode: str = "replicated",
    service: bool = True,
    raft: Sequence[tuple[str, int, str, int]] = (),
    leader: str | None = None,
    alive: Sequence[bool] = (True, True, True),
    requests: Sequence[Request] = (),
) -> Peek:
    """`running`: slot and node of each task of web that runs. `raft`: node, term, role, commit."""
    nodes = tuple(
        PeekNode(
            f"id{n}",
            f"m{n}",
            Role("manager"),
            NodeState("ready"),
            Availability("active"),
            Reachability("reachable"),
            False,
            lives,
        )
        for n, lives in enumerate(alive, 1)
    )
    word = TaskState("running")
    tasks = tuple(
        PeekTask(f"t{n}", "web", slot, node, word, word, True, "nginx", "", 1)
        for n, (slot, node) in enumerate(running)
    )
    web = PeekService("s1", "web", mode, "nginx", wanted, len(tasks), UpdateState(update), "", 1)
    views = tuple(PeekRaft(name, term, role, "", commit, commit) for name, term, role, commit in raft)
    services = (web,) if service else ()
    return Peek(at, leader, nodes, services, tasks, views, requests=of_list(requests))


def judged(invariant: sp.Invariant, *states: Peek) -> list[str | None]:
    judge = invariant.judge()
    assert judge is not None
    return [judge(one) for one in states]


TWO, ONE = [(1, "w1"), (2, "w2")], [(1, "w1")]


def test_at_least_is_a_promise_from_the_first_time_on() -> None:
    web = sp.inv.at_least_running("web", 2)
    assert judged(web, state(), state(running=ONE), state(running=TWO), state(running=ONE)) == [
        None,
        None,
        None,
        "web ran 1 task at 1.234s, at least 2 were promised",
    ]
    gone = judged(web, state(running=TWO), state(service=False), state(running=ONE))
    assert gone == [None, None, None], "a service that was removed promised nothing more"


def test_at_most() -> None:
    said = judged(sp.inv.at_most_running("web", 1), state(running=ONE), state(running=TWO))
    assert said == [None, "web ran 2 tasks at 1.234s, at most 1 were allowed"]


def test_two_leaders_of_a_term_are_told_though_never_seen_together() -> None:
    said = judged(
        sp.inv.one_leader_per_term,
        state(raft=[("m1", 2, "leader", 5), ("m2", 2, "follower", 5)]),
        state(raft=[("m1", 3, "follower", 5), ("m2", 3, "leader", 5)]),
        state(raft=[("m1", 3, "candidate", 5)]),
        state(raft=[("m1", 3, "leader", 5)]),
    )
    assert said == [None, None, None, "m2 and m1 both led in term 3, at 1.234s"]


def test_the_leaders_commits_do_not_go_back() -> None:
    def leads(term: int, commit: int) -> Peek:
        return state(raft=[("m1", term, "leader", commit)], leader="m1")

    said = judged(sp.inv.no_lost_commits, leads(2, 5), leads(2, 5), leads(2, 9), leads(2, 8))
    assert said == [None, None, None, "m1 had committed 8 entries at 1.234s, 9 were before"]
    assert judged(sp.inv.no_lost_commits, leads(2, 9), leads(3, 4), leads(3, 6)) == [None] * 3
    assert judged(sp.inv.no_lost_commits, leads(2, 9), leads(3, 4), leads(3, 3))[-1] is not None


@pytest.mark.parametrize(
    ("alive", "holds"), [([1, 1, 0], True), ([1, 0, 0], False), ([1, 1, 0, 0], False), ([1, 1, 1, 0], True)]
)
def test_a_quorum_is_more_than_half(alive: list[int], holds: bool) -> None:
    (said,) = judged(sp.inv.quorum_kept, state(alive=[bool(one) for one in alive]))
    wanted = f"{sum(alive)} of {len(alive)} managers ran at 1.234s, more than half are needed"
    assert said == (None if holds else wanted)


def test_a_slot_has_one_task_and_two_while_it_is_updated() -> None:
    double = [(1, "w1"), (1, "w2")]
    one = sp.inv.at_most_one_per_slot
    assert judged(one, state(running=TWO), state(running=double)) == [
        None,
        "2 tasks of web.1 were meant to run at 1.234s",
    ]
    assert judged(one, state(running=double, update="updating")) == [None]
    assert judged(one, state(running=[*double, (1, "w1")], update="updating")) != [None]
    spread = [(0, "w1"), (0, "w2")]
    assert judged(one, state(running=spread, mode="global")) == [None]
    assert judged(one, state(running=[*spread, (0, "w2")], mode="global")) != [None]
    assert judged(sp.inv.at_most_one_per_slot("other"), state(running=double)) == [None]


def test_a_service_does_not_begin_to_run_in_more_slots() -> None:
    three = [*TWO, (3, "w3")]
    rule = sp.inv.replicas_at_most_desired
    assert judged(rule, state(running=TWO), state(running=three)) == [
        None,
        "web ran in 3 slots at 1.234s, 2 are wanted",
    ]
    smaller = [state(running=three, wanted=3), state(running=three, wanted=1), state(running=TWO, wanted=1)]
    assert judged(rule, *smaller, state(running=three, wanted=1))[:3] == [None] * 3
    assert judged(rule, *smaller, state(running=three, wanted=1))[3] is not None
    assert judged(rule, state(running=[(0, "w1"), (0, "w2")], wanted=1, mode="global")) == [None]


def test_each_failed_request_is_told_once() -> None:
    good = Request(1.0, "m1", "web.1", "", 0.25, 200, 8080)
    bad = Request(2.0, "w1", "", "timed out", 10.0, 0, 8080)
    said = judged(
        sp.inv.no_failed_requests,
        state(),
        state(requests=[good]),
        state(requests=[good, bad]),
        state(requests=[good, bad, good]),
    )
    assert said == [None, None, "GET w1:8080, sent at 2.000s, failed at 12.000s: timed out", None]
    assert judged(sp.inv.no_failed_requests, state(requests=[bad]), state(requests=[bad])) == [None, None]


def test_what_only_the_simulator_knows_has_no_judge() -> None:
    assert sp.inv.log_matching.judge() is None and sp.inv.no_lost_writes.judge() is None


# ---- when a line breaks, in real time


class _Hub:
    """As much of one as lines are asked with."""

    closed = False

    class world:  # noqa: N801
        @staticmethod
        def now() -> float:
            return 9.0


def asked(line: Line, *states: tuple[Peek, list[str]]) -> WallChecks:
    hub: Any = _Hub()
    checks = WallChecks(hub)
    checks.lines.append(line)
    for one, kinds in states:
        checks._ask(one, kinds)
    return checks


def test_eventually_has_a_deadline_in_real_time_too() -> None:
    def line() -> Line:
        return Line(
            "heals", "eventually", lambda s: s.running("web") == 2, within=3.0, after_kind="node.down"
        )

    down, one = ["node.down"], {"running": ONE}
    waits = asked(line(), (state(5.0, **one), down), (state(7.9, **one), []), (state(8.0, **one), []))
    assert waits.broken is None
    late = asked(line(), (state(5.0, **one), down), (state(8.1, **one), []))
    assert late.broken is not None
    assert late.broken.what == "heals did not come to hold within 3s, by 8.000s" and late.broken.at == 8.1
    held = asked(line(), (state(5.0, **one), down), (state(6.0, running=TWO), []), (state(9.0, **one), []))
    assert held.broken is None, "it held, and nothing began it again"
    again = asked(line(), (state(5.0, **one), down), (state(6.0, running=TWO), []), (state(7.0, **one), down))
    again._ask(state(10.5, **one), [])
    assert again.broken is not None and "by 10.000s" in again.broken.what


def test_eventually_after_a_function_begins_when_that_comes_to_hold() -> None:
    line = Line(
        "elects", "eventually", lambda s: False, within=2.0, after=lambda s: s.leader is None, after_kind=""
    )
    lost = [(state(at, leader=None), []) for at in (4.0, 5.0, 5.9)]
    checks = asked(line, (state(3.0, leader="m1"), []), *lost)
    assert checks.broken is None and line.due == [6.0], "once, though it held three times"
    checks._ask(state(6.5, leader=None), [])
    assert checks.broken is not None and "by 6.000s" in checks.broken.what


def test_sometimes_is_asked_until_it_held() -> None:
    seen: list[float] = []
    line = Line("two", "sometimes", lambda s: seen.append(s.at) or s.running("web") == 2)
    asked(line, (state(1.0), []), (state(2.0, running=TWO), []), (state(3.0), []))
    assert line.held and seen == [1.0, 2.0] and line.asked == 2


def test_always_breaks_once_and_the_first_sentence_stands() -> None:
    line = Line("few", "always", lambda s: s.running("web") < 2)
    checks = asked(line, (state(1.0), []), (state(2.0, running=TWO), []), (state(3.0, running=TWO), []))
    assert checks.broken is not None and checks.broken.what == "few did not hold at 2.000s"
    assert line.broken and line.asked == 2
    with pytest.raises(sp.InvariantBroken, match="few did not hold"):
        checks.tell()
