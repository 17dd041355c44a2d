"""Probes and the load of an experiment, asked by hand: the Chaos Toolkit itself is not needed."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

import swarmpy as sp
from swarmpy.chaos import actions, load, probes, stage
from swarmpy.peek import PeekRaft


@pytest.fixture
def c() -> Iterator[sp.Swarm]:
    with sp.Swarm(managers=3, workers=2, seed=6) as swarm, stage.given(swarm):
        swarm.services.create(
            "nginx", name="web", replicas=4, ports=["8080:80"], constraints=["node.role==worker"]
        ).wait()
        swarm.sleep("1s")
        yield swarm
        load.forget()


def test_what_is_there_and_what_is_missing(c: sp.Swarm) -> None:
    assert (probes.running_tasks("web"), probes.unavailable_replicas("web")) == (4, 0)
    assert probes.ready_nodes() == 5 and probes.has_quorum() and probes.converged()
    assert probes.leader() == c.wait_leader().name and probes.term() == c.peek().term
    assert probes.time_since_leader() == 0.0
    c.nodes["w1"].kill()
    c.nodes["w2"].kill()
    assert not probes.converged() or c.run(lambda c: not probes.converged(), timeout="20s")
    assert c.run(lambda c: probes.running_tasks("web") == 0, timeout="40s")
    assert probes.unavailable_replicas("web") == 4 and probes.ready_nodes() == 3
    c.services["web"].scale(2)
    assert probes.unavailable_replicas("web") == 2
    c.nodes["w1"].restart()
    c.nodes["w2"].restart()
    assert c.wait_converged() and probes.converged() and probes.unavailable_replicas("web") == 0


def test_a_service_that_there_is_not_is_no_zero(c: sp.Swarm) -> None:
    for probe in (probes.running_tasks, probes.unavailable_replicas):
        with pytest.raises(sp.NotFound, match=r'service wbe not found|no service "wbe"') as caught:
            probe("wbe")
        assert "web" in caught.value.hint


def test_a_follower_that_hears_nothing_lags(c: sp.Swarm) -> None:
    assert probes.raft_lag() <= 1
    follower = next(n.name for n in c.nodes if n.role == "manager" and n.name != probes.leader())
    with c.faults.partition(follower):
        c.services["web"].scale(8)
        c.sleep("1s")
        views = {one.node: one for one in c.peek().raft}
        assert probes.raft_lag() == views[probes.leader()].commit - views[follower].applied > 3
    c.sleep("5s")
    assert probes.raft_lag() <= 1


def test_a_manager_lags_by_what_it_has_not_applied() -> None:
    rows = [("m1", 9, 8), ("m2", 12, 5), ("m3", 7, 7)]
    raft = [PeekRaft(name, 1, "follower", "m1", commit, applied) for name, commit, applied in rows]
    state: Any = SimpleNamespace(raft=raft)
    lag: Any = probes.OF_STATE["raft_lag"]
    assert lag(state) == 12 - 5


def test_without_a_quorum_probes_have_values_all_the_same(c: sp.Swarm) -> None:
    for name in ("m1", "m2"):
        c.nodes[name].kill()
    c.sleep("10s")
    assert (probes.has_quorum(), probes.leader(), probes.converged()) == (False, "", False)
    assert 0 < probes.time_since_leader() <= 10.1


def test_the_load_is_measured(c: sp.Swarm) -> None:
    with pytest.raises(ValueError, match="start_load first"):
        probes.error_rate()
    load.start(c, "web", 8080, 50, ["m1"])
    assert probes.error_rate() == 0.0 and probes.p99_latency_ms() == 0.0, "nothing has ended yet"
    c.sleep("2s")
    assert probes.error_rate() == 0.0
    assert probes.p99_latency_ms() == load.current().p99 * 1000 > 0.1
    c.nodes["m1"].kill()
    c.sleep("2s")
    assert probes.error_rate() == pytest.approx(0.5, abs=0.02)
    c.sleep("4s")
    assert probes.error_rate() == pytest.approx(0.75, abs=0.02)
    counts = load.stop()
    assert counts["ok"] == pytest.approx(100, abs=2) and counts["failed"] == pytest.approx(300, abs=2)


def test_a_published_port_is_asked(c: sp.Swarm) -> None:
    assert probes.http_status("w1", 8080) == 200 and probes.http_status("w1", 8081) == 0


def test_actions_do_what_they_say_for_as_long_as_they_say(c: sp.Swarm) -> None:
    for text, action in (
        ("kill w1 for 2s", lambda: actions.kill_node("w1", for_="2s")),
        ("freeze w1 for 2s", lambda: actions.freeze_node("w1", for_=2)),
        ("power_off w1 for 2s", lambda: actions.power_off_node("w1", for_="2s")),
        ("stop w1 for 2s", lambda: actions.stop_node("w1", for_="2s")),
        ("partition w1 one-way for 2s", lambda: actions.partition("w1", one_way=True, for_="2s")),
        ("partition m1 | w1 w2 for 2s", lambda: actions.partition(groups=[["m1"], ["w1", "w2"]], for_="2s")),
        ("cut m1 -> w1 for 2s", lambda: actions.cut_link("m1", "w1", both=False, for_="2s")),
        ("net m1 <-> w1 loss 0.5 for 2s", lambda: actions.degrade_network("m1", "w1", loss=0.5, for_="2s")),
        ("clock w1 skew -1s for 2s", lambda: actions.skew_clock("w1", skew="-1s", for_="2s")),
        ("disk w1 fsync_delay 5ms for 2s", lambda: actions.disk_fault("w1", fsync_delay="5ms", for_="2s")),
        ("throttle w1 factor 3 for 2s", lambda: actions.throttle_node("w1", 3, for_="2s")),
        ("port w1 9090 for 2s", lambda: actions.occupy_port("w1", 9090, for_="2s")),
    ):
        assert action() == text
        assert [str(one.fault) for one in c.faults.active] == [text]
        c.sleep("1.999s")
        assert c.faults.active
        c.sleep("2ms")
        assert not c.faults.active
    leader = c.wait_leader().name
    assert actions.isolate_leader(for_="1s") == f"partition {leader} for 1s"
    actions.freeze_node("w2")
    actions.heal()
    assert not c.faults.active and c.wait_converged("60s")


def test_the_task_of_a_slot_is_killed(c: sp.Swarm) -> None:
    assert {actions.kill_task("web", slot=3) for _ in range(1)} == {"web.3"}
    c.sleep("10s")
    for slot in (1, 2, 4):
        assert actions.kill_task("web", slot=slot) == f"web.{slot}"
    with pytest.raises(ValueError, match="no task of web runs in slot 9"):
        actions.kill_task("web", slot=9)
