"""`sp.check_events` and `swarmpy check` over real daemons, by what they have recorded themselves."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import swarmpy as sp
from local import own_home, swarmpy

pytestmark = pytest.mark.real
FINE = [
    "one_leader_per_term",
    "no_lost_commits",
    "log_matching",
    "at_most_one_per_slot",
    "replicas_at_most_desired",
    "update_pace",
    "quorum_kept",
]
THREE = "at_least_running web 3"


@pytest.fixture(scope="module")
def c() -> Iterator[sp.Swarm]:
    with own_home(), sp.Swarm(managers=3, workers=1, mode="real", name="lab") as swarm:
        swarm.services.create("swarmpy/web", name="web", replicas=3).wait()
        yield swarm


def test_a_healthy_run_holds_and_a_killed_task_breaks_it_afterwards(c: sp.Swarm, tmp_path: Path) -> None:
    found = sp.check_events(c, [THREE, *FINE])
    assert found and not found.notes, found
    assert found.counts["changes"] > 10 and found.counts["raft"] > 3 and found.counts["logs"] > 30
    web, killed = c.services["web"], c.now
    web.tasks[0].kill()
    c.run(until=lambda c: c.peek().running("web") < 3, timeout="30s")
    web.wait()
    (one,) = sp.check_events(c, THREE).broken
    assert one.at is not None and killed <= one.at <= c.now and "web ran 2 tasks" in one.why
    path = str(tmp_path / "run.events")
    ran = swarmpy("check", "--always", THREE, "--always", FINE[0], "--json", "--record", path)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    told = json.loads(ran.stdout)
    assert [row["state"] for row in told["invariants"]] == ["broken", "holds"] and not told["notes"]
    again = swarmpy("check", path, "--always", THREE)
    assert again.returncode == 1 and "web ran 2 tasks" in again.stdout
    web.update(image="swarmpy/web:2")
    web.wait()
    found = sp.check_events(c, FINE)
    assert found, found


def test_a_watch_sees_what_is_killed_while_it_watches(c: sp.Swarm) -> None:
    c.services["web"].wait()
    command = [
        sys.executable,
        "-m",
        "swarmpy.cli",
        "check",
        "--always",
        "at_most_running web 3",
        "--for",
        "60s",
    ]
    watch = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        c.sleep("2s")
        c.services["web"].scale(4)
        assert watch.stderr is not None
        line = watch.stderr.readline()
        assert "BROKEN at" in line and "web ran 4 tasks" in line
        began = time.monotonic()
        watch.send_signal(signal.SIGINT)
        out, err = watch.communicate(timeout=20)
        assert time.monotonic() - began < 2 and "Traceback" not in err
        assert watch.returncode == 1 and "BROKEN: at_most_running(web, 3)" in out
    finally:
        watch.kill()
        c.services["web"].scale(3)
        c.services["web"].wait()


def test_a_lost_leader_leaves_nothing_unsaid(c: sp.Swarm) -> None:
    old = c.wait_leader()
    old.kill()
    c.wait_leader(other_than=old, timeout="30s")
    found = sp.check_events(c, ["one_leader_per_term", "no_lost_commits", "log_matching", "quorum_kept"])
    assert found, found
    assert f"what only {old.name} saw: it does not answer" in " ".join(found.notes)
    assert swarmpy("check", "--always", "one_leader_per_term", "--strict").returncode == 2
    old.restart()
    c.assert_converged(timeout="60s")
    found = sp.check_events(c, ["one_leader_per_term", "no_lost_commits", "log_matching"], for_="1s")
    assert found, found
    assert f"{old.name} was started again and forgot what it saw, so what was before" in " ".join(found.notes)


def test_a_host_is_asked_alone_or_with_others(c: sp.Swarm) -> None:
    hosts = [c.nodes[name].docker_host for name in ("m1", "m2", "m3")]
    one = swarmpy("check", "--host", hosts[0], "--always", "quorum_kept")
    assert one.returncode == 2 and "it was not seen which managers run" in one.stdout
    words = [word for host in hosts for word in ("--host", host)]
    all_three = swarmpy("check", *words, "--always", "quorum_kept", "--always", "one_leader_per_term")
    assert all_three.returncode == 0, all_three.stdout + all_three.stderr
    wrong = swarmpy("check", "--always", "at_least_running wbe 3")
    assert wrong.returncode == 2 and 'Did you mean "web"' in wrong.stderr
    assert swarmpy("check", "--cluster", "nowhere").returncode == 2
    assert swarmpy("check", "--host", "tcp://127.0.0.1:1").returncode == 2


def test_quorum_that_is_lost_while_it_is_watched_is_found(c: sp.Swarm) -> None:
    with c.faults.freeze("m1"), c.faults.freeze("m2"):
        at_once = sp.check_events(c, "quorum_kept")
        found = sp.check_events(c, "quorum_kept", for_="12s")
    assert at_once.exit_code == 2, "an answer that is late is none that says no"
    assert found.broken[0].name == "quorum_kept" and "more than half are needed" in found.broken[0].why
