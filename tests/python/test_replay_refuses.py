"""A replay takes no orders. Every public name of a swarm, and of what hangs on it, is here: it shows
something, lets the replay stand elsewhere, or refuses and says the way. A new name must be told here, too.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import swarmpy as sp

LOOK, MOVE, END = "look", "move", "end"
Do = Callable[[sp.Replay], Any]
web: Callable[[sp.Replay], sp.Service] = lambda r: r.services["web"]  # noqa: E731
m1: Callable[[sp.Replay], Any] = lambda r: r.nodes["m1"]  # noqa: E731
task: Callable[[sp.Replay], Any] = lambda r: next(iter(web(r).tasks))  # noqa: E731

# For each name: what it does, where that takes no argument; or an order.
SWARM: dict[str, str | Do] = {
    "nodes": LOOK,
    "services": LOOK,
    "networks": LOOK,
    "stacks": LOOK,
    "http": LOOK,
    "feature_level": LOOK,
    "root": LOOK,
    "rotate_root": lambda r: r.rotate_root(),
    "unlock_key": LOOK,
    "update": lambda r: r.update(autolock=True),
    "kv": LOOK,
    "faults": LOOK,
    "check": LOOK,
    "metrics": LOOK,
    "mode": LOOK,
    "now": LOOK,
    "seed": LOOK,
    "random": LOOK,
    "trace_hash": LOOK,
    "events": LOOK,
    "peek": LOOK,
    "save": lambda r: r.save("again.swarm"),
    "save_timeline": lambda r: r.save_timeline("run.html"),
    "watch": LOOK,
    "timeline": LOOK,
    "step": MOVE,
    "run": lambda r: r.run(timeout="10ms"),
    "sleep": lambda r: r.sleep("10ms"),
    "wait_converged": MOVE,
    "assert_converged": MOVE,
    "wait_leader": MOVE,
    "close": END,
    "heal": lambda r: r.heal(),
    "load": lambda r: r.load("web", port=8080),
    "recover": lambda r: r.recover(),
    "serve": lambda r: r.serve("tcp://127.0.0.1:0"),
}
REPLAY = {
    *("seek", "step", "steps_taken", "seek_step", "end", "failure", "failure_again", "faults", "same_run"),
    *("diff", "peek_at", "fork", "watched_core", "check_can_break_again", "formed_ns", "told_between"),
    *("check", "heal", "kv", "load", "peek", "save"),
}
NODES: dict[str, str | Do] = {
    "__getitem__": lambda r: r.nodes["m1"],
    "leader": LOOK,
    "note": LOOK,
    "add": lambda r: r.nodes.add(1),
}
NODE: dict[str, str | Do] = {
    "unlock": lambda r: m1(r).unlock("SWMKEY-1-" + "A" * 43),
    **dict.fromkeys(
        ("addr", "alive", "availability", "feature_level", "id", "is_leader", "labels", "raft"), LOOK
    ),
    **dict.fromkeys(("reachability", "role", "state", "swarm"), LOOK),
    "docker_host": lambda r: m1(r).docker_host,
    "activate": lambda r: m1(r).activate(),
    "close": LOOK,
    "demote": lambda r: m1(r).demote(),
    "drain": lambda r: m1(r).drain(),
    "kill": lambda r: m1(r).kill(),
    "label": lambda r: m1(r).label(a="b"),
    "pause": lambda r: m1(r).pause(),
    "promote": lambda r: r.nodes["w1"].promote(),
    "remove": lambda r: r.nodes["w1"].remove(force=True),
    "restart": lambda r: m1(r).restart(),
}
SERVICES: dict[str, str | Do] = {
    "__getitem__": lambda r: r.services["web"],
    "create": lambda r: r.services.create("nginx", name="more"),
}
NETWORKS: dict[str, str | Do] = {
    "__getitem__": lambda r: r.networks["ingress"],
    "get": lambda r: r.networks.get("ingress"),
    "list": lambda r: r.networks.list(),
    "create": lambda r: r.networks.create("front"),
    "prune": lambda r: r.networks.prune(),
}
STACKS: dict[str, str | Do] = {
    "__getitem__": lambda r: r.stacks["shop"],
    "get": lambda r: r.stacks.get("shop"),
    "list": lambda r: r.stacks.list(),
    "deploy": lambda r: r.stacks.deploy({"services": {"web": {"image": "nginx"}}}, "shop"),
}
SERVICE: dict[str, str | Do] = {
    **dict.fromkeys(("history", "image", "logs", "mode", "replicas", "running", "spec"), LOOK),
    **dict.fromkeys(("tasks", "update_state", "virtual_ips"), LOOK),
    "wait": MOVE,
    "remove": lambda r: web(r).remove(),
    "rollback": lambda r: web(r).rollback(),
    "scale": lambda r: web(r).scale(9),
    "update": lambda r: web(r).update(image="nginx:2"),
}
TASK: dict[str, str | Do] = {"row": LOOK, "kill": lambda r: task(r).kill()}
HTTP: dict[str, str | Do] = {"get": lambda r: r.http.get("m1:8080")}
KV: dict[str, str | Do] = {
    "__getitem__": lambda r: r.kv["x"],
    "get": lambda r: r.kv.get("x"),
    "items": lambda r: r.kv.items(),
    "keys": lambda r: r.kv.keys(),
    "version": lambda r: r.kv.version("x"),
    "cas": lambda r: r.kv.cas("x", 1, 2),
    "delete": lambda r: r.kv.delete("x"),
    "put": lambda r: r.kv.put("x", 2),
    "record": lambda r: r.kv.record(clients=2, ops=4),
    "recording": lambda r: r.kv.recording(clients=2),
}
CHECK: dict[str, str | Do] = {
    **dict.fromkeys(("broken", "finish", "invariants", "names", "rows"), LOOK),
    "always": lambda r: r.check.always("own", lambda s: True),
    "eventually": lambda r: r.check.eventually("own", lambda s: True, within="1s"),
    "sometimes": lambda r: r.check.sometimes("own", lambda s: True),
}
READS = {"save", "save_timeline", "run", "sleep", "__getitem__"}

BY_OBJECT: list[tuple[str, Do, dict[str, str | Do]]] = [
    ("nodes", lambda r: r.nodes, NODES),
    ("services", lambda r: r.services, SERVICES),
    ("networks", lambda r: r.networks, NETWORKS),
    ("stacks", lambda r: r.stacks, STACKS),
    ("http", lambda r: r.http, HTTP),
    ("kv", lambda r: r.kv, KV),
    ("check", lambda r: r.check, CHECK),
]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    with sp.Swarm(managers=3, workers=2, seed=7) as c:
        c.services.create("nginx", name="web", replicas=2, ports=["8080:80"]).wait()
        c.stacks.deploy({"services": {"cache": {"image": "redis"}}}, "shop")
        c.kv.put("x", 1)
        c.check.always(sp.inv.one_leader_per_term)
        c.faults.add("freeze w1 at 2s for 10s")
        c.sleep("5s")
        return c.save(tmp_path_factory.mktemp("runs") / "run.swarm")


def cases() -> Iterator[Any]:
    for name, what in SWARM.items():
        yield pytest.param(lambda r: r, name, what, id=f"swarm.{name}")
    for kind, of, names in (("node", m1, NODE), ("service", web, SERVICE), ("task", task, TASK)):
        for name, what in names.items():
            yield pytest.param(of, name, what, id=f"{kind}.{name}")
    for kind, of, names in BY_OBJECT:
        for name, what in names.items():
            yield pytest.param(of, name, what, id=f"{kind}.{name}")


def test_every_name_is_told_here(path: str) -> None:
    r = sp.replay(path)
    for owner, names in [(sp.Swarm, SWARM), (sp.Node, NODE), (sp.Service, SERVICE), (sp.Task, TASK)]:
        assert set(dir(owner)) == set(names), owner
    for kind, of, names in BY_OBJECT:
        assert set(dir(type(of(r)))) == set(names), kind
    assert set(dir(sp.Replay)) == set(SWARM) | REPLAY


@pytest.mark.parametrize(("of", "name", "what"), cases())
def test_it_looks_or_refuses(
    path: str, of: Do, name: str, what: str | Do, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    r = sp.replay(path).seek("1s")
    before, steps = r.peek(), r.steps_taken
    looks_up = name in {"get", "list"} and isinstance(of(r), (sp.Networks, sp.Stacks))
    reads = isinstance(what, str) or looks_up or (name in READS and not isinstance(of(r), sp.kv.KV))
    if reads and isinstance(what, str):
        found = getattr(of(r), name)
        if callable(found):
            found()
    elif reads:
        assert callable(what)
        what(r)
    else:
        assert callable(what)
        with pytest.raises(sp.NotSupportedInMode) as error:
            what(r)
        assert "fork(" in error.value.hint or name == "docker_host", error.value.hint
    if what == END:
        return
    if what != MOVE and name not in ("run", "sleep"):
        assert (r.peek(), r.steps_taken) == (before, steps)
    assert r.same_run
    r.seek("1s")
    assert r.peek() == before


def test_faults_are_a_plan_that_breaks_nothing(path: str) -> None:
    r = sp.replay(path)
    assert isinstance(r.faults, sp.Plan)
    assert r.faults == sp.Plan.from_json(r.journal.plan or {})
    assert [str(fault.kind) for fault in r.seek("4s").faults.active] == ["freeze"]
    assert r.seek("0s").faults.active == ()
    assert r.faults.history == r.faults
    for name in set(dir(type(sp.Swarm.faults.fget(r)))) - set(dir(type(r.faults))):  # type: ignore[attr-defined]
        with pytest.raises(sp.NotSupportedInMode) as error:
            getattr(r.faults, name)("m1")
        assert "fork(" in error.value.hint
    with pytest.raises(AttributeError, match="it is a plan"):
        r.faults.kil  # noqa: B018


def test_facts_follow_a_seek(path: str) -> None:
    """Nothing keeps the engine that it had before the replay was turned back."""
    r = sp.replay(path)
    end = r.seek(r.end).peek()
    assert end.elections >= 1
    begin = r.seek("30ms").peek()
    assert begin.elections <= 1
    assert (len(begin.requests), len(begin.events) < len(end.events)) == (0, True)
    assert [state for *_, state in r.check.rows()] == ["not yet"]
    assert r.seek(r.end).peek() == end
    assert r.peek().elections == end.elections
