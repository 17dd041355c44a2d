"""Raft to be seen: a manager's own view, its log as a table, and the story of elections with names."""

from __future__ import annotations

import asyncio
import contextlib
import pickle

import pytest

import swarmpy as sp
from swarmpy._connection.client import begin, make_request


@pytest.fixture
def c() -> object:
    with sp.Swarm(managers=3, workers=2, seed=42) as swarm:
        yield swarm


def looked_at(c: sp.Swarm) -> tuple[object, ...]:
    for node in c.nodes:
        if node.alive and node.role == "manager":
            state = node.raft
            repr(state), state._repr_html_(), state.to_dict(), repr(state.log), state.log._repr_html_()
            state.log.to_dicts(), [one.row() for one in state.members], list(state.log)
    c.events("raft")._repr_html_(), repr(c.metrics), c.metrics._repr_html_(), c.metrics.to_dicts()
    return c.now, c.trace_hash


def test_every_manager_tells_what_it_knows(c: sp.Swarm) -> None:
    lead = c.nodes.leader
    assert lead is not None
    raft = lead.raft
    assert (raft.node, raft.role, raft.leader, raft.vote) == (lead.name, "leader", lead.name, lead.name)
    assert raft.at == c.now and not raft.pre_candidate
    assert raft.first_index <= raft.applied <= raft.commit <= raft.last_index
    assert raft.snapshot.index == raft.first_index - 1 and raft.snapshot.term >= 1
    assert [one.name for one in raft.members] == ["m1", "m2", "m3"]
    assert all(one.voter and one.reachable for one in raft.members)
    assert raft.member(lead.name).match == raft.last_index
    assert {one.progress for one in raft.members} == {"replicate"}
    for name in ("m1", "m2", "m3"):
        other = c.nodes[name].raft
        assert (other.term, other.leader) == (raft.term, lead.name)
        if name != lead.name:
            assert other.role == "follower"
            assert {(one.match, one.next, one.progress) for one in other.members} == {(None, None, None)}
    with pytest.raises(sp.NotFound, match="member m9"):
        raft.member("m9")


def test_looking_at_raft_changes_nothing() -> None:
    def story(look: bool) -> list[object]:
        seen = []
        with sp.Swarm(managers=3, workers=1, seed=5) as c:
            c.services.create("nginx:1.10", name="web", replicas=2).wait()
            for step in range(300):
                if step == 50:
                    c.nodes["m1"].kill()
                seen.append(looked_at(c) if look else (c.now, c.trace_hash))
                c.step()
        return seen

    assert story(True) == story(False)


def test_the_log_is_a_table_of_sentences(c: sp.Swarm) -> None:
    web = c.services.create("nginx:1.10", name="web", replicas=3)
    web.wait()
    web.update(image="nginx:1.11")
    web.wait()
    c.nodes["w1"].drain()
    c.services["web"].remove()
    log = c.nodes.leader.raft.log  # type: ignore[union-attr]
    said = [one.what for one in log]
    assert any(line.startswith("service web: create") for line in said)
    assert any(line.startswith("service web: update") for line in said)
    assert any("task web.3: running" in line for line in said)
    assert any("member m3: add as a learner" in line for line in said)
    assert any("node w1: update" in line for line in said)
    assert {one.kind for one in log} == {"transaction", "membership", "empty"}
    assert all("\n" not in line and len(line) < 200 for line in said)
    assert [one.index for one in log] == list(range(log[-1].index - len(log) + 1, log[-1].index + 1))


def test_parts_of_the_log(c: sp.Swarm) -> None:
    raft = c.nodes["m1"].raft
    log, first, last = raft.log, raft.first_index, raft.last_index
    assert len(log) == last - first + 1
    assert log[last] == log[-1] and log[first].index == first
    assert [one.index for one in log[first + 2 : first + 5]] == [first + 2, first + 3, first + 4]
    assert [one.index for one in log[-3:]] == [last - 2, last - 1, last]
    assert [one.index for one in log[:]] == [one.index for one in log]
    assert list(log.tail(2)) == list(log[-2:]) and len(log.tail(10_000)) == len(log)
    assert len(log.tail(0)) == 0 and len(log[last + 5 : last + 9]) == 0
    assert [*log.tail(1).to_dicts()[0]] == ["index", "term", "kind", "size", "what"]
    for wrong in (0, first - 1, last + 1, -len(log) - 1 - first):
        with pytest.raises(sp.NotFound, match="there is no entry"):
            log[wrong]
    for bad in ("x", 1.5, True):
        with pytest.raises(sp.InvalidArgument):
            log[bad]  # type: ignore[call-overload]
    with pytest.raises(sp.InvalidArgument):
        log[::2]
    with pytest.raises(sp.InvalidArgument):
        log.tail(-1)
    for shown in (log, log.tail(0), log.tail(1), log.tail(9), log.tail(10)):
        assert 1 <= len(repr(shown).splitlines()) <= 12
    assert str(last) in repr(log) and "before these" in repr(log)


def test_a_log_that_was_asked_for_stays_readable(c: sp.Swarm) -> None:
    log = c.nodes["m2"].raft.log
    c.nodes["m2"].kill()
    assert log.tail(3)[-1].what and len(list(log)) == len(log)


def test_it_can_be_sent_to_another_process_with_its_log() -> None:
    with sp.Swarm(managers=3, seed=2) as c:
        seen = c.nodes["m1"].raft
        sent = pickle.loads(pickle.dumps(seen))
    assert sent == seen and len(sent.log) == len(seen.log) and sent.log[-1].index == seen.last_index
    assert [one.what for one in pickle.loads(pickle.dumps(sent)).log][-1] == sent.log[-1].what
    with pytest.raises(sp.NotFound):
        sent.log[10**6]


def test_the_log_begins_where_it_was_cut_off() -> None:
    with sp.Swarm(managers=1, seed=1) as c:
        node = c.nodes["m1"]
        swarm = node.swarm._ask("GET", "/swarm")
        spec = {**swarm["Spec"], "Raft": {**swarm["Spec"]["Raft"], "SnapshotInterval": 20}}
        spec["Raft"]["LogEntriesForSlowFollowers"] = 5
        node.swarm._ask("POST", "/swarm/update", query={"version": swarm["Version"]["Index"]}, body=spec)
        web = c.services.create("nginx:1.10", name="web", replicas=1)
        for replicas in range(2, 12):
            web.scale(replicas)
            web.wait()
        raft = node.raft
        assert raft.first_index > 20 and raft.snapshot.index == raft.first_index - 1
        assert raft.log[raft.first_index].what
        with pytest.raises(sp.NotFound, match="there is no entry 3 in the log of m1"):
            raft.log[3]


def test_who_has_no_raft_says_so(c: sp.Swarm) -> None:
    with pytest.raises(sp.NotManager):
        _ = c.nodes["w1"].raft
    c.nodes["m2"].kill()
    with pytest.raises(sp.Unreachable):
        _ = c.nodes["m2"].raft
    with sp.Node("alone") as node, pytest.raises(sp.NotManager):
        _ = node.raft


def test_in_a_minority_it_tells_what_it_thinks(c: sp.Swarm) -> None:
    core = c._world.core  # type: ignore[attr-defined]
    lead = c.nodes.leader
    assert lead is not None
    term = lead.raft.term
    rest = [name for name in ("m1", "m2", "m3", "w1", "w2") if name != lead.name]
    core.partition([[lead.name], rest])
    assert lead.raft.role == "leader", "it does not know yet"
    c.sleep("5s")
    assert lead.raft.role == "candidate" and lead.raft.pre_candidate
    assert lead.raft.leader == "" and lead.raft.term == term, "it only asks"
    assert "pre-candidate" in repr(lead.raft) and "no leader" in repr(lead.raft)
    assert lead.raft.log[-1].what
    new = c.nodes.leader
    assert new is not None and new.name != lead.name and new.raft.term > term


def test_a_condition_may_look_at_raft(c: sp.Swarm) -> None:
    old = c.nodes.leader
    assert old is not None
    term = old.raft.term
    old.kill()
    others = [name for name in ("m1", "m2", "m3") if name != old.name]
    assert c.run(until=lambda c: any(c.nodes[n].raft.role == "candidate" for n in others), timeout="9s")
    assert c.run(until=lambda c: any(c.nodes[n].raft.role == "leader" for n in others), timeout="9s")
    assert {c.nodes[n].raft.term for n in others} == {term + 1}


# ---- events


def sentences(events: object) -> list[tuple[str, str]]:
    return [(one.name, one.attributes["message"]) for one in events]  # type: ignore[attr-defined]


def test_the_story_of_an_election_has_names(c: sp.Swarm) -> None:
    lead, begun = c.nodes.leader, c.now
    assert lead is not None
    term = lead.raft.term
    lead.kill()
    c.run(until=lambda c: c.peek().leader is not None, timeout="9s")
    new = c.peek().leader
    told = c.events("raft", since=begun)
    said = sentences(told)
    follower = next(name for name in ("m1", "m2", "m3") if name not in (lead.name, new))
    assert (new, f"leader {lead.name} lost in term {term}") in said
    assert (new, f"became pre-candidate in term {term}") in said
    assert (new, f"became candidate in term {term + 1}") in said
    assert (follower, f"voted for {new} in term {term + 1}") in said
    assert (new, f"became leader in term {term + 1}") in said
    assert said.index((new, f"became candidate in term {term + 1}")) < said.index(
        (follower, f"voted for {new} in term {term + 1}")
    )
    assert [one.at for one in told] == sorted(one.at for one in told)
    assert {one.kind for one in told} == {"raft"} and all(begun <= one.at <= c.now for one in told)
    votes = [one for one in told if one.action == "voted"]
    assert {one.attributes["voted_for"] for one in votes} == {new}
    assert all(one.attributes["term"] == str(term + 1) for one in votes)
    assert told.note == f"not reachable, so what only they saw is missing: {lead.name}"
    assert lead.name in repr(told).splitlines()[0] and lead.name in told._repr_html_()


def test_members_and_snapshots_are_told_once(c: sp.Swarm) -> None:
    told = c.events("raft")
    assert told.note == ""
    by = [(one.name, one.action) for one in told if one.action.startswith("member-")]
    assert by == [
        ("m2", "member-added"),
        ("m2", "member-promoted"),
        ("m3", "member-added"),
        ("m3", "member-promoted"),
    ]
    assert ("m1", "snapshot-sent") in {(one.name, one.action) for one in told}
    assert {one.attributes["to"] for one in told if one.action == "snapshot-sent"} == {"m2", "m3"}
    assert {one.name for one in told if one.action == "snapshot-installed"} == {"m2", "m3"}
    m3 = c.nodes["m3"].id
    c.nodes["m3"].demote()
    gone = [one for one in c.events("raft") if one.action == "member-removed"]
    assert [(one.name, one.id) for one in gone] == [("m3", m3)]


def test_raft_is_told_only_to_who_asks(c: sp.Swarm) -> None:
    assert "raft" not in {one.kind for one in c.events()}
    mixed = c.events(["raft", "node"])
    assert {one.kind for one in mixed} == {"raft", "node"}
    assert [one.at for one in mixed] == sorted(one.at for one in mixed)
    with pytest.raises(sp.InvalidArgument, match="raft"):
        c.events("rafd")
    assert len(c.events("raft").to_pandas()) > 3 if _has_pandas() else True


def _has_pandas() -> bool:
    try:
        import pandas  # noqa: F401
    except ModuleNotFoundError:
        return False
    return True


def test_it_comes_as_it_happens(c: sp.Swarm) -> None:
    lead = c.nodes.leader
    assert lead is not None
    coming = c.events("raft", timeout="20s")
    lead.kill()
    seen = []
    for event in coming:
        seen.append(event)
        assert event.at == pytest.approx(c.now, abs=1e-9), "at its very moment"
        if event.action == "leader":
            break
    assert [one.action for one in seen].count("leader") == 1
    assert seen[0].at >= 0.1 and "member-added" not in {one.action for one in seen}, "from now on only"
    c.sleep("3s")
    assert list(c.events("raft", timeout="100ms")) == []


def test_it_comes_together_with_others(c: sp.Swarm) -> None:
    coming = c.events(["raft", "task", "node"], timeout="20s")
    c.services.create("nginx:1.10", name="web", replicas=2).wait()
    lead = c.nodes.leader
    assert lead is not None
    lead.kill()
    kinds = []
    for event in coming:
        kinds.append(event.kind)
        if event.kind == "node" and event.name == lead.name and "raft" in kinds:
            break
    assert {"raft", "task", "node"} <= set(kinds)


def test_a_manager_that_comes_back_is_heard_again(c: sp.Swarm) -> None:
    coming = c.events("raft", timeout="3s")
    c.nodes["m3"].kill()
    c.nodes["m3"].restart()
    actions = [(one.name, one.action) for one in coming]
    assert ("m3", "follower") in actions, "its new story begins when it starts"
    assert ("m3", "follows") in actions


def test_without_any_manager_there_is_no_story() -> None:
    with sp.Swarm(managers=1, workers=1, seed=3) as c:
        c.nodes["m1"].kill()
        with pytest.raises(sp.SwarmError):
            c.events("raft")


def test_it_can_be_awaited() -> None:
    async def story() -> list[str]:
        async with sp.aio.Swarm(managers=3, seed=4) as a:
            lead = a.nodes.leader
            assert lead is not None
            coming = a.events("raft", timeout="20s")
            lead.kill()
            seen = []
            async for event in coming:
                seen.append(event.action)
                if event.action == "leader":
                    break
            await coming.aclose()
            return seen

    assert asyncio.run(story())[-1] == "leader"


def test_a_peek_tells_votes(c: sp.Swarm) -> None:
    before = c.peek()
    lead = c.nodes.leader
    assert lead is not None
    assert {one.node: one.vote for one in before.raft}[lead.name] == lead.name
    lead.kill()
    c.run(until=lambda c: c.peek().leader is not None, timeout="9s")
    new = c.peek().leader
    assert {one.vote for one in c.peek().raft} == {new}


@pytest.mark.real
def test_one_real_manager_tells_of_itself() -> None:
    with sp.Swarm(managers=3, mode="real") as c:
        with contextlib.closing(sp.connect(c.nodes["m2"].docker_host)) as one:
            assert one.nodes["m2"].raft.node == "m2"
            with pytest.raises(sp.NotSupportedInMode):
                _ = one.nodes["m1"].raft
            told = one.events("raft")
            assert told.note == "not reachable, so what only they saw is missing: m1, m3"
            assert [*one.metrics["raft_term"].by_node] == ["m2"]
        door = c._world.door("m3")
        request = make_request("GET", "/swarmpy/v1/raft/events", query={"follow": True})
        with contextlib.closing(begin(door.open(request))) as stream:
            assert b"follows leader m1" in (stream.piece(5.0) or b"")


@pytest.mark.real
def test_real_managers_tell_it_too() -> None:
    with sp.Swarm(managers=3, workers=1, mode="real") as c:
        lead = c.nodes.leader
        assert lead is not None
        raft = lead.raft
        assert (raft.role, raft.leader, len(raft.members)) == ("leader", lead.name, 3)
        assert any("node w1" in one.what for one in raft.log)
        with pytest.raises(sp.NotManager):
            _ = c.nodes["w1"].raft
        assert {one.name for one in c.events("raft") if one.action == "member-added"} == {
            name for name in ("m1", "m2", "m3") if name != lead.name
        }
        coming = c.events(["raft", "node"], timeout="20s")
        lead.kill()
        new = next(one for one in coming if one.action == "leader")
        assert new.name != lead.name and int(new.attributes["term"]) > raft.term
        assert lead.name in c.events("raft").note
        with pytest.raises(sp.Unreachable):
            _ = lead.raft
