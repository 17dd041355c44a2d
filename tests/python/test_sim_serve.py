"""Docker's own clients at the door of a simulated swarm; 1,000 nodes."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import swarmpy as sp

docker = pytest.mark.skipif(shutil.which("docker") is None, reason="no docker CLI on this machine")


def run_docker(host: str, *words: str) -> str:
    done = subprocess.run(
        ["docker", *words],
        check=False,
        env={**os.environ, "DOCKER_HOST": host},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def thousand() -> Iterator[sp.Swarm]:
    with sp.Swarm(managers=3, workers=997, seed=1) as swarm:
        yield swarm


def test_a_thousand_nodes_are_up_in_seconds(thousand: sp.Swarm) -> None:
    nodes = list(thousand.nodes)
    assert len(nodes) == 1000 and nodes[-1].name == "w997"
    assert {node.state for node in nodes} == {"ready"}
    assert "... and 995 more" in repr(thousand) and "<details>" in thousand._repr_html_()


def test_a_service_spreads_over_a_thousand_nodes(thousand: sp.Swarm) -> None:
    wide = thousand.services.create("nginx", name="wide", mode="global")
    outcome = wide.wait()
    assert outcome and outcome.wanted == 1000
    assert len({task.node for task in wide.tasks}) == 1000
    wide.remove()


@docker
def test_docker_lists_a_thousand_simulated_nodes(thousand: sp.Swarm, tmp_path: Path) -> None:
    with thousand.serve(f"unix://{tmp_path}/m1.sock", node="m1") as door:
        lines = run_docker(door.docker_host, "node", "ls").splitlines()
    assert lines[0].split()[:3] == ["ID", "HOSTNAME", "STATUS"]
    assert len(lines) == 1001 and sum("Ready" in line for line in lines) == 1000
    assert sum("Leader" in line for line in lines) == 1
    assert not (tmp_path / "m1.sock").exists(), "the door is gone with its socket"


@docker
def test_docker_and_python_drive_the_same_swarm(tmp_path: Path) -> None:
    with (
        sp.Swarm(managers=3, workers=2, seed=5) as c,
        c.serve(f"unix://{tmp_path}/m2.sock", node="m2") as door,
    ):
        run_docker(door.docker_host, "service", "create", "--name", "web", "--replicas", "3", "nginx:1.10")
        web = c.services["web"]
        assert web.running == 3
        web.scale(5)
        assert web.wait(timeout="20s")
        assert "5/5" in run_docker(door.docker_host, "service", "ls")
        assert len(run_docker(door.docker_host, "service", "ps", "-q", "web").split()) == 5


def test_time_follows_the_wall_clock_while_served_and_runs_free_after(tmp_path: Path) -> None:
    with sp.Swarm(seed=1) as c:
        with c.serve(f"unix://{tmp_path}/m1.sock") as door:
            assert door.docker_host == f"unix://{tmp_path}/m1.sock"
            began, virtual = time.monotonic(), c.now
            c.sleep("0.5s")
            assert 0.45 < time.monotonic() - began < 2
            time.sleep(0.3)
            assert 0.7 < c.now - virtual < 3, "it goes on while Python does something else"
            assert len(sp.connect(door.docker_host).nodes) == 1
        began = time.monotonic()
        c.sleep("60s")
        assert time.monotonic() - began < 10


def test_a_door_that_cannot_be_had_is_refused(tmp_path: Path) -> None:
    with sp.Swarm(seed=1) as c:
        with pytest.raises(sp.NotFound, match="no machine named m9"):
            c.serve(f"unix://{tmp_path}/m9.sock", node="m9")
        with pytest.raises(sp.SwarmError, match="cannot serve m1") as caught:
            c.serve("unix:///nowhere/at/all.sock")
        assert caught.value.hint
        before = c.now
        c.sleep("10s")
        assert c.now - before == pytest.approx(10), "a refused door does not slow time"


def test_a_dead_node_refuses_at_its_door_and_comes_back(tmp_path: Path) -> None:
    with sp.Swarm(managers=3, seed=1) as c, c.serve(f"unix://{tmp_path}/m3.sock", node="m3") as door:
        outside = sp.connect(door.docker_host)
        c.nodes["m3"].kill()
        with pytest.raises(sp.SwarmError, match="m3 is not running"):
            len(outside.nodes)
        c.nodes["m3"].restart()
        assert outside.run(until=lambda o: len(o.nodes) == 3, timeout="20s")
