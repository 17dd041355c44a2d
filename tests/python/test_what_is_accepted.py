"""What a service may ask for is done, or warned of, or refused: one script, two worlds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import swarmpy as sp

WORLDS = ["sim", pytest.param("real", marks=pytest.mark.real)]
TALK = ["sh", "-c", "echo $A; sleep 999"]


@pytest.fixture(scope="module", params=WORLDS)
def c(request: pytest.FixtureRequest) -> Iterator[sp.Swarm]:
    more: dict[str, Any] = {"seed": 5} if request.param == "sim" else {}
    with sp.Swarm(managers=1, workers=1, mode=request.param, **more) as swarm:
        yield swarm


@pytest.fixture(autouse=True)
def cleaned(c: sp.Swarm) -> Iterator[None]:
    yield
    for service in list(c.services):
        service.remove()


def said(c: sp.Swarm, service: sp.Service, lines: int) -> set[str]:
    assert service.wait()
    c.run(until=lambda _: len(service.logs()) >= lines, timeout="20s")
    return {line.text for line in service.logs()}


@pytest.mark.parametrize(
    ("template", "expanded"),
    [
        ('{{index .Service.Labels "team"}}', "blue"),
        ("{{.Service.Labels}}", "map[team:blue]"),
        ("{{.Service.Labels.team}}", "blue"),
        ("{{.Node.Platform.OS}}", "linux"),
        ("{{.Service.Name}}.{{.Task.Slot}}", "p.1"),
        ('{{join "-" .Service.Name .Task.Slot}}', "p-1"),
        ('{{if eq .Task.Slot "1"}}first{{else}}other{{end}}', "first"),
        ('{{printf "%s-%05d" .Service.Name (len .Service.Name)}}', "p-00001"),
        ("{{range $k, $v := .Service.Labels}}{{$k}}={{$v}}{{end}}", "team=blue"),
        ("{{with $s := .Service}}{{$s.Name}}{{end}} {{- /* no more */ -}}", "p"),
        ("{{slice .Service.Name 0 1 | printf `%q`}}", '"p"'),
    ],
)
def test_placeholders_are_expanded_as_docker_does(c: sp.Swarm, template: str, expanded: str) -> None:
    labels = {"team": "blue"}
    service = c.services.create("alpine", name="p", command=TALK, labels=labels, env={"A": template})
    assert said(c, service, 1) == {expanded}


def test_the_slot_of_a_global_service_is_the_nodes_id(c: sp.Swarm) -> None:
    service = c.services.create(
        "alpine",
        name="g",
        mode="global",
        command=["sh", "-c", "echo $A $SWARM_TASK_SLOT; sleep 999"],
        env={"A": "{{.Task.Slot}}"},
    )
    assert said(c, service, 2) == {f"{node.id} {node.id}" for node in c.nodes}


def test_a_global_services_page_is_known_by_its_node(c: sp.Swarm) -> None:
    assert c.services.create("nginx", name="every", mode="global", ports="8123:80").wait()
    assert {c.http.get("m1:8123").task for _ in range(8)} == {"every.m1", "every.w1"}


def test_a_tasks_hostname_is_the_one_it_is_given(c: sp.Swarm) -> None:
    service = c.services.create(
        "alpine",
        name="h",
        replicas=2,
        hostname="{{.Service.Name}}-{{.Task.Slot}}",
        command=["sh", "-c", "echo $HOSTNAME; sleep 999"],
    )
    assert said(c, service, 2) == {"h-1", "h-2"}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"env": {"A": "{{.Node.hostname}}"}},
            'template: expansion:1:7: executing "expansion" at <.Node.hostname>: '
            "can't evaluate field hostname in type struct { ID string; Hostname string; ",
        ),
        ({"env": {"A": "{{upper .Service.Name}}"}}, 'function "upper" not defined'),
        ({"hostname": "{{.Task.Slot"}, "expanding hostname failed: template: expansion:1: unclosed action"),
        ({"env": {"A": "{{.Service.Labels.nope}}"}}, 'map has no entry for key "nope"'),
        ({"env": {"A": "{{range 999999999}}{{end}}"}}, "more work than a placeholder may make"),
        ({"env": {"A": "x" * 200_000}}, "the environment variable A is 200002 bytes long"),
        ({"env": {"A": "x\0y"}}, "the environment variable A has a NUL character in it"),
        ({"env": ["=x"]}, "invalid environment variable: =x"),
        ({"command": ["echo", "x" * 131_072]}, "argument 2 is 131072 bytes long: the kernel takes 131071"),
        ({"stop_signal": "SIGNOPE"}, "invalid signal: SIGNOPE"),
        ({"stop_signal": "65"}, "invalid signal: 65"),
        ({"workdir": "here"}, "the working directory 'here' is invalid, it needs to be an absolute path"),
        ({"hostname": "h" * 65}, "the hostname is 65 bytes long"),
    ],
)
def test_what_cannot_be_done_is_refused_at_create(c: sp.Swarm, options: dict[str, Any], text: str) -> None:
    with pytest.raises(sp.SwarmError) as caught:
        c.services.create("alpine", name="refused", **options)
    assert text in str(caught.value)


def test_and_at_update(c: sp.Swarm) -> None:
    service = c.services.create("nginx:1.25", name="web")
    with pytest.raises(sp.SwarmError, match="invalid signal: NOPE"):
        service.update(stop_signal="NOPE")
    with pytest.raises(sp.SwarmError, match="can't evaluate field Nope"):
        service.update(env={"A": "{{.Nope}}"})


@pytest.mark.parametrize("image", ["nginx:1.99", "alpine:nosuch", "redis:99", "nginx@sha256:" + "0" * 64])
def test_a_tag_that_nobody_made_is_no_image(c: sp.Swarm, image: str) -> None:
    outcome = c.services.create(image, name="typo", restart_condition="none").wait()
    assert not outcome and f"No such image: {image}" in outcome.reason


@pytest.mark.parametrize("image", ["nginx:1.29-alpine", "httpd:2.4", "redis:3.0.7", "swarmpy/web:mine"])
def test_tags_that_are_known_run(c: sp.Swarm, image: str) -> None:
    assert c.services.create(image, name="known").wait()


def test_dockers_helloworld_pings_without_a_network(c: sp.Swarm) -> None:
    service = c.services.create("alpine", name="helloworld", command="ping docker.com")
    assert "PING docker.com (127.0.0.1): 56 data bytes" in said(c, service, 1)
    assert service.running == 1


def test_a_user_that_is_nowhere_is_rejected(c: sp.Swarm) -> None:
    outcome = c.services.create("alpine", name="u", user="nosuchuser", restart_condition="none").wait()
    assert not outcome
    assert "unable to find user nosuchuser: no matching entries in passwd file" in outcome.reason


def test_a_placeholder_that_fails_on_its_node_only_rejects_the_task(c: sp.Swarm) -> None:
    template = '{{if eq .Node.Hostname "nodeHostname"}}fine{{else}}{{.Node.Nope}}{{end}}'
    service = c.services.create("alpine", name="late", env={"A": template}, restart_condition="none")
    outcome = service.wait()
    assert not outcome and "can't evaluate field Nope" in outcome.reason


def test_a_kept_field_is_warned_of_when_it_is_new_or_changed(c: sp.Swarm) -> None:
    def told(change: Callable[[], object]) -> list[str]:
        change()
        return [text.partition("does not apply ")[2] for text in service.warnings]

    quick = sp.Rolling(monitor="100ms")
    service = c.services.create("nginx:1.25", name="kept", limit_memory="64m", update=quick)
    assert told(lambda: None) == ["memory limits; the field is kept"]
    assert told(lambda: service.scale(2)) == []
    assert told(lambda: service.update(labels={"a": "b"})) == []
    assert told(lambda: service.update(user="nobody")) == ["users; the field is kept"]
    assert told(lambda: service.update(limit_memory="128m")) == ["memory limits; the field is kept"]
    assert told(lambda: service.update(image="nginx:1.26")) == []
