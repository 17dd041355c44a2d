"""A name, a kind or a value that cannot be meant is an error at once, with the nearest right word."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

import swarmpy as sp
from local import own_home, swarmpy
from swarmpy._cluster import LocalCluster
from swarmpy._models.nearest import did_you_mean
from swarmpy._view import screens


@pytest.fixture(scope="module")
def c() -> Iterator[sp.Swarm]:
    with sp.Swarm(managers=1, workers=1, seed=42) as swarm:
        swarm.services.create("nginx:1.10", name="web", replicas=1, ports="8080:80").wait()
        swarm.nodes["w1"].label(rack="a")
        yield swarm


Ask = Callable[[sp.Swarm], object]
MISTYPED: dict[str, tuple[Ask, type[sp.SwarmError], str]] = {
    "kind": (lambda c: c.events("tasks"), sp.InvalidArgument, "task"),
    "one kind of several": (lambda c: c.events(["node", "servic"]), sp.InvalidArgument, "service"),
    "kind to come": (lambda c: c.events("nodes", timeout="1s"), sp.InvalidArgument, "node"),
    "events of a service": (lambda c: c.events(service="wbe"), sp.NotFound, "web"),
    "coming of a service": (lambda c: c.events(service="wbe", timeout="1s"), sp.NotFound, "web"),
    "awaited kind": (lambda c: sp.aio.Swarm.of(c).events("tsak"), sp.InvalidArgument, "task"),
    "awaited service": (lambda c: sp.aio.Swarm.of(c).events(service="wbe"), sp.NotFound, "web"),
    "watched service": (lambda c: c.watch(service="wbe"), sp.NotFound, "web"),
    "one watched of two": (lambda c: c.watch(service=["web", "wbe"]), sp.NotFound, "web"),
    "panel": (lambda c: c.watch("topolgy"), sp.InvalidArgument, "topology"),
    "service": (lambda c: c.services["wbe"], sp.NotFound, "web"),
    "node": (lambda c: c.nodes["w11"], sp.NotFound, "w1"),
    "node of a request": (lambda c: c.http.get("w11:8080"), sp.NotFound, "w1"),
    "node that is served": (lambda c: c.serve("unix:///tmp/x.sock", node="m11"), sp.NotFound, "m1"),
    "peeked node": (lambda c: c.peek().node("w11"), sp.NotFound, "w1"),
    "peeked service": (lambda c: c.peek().service("wbe"), sp.NotFound, "web"),
    "option": (lambda c: c.services.create("nginx", replica=3), sp.UnknownOption, "replicas"),
    "option of an update": (lambda c: c.services["web"].update(imge="x"), sp.UnknownOption, "image"),
    "mode": (lambda c: c.services.create("nginx", mode="globl"), sp.InvalidArgument, "global"),
    "key": (
        lambda c: c.services.create("nginx", constraints="node.rol==worker"),
        sp.InvalidArgument,
        "node.role",
    ),
    "key of an update": (
        lambda c: c.services["web"].update(constraints=["node.hostnam!=w1"]),
        sp.InvalidArgument,
        "node.hostname",
    ),
    "role in a constraint": (
        lambda c: c.services.create("nginx", constraints=["node.role==wroker"]),
        sp.InvalidArgument,
        "worker",
    ),
    "restart condition": (
        lambda c: c.services.create("nginx", restart_condition="on_failure"),
        sp.InvalidArgument,
        "on-failure",
    ),
    "order": (lambda c: sp.Rolling(order="start_first"), sp.InvalidArgument, "start-first"),
    "on failure": (lambda c: sp.Rolling(on_failure="rolback"), sp.InvalidArgument, "rollback"),
    "role of a node": (lambda c: c.nodes.add(role="wroker"), sp.InvalidArgument, "worker"),
    "world": (lambda c: sp.Swarm(mode="sims"), sp.InvalidArgument, "sim"),
    "if_exists": (lambda c: sp.Swarm(name="x", if_exists="replce"), sp.InvalidArgument, "replace"),
    "display": (lambda c: sp.set_display("lve"), sp.InvalidArgument, "live"),
    "theme": (lambda c: sp.set_display(theme="drak"), sp.InvalidArgument, "dark"),
}


@pytest.mark.parametrize("where", MISTYPED)
def test_a_mistyped_word_is_answered_with_the_nearest_right_one(c: sp.Swarm, where: str) -> None:
    ask, kind, word = MISTYPED[where]
    services = len(c.services)
    with pytest.raises(kind) as caught:
        ask(c)
    assert f'Did you mean "{word}"?' in caught.value.hint
    assert len(c.services) == services, "nothing was done"


WRONG: dict[str, tuple[Ask, str]] = {
    "replicas as text": (lambda c: c.services.create("nginx", replicas="3"), "replicas is a whole number"),
    "replicas as bool": (lambda c: c.services.create("nginx", replicas=True), "replicas is a whole number"),
    "replicas as float": (lambda c: c.services["web"].scale(1.5), "replicas is a whole number"),
    "replicas below 0": (lambda c: c.services["web"].scale(-1), "replicas cannot be negative"),
    "managers 0": (lambda c: sp.Swarm(0), "at least one manager"),
    "managers 1.5": (lambda c: sp.Swarm(1.5), "managers is a whole number"),
    "managers True": (lambda c: sp.Swarm(True), "managers is a whole number"),
    "workers -1": (lambda c: sp.Swarm(1, -1), "workers cannot be negative"),
    "workers too many": (lambda c: sp.Swarm(1, 10**9), "workers is at most"),
    "seed -1": (lambda c: sp.Swarm(seed=-1), "seed cannot be negative"),
    "seed as text": (lambda c: sp.Swarm(seed="42"), "seed is a whole number"),
    "reuse what": (lambda c: sp.Swarm(mode="real", if_exists="reuse"), "if_exists is about a name"),
    "name": (lambda c: sp.Swarm(name=7), "is no name for a cluster"),
    "count": (lambda c: c.nodes.add("2"), "count is a whole number"),
    "per node": (
        lambda c: c.services.create("nginx", max_replicas_per_node=-1),
        "max_replicas_per_node cannot be negative",
    ),
    "attempts": (lambda c: c.services.create("nginx", restart_max_attempts=0.5), "is a whole number"),
    "cpu": (lambda c: c.services.create("nginx", limit_cpu="half"), "limit_cpu is a number"),
    "cpu nan": (lambda c: c.services.create("nginx", limit_cpu=float("nan")), "not a number of CPUs"),
    "memory": (lambda c: c.services.create("nginx", reserve_memory=-5), "not an amount of memory"),
    "labels": (lambda c: c.services.create("nginx", labels=["a=b"]), "labels is a mapping"),
    "hostname": (lambda c: c.services.create("nginx", hostname=3), "hostname is a text"),
    "image": (lambda c: c.services.create(3), "image is a text"),
    "constraints": (lambda c: c.services.create("nginx", constraints=3), "constraints is a text or a list"),
    "spread": (lambda c: c.services.create("nginx", spread="rack"), "no label to spread over"),
    "command": (lambda c: c.services.create("nginx", command=3), "command is a text or a list"),
    "rolling": (lambda c: c.services.create("nginx", update={"order": "x"}), r"update is a swarmpy.Rolling"),
    "parallelism": (lambda c: sp.Rolling(parallelism="2"), "parallelism is a whole number"),
    "ratio": (lambda c: sp.Rolling(max_failure_ratio="0.1"), "number from 0 to 1"),
    "duration": (lambda c: c.sleep(True), "not a duration"),
    "endless": (lambda c: c.services.create("nginx", restart_delay=float("inf")), "no time without end"),
    "since": (lambda c: c.events(since="yesterday"), "since is seconds"),
    "since of a log": (lambda c: c.services["web"].logs(since="x"), "since is seconds"),
    "env": (lambda c: c.services.create("nginx", env=3), "env is a text or a list"),
    "label's value": (lambda c: c.services.create("nginx", labels={"a": 1}), "labels is a mapping of texts"),
    "node's labels": (lambda c: c.nodes.add(labels=3), "labels is a mapping of texts"),
    "speed": (lambda c: c.watch(speed="fast"), "speed is a number"),
    "speed 0": (lambda c: c.watch(speed=0), "speed is a number above 0"),
    "target": (lambda c: c.http.get(8080), "no node and port"),
}


@pytest.mark.parametrize("where", WRONG)
def test_a_value_of_the_wrong_kind_is_a_typed_error(c: sp.Swarm, where: str) -> None:
    ask, words = WRONG[where]
    with pytest.raises(sp.InvalidArgument, match=words):
        ask(c)


def test_a_number_as_text_is_told_how_to_write_it() -> None:
    with pytest.raises(sp.InvalidArgument) as caught:
        sp.Swarm("3")  # type: ignore[arg-type]
    assert caught.value.hint == "Write managers=3."


def test_an_unknown_option_is_a_type_error_too(c: sp.Swarm) -> None:
    with pytest.raises(TypeError):
        c.services.create("nginx", port="80")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        sp.aio.Swarm(mangers=3)


def test_one_constraint_may_be_one_text(c: sp.Swarm) -> None:
    service = c.services.create(
        "nginx", name="one", constraints="node.role==worker", spread="node.labels.rack"
    )
    placement = service.spec["TaskTemplate"]["Placement"]
    assert placement["Constraints"] == ["node.role==worker"] and service.warnings == ()
    assert placement["Preferences"] == [{"Spread": {"SpreadDescriptor": "node.labels.rack"}}]
    service.remove()


def test_one_variable_may_be_one_text(c: sp.Swarm) -> None:
    service = c.services.create("nginx", name="env", env="A=1")
    assert service.spec["TaskTemplate"]["ContainerSpec"]["Env"] == ["A=1"]
    service.remove()


def test_a_mistyped_way_to_display_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWARMPY_DISPLAY", "lve")
    with pytest.raises(sp.InvalidArgument, match="SWARMPY_DISPLAY") as caught:
        screens.choice()
    assert 'Did you mean "live"?' in caught.value.hint


def test_a_label_that_no_node_has_is_remarked(c: sp.Swarm) -> None:
    """It may come yet: no error."""
    service = c.services.create("nginx", name="soon", constraints=["node.labels.rakc==a"])
    assert any('Did you mean "node.labels.rack"?' in remark for remark in service.warnings)
    assert service.update(constraints=["node.labels.rack==a"]).warnings == ()
    service.remove()


def test_a_conflict_names_who_is_in_the_way(c: sp.Swarm) -> None:
    for options in ({"name": "web"}, {"name": "other", "ports": "8080:80"}):
        with pytest.raises(sp.SwarmError) as caught:
            c.services.create("nginx", **options)  # type: ignore[arg-type]
        assert 'swarm.services["web"] is it' in caught.value.hint
    free = c.services.create("nginx", name="free")
    with pytest.raises(sp.SwarmError) as caught:
        free.update(ports=["8080:80"])
    assert 'swarm.services["web"] is it' in caught.value.hint
    free.remove()


def test_events_of_a_removed_service_are_still_there(c: sp.Swarm) -> None:
    c.services.create("nginx", name="gone").wait()
    c.services["gone"].remove()
    assert c.events("service", service="gone")[-1].action == "remove"


def test_events_of_a_first_service_may_be_waited_for() -> None:
    with sp.Swarm(seed=1) as c:
        coming = c.events("service", service="web", timeout="5s")
        c.services.create("nginx", name="web")
        assert [event.action for event in coming][:1] == ["create"]


def test_without_a_quorum_the_nodes_are_those_that_were_seen_last() -> None:
    with sp.Swarm(managers=3, workers=2, seed=1) as c:
        assert len(c.nodes) == 5 and not c.nodes.note
        at = c.now
        for name in ("m1", "m2"):
            c.nodes[name].kill()
        c.sleep("10s")
        with pytest.raises(sp.NoQuorum):
            list(c.services)
        assert len(c.nodes) == 5 and [node.name for node in c.nodes] == ["m1", "m2", "m3", "w1", "w2"]
        assert "m1" in c.nodes and "m9" not in c.nodes
        assert "does not have a leader" in c.nodes.note and f"as of {at:.0f}" in c.nodes.note
        assert repr(c.nodes).startswith(f"({c.nodes.note})") and "nobody can say" in c.nodes._repr_html_()
        for node in c.nodes:
            if not node.alive:
                node.restart()
        assert c.run(until=lambda c: c.nodes.leader is not None, timeout="30s")
        assert len(c.nodes) == 5 and not c.nodes.note


@pytest.mark.parametrize(("word", "near"), [("Web", "web"), ("WBE", "web"), ("zzz", None)])
def test_the_nearest_word(word: str, near: str | None) -> None:
    hint = did_you_mean(word, ["api", "web"])
    assert hint == (f'Did you mean "{near}"? ' if near else "") + "There are: api, web."


CLI = {
    ("top", "wbe"): ("service wbe not found", 'Did you mean "web"?'),
    ("node", "kill", "w11"): ("has no node w11", 'Did you mean "w1"?'),
    ("node", "start", "m11"): ("has no node m11", 'Did you mean "m1"?'),
    ("env", "w11"): ("has no node w11", 'Did you mean "w1"?'),
    ("--cluster", "lba", "ls"): ('no cluster "lba"', 'Did you mean "lab"?'),
    ("image", "ls", "--cluster", "lba"): ('no cluster "lba"', 'Did you mean "lab"?'),
    ("down", "lba"): ('no cluster "lba"', 'Did you mean "lab"?'),
    ("dwon", "lab"): ("dwon", "down"),
}


@pytest.mark.real
def test_so_says_the_command_line() -> None:
    with own_home(), LocalCluster.start("lab", 1, 1) as cluster:
        body = {"Name": "web", "TaskTemplate": {"ContainerSpec": {"Image": "nginx"}}}
        cluster.nodes[0].door.post("/services/create", body)
        for words, told in CLI.items():
            done = swarmpy(*words)
            assert done.returncode != 0, words
            for text in told:
                assert text in done.stderr, (words, done.stderr)
        assert swarmpy("top", "web").returncode == 0


def test_what_is_no_condition_and_no_comparison_is_a_typed_error(c: sp.Swarm) -> None:
    with pytest.raises(sp.InvalidArgument, match="a function of the swarm"):
        c.run(until=True)
    with pytest.raises(sp.InvalidArgument, match="expected one operator") as caught:
        c.services.create("nginx", constraints="node.role=worker")
    assert "node.role==worker" in caught.value.hint


def test_events_are_asked_by_the_service_itself_too(c: sp.Swarm) -> None:
    one, other = (c.services.create("nginx", name=name) for name in ("one", "other"))
    assert one.wait() and other.wait()
    assert {event.attributes.get("service", "one") for event in c.events(service=one)} == {"one"}
    assert c.events(service=one) == c.events(service=one.id)


def test_names_of_the_package_do_not_hang_on_what_was_used_before() -> None:
    story = "import swarmpy as sp; import contextlib\n"
    story += "with contextlib.suppress(sp.SwarmError): sp.attach('nobody')\n"
    story += "modules = ('aio', 'chaos', 'inv')\n"
    story += "assert all(callable(getattr(sp, name)) for name in sp.__all__ if name not in modules)"
    subprocess.run([sys.executable, "-c", story], check=True)
