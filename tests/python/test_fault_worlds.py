"""The same scripts with faults, in the simulator and with real daemons; and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import swarmpy as sp
from swarmpy._cluster import Door, LocalCluster, LocalNode
from swarmpy._cluster.processes import arguments, state
from swarmpy._faults.ledger import Page
from swarmpy._faults.real import RealBreaker

WORLDS = ["sim", pytest.param("real", marks=pytest.mark.real)]


@pytest.fixture(params=WORLDS)
def swarm(request: pytest.FixtureRequest) -> Iterator[sp.Swarm]:
    with sp.Swarm(managers=3, workers=2, mode=request.param, seed=11) as c:
        yield c
        c.heal()
        assert not c.faults.active
        assert all(node.alive for node in c.nodes)
        if request.param == "real":
            assert _left(c) == []
    if request.param == "real":
        assert not _keepers()


def _left(c: sp.Swarm) -> list[str]:
    """Stopped daemons, and rules inside of those that run."""
    nodes = c._world._cluster.nodes  # type: ignore[attr-defined]
    found = [node.name for node in nodes if node.stopped]
    return found + [str(rule) for node in nodes for rule in node.door.get("/swarmpy/v1/faults")]


def _keepers() -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if "swarmpy._faults.keeper" in words:
                found.append(words)
    return found


def _another_leads(c: sp.Swarm, old: str) -> bool:
    return c.run(lambda c: c.nodes.leader is not None and c.nodes.leader.name != old, timeout="30s")


def partition_of_the_leader(c: sp.Swarm) -> None:
    old = c.nodes.leader
    assert old is not None
    with c.faults.partition("leader") as fault:
        assert fault.fault.args["of"] == old.name
        assert _another_leads(c, old.name)
        c.services.create("nginx", name="web", replicas=1)
    assert c.wait_converged("40s")


def one_way_partition_of_the_leader(c: sp.Swarm) -> None:
    old = c.nodes.leader
    assert old is not None
    with c.faults.partition("leader", one_way=True):
        assert _another_leads(c, old.name)


def a_frozen_leader_is_followed(c: sp.Swarm) -> None:
    old = c.nodes.leader
    assert old is not None
    with c.faults.freeze("leader", for_="20s"):
        assert _another_leads(c, old.name)


def a_frozen_worker_goes_on(c: sp.Swarm) -> None:
    fault = c.faults.freeze("w1", for_="1s")
    assert fault.active and c.nodes["w1"].alive
    assert c.run(lambda c: not fault.active, timeout="10s")


def killed_for_a_while(c: sp.Swarm) -> None:
    fault = c.faults.kill("w2", for_="1s")
    assert not c.nodes["w2"].alive
    assert c.run(lambda c: not fault.active and c.nodes["w2"].alive, timeout="20s")


def stopped_and_powered_off(c: sp.Swarm) -> None:
    with c.faults.stop("w1"):
        assert c.run(lambda c: not c.nodes["w1"].alive, timeout="20s")
    with c.faults.power_off("w2"):
        assert not c.nodes["w2"].alive
    assert c.run(lambda c: c.nodes["w1"].alive and c.nodes["w2"].alive, timeout="20s")


def quiet_holds_back_what_is_to_come(c: sp.Swarm) -> None:
    before = len(c.faults.history)
    with c.faults.run(["freeze w1 at 500ms for 300ms"]) as plan:
        assert c.faults.quiet("1500ms")
        assert len(c.faults.history) == before and not plan.over
        assert c.run(lambda c: plan.active, timeout="5s")
        plan.wait()
        assert plan.over and len(c.faults.history) == before + 1


def a_slow_network_is_slow(c: sp.Swarm) -> None:
    with c.faults.net(between=("*", "*"), latency="150ms", jitter="10ms"):
        begun = c.now
        c.services.create("nginx", name="web", replicas=1)
        slow = c.now - begun
    assert slow > 0.25  # to a follower and back
    assert c.wait_converged("40s")


def a_lossy_network_loses_no_write(c: sp.Swarm) -> None:
    with c.faults.net(between=("*", "*"), loss=0.1, duplicate=0.1, reorder=0.1):
        c.services.create("nginx", name="web", replicas=2)
        assert c.services["web"].wait("40s")


def held_frames_come_in_a_burst(c: sp.Swarm) -> None:
    leader = c.nodes.leader
    assert leader is not None
    with c.faults.hold(leader.name, "*", for_="30s"):
        assert _another_leads(c, leader.name)
    assert c.wait_converged("40s")


def a_skewed_clock_harms_nothing(c: sp.Swarm) -> None:
    with c.faults.clock("m2", skew="-1h"), c.faults.clock("m3", drift=1.05):
        assert c.services.create("nginx", name="web", replicas=2).wait("40s")


def a_full_disk_ends_a_managers_part_and_no_daemon(c: sp.Swarm) -> None:
    victim = next(node.name for node in c.nodes if not node.is_leader and node.name.startswith("m"))
    with c.faults.disk(victim, full=True):
        c.services.create("nginx", name="web", replicas=1)
        assert c.run(lambda c: c.nodes[victim].reachability == "unreachable", timeout="20s")
        assert c.nodes[victim].alive
    assert c.run(lambda c: c.nodes[victim].reachability == "reachable", timeout="20s")


def a_slow_disk_is_slow(c: sp.Swarm) -> None:
    slow = [c.faults.disk(name, fsync_delay="200ms", for_="20s") for name in ("m1", "m2", "m3")]
    begun = c.now
    c.services.create("nginx", name="web", replicas=1)
    assert c.now - begun > 0.19
    for one in slow:
        one.heal()


def a_throttled_node_still_works(c: sp.Swarm) -> None:
    with c.faults.throttle("w1", factor=5):
        assert c.services.create("nginx", name="web", replicas=2).wait("40s")


def tasks_of_a_broken_image(c: sp.Swarm) -> None:
    with c.faults.image("nginx:1.10", exit_code=3, after="200ms"):
        web = c.services.create("nginx:1.10", name="web", replicas=1, restart_max_attempts=1)
        assert c.run(lambda c: any(task.exit_code == 3 for task in web.tasks), timeout="30s")
    with c.faults.image("nginx:1.11", exists=False):
        no = c.services.create("nginx:1.11", name="no", replicas=1)
        assert c.run(lambda c: any("No such image" in task.error for task in no.tasks), timeout="30s")


def a_killed_task_is_replaced(c: sp.Swarm) -> None:
    web = c.services.create("nginx", name="web", replicas=2)
    web.wait()
    old = web.tasks.running[0]
    c.faults.kill(old)
    assert c.run(lambda c: all(task.id != old.id for task in web.tasks.running), timeout="20s")
    assert web.wait()
    with pytest.raises(sp.NotFound, match=r'"web.[12]"'):
        c.faults.kill("wbe.1")
    with c.faults.freeze(web.tasks.running[0].node):
        victim = web.tasks.running[0]
        c.faults.kill(f"web.{victim.slot}")  # no daemon has to be asked
    assert [one.kind for one in c.faults.history] == ["kill_task", "freeze", "kill_task"]
    assert c.run(lambda c: any(t.id == victim.id and t.exit_code == 137 for t in web.tasks), timeout="20s")


def a_taken_port(c: sp.Swarm) -> None:
    with c.faults.port("w1", 8088):
        c.services.create("nginx", name="web", replicas=1, ports=["8088:80"]).wait()
        assert c.http.get("m1:8088").status == 200
        with pytest.raises(sp.Unreachable):
            c.http.get("w1:8088", timeout="1s")
    assert c.run(lambda c: _answers(c, "w1:8088"), timeout="20s")  # the node tries again


def _answers(c: sp.Swarm, where: str) -> bool:
    try:
        return c.http.get(where, timeout="1s").status == 200
    except sp.Unreachable:
        return False


def healed_on_exception_and_interrupt(c: sp.Swarm) -> None:
    for stop in (ZeroDivisionError, KeyboardInterrupt):
        with pytest.raises(stop), c.faults.freeze("w1"), c.faults.partition("w2"), c.faults.kill("m1"):
            assert len(c.faults.active) == 3
            raise stop
        assert not c.faults.active and c.nodes["m1"].alive
    assert [one.kind for one in c.faults.history] == ["freeze", "partition", "kill"] * 2


def a_restarted_node_has_its_faults_again(c: sp.Swarm) -> None:
    with c.faults.partition("w1"):
        c.nodes["w1"].kill()
        c.nodes["w1"].restart()
        assert c.run(lambda c: c.nodes["w1"].state == "down", timeout="40s")
        assert not c.run(lambda c: c.nodes["w1"].state == "ready", timeout="3s")
    assert c.run(lambda c: c.nodes["w1"].state == "ready", timeout="40s")


def a_plan_and_quiet(c: sp.Swarm) -> None:
    with c.faults.run(
        ["freeze w1 at 200ms for 300ms", "kill w2 at 500ms for 300ms", "kill m1 at 1h"]
    ) as plan:
        c.sleep("3s")
        assert [str(one) for one in c.faults.history if one.kind == "freeze"]
        assert not plan.active
    c.faults.freeze("w1")
    assert c.faults.quiet("3s")
    assert [one.fault.kind for one in c.faults.active] == ["freeze"]


SCRIPTS: list[Callable[[sp.Swarm], None]] = [
    partition_of_the_leader,
    one_way_partition_of_the_leader,
    a_frozen_leader_is_followed,
    a_frozen_worker_goes_on,
    killed_for_a_while,
    stopped_and_powered_off,
    quiet_holds_back_what_is_to_come,
    a_slow_network_is_slow,
    a_lossy_network_loses_no_write,
    held_frames_come_in_a_burst,
    a_skewed_clock_harms_nothing,
    a_full_disk_ends_a_managers_part_and_no_daemon,
    a_slow_disk_is_slow,
    a_throttled_node_still_works,
    tasks_of_a_broken_image,
    a_killed_task_is_replaced,
    a_taken_port,
    healed_on_exception_and_interrupt,
    a_restarted_node_has_its_faults_again,
    a_plan_and_quiet,
]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_in_both_worlds(swarm: sp.Swarm, script: Callable[[sp.Swarm], None]) -> None:
    script(swarm)


# ---- real daemons alone


@pytest.mark.real
@pytest.mark.parametrize("swarm", ["real"], indirect=True)
def test_what_overlaps_holds_until_the_last_is_over(swarm: sp.Swarm) -> None:
    c = swarm
    with c.faults.freeze("w1"):
        c.faults.kill("w1").heal()
        assert c.nodes["w1"].alive and c.run(lambda c: c.nodes["w1"].state == "down", timeout="40s")
    assert c.run(lambda c: c.nodes["w1"].state == "ready", timeout="40s")
    with c.faults.freeze("w2"):
        c.faults.stop("w2").heal()  # it hears that when it goes on
    assert c.run(lambda c: c.nodes["w2"].alive and c.nodes["w2"].state == "ready", timeout="40s")
    with c.faults.kill("w2"):
        late = c.faults.freeze("w2", for_="30s")
    assert late.active and c.run(lambda c: c.nodes["w2"].state == "down", timeout="40s")


@pytest.mark.real
def test_what_real_daemons_cannot_do_names_the_way() -> None:
    with sp.Swarm(managers=1, workers=1, mode="real") as c:
        for wrong in (
            lambda: c.faults.disk("m1", lost_tail=1),
            lambda: c.faults.disk("m1", flip=1),
            lambda: c.faults.disk("m1", torn=True),
            lambda: c.faults.add("transfer"),
            lambda: c.faults.disk("m1", errors={"read": "EIO"}),
        ):
            with pytest.raises(sp.NotSupportedInMode) as error:
                wrong()
            assert "Hint" in str(error.value)
        assert "when it starts" in error.value.message
        with pytest.raises(sp.NotFound, match="w11"):
            c.faults.freeze("w11")
        with pytest.raises(sp.NotFound, match='"leader"'):
            c.faults.freeze("ledaer")
        with sp.connect(c.nodes["m1"].docker_host) as other:
            with pytest.raises(sp.NotSupportedInMode):
                other.faults.freeze("w1")
            other.heal()
        door = c._world._cluster.node("m1").door  # type: ignore[attr-defined]
        with pytest.raises(sp.InvalidArgument, match="kill"):
            door.post("/swarmpy/v1/faults", {"kind": "kil"})


def _interrupted_after(act: Callable[..., Any]) -> Callable[..., Any]:
    """Ctrl-C once, when it has just been done in the main thread, which is where Python raises it."""
    left = [KeyboardInterrupt()]

    def once(*all_: Any, **named: Any) -> Any:
        result = act(*all_, **named)
        if left and threading.current_thread() is threading.main_thread():
            raise left.pop()
        return result

    return once


@pytest.mark.real
def test_ctrl_c_in_the_middle_of_a_begin_or_an_end_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with sp.Swarm(managers=1, workers=1, mode="real") as c:
        for place, name in ((Door, "post"), (RealBreaker, "_write_down"), (RealBreaker, "_act")):
            with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
                patch.setattr(place, name, _interrupted_after(getattr(place, name)))
                c.faults.partition("w1")
            assert not _left(c) and not c.faults.active
        for place, name in ((RealBreaker, "_undo"), (Page, "take"), (LocalNode, "_spawn")):
            c.faults.partition("w1"), c.faults.kill("w1")
            with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
                patch.setattr(place, name, _interrupted_after(getattr(place, name)))
                for one in c.faults.active[::-1]:
                    one.heal()
            c.heal()
            assert c.nodes["w1"].alive and not _left(c) and not c.faults.active
        with sp.attach(c.name) as other:
            other.faults.freeze("w1")
        assert not _left(c) and not c.faults.active


@pytest.mark.real
def test_heal_waits_for_what_a_timer_is_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    put_right, taken = RealBreaker._put_right, threading.Event()

    def slowly(self: RealBreaker, entry: Any) -> None:
        taken.set()
        threading.Event().wait(0.3)
        put_right(self, entry)

    with sp.Swarm(managers=1, workers=1, mode="real") as c:
        monkeypatch.setattr(RealBreaker, "_put_right", slowly)
        c.faults.freeze("w1", for_="50ms")
        assert taken.wait(10)
        c.heal()
        assert not _left(c)


@pytest.mark.real
def test_an_older_copy_of_a_disk_is_put_back_once_at_the_next_start() -> None:
    with sp.Swarm(managers=1, workers=1, mode="real") as c:
        c.services.create("nginx", name="kept", replicas=0)
        with c.faults.disk("m1", old_copy=True):
            c.services.create("nginx", name="lost", replicas=0)
            c.faults.kill("m1").heal()
            c.wait_leader()
            assert [service.name for service in c.services] == ["kept"]
            c.services.create("nginx", name="after", replicas=0)
            c.faults.kill("m1").heal()
            c.wait_leader()
            assert sorted(service.name for service in c.services) == ["after", "kept"]
        with c.faults.disk("w1", old_copy=True, fsync_delay="1ms"), c.faults.kill("w1"):
            pass
        folder = c._world._cluster.folder  # type: ignore[attr-defined]
        assert c.wait_converged("20s") and not list(folder.glob("old-copies/*"))


@pytest.mark.real
def test_requests_over_a_link_feel_its_faults() -> None:
    with sp.Swarm(managers=1, workers=2, mode="real") as c:
        only = {"constraints": ["node.hostname==w2"], "ports": ["8080:80"]}
        assert c.services.create("nginx", name="web", replicas=1, **only).wait()

        def asked(node: str = "w1") -> float:
            begun = c.now
            assert c.http.get(f"{node}:8080", timeout="5s").status == 200
            return c.now - begun

        asked(), asked("m1")
        with c.faults.net(between=("w1", "w2"), latency="60ms"):
            assert asked() > 0.23  # there and back, twice: a connection, a request
            assert min(asked("m1") for _ in range(3)) < 0.2
        with c.faults.net(from_="w1", to="w2", latency="60ms"):
            assert asked() > 0.11
        c.faults.hold("w1", "w2", for_="300ms")
        assert asked() > 0.2
        assert min(asked() for _ in range(3)) < 0.2


@pytest.mark.real
def test_the_command_breaks_and_heals_a_cluster_of_another_process(tmp_path: Path) -> None:
    env = {**os.environ, "SWARMPY_HOME": str(tmp_path)}

    def swarmpy(*words: str, ok: bool = True) -> str:
        ran = subprocess.run(
            [sys.executable, "-m", "swarmpy.cli", *words],
            check=False,
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (ran.returncode == 0) == ok, ran.stderr
        return ran.stdout if ok else ran.stderr

    swarmpy("up", "--managers", "3", "--workers", "1")
    try:
        assert "freeze w1 for 5s" in swarmpy("fault", "freeze", "w1", "--for", "5s")
        assert json.loads(swarmpy("fault", "list", "--json"))[0]["fault"]["kind"] == "freeze"
        net = json.loads(swarmpy("fault", "net", "m1", "*", "--latency", "20ms", "--one-way", "--json"))
        assert net["fault"]["latency"] == "20ms" and net["fault"]["both"] is False
        assert "w1" in swarmpy("fault", "freeze", "w11", ok=False)
        assert "freeze" in swarmpy("fault", "freze", "w1", ok=False)
        assert "swarmpy fault stop leader" in swarmpy("fault", "transfer", ok=False)
        swarmpy("fault", "partition", "leader", "--for", "30s")
        swarmpy("fault", "kill", "w1")
        deadline = time.monotonic() + 10
        while "freeze" in swarmpy("fault", "list") and time.monotonic() < deadline:
            time.sleep(0.1)
        listed = swarmpy("fault", "list")
        assert "freeze" not in listed and "partition" in listed and "kill w1" in listed
        plan = tmp_path / "plan.txt"
        plan.write_text("freeze m2 for 300ms\nkill_task web.9\n")
        swarmpy("fault", "heal")
        assert swarmpy("fault", "list").split() == ["ID", "FAULT"]
        assert "partition" in swarmpy("fault", "history")
        ran = json.loads(swarmpy("fault", "run", str(plan), "--json"))
        assert ran["ran"] == 1 and "web.9 did not begin: running task web.9" in ran["skipped"][0]
    finally:
        swarmpy("down", "--all")


@pytest.mark.real
def test_a_power_loss_that_is_interrupted_in_its_silence_was_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    with sp.Swarm(managers=1, workers=1, mode="real") as c:
        daemon = LocalCluster.open(str(c.name)).node("w1").pid
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr("swarmpy._faults.real.time.sleep", interrupt)
            c.faults.power_off("w1")
        node = LocalCluster.open(str(c.name)).node("w1")
        assert node.pid == daemon and not node.stopped
        assert not c.faults.active and not c.faults.history
        assert c.wait_converged("10s")


@pytest.mark.real
@pytest.mark.parametrize("fault", ["freeze", "power_off"])
def test_daemons_that_stand_still_end_with_their_python(tmp_path: Path, fault: str) -> None:
    code = (
        "import swarmpy as sp, time; c = sp.Swarm(managers=1, workers=1, mode='real', name='gone')\n"
        f"c.faults.{fault}('w1'); time.sleep(60)"
    )
    env = {**os.environ, "SWARMPY_HOME": str(tmp_path)}
    python = subprocess.Popen([sys.executable, "-c", code], env=env)
    assert _until(lambda: "T" in _states_of(f"{tmp_path}/gone/w1"))  # power off: dead 0.7 s later, by Python
    python.send_signal(signal.SIGKILL)
    python.wait()
    assert _until(lambda: not _states_of(str(tmp_path)))


@pytest.mark.real
def test_a_process_that_has_a_dead_daemons_number_is_not_touched() -> None:
    with sp.Swarm(managers=1, workers=1, mode="real") as c:
        node = c._world._cluster.node("w1")  # type: ignore[attr-defined]
        c.nodes["w1"].kill()
        stranger = subprocess.Popen(["sleep", "60"])
        reader = subprocess.Popen(["tail", "-f", "/dev/null", str(node.data_root)], stderr=subprocess.DEVNULL)
        try:
            for other in (stranger, reader):
                (node.folder / "w1.pid").write_text(str(other.pid))
                for kind in ("kill", "stop", "power_off", "freeze"):
                    c.faults.add(f"{kind} w1")
                assert other.poll() is None and state(other.pid) == "S"
            c.heal()
            assert node.alive and node.pid not in (stranger.pid, reader.pid)
        finally:
            for other in (stranger, reader):
                other.kill()
                other.wait()


def _until(holds: Callable[[], bool], seconds: float = 15) -> bool:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return holds()


def _states_of(words: str) -> list[str]:
    """Of the processes with these words in their command lines, as /proc tells it: "T" stands still."""
    numbers = [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit()]
    own = os.getpid()
    return [state(one) for one in numbers if one != own and any(words in word for word in arguments(one))]
