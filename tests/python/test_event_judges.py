"""What judges of recorded events must not cry wolf over, and what they must not miss: small cases by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import swarmpy as sp
from recorded import (
    NEW,
    STOPPED,
    THREE,
    UPDATE,
    Raw,
    change,
    leads,
    log,
    node,
    ns,
    of_service,
    service,
    state,
    task,
    written,
)
from swarmpy._checks.checker import Checker
from swarmpy._checks.gather import Gatherer
from swarmpy._checks.readers import Changes, Logs, Manager
from test_checks import made, two_histories

SECOND = change(1.3, 13, task(2), **STOPPED)  # a second slot in hand, which breaks a pace of one


def of_node(at: float, version: int, before: Raw, after: Raw) -> Raw:
    actor = {"ID": before["ID"], "Attributes": {"name": before["Name"]}}
    found = {"Type": "node", "Action": "update", "Actor": actor, "timeNano": ns(at), "Version": version}
    return {**found, "Before": before, "After": after}


def pace_of(folder: Path, *items: Raw, text: str = "update_pace") -> sp.EventCheck:
    return sp.check_events(written(folder, list(items)), text)


def test_what_is_drained_or_scaled_down_is_none_of_an_updates(tmp_path: Path) -> None:
    assert not pace_of(tmp_path, state(THREE), *UPDATE, SECOND)
    drained = of_node(1.25, 12, node("m1"), {**node("m1"), "Availability": "drain"})
    assert pace_of(tmp_path, state(THREE), *UPDATE, drained, SECOND)
    alone = change(1.3, 13, task(3), **STOPPED)  # no newer task is in its slot
    assert pace_of(tmp_path, state(THREE), *UPDATE, alone)


def test_each_way_of_an_update_has_its_own_pace(tmp_path: Path) -> None:
    back = {**NEW, "UpdateState": "rollback_started", "RollbackParallelism": 2}
    items = [of_service(1, 10, service(), back), *UPDATE[1:], SECOND]
    assert pace_of(tmp_path, state(THREE), *items)
    forth = {**NEW, "Parallelism": 2, "RollbackParallelism": 1}
    assert pace_of(tmp_path, state(THREE), of_service(1, 10, service(), forth), *UPDATE[1:], SECOND)
    assert pace_of(
        tmp_path, state(THREE), of_service(1, 10, service(), {**NEW, "Parallelism": 0}), *UPDATE[1:], SECOND
    )


@pytest.mark.parametrize(
    "anew",
    [
        of_service(1.25, 12, NEW, {**NEW, "SpecVersion": 3}),
        of_node(1.25, 12, {**node("m1"), "RaftID": 1}, {**node("m1"), "RaftID": 2}),
        state([*THREE[1:], task(2, id="n2", version=2, state="ready")], NEW),
    ],
    ids=["another update", "a manager's new number", "a gap"],
)
def test_an_update_that_begins_anew_has_nothing_in_hand(anew: Raw, tmp_path: Path) -> None:
    third = change(1.26, 12, task(2, id="n3", version=3, state="ready"))
    assert pace_of(tmp_path, state(THREE), *UPDATE, anew, third, SECOND)


def test_an_update_whose_version_is_not_known_is_not_guessed_at(tmp_path: Path) -> None:
    old = [task(1, version=-1), task(2, version=-1)]
    new = [task(slot, id=f"n{slot}", version=-1, state="ready") for slot in (1, 2)]
    stops = [change(1.1, 11, task(1), **STOPPED), change(1.2, 12, task(2), **STOPPED)]  # changes tell it
    assert pace_of(tmp_path, state([*old, *new], service(version=-1, update="updating")), *stops)


def test_the_pace_of_one_service_is_not_that_of_another(tmp_path: Path) -> None:
    begin = state(THREE)
    begin["Services"].append({**service(), "ID": "s2", "Name": "api"})
    assert pace_of(tmp_path, begin, *UPDATE, SECOND, text="update_pace api")
    assert not pace_of(tmp_path, begin, *UPDATE, SECOND, text="update_pace web")


def test_what_is_not_committed_may_differ_and_what_has_one_index_and_term_may_not(tmp_path: Path) -> None:
    ours, theirs = [[2, 1, "a"], [3, 1, "b"]], [[2, 1, "a"], [3, 2, "c"]]
    path = written(tmp_path, [log(1, "m1", 2, ours), log(2, "m2", 2, theirs), log(3, "m2", 2, ours[:1])])
    found = sp.check_events(path, ["no_lost_commits", "log_matching"])
    assert found and found.counts["logs"] == 4, "what is told again is counted once"
    path = written(tmp_path, [log(1, "m1", 0, [[3, 1, "b"]]), log(2, "m2", 0, [[3, 1, "other"]])])
    found = sp.check_events(path, "log_matching")
    assert found.broken[0].why == "entry 3 of term 1 differs on m1 and m2 at 2.000s"


def test_a_slot_whose_node_is_down_has_a_new_task(tmp_path: Path) -> None:
    down = of_node(1, 5, node("m1"), node("m1", "down"))
    moved = change(2, 6, task(1, where="m2", id="t9"))
    for items in ([state(THREE), down, moved], [state(THREE), change(0.5, 4, task(2)), down, moved]):
        assert sp.check_events(written(tmp_path, items), "at_most_one_per_slot")


def test_a_service_of_the_same_name_is_another_one(tmp_path: Path) -> None:
    def other(slot: int) -> Raw:
        return {**task(slot, id=f"o{slot}"), "service.id": "s2"}

    gone = {"Type": "service", "Action": "remove", "Actor": {"ID": "s1", "Attributes": {"name": "web"}}}
    made = {"Type": "service", "Action": "create", "Actor": {"ID": "s2", "Attributes": {"name": "web"}}}
    items = [
        state(THREE),
        {**gone, "timeNano": ns(1), "Version": 5, "Before": service()},
        {**made, "timeNano": ns(2), "Version": 6, "After": service()},
        *(change(2 + slot / 10, 6 + slot, other(slot)) for slot in (1, 2, 3)),
        *(change(3 + slot / 10, 10 + slot, task(slot), DesiredState="remove") for slot in (1, 2, 3)),
        change(5, 20, other(1), State="failed"),
    ]
    assert sp.check_events(
        written(tmp_path, items[:-1]), ["at_least_running web 3", "replicas_at_most_desired"]
    )
    found = sp.check_events(written(tmp_path, items), "at_least_running web 3")
    assert found.broken[0].at == 5.0, "and it makes a promise of its own"


def test_after_a_gap_what_was_promised_stays_and_what_was_counted_does_not(tmp_path: Path) -> None:
    two = state(THREE[:2])
    two["timeNano"] = ns(9)
    assert (
        sp.check_events(written(tmp_path, [state(THREE), two]), "at_least_running web 3").broken[0].at == 9.0
    )
    again = state(THREE[:2])
    again["Services"][0]["ID"] = "s2"
    again["Tasks"] = [{**one, "service.id": "s2"} for one in again["Tasks"]]
    found = sp.check_events(written(tmp_path, [state(THREE), again]), "at_least_running web 3")
    assert not found.broken, "another service of that name promised nothing"
    smaller = state(THREE, service(2))
    assert sp.check_events(
        written(tmp_path, [state(THREE[:2], service(2)), smaller]), "replicas_at_most_desired"
    )


def test_plain_events_in_any_order_and_of_a_service_that_was_there_before(tmp_path: Path) -> None:
    def event(at: float, kind: str, action: str, id: str, **about: str) -> Raw:
        return {"Type": kind, "Action": action, "Actor": {"ID": id, "Attributes": about}, "timeNano": ns(at)}

    def told(at: float, slot: int, action: str) -> Raw:
        about = {"service": "web", "service.id": "s1", "slot": str(slot), "desired_state": "running"}
        return event(at, "task", action, f"t{slot}", **about)

    run = [told(1, 1, "running"), told(2, 2, "running"), told(3, 1, "failed")]
    made = event(0, "service", "create", "s1", name="web")
    found = sp.check_events(
        written(tmp_path, [*reversed(run), made], head=False, end=False), "at_least_running web 2"
    )
    assert found.broken[0].at == 3.0
    changed = event(0, "service", "update", "s1", name="web")
    found = sp.check_events(
        written(tmp_path, [changed, *run], head=False, end=False), "at_least_running web 2"
    )
    assert found.exit_code == 2 and not found.broken, "others of its tasks may run that nobody told of"


# ---- how a swarm is followed


def test_each_entry_of_a_log_is_told_behind_the_one_before_it() -> None:
    c = sp.Swarm(managers=1, seed=7)
    items: list[Raw] = []
    gatherer = Gatherer(c._hub, items.append)
    gatherer.look()
    c.services.create("nginx", name="web", replicas=2).wait()
    gatherer.look()
    first, second = (one["Entries"] for one in items if one["Type"] == "log")
    assert second[0] == first[-1] and len(second) > 5


def test_an_answer_that_does_not_come_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    c = sp.Swarm(managers=3, seed=7)
    whole = Logs.read

    def read(self: Logs, one: Manager) -> None:
        if one.name == "m2":
            raise sp.Timeout("no answer")
        whole(self, one)

    monkeypatch.setattr(Logs, "read", read)
    found = sp.check_events(c, "log_matching", for_="1s")
    assert found and found.notes[0].startswith("the log of m2: the answer did not come in time"), found
    monkeypatch.setattr(Logs, "read", whole)
    assert not sp.check_events(c, "log_matching").notes

    def late(*_: object) -> None:
        raise sp.Timeout("no answer")

    monkeypatch.setattr(Changes, "read", late)
    with pytest.raises(sp.Timeout):
        sp.check_events(c, "log_matching")


def test_a_service_that_is_to_come_is_waited_for() -> None:
    c = sp.Swarm(managers=1, seed=7)
    with pytest.raises(sp.NotFound, match="service web not found"):
        sp.check_events(c, "at_least_running web 2")
    found = sp.check_events(c, "at_least_running web 2", for_="2s")
    assert found.exit_code == 2 and "there was no service web" in found.not_judged[0].why


def test_events_that_python_has_are_judged_as_far_as_they_tell() -> None:
    c = sp.Swarm(managers=3, workers=1, seed=7)
    web = c.services.create("nginx", name="web", replicas=3)
    web.wait()
    names = ["at_least_running web 3", "at_most_one_per_slot", "one_leader_per_term"]
    events = [*c.events(), *c.events("raft")]
    assert sp.check_events(events, names), sp.check_events(events, names)
    killed = c.now
    web.tasks[0].kill()
    c.sleep("5s")
    (one,) = sp.check_events(c.events(), "at_least_running web 3").broken
    assert one.at is not None and killed <= one.at < c.now
    assert sp.check_events(c.events(), "replicas_at_most_desired").exit_code == 2
    with pytest.raises(sp.NotFound, match="service wbe not found"):
        sp.check_events(c.events(), "at_most_running wbe 3")
    with pytest.raises(sp.InvalidArgument, match="1 is no event"):
        sp.check_events([1], "quorum_kept")  # type: ignore[list-item]


def test_a_swarm_that_was_there_before_is_timed_from_its_first_event(tmp_path: Path) -> None:
    c = sp.Swarm(managers=1, seed=7)
    web = c.services.create("nginx", name="web", replicas=2)
    web.wait()
    web.scale(1)
    with c.serve("tcp://127.0.0.1:0") as door, sp.connect(door.docker_host) as far:
        far.sleep("0.2s")
        (one,) = sp.check_events(far, "at_least_running web 2", record=tmp_path / "r").broken
    assert one.at is not None and 0 < one.at < 5
    assert sp.check_events(tmp_path / "r", "at_least_running web 2").broken == (one,)


def test_a_watch_that_ends_early_is_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    c = sp.Swarm(managers=1, seed=7)
    c.services.create("nginx", name="web", replicas=2).wait()
    whole = Gatherer.look
    looks: list[Any] = []

    def look(self: Gatherer) -> None:
        looks.append(self)
        if len(looks) > 3:
            raise sp.SwarmError("this swarm was ended")
        whole(self)

    monkeypatch.setattr(Gatherer, "look", look)
    found = sp.check_events(c, "at_least_running web 2", for_="10s")
    assert found.exit_code == 2 and not found.not_judged and "this swarm was ended" in found.notes[-1]


def test_ctrl_c_in_python_has_the_report_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    c = sp.Swarm(managers=1, seed=7)
    c.services.create("nginx", name="web", replicas=2).wait()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Checker, "_watch_on", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        sp.check_events(c, "at_least_running web 2", for_="10s")
    assert "at_least_running(web, 2)  holds" in caught.value.__notes__[0]


def test_the_report_is_plain_values_and_a_table(tmp_path: Path) -> None:
    found = sp.check_events(written(tmp_path, [leads(1, 2, "m1"), state(THREE)]), ["one_leader_per_term"])
    told = json.loads(json.dumps(found.to_dict()))
    assert told["begin"].startswith("2026-09-21") and told["counts"]["raft"] == 1 and told["exit_code"] == 0
    html = found._repr_html_()
    assert "one_leader_per_term" in html and "<table>" in html
    assert "Judged" in repr(found.judged[0]) and found.judged[0].row()[:2] == ("one_leader_per_term", "holds")


@pytest.mark.parametrize("name", ["one_leader_per_term", "no_lost_commits", "log_matching"])
@pytest.mark.parametrize("seed", range(3))
def test_what_the_engine_finds_is_found_in_what_managers_recorded(name: str, seed: int) -> None:
    with made(seed) as c:
        c.check.always(sp.inv.from_text(name))
        first, second = two_histories(c)
        assert sp.check_events(c, name), "not yet"
        with pytest.raises(sp.InvariantBroken):
            c.sleep("20s")
        (one,) = sp.check_events(c, name).broken
        assert one.name == name and first in one.why and second in one.why
