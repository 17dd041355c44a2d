"""Stacks: what Python deploys is what the stock docker CLI deploys, and either goes on with the other's.

Three files in the shape of public ones, in the simulated world; the CLI comes in by a served door.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import swarmpy as sp

yaml = pytest.importorskip("yaml")
needs_docker = pytest.mark.skipif(shutil.which("docker") is None, reason="no docker CLI on this machine")
FILES = Path(__file__).parent / "stacks"
NAMES = ("voting", "traefik", "monitoring")
ENV = {"USERNAME": "admin", "DOMAIN": "example.com", "SCRAPE_TIMEOUT": "3"}
SMALL = {
    "services": {
        "web": {"image": "nginx:1.10", "ports": ["8080:80"], "deploy": {"replicas": 2}},
        "db": {"image": "redis", "networks": ["back"]},
    },
    "networks": {"back": None},
}
RunDocker = Callable[..., str]


@pytest.fixture
def c() -> Iterator[sp.Swarm]:
    with sp.Swarm(managers=1, workers=2, seed=42) as swarm:
        swarm.networks.create("traefik-public")
        yield swarm


@pytest.fixture
def docker(c: sp.Swarm, tmp_path: Path) -> Iterator[RunDocker]:
    with c.serve(f"unix://{tmp_path}/m1.sock") as door:
        environment = {**os.environ, **ENV, "DOCKER_HOST": door.docker_host, "DOCKER_CONFIG": str(tmp_path)}

        def run(*words: str) -> str:
            done = subprocess.run(
                ["docker", *words], check=False, env=environment, capture_output=True, text=True, timeout=120
            )
            assert done.returncode == 0, f"docker {' '.join(words)}: {done.stdout}{done.stderr}"
            return done.stdout

        yield run


def deploy_by_cli(docker: RunDocker, path: Path, name: str, *more: str) -> str:
    return docker("stack", "deploy", "--detach", "--resolve-image", "never", *more, "-c", str(path), name)


def running(stack: sp.Stack) -> set[str]:
    return {task.id for task in stack.tasks if task.state == "running" and task.desired_state == "running"}


def stored(swarm: sp.Swarm, stack: str) -> dict[str, Any]:
    """What the swarm keeps of a stack, with names in place of ids, and without what it chose itself."""
    found = swarm.stacks[stack]
    names = {one.id: one.name for one in swarm.networks}

    def plain(spec: Mapping[str, Any]) -> Any:
        text = json.dumps(spec, sort_keys=True)
        for network, name in names.items():
            text = text.replace(network, name)
        return json.loads(text)

    kept = ("Name", "Driver", "Scope", "Internal", "Attachable", "Ingress", "Labels")
    networks = {}
    for network in found.networks:
        networks[network.name] = {key: network.attrs[key] for key in kept}
        wished = [one for one in network.subnets if not one.startswith("10.0.")]  # the swarm's own choice
        networks[network.name]["Subnets"] = wished
        options = {key: value for key, value in network.attrs["Options"].items() if "vxlanid" not in key}
        networks[network.name]["Options"] = options
    return {"services": {one.name: plain(one.spec) for one in found.services}, "networks": networks}


# ---- Python alone


@pytest.mark.parametrize("name", NAMES)
def test_a_public_stack_runs_again_the_same_and_goes(c: sp.Swarm, name: str) -> None:
    stack = c.stacks.deploy(FILES / f"{name}.yml", name, env=ENV)
    outcome = stack.wait()
    assert outcome, outcome
    assert outcome.running == outcome.wanted == len(running(stack)) > 0
    before, spec = running(stack), stored(c, name)
    again = c.stacks.deploy(str(FILES / f"{name}.yml"), name, env=ENV)
    assert again == stack and again.wait()
    assert running(stack) == before, "nothing changed, so no task was restarted"
    assert stored(c, name) == spec
    stack.remove()
    assert [one.name for one in c.networks] == ["ingress", "traefik-public"]
    assert len(c.services) == len(c.stacks) == 0


def test_a_stack_is_looked_at_by_its_name(c: sp.Swarm) -> None:
    stack = c.stacks.deploy(SMALL, "shop")
    assert stack.wait()
    assert [one.name for one in stack.services] == ["shop_db", "shop_web"]
    assert [one.name for one in stack.networks] == ["shop_back", "shop_default"]
    assert {task.name for task in stack.tasks} == {"shop_db.1", "shop_web.1", "shop_web.2"}
    assert c.stacks.get("shop") == c.stacks["shop"] == stack and hash(stack) == hash(c.stacks["shop"])
    assert [one.name for one in c.stacks] == ["shop"] and len(c.stacks) == 1
    assert "shop" in c.stacks and "shp" not in c.stacks
    assert repr(c.stacks).split() == ["STACK", "SERVICES", "shop", "2"]
    assert repr(c.stacks.list()) == repr(c.stacks)
    assert repr(stack).startswith("<Stack shop 2 services as of ") and "shop_web" in repr(stack)
    assert "stack shop" in stack._repr_html_() and "1 stack<" in c.stacks._repr_html_()
    with pytest.raises(sp.NotFound, match="stack shp not found") as caught:
        c.stacks["shp"]
    assert 'Did you mean "shop"?' in caught.value.hint


def test_only_what_changed_is_replaced(c: sp.Swarm) -> None:
    stack = c.stacks.deploy(SMALL, "shop")
    assert stack.wait()
    web, db = ({task.id for task in c.services[name].tasks.running} for name in ("shop_web", "shop_db"))
    newer = json.loads(json.dumps(SMALL))
    newer["services"]["web"]["image"] = "nginx:1.11"
    assert c.stacks.deploy(newer, "shop").wait()
    assert c.services["shop_web"].image == "nginx:1.11"
    assert {task.id for task in c.services["shop_db"].tasks.running} == db
    assert not {task.id for task in c.services["shop_web"].tasks.running} & web


def test_prune_takes_what_the_file_does_not_have(c: sp.Swarm) -> None:
    c.stacks.deploy(SMALL, "shop").wait()
    c.services.create("nginx", name="shop_other")
    less = {"services": {"web": SMALL["services"]["web"]}}
    assert len(c.stacks.deploy(less, "shop").services) == 2
    assert [one.name for one in c.stacks.deploy(less, "shop", prune=True).services] == ["shop_web"]
    assert "shop_other" in c.services, "a name alone makes no member of a stack"


def test_a_removal_waits_for_the_tasks_to_leave_their_networks(c: sp.Swarm) -> None:
    stack = c.stacks.deploy(SMALL, "shop")
    assert stack.wait()
    assert (
        c.services["shop_db"].update(stop_grace_period="10s", command="sh -c 'trap : TERM; sleep 99'").wait()
    )
    stack.remove()
    assert len(c.stacks) == 0 and len(stack.networks) == 0
    stack.remove()


def test_a_forced_update_is_kept_and_is_no_reason_for_another(c: sp.Swarm) -> None:
    stack = c.stacks.deploy(SMALL, "shop")
    assert stack.wait() and c.services["shop_web"].update(force=True).wait()
    before = running(stack)
    assert c.stacks.deploy(SMALL, "shop").wait()
    assert running(stack) == before
    assert c.services["shop_web"].spec["TaskTemplate"]["ForceUpdate"] == 1


def test_services_reach_networks_of_others(c: sp.Swarm) -> None:
    document = {
        "services": {"web": {"image": "nginx", "networks": {"proxy": {"aliases": ["front"]}}}},
        "networks": {"proxy": {"external": True, "name": "traefik-public"}},
    }
    stack = c.stacks.deploy(document, "shop")
    assert stack.wait() and set(stack.tasks[0].addresses) == {"traefik-public"}
    assert list(stack.networks) == []
    assert [one.name for one in c.networks["traefik-public"].services] == ["shop_web"]
    stack.remove()
    assert "traefik-public" in c.networks
    document["networks"]["proxy"]["name"] = "traefik-pubic"  # type: ignore[call-overload]
    with pytest.raises(sp.NotFound, match="declared as external, but could not be found"):
        c.stacks.deploy(document, "shop")
    assert len(c.services) == 0


def test_a_stack_that_cannot_run_says_why(c: sp.Swarm) -> None:
    stack = c.stacks.deploy({"services": {"a": {"image": "nginx"}, "b": {"image": "nginx:9.9"}}}, "shop")
    outcome = stack.wait(timeout="10s")
    assert not outcome and outcome.service == "shop_b" and "No such image: nginx:9.9" in outcome.reason


def test_warnings_say_what_was_passed_over(c: sp.Swarm) -> None:
    document = {"services": {"web": {"image": "nginx", "build": ".", "read_only": True}}}
    warnings = c.stacks.deploy(document, "shop").warnings
    assert warnings[0] == "Ignoring unsupported options: build"
    assert any(one.startswith("shop_web: ") and "read-only" in one for one in warnings)


@pytest.mark.parametrize("name", ["", "  ", "''", 5])
def test_a_stack_needs_a_name(c: sp.Swarm, name: Any) -> None:
    with pytest.raises(sp.InvalidArgument, match="invalid stack name"):
        c.stacks.deploy(SMALL, name)


# ---- beside the docker CLI


@needs_docker
@pytest.mark.parametrize("name", [*NAMES, "words"])
def test_the_cli_and_python_store_the_same(c: sp.Swarm, docker: RunDocker, name: str) -> None:
    deploy_by_cli(docker, FILES / f"{name}.yml", name)
    by_cli = stored(c, name)
    stack = c.stacks[name]
    assert stack.wait()
    before = running(stack)
    assert c.stacks.deploy(FILES / f"{name}.yml", name, env={**os.environ, **ENV}).wait()
    assert stored(c, name) == by_cli, "Python's deploy over the CLI's changes nothing"
    assert running(stack) == before
    stack.remove()
    assert c.stacks.deploy(FILES / f"{name}.yml", name, env={**os.environ, **ENV}).wait()
    assert stored(c, name) == by_cli, "and makes the same from nothing"


@needs_docker
@pytest.mark.parametrize("name", NAMES)
def test_the_cli_deploys_again_and_removes(c: sp.Swarm, docker: RunDocker, name: str) -> None:
    path = FILES / f"{name}.yml"
    said = deploy_by_cli(docker, path, name)
    stack = c.stacks[name]
    assert stack.wait()
    assert said.count("Creating service") == len(stack.services)
    before, spec = running(stack), stored(c, name)
    assert "Updating service" in deploy_by_cli(docker, path, name)
    assert stack.wait() and running(stack) == before and stored(c, name) == spec

    count = len(stack.services)
    assert docker("stack", "ls", "--format", "{{.Name}} {{.Services}}").split() == [name, str(count)]
    assert len(docker("stack", "services", "-q", name).split()) == count
    assert len(docker("stack", "ps", "-q", name).split()) == len(stack.tasks) == len(before)
    docker("stack", "rm", name)
    assert c.run(until=lambda s: len(s.services) == 0 and len(s.networks) == 2, timeout="30s")


@needs_docker
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("by_cli", [True, False], ids=["cli", "python"])
def test_prune_leaves_the_other_services_alone(
    c: sp.Swarm, docker: RunDocker, tmp_path: Path, name: str, by_cli: bool
) -> None:
    stack = c.stacks.deploy(FILES / f"{name}.yml", name, env=ENV)
    assert stack.wait()
    document = yaml.safe_load((FILES / f"{name}.yml").read_text().replace("5000:80", '"5000:80"'))
    away = f"{name}_{document['services'].popitem()[0]}"
    kept = running(stack) - {task.id for task in c.services[away].tasks}
    less = tmp_path / "less.yml"
    less.write_text(yaml.safe_dump(document))
    shutil.copy(FILES / "monitoring.env", tmp_path)
    if by_cli:
        assert f"Removing service {away}" in deploy_by_cli(docker, less, name, "--prune")
    else:
        c.stacks.deploy(less, name, prune=True, env=ENV)
    assert away not in c.services
    assert stack.wait() and running(stack) == kept


@needs_docker
def test_the_cli_waits_for_a_stack(c: sp.Swarm, docker: RunDocker, tmp_path: Path) -> None:
    path = tmp_path / "small.json"
    path.write_text(json.dumps({"services": {"web": SMALL["services"]["web"]}}))
    docker(
        "stack", "deploy", "--detach=false", "--quiet", "--resolve-image", "never", "-c", str(path), "shop"
    )
    assert c.stacks["shop"].wait(timeout="1s")
    docker("stack", "rm", "--detach=false", "shop")
    assert len(c.stacks) == 0
