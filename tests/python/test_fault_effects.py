"""What faults of links, clocks, disks, ports and images do in the simulator, measured: frames are counted and
timed by the chronicle, clocks are read from the daemons.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

import swarmpy as sp


@pytest.fixture
def c() -> Iterator[sp.Swarm]:
    with sp.Swarm(managers=3, workers=2, seed=5) as swarm:
        swarm.sleep("1s")
        yield swarm


def frames(c: sp.Swarm, span: str, source: str, target: str) -> list[dict[str, Any]]:
    """Those between two nodes, said from now on, in the order in which they were said. Times in ms."""
    core: Any = c._world.core  # type: ignore[attr-defined]
    core.record_chronicle(True)
    c.sleep(span)
    told = json.loads(core.chronicle())
    core.record_chronicle(False)
    names = [one["name"] for one in told["nodes"]]
    table = told["messages"]
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
    fates = [one for one in rows if names[one["from"]] == source and names[one["to"]] == target]
    return [{**one, "took": (one["ended"] - one["sent"]) / 1e6} for one in fates]


def took(rows: list[dict[str, Any]]) -> list[float]:
    return [one["took"] for one in rows if one["fate"] == "arrived" and not one["copy"]]


def uniform(spans: list[float], least: float, most: float) -> None:
    assert len(spans) > 100 and least - 1e-6 <= min(spans) and max(spans) <= most + 1e-6
    slack = (most - least) / 10
    assert min(spans) < least + slack and max(spans) > most - slack, "both ends are reached"


# ---- links: the leader's heartbeats, ten a second and more, are what is looked at


def ends(c: sp.Swarm) -> tuple[str, str]:
    leader = c.wait_leader().name
    return leader, "m2" if leader == "m1" else "m1"


def test_latency_is_uniform_around_what_was_said_in_that_direction(c: sp.Swarm) -> None:
    leader, other = ends(c)
    with c.faults.net(from_=leader, to=other, latency="30ms", jitter="15ms"):
        rows = frames(c, "40s", leader, other)
    uniform(took(rows), 15, 45)
    with c.faults.net(from_=leader, to=other, latency="30ms", jitter="15ms"):
        rows = frames(c, "40s", other, leader)
    uniform(took(rows), 0.1, 0.5)


def test_jitter_alone_makes_the_worlds_own_latency_longer(c: sp.Swarm) -> None:
    leader, other = ends(c)
    with c.faults.net(between=(leader, other), jitter="20ms"):
        uniform(took(frames(c, "40s", leader, other)), 0.1, 20.5)


def test_loss_and_duplicates_are_parts_of_all_frames(c: sp.Swarm) -> None:
    leader, other = ends(c)
    with c.faults.net(from_=leader, to=other, loss=0.2):
        rows = frames(c, "100s", leader, other)
        back = frames(c, "20s", other, leader)
    lost = sum(one["fate"] == "lost" for one in rows)
    assert len(rows) > 800 and lost / len(rows) == pytest.approx(0.2, abs=0.05)
    assert not any(one["fate"] == "lost" for one in back)
    with c.faults.net(from_=leader, to=other, duplicate=0.3):
        rows = frames(c, "100s", leader, other)
    copies = sum(one["copy"] for one in rows)
    assert copies / (len(rows) - copies) == pytest.approx(0.3, abs=0.05)


def test_reordered_frames_are_late_by_up_to_twenty_latencies(c: sp.Swarm) -> None:
    leader, other = ends(c)
    with c.faults.net(from_=leader, to=other, latency="3ms", reorder=0.3):
        spans = took(frames(c, "100s", leader, other))
    late = [span for span in spans if span > 3.001]
    assert len(late) / len(spans) == pytest.approx(0.3 * 19 / 20, abs=0.05)
    assert 50 < max(late) <= 60.001 and all(abs(span / 3 - round(span / 3)) < 1e-6 for span in late)


def test_frames_of_a_link_keep_their_order_however_late_they_are(c: sp.Swarm) -> None:
    leader, other = ends(c)
    with c.faults.net(between=(leader, other), latency="100ms", jitter="100ms"):
        rows = [one for one in frames(c, "60s", leader, other) if one["fate"] == "arrived"]
    heartbeat = Counter(one["kind"] for one in rows).most_common(1)[0][0]  # all on one connection
    arrivals = [one["ended"] for one in rows if one["kind"] == heartbeat]
    assert len(arrivals) > 100 and arrivals == sorted(arrivals)


def test_what_is_held_is_lost_when_the_link_is_cut_meanwhile(c: sp.Swarm) -> None:
    leader, other = ends(c)
    core: Any = c._world.core  # type: ignore[attr-defined]
    core.record_chronicle(True)
    hold = c.faults.hold(leader, other)
    c.sleep("300ms")
    with c.faults.cut(leader, other):
        hold.heal()
        c.sleep("100ms")
    held = [row for row in json.loads(core.chronicle())["messages"]["rows"] if row[8]]
    assert held and {row[5] for row in held} == {"cut"}


def test_no_group_of_a_partition_hears_another(c: sp.Swarm) -> None:
    with c.faults.partition([["m1"], ["m2", "w1"], ["m3", "w2"]]):
        c.sleep("6s")
        assert c.nodes.leader is None, "each manager is alone"
    assert c.wait_converged("30s")


# ---- clocks, as the daemons tell the time


def off(c: sp.Swarm, node: str) -> float:
    """How many seconds a daemon's wall clock is ahead of the world's."""
    door = c._world.door(node)
    told = str(c._hub.client.json("GET", "/info", at=door)["SystemTime"])
    whole, _, fraction = told.rstrip("Z").partition(".")
    begun = datetime.fromisoformat(whole) - datetime(2026, 1, 1)
    return begun.total_seconds() + float(f"0.{fraction or 0}") - c.now


def test_of_skews_the_latest_holds_then_the_older_then_none(c: sp.Swarm) -> None:
    early = c.faults.clock("w1", skew="10s")
    assert off(c, "w1") == pytest.approx(10, abs=1e-6) and off(c, "w2") == pytest.approx(0, abs=1e-6)
    late = c.faults.clock("w1", skew="-3s")
    assert off(c, "w1") == pytest.approx(-3, abs=1e-6)
    late.heal()
    assert off(c, "w1") == pytest.approx(10, abs=1e-6)
    early.heal()
    assert off(c, "w1") == pytest.approx(0, abs=1e-6)


def test_jumps_add_up_and_are_taken_back(c: sp.Swarm) -> None:
    first = c.faults.clock("w1", jump="5s")
    c.faults.clock("w1", jump="-12s")
    assert off(c, "w1") == pytest.approx(-7, abs=1e-6)
    first.heal()
    assert off(c, "w1") == pytest.approx(-12, abs=1e-6)
    c.heal()
    assert off(c, "w1") == pytest.approx(0, abs=1e-6)


def test_a_drift_gains_with_time_and_ends_with_its_fault(c: sp.Swarm) -> None:
    with c.faults.clock("w1", drift=1.1):
        c.sleep("10s")
        assert off(c, "w1") == pytest.approx(1, abs=1e-6)
    c.sleep("10s")
    assert off(c, "w1") == pytest.approx(0, abs=1e-6)
    with c.faults.clock("w1", drift=0.5):
        c.sleep("4s")
        assert off(c, "w1") == pytest.approx(-2, abs=1e-6)


# ---- disks, ports, images


def test_only_what_must_be_durable_waits_for_a_slow_disk_and_only_on_its_node(c: sp.Swarm) -> None:
    def written() -> float:
        begun = c.now
        c.kv["k"] = len(c.events())
        return c.now - begun

    leader, other = ends(c)
    with c.faults.disk(other, fsync_delay="200ms"):
        assert written() < 0.05, "the other two are a majority"
    with c.faults.disk("m1", fsync_delay="200ms"), c.faults.disk("m2", fsync_delay="200ms"):
        assert 0.2 <= written() < 0.3
    with c.faults.disk("w1", fsync_delay="200ms"):
        assert written() < 0.05
    c.sleep("1s")
    assert written() < 0.05 and leader


def again(c: sp.Swarm, node: str) -> list[str]:
    """Kills and starts it; what its disk said of that."""
    core: Any = c._world.core  # type: ignore[attr-defined]
    core.take_trace()
    c.nodes[node].kill()
    c.nodes[node].restart()
    return [str(line) for line in core.take_trace() if "sim.disk" in str(line)]


def test_a_tail_is_lost_once_whatever_else_begins(c: sp.Swarm) -> None:
    c.services.create("nginx", name="web", replicas=6).wait()
    c.faults.disk("w1", lost_tail=2)
    (lost,) = again(c, "w1")
    assert "lost its last 2 durable batches" in lost
    c.sleep("5s")
    c.faults.disk("w1", fsync_delay="1ms")
    assert again(c, "w1") == []


def test_operations_that_were_counted_stay_counted(c: sp.Swarm) -> None:
    c.faults.disk("m2", errors={"fsync": "EIO"}, after=6)
    for number in range(4):
        c.kv["k"] = number
        c.sleep("100ms")
    assert c.nodes["m2"].reachability == "reachable"
    c.faults.disk("m2", fsync_delay="1ms")  # another one, and the count goes on
    for number in range(4):
        c.kv["k"] = number
        c.sleep("100ms")
    assert c.run(lambda c: c.nodes["m2"].reachability == "unreachable", timeout="5s")
    assert c.nodes["m2"].alive
    c.heal()
    assert c.wait_converged("30s")


def test_an_older_copy_that_is_healed_before_the_restart_is_none(c: sp.Swarm) -> None:
    with c.faults.disk("w1", old_copy=True):
        c.services.create("nginx", name="web", replicas=6).wait()
    core: Any = c._world.core  # type: ignore[attr-defined]
    core.take_trace()
    c.nodes["w1"].kill()
    c.nodes["w1"].restart()
    assert not [line for line in core.take_trace() if "older copy" in str(line)]
    with c.faults.disk("w1", old_copy=True):
        c.services["web"].scale(9).wait()
        c.nodes["w1"].kill()
        c.nodes["w1"].restart()
    assert [line for line in core.take_trace() if "older copy" in str(line)]


def test_a_port_is_taken_as_long_as_one_fault_says_so(c: sp.Swarm) -> None:
    def answers() -> bool:
        try:
            return c.http.get("w1:8080").status == 200
        except sp.Unreachable:
            return False

    one, two = c.faults.port("w1", 8080), c.faults.port("w1", 8080)
    c.services.create("nginx", name="web", replicas=2, ports=["8080:80"]).wait()
    c.sleep("1s")
    assert not answers() and c.http.get("w2:8080").status == 200
    one.heal()
    c.sleep("5s")
    assert not answers()
    two.heal()
    c.sleep("5s")
    assert answers()


def test_an_image_is_missing_as_long_as_its_fault_lasts_and_is_then_what_it_was(c: sp.Swarm) -> None:
    with c.faults.image("nginx", exists=False):
        web = c.services.create("nginx", name="web", replicas=1)
        c.sleep("3s")
        assert web.running == 0 and any("No such image" in task.error for task in c.peek().tasks)
    assert web.wait("30s") and web.running == 1
    with c.faults.image("nginx", exit_code=7, after="1s"):
        with c.faults.image("nginx", start="20ms"):
            pass
        web.scale(2)
        c.sleep("3s")
        assert any("(7)" in task.error for task in c.peek().tasks), [t.error for t in c.peek().tasks]
    assert web.wait("30s") and web.running == 2


# ---- the chronicle itself


def chronicle(c: sp.Swarm) -> dict[str, Any]:
    core: Any = c._world.core  # type: ignore[attr-defined]
    told: dict[str, Any] = json.loads(core.chronicle())
    return told


def rows(told: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [dict(zip(told[name]["columns"], row, strict=True)) for row in told[name]["rows"]]


def test_a_manager_that_is_started_again_has_a_role_again(c: sp.Swarm) -> None:
    core: Any = c._world.core  # type: ignore[attr-defined]
    core.record_chronicle(True)
    _, other = ends(c)
    c.sleep("100ms")
    c.nodes[other].kill()
    c.sleep("50ms")
    c.nodes[other].restart()
    c.sleep("2s")
    told = chronicle(c)
    which = [one["name"] for one in told["nodes"]].index(other)
    roles = [one["role"] for one in rows(told, "roles") if one["node"] == which]
    assert roles[-1] == "follower" and "" in roles and roles.index("follower") < roles.index("")


def test_a_service_is_told_of_when_somebody_changes_it(c: sp.Swarm) -> None:
    core: Any = c._world.core  # type: ignore[attr-defined]
    core.record_chronicle(True)
    web = c.services.create("nginx:1.10", name="web", replicas=2)
    web.wait()
    web.update(image="nginx:1.11").wait()
    c.sleep("20s")
    web.remove()
    c.sleep("1s")
    texts = [one["text"] for one in rows(chronicle(c), "notes") if one["name"] == "web"]
    assert texts == ["is created", "is updated", "is removed"]
