"""What only real daemons can show: nodes of their own, Ctrl-C in every wait, no life after Python's death."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

import swarmpy as sp
from ctrl_c import pressed_ctrl_c

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def c() -> Iterator[sp.Swarm]:
    with sp.Swarm(managers=3, workers=1, mode="real") as swarm:
        yield swarm


def test_the_same_names_on_real_daemons(c: sp.Swarm) -> None:
    assert [node.name for node in c.nodes] == ["m1", "m2", "m3", "w1"]
    assert {node.state for node in c.nodes} == {"ready"} and c.nodes.leader is not None
    assert (c.mode, c.seed, c.trace_hash) == ("real", None, None)
    assert c.nodes["w1"].docker_host.startswith("unix://")
    web = c.services.create("nginx:1.10", name="web", replicas=3)
    assert web.wait() and web.running == 3
    assert any("listening" in str(line) for line in web.logs())
    assert {task.image for task in web.tasks} == {"nginx:1.10"}
    assert "web" in repr(c) and "<table>" in c._repr_html_()


def test_what_only_a_simulator_can_do_is_refused_with_another_way(c: sp.Swarm) -> None:
    refused: list[Callable[[], object]] = [
        c.step,
        lambda: c.serve("unix:///tmp/never.sock"),
        lambda: c.nodes.add(cpus=2),
    ]
    for ask in refused:
        with pytest.raises(sp.NotSupportedInMode) as caught:
            ask()
        assert caught.value.hint


def test_an_interrupt_ends_every_wait_at_once(c: sp.Swarm) -> None:
    lost = c.services.create("unheard-of:1", name="lost")
    waits: list[Callable[[], object]] = [
        lambda: c.sleep("100s"),
        lambda: c.run(until=lambda c: False, timeout="100s"),
        lambda: lost.wait("100s"),
        lambda: list(c.events("task", timeout="100s")),
    ]
    for wait in waits:
        with pressed_ctrl_c(after=0.2, ends_within=0.4):
            wait()
    lost.remove()
    assert c.wait_converged(timeout="20s")


def test_what_one_changes_oneself_one_sees_at_once(c: sp.Swarm) -> None:
    worker = c.nodes["w1"]
    for _ in range(5):
        assert worker.drain().availability == "drain"
        assert worker.activate().availability == "active"


def test_the_leader_dies_and_another_goes_on(c: sp.Swarm) -> None:
    first = c.nodes.leader
    assert first is not None
    first.kill()
    assert not first.alive
    assert c.run(until=lambda c: c.nodes.leader is not None, timeout="20s")
    assert c.services["web"].scale(4).wait()
    first.restart()
    assert c.wait_converged(timeout="30s")


def test_nodes_of_their_own_form_a_swarm() -> None:
    with sp.Node("m1", mode="real") as m1, sp.Node("w1", mode="real") as w1:
        m1.swarm.init()
        w1.swarm.join(m1.swarm.join_token("worker"), m1)
        assert sp.Node("held-only-by-its-swarm", mode="real").swarm.state == "inactive"
        swarm = sp.connect(m1)
        assert [node.name for node in swarm.nodes] == ["m1", "w1"]
        outside = sp.connect(m1.docker_host)
        assert outside.services.create("nginx", name="web", replicas=2).wait()
        assert "2/2" in repr(sp.connect(m1.docker_host))
        assert [node.name for node in outside.nodes] == ["m1", "w1"]
        w1.kill()
        assert swarm.run(until=lambda c: c.nodes["w1"].state == "down", timeout="20s")
        with pytest.raises(sp.NotSupportedInMode):
            outside.nodes["w1"].kill()


def test_the_death_of_python_ends_what_it_started() -> None:
    script = (
        "import os, signal, swarmpy as sp\n"
        "c = sp.Swarm(mode='real')\n"
        "c.services.create('nginx', replicas=2).wait()\n"
        "print(c.nodes['m1'].docker_host, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True, timeout=60
    )
    host = done.stdout.strip()
    assert done.returncode == -signal.SIGKILL and host.startswith("unix://"), done.stderr
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            sp.connect(host)
        except sp.Unreachable:
            return
        time.sleep(0.05)
    pytest.fail("the daemon outlived its Python")
