"""`swarm.recover`: out of a lost majority, and never into the loss of an acknowledged write."""

from __future__ import annotations

import pytest

import swarmpy as sp
from swarmpy.recovery import Recovery


@pytest.fixture
def swarm() -> sp.Swarm:
    c = sp.Swarm(managers=3, workers=1, seed=11)
    c.services.create("nginx", name="web", replicas=3).wait()
    return c


def followers(c: sp.Swarm) -> list[str]:
    leader = c.wait_leader().name
    return [name for name in ("m1", "m2", "m3") if name != leader]


def lose(c: sp.Swarm, *names: str) -> None:
    for name in names:
        c.nodes[name].kill()


def test_a_swarm_with_a_leader_has_nothing_to_recover(swarm: sp.Swarm) -> None:
    leader = swarm.wait_leader().name
    look = swarm.recover(dry_run=True)
    assert not look
    assert look.leader == leader
    assert "nothing to recover" in look.refused
    with pytest.raises(sp.Conflict, match=f"{leader} leads"):
        swarm.recover()


def test_managers_that_are_away_must_be_named_as_lost(swarm: sp.Swarm) -> None:
    lost = followers(swarm)
    left = swarm.wait_leader().name
    lose(swarm, *lost)
    swarm.sleep("5s")
    with pytest.raises(sp.Conflict, match="are away") as caught:
        swarm.recover()
    assert repr(lost) in caught.value.hint
    with pytest.raises(sp.Conflict, match="is away"):
        swarm.recover(lost=lost[:1])
    done = swarm.recover(lost=lost)
    assert (done.done, done.newest) == (True, left)
    assert swarm.wait_leader().name == left
    assert swarm.services["web"].wait()
    assert swarm.services.create("nginx", name="after", replicas=1).wait()


def test_it_waits_until_the_leader_has_noticed_that_it_is_alone(swarm: sp.Swarm) -> None:
    lost = followers(swarm)
    lose(swarm, *lost)
    assert swarm.recover(lost=lost).done


def test_old_members_come_back_as_workers(swarm: sp.Swarm) -> None:
    lost = followers(swarm)
    lose(swarm, *lost)
    leader = swarm.recover(lost=lost).newest
    for name in lost:
        swarm.nodes[name].restart()
    swarm.wait_converged()
    assert {node.name: str(node.role) for node in swarm.nodes if node.name in (leader, *lost)} == {
        leader: "manager",
        **dict.fromkeys(lost, "worker"),
    }
    swarm.nodes[lost[0]].promote()
    swarm.run(until=lambda c: c.nodes[lost[0]].reachability == "reachable")


def test_the_newest_log_of_those_that_are_left_is_chosen() -> None:
    """Of two that are left of five, one was cut off while the others acknowledged."""
    c = sp.Swarm(managers=5, workers=0, seed=3)
    leader = c.wait_leader().name
    others = [name for name in ("m1", "m2", "m3", "m4", "m5") if name != leader]
    behind, ahead, *rest = others
    c.nodes[behind].kill()
    for number in range(5):
        c.services.create("nginx", name=f"s{number}", replicas=0)
    lose(c, *rest, leader)
    c.nodes[behind].restart()
    c.sleep("3s")
    gone = [*rest, leader]
    with pytest.raises(sp.Conflict, match=f"the log of {ahead} is newer"):
        c.recover(behind, lost=gone)
    assert c.recover(lost=gone).newest == ahead
    assert len(c.services) == 5


def test_a_manager_that_takes_no_part_may_have_the_newest_log(swarm: sp.Swarm) -> None:
    """m2 was away, m1 and m3 acknowledged; then m1 dies, and m3's disk loses its tail."""
    behind, aside = followers(swarm)
    leader = swarm.wait_leader().name
    swarm.nodes[behind].kill()
    swarm.services.create("nginx", name="acknowledged", replicas=0)
    swarm.faults.disk(aside, lost_tail=1)
    swarm.services.create("nginx", name="lost", replicas=0)
    lose(swarm, leader, aside)
    for name in (behind, aside):
        swarm.nodes[name].restart()
    swarm.sleep("5s")
    with pytest.raises(sp.Conflict, match=f"{aside} takes no part"):
        swarm.recover(lost=[leader])
    with pytest.raises(sp.Conflict, match=r"has lost acknowledged writes|is newer|takes no part"):
        swarm.recover(aside, lost=[leader])


def test_a_forgetful_manager_goes_on_only_when_it_is_named() -> None:
    c = sp.Swarm(managers=1, workers=0, seed=2)
    for number in range(4):
        c.services.create("nginx", name=f"s{number}", replicas=0)
    c.faults.disk("m1", lost_tail=2)
    c.services.create("nginx", name="s4", replicas=0)
    c.nodes["m1"].kill()
    c.nodes["m1"].restart()
    look = c.recover(dry_run=True)
    assert "has lost acknowledged writes" in look.refused
    assert "durable writes are gone" in repr(look)
    with pytest.raises(sp.Conflict, match="has lost acknowledged writes"):
        c.recover()
    assert c.recover("m1", dry_run=True), "the word of its user is enough"


def test_a_majority_that_answers_elects_by_itself(swarm: sp.Swarm) -> None:
    leader = swarm.wait_leader()
    leader.kill()
    look = swarm.recover(dry_run=True)
    assert "elect a leader by themselves" in look.refused


def test_a_locked_manager_is_unlocked_and_never_lost(swarm: sp.Swarm) -> None:
    swarm.update(autolock=True)
    key = swarm.unlock_key()
    swarm.sleep("1s")
    lose(swarm, "m1", "m2", "m3")
    for name in ("m1", "m2", "m3"):
        swarm.nodes[name].restart()
    look = swarm.recover(dry_run=True)
    assert {one.state for one in look.managers} == {"locked"}
    assert "m1 and m2 and m3 are locked" in look.refused
    assert "node.unlock(key)" in look.hint
    assert "swarmpy unlock m1" in look.shell
    swarm.nodes["m1"].unlock(key)
    swarm.sleep("5s")
    with pytest.raises(sp.Conflict, match="m2 and m3 are locked"):
        swarm.recover()
    with pytest.raises(sp.Conflict, match="m2 answers, so it is not lost: it is locked"):
        swarm.recover(lost=["m2", "m3"])
    swarm.nodes["m2"].unlock(key)
    assert swarm.wait_leader()


def test_a_manager_that_takes_no_part_is_not_lost_while_it_answers(swarm: sp.Swarm) -> None:
    aside, gone = followers(swarm)
    swarm.faults.disk(aside, lost_tail=1)
    swarm.services.create("nginx", name="acknowledged", replicas=0)
    lose(swarm, aside, gone)
    swarm.nodes[aside].restart()
    swarm.sleep("5s")
    with pytest.raises(sp.Conflict, match=f"{aside} answers, so it is not lost, though it takes no part"):
        swarm.recover(lost=[aside, gone])
    swarm.nodes[aside].kill()
    assert swarm.recover(lost=[aside, gone]).done


def test_names_are_checked_while_a_leader_answers(swarm: sp.Swarm) -> None:
    for wrong in ({"lost": ["m2", "nope"]}, {"from_": "w1"}):
        with pytest.raises(sp.NotFound, match=r"nope|w1"):
            swarm.recover(dry_run=True, **wrong)  # type: ignore[arg-type]


def test_names_and_words_are_checked(swarm: sp.Swarm) -> None:
    with pytest.raises(sp.InvalidArgument, match="not 1"):
        swarm.recover(lost=[1])  # type: ignore[list-item]
    lost = followers(swarm)
    lose(swarm, *lost)
    swarm.sleep("5s")
    with pytest.raises(sp.NotFound, match="m9"):
        swarm.recover(lost=["m9"])
    with pytest.raises(sp.NotFound, match="w1"):
        swarm.recover("w1")
    assert swarm.recover(lost=lost).done
    with pytest.raises(sp.Conflict, match="nothing to recover"):
        swarm.recover(lost=lost)


def test_looking_changes_nothing_and_reads_well() -> None:
    hashes = []
    for looks in (0, 3):
        c = sp.Swarm(managers=3, workers=0, seed=5)
        lose(c, *followers(c))
        for _ in range(looks):
            found = c.recover(dry_run=True)
            assert isinstance(found, Recovery)
            assert "LAST INDEX" in repr(found)
            assert "<table>" in found._repr_html_()
        c.sleep("3s")
        hashes.append(c.trace_hash)
    assert hashes[0] == hashes[1]
