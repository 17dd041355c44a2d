"""`sp.check_events` and `swarmpy check`: invariants over recorded events, each broken once by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import swarmpy as sp
from recorded import (
    HEAD,
    STOPPED,
    THREE,
    UPDATE,
    Raw,
    change,
    leads,
    log,
    look,
    node,
    ns,
    of_service,
    service,
    state,
    task,
    written,
)
from swarmpy.cli import main

BROKEN = {
    "at_least_running web 3": (
        [state(THREE), change(2, 5, task(2), State="failed")],
        2.0,
        "web ran 2 tasks at 2.000s, at least 3 were promised",
    ),
    "at_most_running web 3": ([state(THREE), change(2, 5, task(4))], 2.0, "web ran 4 tasks at 2.000s"),
    "at_most_one_per_slot": ([state(THREE), change(2, 5, task(1, id="t9"))], 2.0, "2 tasks of web.1"),
    "replicas_at_most_desired web": ([state(THREE), change(2, 5, task(4))], 2.0, "web ran in 4 slots"),
    "update_pace": (
        [state(THREE), *UPDATE, change(1.3, 13, task(2), **STOPPED)],
        1.3,
        "web had 2 slots under update at 1.300s, its parallelism is 1",
    ),
    "one_leader_per_term": (
        [leads(9, 4, "m1"), leads(3, 5, "m1"), leads(8, 5, "m2")],
        8.0,
        "m1 and m2 both led in term 5",
    ),
    "no_lost_commits": (
        [log(1, "m1", 3, [[2, 1, "a"], [3, 1, "b"]]), log(2, "m2", 3, [[2, 1, "a"], [3, 2, "c"]])],
        2.0,
        "entry 3, which m1 had committed, was another one on m2",
    ),
    "log_matching": (
        [log(1, "m1", 0, [[2, 1, "a"], [3, 2, "b"]]), log(2, "m2", 0, [[2, 2, "x"], [3, 2, "b"]])],
        2.0,
        "what is before entry 3 of term 2 differs on m1 and m2",
    ),
    "quorum_kept": (
        [look(1, m1=True, m2=True, m3=False), look(2, m1=True, m2=False, m3=False)],
        2.0,
        "1 of 3 managers ran at 2.000s",
    ),
}


@pytest.mark.parametrize("text", BROKEN)
def test_what_breaks_is_found_with_its_moment_and_a_sentence(text: str, tmp_path: Path) -> None:
    items, at, what = BROKEN[text]
    found = sp.check_events(written(tmp_path, items), text)
    (one,) = found.broken
    assert not found and found.exit_code == 1 and one.state == "broken"
    assert one.at == pytest.approx(at) and one.time is not None and what in one.why
    assert f"BROKEN: {one.name}" in repr(found) and what in repr(found)
    held = sp.check_events(written(tmp_path, items[:-1]), text)
    assert held and held.exit_code == 0 and not held.notes


def test_every_invariant_is_broken_above_or_named_as_not_to_be_judged(tmp_path: Path) -> None:
    kinds = {text.split()[0] for text in BROKEN}
    found = sp.check_events(written(tmp_path, [state(THREE)]))
    never = {one.name for one in found.not_judged if "mode='sim'" in one.why or "requests" in one.why}
    assert never == {"no_lost_writes", "no_failed_requests"}
    assert kinds | never == {one.kind for one in sp.inv._known()}


def test_a_follower_tells_of_a_second_leader_too_and_clocks_say_nothing(tmp_path: Path) -> None:
    said = [leads(5, 7, "m1"), leads(1, 7, "m3", "follows", "m2")]
    assert not sp.check_events(written(tmp_path, said), "one_leader_per_term")
    fine = [leads(5, 7, "m1"), leads(1, 8, "m2"), leads(3, 7, "m3", "follows", "m1")]
    assert sp.check_events(written(tmp_path, fine), "one_leader_per_term")


def test_an_update_at_its_pace_holds_also_when_a_new_leader_begins_it_anew(tmp_path: Path) -> None:
    first = [*UPDATE, change(1.3, 13, task(1, id="n1", version=2, state="running"))]
    stop = change(1.4, 14, task(2), **STOPPED)
    assert sp.check_events(written(tmp_path, [state(THREE), *first, stop]), "update_pace web")
    anew = [leads(1.25, 2, "m2"), state(THREE), *UPDATE, stop]
    assert sp.check_events(written(tmp_path, anew), "update_pace")
    two = [of_service(1, 10, service(), service(version=2, update="updating", pace=2)), *UPDATE[1:], stop]
    assert sp.check_events(written(tmp_path, [state(THREE), *two]), "update_pace")


def test_a_node_that_is_down_runs_nothing(tmp_path: Path) -> None:
    before, after = node("m1"), node("m1", "down")
    actor = {"ID": "id-m1", "Attributes": {"name": "m1", "state.old": "ready", "state.new": "down"}}
    down = {"Type": "node", "Action": "update", "Actor": actor, "timeNano": ns(4), "Version": 9}
    items = [state(THREE), {**down, "Before": before, "After": after}]
    found = sp.check_events(written(tmp_path, items), [sp.inv.at_least_running("web", 3)])
    assert found.broken[0].at == 4.0 and "web ran 0 tasks" in found.broken[0].why


def test_what_was_not_put_to_the_test_is_no_silent_pass(tmp_path: Path) -> None:
    path = written(tmp_path, [state(THREE[:2])])
    found = sp.check_events(path, "at_least_running web 3")
    assert not found and found.exit_code == 2
    assert "never ran 3 tasks (2 at most)" in found.not_judged[0].why
    nothing = sp.check_events(path, ["one_leader_per_term", "quorum_kept", "log_matching"])
    assert nothing.exit_code == 2 and len(nothing.not_judged) == 3
    assert sp.check_events(path).exit_code == 0, "without names, what cannot be judged is only said"


def test_what_is_missing_is_said_and_a_recording_without_an_end_too(tmp_path: Path) -> None:
    note = {"Type": "note", "About": "changes", "What": "entries 2 to 9 are not kept", "timeNano": ns(0)}
    found = sp.check_events(
        written(tmp_path, [{**note, "Since": ns(3)}, state(THREE)]), "at_most_running web 3"
    )
    assert found and found.notes == found.judged[0].notes and "entries 2 to 9" in found.notes[0]
    assert "2026-09-21" in found.notes[0] and "not seen: entries 2 to 9" in repr(found)
    cut = written(tmp_path, [state(THREE)], end=False)
    cut.write_text(cut.read_text() + '{"Type":"task","Act')
    assert "cut short" in sp.check_events(cut, "at_most_running web 3").notes[0]


def test_plain_events_are_judged_where_they_have_a_services_begin(tmp_path: Path) -> None:
    def event(at: float, kind: str, action: str, id: str, **about: str) -> Raw:
        return {"Type": kind, "Action": action, "Actor": {"ID": id, "Attributes": about}, "timeNano": ns(at)}

    def told(at: float, slot: int, action: str) -> Raw:
        about = {
            "service": "web",
            "service.id": "s1",
            "slot": str(slot),
            "node.id": "n",
            "desired_state": "running",
        }
        return event(at, "task", action, f"t{slot}", **about)

    made = event(0, "service", "create", "s1", name="web")
    run = [
        told(1, 1, "running"),
        told(2, 2, "running"),
        event(2, "container", "start", "c"),
        told(3, 1, "failed"),
    ]
    found = sp.check_events(written(tmp_path, [made, *run], head=False, end=False), "at_least_running web 2")
    assert found.broken[0].at == 3.0, "the clock begins with the first event"
    found = sp.check_events(written(tmp_path, run, head=False, end=False), "at_least_running web 2")
    assert found.exit_code == 2 and "before the recording began" in found.not_judged[0].why
    found = sp.check_events(
        written(tmp_path, [made, *run], head=False, end=False), "replicas_at_most_desired web"
    )
    assert "--record" in found.not_judged[0].why
    answer = tmp_path / "answer.json"
    answer.write_text(json.dumps({"Version": 9, "Whole": True, "Changes": [made, *run]}) + "\n")
    assert not sp.check_events(answer, "at_least_running web 2")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("at_leest_running web 3", 'Did you mean "at_least_running"'),
        ("at_least_running web", "at_least_running SERVICE NUMBER"),
        ("at_least_running web three", "at_least_running SERVICE NUMBER"),
        ("at_least_running web -1", "at least 1"),
        ("one_leader_per_term web", "'one_leader_per_term'"),
        ("update_pace web 3", "update_pace [SERVICE]"),
        ("", "There are:"),
        ("at_least_running wbe 3", 'Did you mean "web"'),
    ],
)
def test_a_wrong_invariant_says_what_is_right(
    text: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, [state(THREE)])
    with pytest.raises(sp.SwarmError) as caught:
        sp.check_events(path, text)
    assert says in f"{caught.value} {caught.value.hint}"
    assert main(["check", str(path), "--always", text]) == 2
    assert says in capsys.readouterr().err


def test_an_invariants_name_is_its_text() -> None:
    for one in (*sp.inv.all(), sp.inv.at_least_running("web", 3), sp.inv.update_pace("web")):
        assert sp.inv.from_text(one.name) == one
    for text in ("at_most_running web 2", 'sp.inv.at_most_running("web", 2)', " at_most_running( 'web',2 )"):
        assert sp.inv.from_text(text) == sp.inv.at_most_running("web", 2)
    assert sp.inv.from_text("committed_never_lost") == sp.inv.no_lost_commits
    with pytest.raises(sp.InvalidArgument, match="text, not 3"):
        sp.inv.from_text(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "nonsense\n",
        '{"Type": "task"}\n',
        '{"Type": "moon", "timeNano": 1}\n',
        "[1, 2]",
        '"x"\n',
        '{"a": 1}\n',
    ],
)
def test_what_is_no_recording_is_refused_with_its_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad"
    path.write_text(text)
    with pytest.raises(sp.InvalidArgument, match=r"line 1 of .*bad is no recorded event"):
        sp.check_events(path)


def test_odd_files_and_arguments_are_typed_errors(tmp_path: Path) -> None:
    with pytest.raises(sp.NotFound, match="there is no file"):
        sp.check_events(tmp_path / "nowhere")
    (tmp_path / "binary").write_bytes(b"\xff\x00\x80")
    with pytest.raises(sp.InvalidArgument, match="not text"):
        sp.check_events(tmp_path / "binary")
    with pytest.raises(sp.InvalidArgument, match="cannot be read"):
        sp.check_events(tmp_path)
    path = written(tmp_path, [{**state(THREE), "Tasks": [{"ID": "t"}]}])
    with pytest.raises(sp.InvalidArgument, match="line 2 of"):
        sp.check_events(path)
    with pytest.raises(sp.InvalidArgument, match="format 9"):
        newer = tmp_path / "newer"
        newer.write_text(json.dumps({**HEAD, "format": 9}) + "\n")
        sp.check_events(newer)
    with pytest.raises(sp.InvalidArgument, match="a recording is over"):
        sp.check_events(path, for_="3s")
    with pytest.raises(sp.InvalidArgument, match="no invariant"):
        sp.check_events(path, [])
    with pytest.raises(sp.InvalidArgument, match=r"of a swarm or of a file"):
        sp.check_events(3)  # type: ignore[arg-type]
    with pytest.raises(sp.InvalidArgument, match=r"no invariant of sp.inv"):
        sp.check_events(path, [lambda now: True])  # type: ignore[list-item]


def test_an_empty_recording_could_not_be_judged(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.write_text("")
    found = sp.check_events(path)
    assert found.exit_code == 2 and "nothing was recorded" in repr(found)


# ---- swarms


def test_a_simulated_swarm_is_checked_recorded_and_checked_again(tmp_path: Path) -> None:
    c = sp.Swarm(managers=3, workers=2, seed=4)
    web = c.services.create("nginx", name="web", replicas=3)
    web.wait()
    names = [
        "at_least_running web 3",
        "one_leader_per_term",
        "no_lost_commits",
        "log_matching",
        "update_pace",
    ]
    found = sp.check_events(c, names, record=tmp_path / "run.events")
    assert found and not found.notes and found.counts["changes"] > 10 and found.counts["logs"] > 30, found
    again = sp.check_events(tmp_path / "run.events", names)
    assert again.to_dict()["invariants"] == found.to_dict()["invariants"] and again.counts == found.counts
    before = c.now
    web.tasks[0].kill()
    found = sp.check_events(c, names, for_="10s")
    (one,) = found.broken
    assert one.name == "at_least_running(web, 3)" and one.at is not None and before <= one.at < c.now
    assert c.now == pytest.approx(before + 10, abs=0.01), "watching is virtual time"


def test_checking_changes_nothing() -> None:
    def run(look: bool) -> str | None:
        c = sp.Swarm(managers=3, workers=1, seed=8)
        c.services.create("nginx", name="web", replicas=2).wait()
        if look:
            sp.check_events(c)
        c.sleep("5s")
        return c.trace_hash

    assert run(False) == run(True)


def test_an_update_and_a_lost_leader_keep_what_swarms_promise() -> None:
    c = sp.Swarm(managers=3, workers=3, seed=11)
    web = c.services.create("nginx", name="web", replicas=4)
    web.wait()
    web.update(env={"VERSION": "2"})
    c.sleep("2s")
    c.faults.kill("leader", for_="5s")
    c.sleep("40s")
    kinds = ["update_pace", "one_leader_per_term", "no_lost_commits", "log_matching", "at_most_one_per_slot"]
    found = sp.check_events(c, [*kinds, "replicas_at_most_desired"])
    assert found, found
    assert "was started again and forgot what it saw, so what was before" in " ".join(found.notes)
    with c.faults.run(sp.Plan([sp.Fault("kill", node="m2", at="3s", for_="2s")])):
        found = sp.check_events(c, kinds, for_="10s")
    said = [one for one in found.notes if one.startswith("m2")]
    assert found and any("so what was from" in one for one in said), found


# ---- the shell


def test_the_shell_says_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    items, _at, what = BROKEN["at_least_running web 3"]
    path = str(written(tmp_path, items))
    assert (
        main(["check", path, "--always", "at_least_running(web, 3)", "--always", "one_leader_per_term"]) == 1
    )
    out = capsys.readouterr().out
    assert what in out and "not judged: one_leader_per_term" in out
    assert main(["check", path, "--always", "at_most_running web 3", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["holds"] and told["invariants"][0]["state"] == "holds" and told["counts"]["states"] == 2
    assert main(["check", path]) == 0
    assert "no_lost_writes" in capsys.readouterr().out
    note = {"Type": "note", "About": "changes", "What": "something", "timeNano": ns(0)}
    path = str(written(tmp_path, [note, state(THREE)]))
    assert main(["check", path, "--always", "at_most_running web 3"]) == 0
    assert main(["check", path, "--always", "at_most_running web 3", "--strict"]) == 2
    capsys.readouterr()
    assert main(["check", str(tmp_path / "nowhere"), "--json"]) == 2
    assert "there is no file" in json.loads(capsys.readouterr().out)["error"]
    assert main(["check", path, "--for", "3s"]) == 2
    assert "checked alone" in capsys.readouterr().err
    assert main(["check", "--list"]) == 0
    out = capsys.readouterr().out
    assert all(one.kind in out for one in sp.inv._known()) and "at_least_running SERVICE NUMBER" in out


# ---- what is said by mistake for an invariant


@pytest.mark.parametrize(
    ("what", "hint"),
    [
        (lambda c: c.check.always(sp.inv.at_least_running), 'sp.inv.at_least_running("web", 3)'),
        (lambda c: c.check.always("three", sp.inv.at_most_running), 'sp.inv.at_most_running("web", 3)'),
        (lambda c: c.check.always(sp.inv.all), "*sp.inv.all()"),
        (lambda c: c.check.always(sp.inv.all()), "always(*those)"),
        (lambda c: c.check.always("one_leader_per_trem"), "sp.inv.one_leader_per_term"),
        (lambda c: c.check.always(sp.inv.quorum_kept, sp.inv.at_least_running), '("web", 3)'),
        (lambda c: sp.inv.at_least_running(None, 2), ""),
        (lambda c: sp.inv.update_pace(3), ""),
    ],
)
def test_what_was_meant_for_an_invariant_says_how_it_is_said(what: Any, hint: str) -> None:
    c = sp.Swarm(managers=1, seed=1)
    with pytest.raises(sp.InvalidArgument) as caught:
        what(c)
    assert hint in (caught.value.hint or "") and len(c.check) == 0


# ---- what managers forget


def test_the_state_before_what_is_kept_is_the_one_that_was() -> None:
    from swarmpy._checks.gather import Gatherer
    from swarmpy._checks.panel import Panel

    c = sp.Swarm(managers=1, workers=3, seed=21)
    web = c.services.create("nginx", name="web", replicas=2)
    web.wait()
    then: dict[int, object] = {}
    panel = Panel([])

    def follow(item: Raw) -> None:
        panel.take(item)
        panel.settle()
        if "Version" in item:
            tasks = panel.picture.tasks.values()
            then[item["Version"]] = {(one.id, one.state, one.desired, one.node_id, one.slot) for one in tasks}

    follower = Gatherer(c._hub, follow)
    for number in range(160):
        web.scale(2 + number % 3)
        c.sleep("300ms")
        if number % 20 == 5:
            web.tasks[0].kill()
        follower.look()
    late: list[Raw] = []
    Gatherer(c._hub, late.append).look()
    (begin,) = [one for one in late if one["Type"] == "state"]
    notes = [one["What"] for one in late if one["Type"] == "note" and one["About"] == "changes"]
    assert notes == [f"the log's entries up to {begin['Version']} are not kept by any manager"]
    told = {
        (one["ID"], one["State"], one["DesiredState"], one["NodeID"], int(one["slot"]))
        for one in begin["Tasks"]
    }
    assert told == then[max(version for version in then if version <= begin["Version"])]
    assert begin["Services"][0]["Replicas"] in (2, 3, 4) and len(begin["Nodes"]) == 4


def test_a_manager_that_is_none_any_more_is_missed() -> None:
    c = sp.Swarm(managers=3, workers=1, seed=6)
    c.nodes["m3"].demote()
    c.sleep("5s")
    c.nodes["w1"].promote()
    c.sleep("5s")
    found = sp.check_events(c, ["one_leader_per_term", "log_matching", "no_lost_commits"])
    assert found and found.notes == ("what m3 saw while it was a manager: it is none any more",), found
    c.services.create("nginx", name="web", replicas=2).wait()
    assert sp.check_events(c, ["one_leader_per_term", "at_least_running web 2"], for_="2s")


def test_two_swarms_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    swarms = [sp.Swarm(managers=1, seed=seed) for seed in (1, 2)]
    swarms[0].sleep("5s")
    doors = [c.serve("tcp://127.0.0.1:0") for c in swarms]
    words = [word for door in doors for word in ("--host", door.docker_host)]
    assert main(["check", *words, "--always", "one_leader_per_term", "--always", "log_matching"]) == 0
    assert "m1 belongs to another swarm and is not asked" in capsys.readouterr().out
    for door in doors:
        door.close()


def test_what_only_looks_tell_says_at_how_many(tmp_path: Path) -> None:
    found = sp.check_events(written(tmp_path, BROKEN["quorum_kept"][0][:1]), "quorum_kept")
    assert found and not found.notes and "quorum_kept: seen at one moment only" in repr(found)
    twice = sp.check_events(written(tmp_path, [look(1, m1=True), look(2, m1=True)]), "quorum_kept")
    assert "seen at 2 moments only" in twice.judged[0].notes[0] and "1 look " not in repr(twice)


def test_the_journal_of_a_simulated_run_is_replayed_instead(tmp_path: Path) -> None:
    c = sp.Swarm(managers=1, seed=1)
    c.save(tmp_path / "run.swarm")
    with pytest.raises(sp.InvalidArgument, match=r"run.swarm is a journal") as caught:
        sp.check_events(tmp_path / "run.swarm")
    assert "swarmpy replay" in caught.value.hint


def test_a_gap_while_it_is_watched_is_said() -> None:
    from swarmpy._checks.gather import Gatherer

    c = sp.Swarm(managers=1, seed=22)
    web = c.services.create("nginx", name="web", replicas=1)
    web.wait()
    items: list[Raw] = []
    gatherer = Gatherer(c._hub, items.append)
    gatherer.look()
    for number in range(300):
        web.scale(number % 2)
    gatherer.look()
    said = [one["What"] for one in items if one["Type"] == "note"]
    assert (
        any("are not kept any more" in one for one in said)
        and len([o for o in items if o["Type"] == "state"]) == 2
    )


# ---- a served swarm, and what the documentation says


def test_a_served_swarm_is_checked_by_its_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    c = sp.Swarm(managers=3, workers=1, seed=5)
    web = c.services.create("nginx", name="web", replicas=2)
    web.wait()
    doors = [c.serve("tcp://127.0.0.1:0", node=name) for name in ("m1", "m2")]
    words = [word for door in doors for word in ("--host", door.docker_host)]
    assert (
        main(["check", *words, "--always", "at_least_running web 2", "--always", "one_leader_per_term"]) == 0
    )
    out = capsys.readouterr().out
    assert "not seen: what only m3 saw: there is no way to ask" in out
    assert main(["check", *words, "--always", "quorum_kept"]) == 2, "m3 may live"
    capsys.readouterr()
    assert "2026-01-01" in out and "to 2026-01-01" in out, "its calendar is its own"
    web.scale(1)
    assert (
        main(
            ["check", *words, "--always", "at_least_running web 2", "--json", "--record", str(tmp_path / "r")]
        )
        == 1
    )
    (row,) = json.loads(capsys.readouterr().out)["invariants"]
    assert 0 < row["at"] < 60, "the clock begins with the first event"
    assert sp.check_events(tmp_path / "r", "at_least_running web 2").broken[0].to_dict() == row
    for door in doors:
        door.close()


def test_help_and_documentation_agree(capsys: pytest.CaptureFixture[str]) -> None:
    import re

    root = Path(__file__).resolve().parents[2]
    chapter = (
        (root / "docs/chaos.md").read_text().split("## What real daemons have recorded")[1].split("\n## ")[0]
    )
    design = (root / "docs/design/checks.md").read_text().split("## Recorded events")[1]
    with pytest.raises(SystemExit):
        main(["check", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    options = {*re.findall(r"--[a-z]+", shown), "--format"} - {"--help"}  # docker events --format
    assert set(re.findall(r"--[a-z]+", chapter + design)) <= options
    assert options - {"--cluster", "--format"} <= set(re.findall(r"--[a-z]+", chapter))
    for kind in (one.kind for one in sp.inv._known()):
        assert f"`{kind}`" in design, f"docs/design/checks.md does not say by what {kind} is judged"
    for text in (shown, chapter):
        assert re.search(r"\b0\b.*\b1\b.*\b2\b", text.replace("\n", " "))
