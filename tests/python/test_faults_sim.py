"""Faults in the simulator: a crash at every single step of init, join, promote, demote and leave; pauses;
half and more of the managers gone and back. No person has to help afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

import swarmpy as sp
from swarmpy._core import World

ANYWHERE = "0.0.0.0:2377"


class Machines:
    """Simulated machines, asked over their API; nothing but the engine."""

    def __init__(self, *names: str) -> None:
        self.core = World(7)
        for name in names:
            self.add(name)

    def begin(self, name: str, method: str, target: str, body: object = None) -> int:
        text = b"" if body is None else json.dumps(body).encode()
        return self.core.call(name, method, target, [("content-type", "application/json")], text)

    def end(self, call: int, patience: float = 60) -> tuple[int, dict[str, object]]:
        self.core.wait_reply(call, "end", self.core.now_ns() + round(patience * 1e9))
        _, ended, status, _ = self.core.reply(call)
        body = self.core.take_body(call)
        assert ended, "no answer"
        return status, json.loads(body) if body.strip() else {}

    def ask(self, name: str, method: str, target: str, body: object = None) -> tuple[int, dict[str, object]]:
        return self.end(self.begin(name, method, target, body))

    def get(self, name: str, target: str) -> dict[str, object]:
        return self.ask(name, "GET", target)[1]

    def state(self, name: str) -> str:
        return str(self.get(name, "/info")["Swarm"]["LocalNodeState"])  # type: ignore[index]

    def until(self, holds: Callable[[Machines], bool], patience: float = 120) -> bool:
        end = self.core.now_ns() + round(patience * 1e9)
        while not holds(self):
            if self.core.now_ns() >= end:
                return False
            self.core.run_to(self.core.now_ns() + 200_000_000)
        return True

    def add(self, name: str) -> None:
        self.core.add_machine(name, {}, 4_000_000_000, 8 << 30)

    def has_leader(self) -> bool:
        return self.ask("m1", "GET", "/nodes")[0] == 200

    def crash_after(self, steps: int, victim: str) -> None:
        """The process dies, or the power goes; and it starts again."""
        for _ in range(steps):
            self.core.step()
        (self.core.power_off if steps % 2 else self.core.crash)(victim)
        self.core.start(victim)

    # ---- the operations

    def init(self, name: str) -> int:
        return self.begin(name, "POST", "/swarm/init", {"ListenAddr": ANYWHERE})

    def join(self, name: str, role: str) -> int:
        tokens = self.get("m1", "/swarm")["JoinTokens"]
        body = {"ListenAddr": ANYWHERE, "RemoteAddrs": [f"{self.core.address('m1')}:2377"]}
        return self.begin(name, "POST", "/swarm/join", {**body, "JoinToken": tokens[role]})  # type: ignore[index]

    def leave(self, name: str) -> int:
        return self.begin(name, "POST", "/swarm/leave?force=1")

    def node(self, name: str) -> dict[str, object]:
        """The entry of a machine that is in the swarm now."""
        identity = self.get(name, "/info")["Swarm"]["NodeID"]  # type: ignore[index]
        return self.get("m1", f"/nodes/{identity}")

    def set_role(self, name: str, role: str) -> int:
        node = self.node(name)
        spec = {**node["Spec"], "Role": role}  # type: ignore[dict-item]
        version = node["Version"]["Index"]  # type: ignore[index]
        return self.begin("m1", "POST", f"/nodes/{node['ID']}/update?version={version}", spec)

    def is_manager(self, name: str) -> bool:
        status = self.node(name).get("ManagerStatus")
        return bool(status) and status["Reachability"] == "reachable"  # type: ignore[index]


def formed(*others: str) -> Machines:
    machines = Machines("m1", *others)
    assert machines.end(machines.init("m1"))[0] == 200
    for name in others:
        assert machines.end(machines.join(name, "Manager" if name[0] == "m" else "Worker"))[0] == 200
    assert machines.until(lambda m: len(m.core.machines()) == len(ready(m)))
    return machines


def ready(machines: Machines) -> list[str]:
    nodes = machines.get("m1", "/nodes")
    return [n["ID"] for n in nodes if n["Status"]["State"] == "ready"]  # type: ignore[index, call-overload]


def usable(machines: Machines) -> None:
    """What is asked of it is done, and every invariant holds."""
    assert machines.until(Machines.has_leader)
    status, said = machines.ask("m1", "POST", "/services/create", SERVICE)
    assert status == 201, said
    running = '/tasks?filters={"desired-state":["running"]}'

    def runs() -> bool:
        return any(task["Status"]["State"] == "running" for task in machines.get("m1", running))  # type: ignore[index, call-overload]

    assert machines.until(lambda _: runs())
    machines.core.check_all()


SERVICE = {"Name": "web", "TaskTemplate": {"ContainerSpec": {"Image": "nginx:1.10"}}}


def steps_of(machines: Machines, operation: Callable[[], int], done: Callable[[Machines], bool]) -> range:
    """How many events an operation takes until all of it is done, looking included."""
    before = machines.core.events()
    assert machines.end(operation())[0] == 200
    assert machines.until(done)
    return range(machines.core.events() - before + 1)


def test_a_crash_at_every_step_of_init() -> None:
    dry = Machines("m1")
    for step in steps_of(dry, lambda: dry.init("m1"), lambda m: m.state("m1") == "active"):
        machines = Machines("m1")
        call = machines.init("m1")
        machines.crash_after(step, "m1")
        if machines.state("m1") == "inactive":
            assert machines.core.reply(call)[2] != 200, "what was answered is lost"
            status, said = machines.end(machines.init("m1"))
            assert status == 200, said
        assert machines.until(lambda m: m.state("m1") == "active")
        usable(machines)


@pytest.mark.parametrize("role", ["Worker", "Manager"])
@pytest.mark.parametrize("victim", ["x1", "m1"])
def test_a_crash_at_every_step_of_join(role: str, victim: str) -> None:
    def has_joined(machines: Machines) -> bool:
        node = machines.node("x1")
        is_ready = node["Status"]["State"] == "ready"  # type: ignore[index]
        return is_ready and machines.is_manager("x1") == (role == "Manager")

    def begin() -> Machines:
        machines = formed("m2", "m3") if victim == "m1" else formed()
        machines.add("x1")
        return machines

    dry = begin()
    for step in steps_of(dry, lambda: dry.join("x1", role), has_joined):
        machines = begin()
        call = machines.join("x1", role)
        machines.crash_after(step, victim)
        machines.until(lambda m, call=call: m.core.reply(call)[1] or victim == "x1", 30)
        assert machines.until(Machines.has_leader)
        if machines.state("x1") == "inactive":
            assert machines.core.reply(call)[2] != 200, "what was answered is lost"
            status, said = machines.end(machines.join("x1", role))
            assert status == 200, said
        assert machines.until(lambda m: m.state("x1") == "active")
        assert machines.until(has_joined)
        usable(machines)


@pytest.mark.parametrize("victim", ["x", "m1"])
@pytest.mark.parametrize("role", ["manager", "worker"])
def test_a_crash_at_every_step_of_promote_and_demote(role: str, victim: str) -> None:
    name = "w1" if role == "manager" else "m4"

    def has_changed(machines: Machines) -> bool:
        is_ready = machines.node(name)["Status"]["State"] == "ready"  # type: ignore[index]
        return is_ready and machines.is_manager(name) == (role == "manager")

    dry = formed("m2", "m3", name)
    for step in steps_of(dry, lambda: dry.set_role(name, role), has_changed):
        machines = formed("m2", "m3", name)
        call = machines.set_role(name, role)
        machines.crash_after(step, name if victim == "x" else "m1")
        machines.until(lambda m, call=call: m.core.reply(call)[1], 10)
        assert machines.until(Machines.has_leader)
        if machines.node(name)["Spec"]["Role"] != role:  # type: ignore[index]
            assert machines.core.reply(call)[2] != 200, "what was answered is lost"
            status, said = machines.end(machines.set_role(name, role))
            assert status == 200, said
        assert machines.until(has_changed)
        usable(machines)


@pytest.mark.parametrize("victim", ["who leaves", "m1"])
@pytest.mark.parametrize("name", ["w1", "m2"])
def test_a_crash_at_every_step_of_leave(name: str, victim: str) -> None:
    others = {"m2", "m3", name}
    dry = formed(*sorted(others))
    for step in steps_of(dry, lambda: dry.leave(name), lambda m: m.state(name) == "inactive"):
        machines = formed(*sorted(others))
        call = machines.leave(name)
        machines.crash_after(step, name if victim == "who leaves" else victim)
        if victim == "m1":
            assert machines.end(call)[0] == 200, "it leaves, leader or not"
        elif machines.state(name) != "inactive":
            assert machines.core.reply(call)[2] != 200, "what was answered is lost"
            status, said = machines.end(machines.leave(name))
            assert status == 200, said
        assert machines.until(lambda m: m.state(name) == "inactive")
        status, said = machines.end(machines.join(name, "Worker"))
        assert status == 200, said
        usable(machines)


# ---- machines that stop, and come back


@pytest.fixture
def c() -> Iterator[sp.Swarm]:
    with sp.Swarm(managers=3, workers=2, seed=11) as swarm:
        yield swarm


def core_of(c: sp.Swarm) -> World:
    return c._world.core  # type: ignore[attr-defined, no-any-return]


def test_a_leader_stopped_for_half_a_minute_is_followed_and_then_follows(c: sp.Swarm) -> None:
    web = c.services.create("nginx:1.10", name="web", replicas=4)
    assert web.wait()
    stopped = c.nodes.leader
    assert stopped is not None
    core_of(c).pause(stopped.name)
    assert c.run(until=lambda c: (new := c.nodes.leader) and new.name != stopped.name, timeout="10s")
    meanwhile = c.services.create("nginx:1.10", name="meanwhile", replicas=2)
    assert meanwhile.wait()
    c.sleep("30s")
    core_of(c).resume(stopped.name)
    assert c.run(until=lambda c: c.nodes[stopped.name].state == "ready", timeout="30s")
    assert c.wait_converged(stable_for="5s")
    assert c.nodes.leader and c.nodes.leader.name != stopped.name
    assert web.running == 4 and meanwhile.running == 2
    core_of(c).check_all()


def test_a_worker_stopped_for_less_than_the_grace_keeps_its_tasks(c: sp.Swarm) -> None:
    web = c.services.create("nginx:1.10", name="web", replicas=5)
    assert web.wait()
    before = {task.id for task in web.tasks.running}
    core_of(c).pause("w1")
    c.sleep("500ms")
    core_of(c).resume("w1")
    c.sleep("20s")
    assert {task.id for task in web.tasks.running} == before


def test_a_worker_stopped_for_longer_is_replaced_and_comes_back_clean(c: sp.Swarm) -> None:
    web = c.services.create("nginx:1.10", name="web", replicas=5)
    assert web.wait()
    core_of(c).pause("w1")
    assert c.run(until=lambda c: c.nodes["w1"].state == "down", timeout="30s")
    assert c.run(until=lambda c: web.running == 5, timeout="30s")
    assert all(task.node != "w1" for task in web.tasks.running)
    c.sleep("30s")
    core_of(c).resume("w1")
    assert c.run(until=lambda c: c.nodes["w1"].state == "ready", timeout="30s")
    assert c.wait_converged(stable_for="5s")
    assert web.running == 5
    core_of(c).check_all()


@pytest.mark.parametrize("gone", [("m2", "m3"), ("m1", "m2", "m3")])
def test_half_or_more_of_the_managers_gone_and_back(c: sp.Swarm, gone: tuple[str, ...]) -> None:
    web = c.services.create("nginx:1.10", name="web", replicas=4)
    assert web.wait()
    for name in gone:
        c.nodes[name].kill()
    if "m1" not in gone:
        c.sleep("2s")
        with pytest.raises(sp.NoQuorum, match="more than half of the managers are online"):
            web.scale(6)
    c.sleep("30s")
    for name in gone:
        c.nodes[name].restart()
    assert c.run(until=lambda c: c.nodes.leader, timeout="30s")
    assert c.wait_converged()
    assert web.replicas == 4 and web.running == 4
    assert web.scale(6).wait()
    core_of(c).check_all()


def test_two_of_four_managers_are_not_enough() -> None:
    with sp.Swarm(managers=4, seed=12) as c:
        web = c.services.create("nginx:1.10", name="web", replicas=2)
        assert web.wait()
        for name in ("m3", "m4"):
            c.nodes[name].kill()
        c.sleep("2s")
        with pytest.raises(sp.NoQuorum):
            web.scale(3)
        c.nodes["m4"].restart()
        assert c.run(until=lambda c: c.nodes.leader, timeout="30s")
        assert web.scale(3).wait()


def test_a_task_that_ends_at_once_for_ever_is_tried_at_the_delay_only(c: sp.Swarm) -> None:
    core_of(c).set_image("bad:1", lives_ns=1, exit_code=1)
    c.services.create("bad:1", name="bad", replicas=2)
    tried = c.events("task", service="bad", timeout="60s")
    starts = sum(event.action == "running" for event in tried)
    assert 2 * 8 <= starts <= 2 * 13, "every five seconds"
    assert len(c.services["bad"].tasks) <= 2 * 6 + 2, "five of the past and the present one are kept"


# ---- what makes no sense


def test_what_makes_no_sense_is_refused_in_a_sentence(c: sp.Swarm) -> None:
    web = c.services.create("nginx:1.10", name="web")
    for name in ("-x", "a b", "x/y", "x_", "ü"):
        with pytest.raises(sp.InvalidArgument, match="name must be valid as a DNS name component"):
            c.services.create("nginx", name=name)
    with pytest.raises(sp.InvalidArgument, match="63 characters or fewer"):
        c.services.create("nginx", name="a" * 64)
    with pytest.raises(sp.InvalidArgument):
        web.scale(-1)
    with pytest.raises(sp.Conflict, match="name conflicts with an existing object"):
        c.services.create("nginx", name="web")
    with pytest.raises(sp.NotFound, match="nosuch"):
        _ = c.nodes["nosuch"].state
    with pytest.raises(sp.NotFound, match="nosuch"):
        _ = c.services["nosuch"].image
    ghost = c.services.create("nosuch:1", name="ghost")
    assert not ghost.wait(timeout="10s")
    assert "No such image: nosuch:1" in str(ghost.tasks[0].error)


@pytest.mark.parametrize("seed", range(20))
def test_a_node_that_is_removed_while_its_tasks_are_being_placed_gets_none(seed: int) -> None:
    with sp.Swarm(managers=3, workers=2, seed=seed) as c:
        web = c.services.create("nginx:1.10", name="web", replicas=4)
        c.nodes["m3"].restart()
        c.nodes["w2"].remove(force=True)
        assert web.wait()
        assert "w2" not in {task.node for task in web.tasks}
        core_of(c).check_all()
