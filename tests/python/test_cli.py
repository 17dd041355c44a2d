"""The command `swarmpy`: what it prints, what it leaves, how it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import swarmpy as sp
from local import own_home, swarmpy

KEYS = ["cluster", "name", "state", "role", "pid", "address", "docker_host", "published_at", "data_root"]


@pytest.fixture
def home() -> Iterator[Path]:
    with own_home() as folder:
        yield folder


def nodes() -> list[dict[str, object]]:
    listed = json.loads(swarmpy("ls", "--format", "json").stdout)
    assert isinstance(listed, list)
    return listed


def node(name: str) -> dict[str, object]:
    return next(one for one in nodes() if one["name"] == name)


def test_refusals_say_what_to_do_next(home: Path) -> None:
    refused = {
        ("env", "m1"): "no cluster is up",
        ("down", "nosuch"): 'there is no cluster "nosuch"',
        ("up", "--managers", "0"): "a swarm needs at least one manager",
        ("up", "--name", "a/b"): '"a/b" is no name for a cluster',
        ("up", "--name", ""): '"" is no name for a cluster',
        ("up", "--managers", "0", "--workers", "0", "--no-init"): "a cluster needs at least one node",
        ("down", "lab", "--all"): "--all and a name exclude each other",
    }
    for words, sentence in refused.items():
        done = swarmpy(*words)
        assert done.returncode == 1
        assert sentence in done.stderr
        assert "next: " in done.stderr
    for wrong in (("nonsense",), ("up", "--name", "lab", "--", "sleep")):
        assert swarmpy(*wrong).returncode == 2
    assert json.loads(swarmpy("ls", "--format", "json").stdout) == []
    assert not home.exists()


@pytest.mark.real
def test_a_locked_manager_is_named_everywhere_and_unlocked_by_its_key(home: Path) -> None:
    assert swarmpy("up", "--name", "lk", "--managers", "1", "--workers", "1").returncode == 0
    with sp.attach("lk") as swarm:
        swarm.update(autolock=True)
        key = str(swarm.unlock_key())
    swarmpy("node", "kill", "m1")
    swarmpy("node", "start", "m1")
    listed = swarmpy("ls")
    assert node("m1")["state"] == "locked"
    assert "swarmpy --cluster lk unlock m1" in listed.stderr
    for words in (("top", "--json"), ("check", "--always", "one_leader_per_term"), ("recover",)):
        said = swarmpy(*words)
        assert said.returncode != 0
        assert "unlock" in said.stderr, words
        assert "not a swarm manager" not in said.stderr, words
        assert "node.unlock" not in said.stderr, "in a shell's words"
    wrong = swarmpy("unlock", "m1", given="SWMKEY-1-" + "A" * 43 + "\n")
    assert wrong.returncode == 1
    assert "invalid key provided" in wrong.stderr
    assert swarmpy("unlock", "m1", given=key + "\n").stdout == "m1\n"
    assert node("m1")["state"] == "running"
    assert swarmpy("recover").returncode == 1, "it leads, or will"
    assert swarmpy("down", "lk").returncode == 0


def test_version() -> None:
    assert swarmpy("version").stdout.startswith("swarmpy 0.")
    assert swarmpy("--version").stdout == swarmpy("version").stdout


def test_a_command_that_there_is_not_names_the_near_one() -> None:
    for words, near in ((("relay", "x"), '"replay"'), (("fault", "frieze", "w1"), '"freeze"')):
        done = swarmpy(*words)
        assert done.returncode == 2 and f"Did you mean {near}?" in done.stderr


def test_what_needs_no_cluster_is_told_in_json(tmp_path: Path) -> None:
    assert list(told("version")) == ["version"]
    assert f"{tmp_path}/first_steps.md" in told("notebooks", str(tmp_path))


def told(*words: str) -> Any:
    done = swarmpy(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.real
def test_every_command_tells_in_json(home: Path) -> None:
    up = told("up", "--name", "lab", "--managers", "1", "--workers", "1")
    assert [one["name"] for one in up] == ["m1", "w1"] and list(up[0]) == KEYS
    assert [one["name"] for one in told("ls")] == ["m1", "w1"]
    assert told("env", "m1") == {"DOCKER_HOST": up[0]["docker_host"]}
    assert told("node", "kill", "w1")["state"] == "dead"
    assert told("node", "start", "w1")["state"] == "running"
    added = json.loads(swarmpy("image", "add", "--json", "mine:1", "--", "sleep", "5").stdout)
    assert added == {"image": "mine:1", "command": ["sleep", "5"], "told": ["m1", "w1"], "not_told": []}
    assert {"nginx", "mine"} <= {one["Reference"].partition(":")[0] for one in told("image", "ls")}
    looked = told("top")
    assert [one["name"] for one in looked["nodes"]] == ["m1", "w1"] and looked["leader"] == "m1"
    assert told("fault", "freeze", "w1")["id"] == 1 and told("fault", "list")[0]["id"] == 1
    refused = swarmpy("fault", "heal", "1", "7")
    assert refused.returncode == 1 and "no fault 7 is under way" in refused.stderr
    assert refused.stdout == "1  freeze w1\n", "the others are healed"
    assert told("fault", "heal") == {"healed": []}
    assert told("down", "lab") == {"ended": ["lab"]}


@pytest.mark.real
def test_a_cluster_from_up_to_down(home: Path) -> None:
    up = swarmpy("up", "--name", "lab")
    assert up.returncode == 0, up.stderr
    assert up.stdout.count("export DOCKER_HOST=unix://") == 5
    listed = nodes()
    assert [one["name"] for one in listed] == ["m1", "m2", "m3", "w1", "w2"]
    assert all(list(one) == KEYS for one in listed)
    assert {one["state"] for one in listed} == {"running"}
    assert [one["role"] for one in listed] == ["manager"] * 3 + ["worker"] * 2
    assert swarmpy("env", "w1").stdout == f"export DOCKER_HOST={node('w1')['docker_host']}\n"

    assert 'a cluster "lab" is there already' in swarmpy("up", "--name", "lab").stderr
    assert swarmpy("node", "kill", "m2").returncode == 0
    assert (node("m2")["state"], node("m2")["pid"]) == ("dead", None)
    assert "m2 does not run" in swarmpy("node", "kill", "m2").stderr
    assert swarmpy("node", "start", "m2").returncode == 0
    assert node("m2")["state"] == "running"
    assert "has no node m9" in swarmpy("node", "start", "m9").stderr

    assert swarmpy("image", "add", "mine:1", "--", "sleep", "60").returncode == 0
    assert "mine:1" in swarmpy("image", "ls").stdout
    assert "an image needs a command" in swarmpy("image", "add", "mine:2").stderr
    missing = swarmpy("image", "add", "mine:2", "--", "nosuchprogram")
    assert missing.returncode == 1
    assert '"nosuchprogram": executable file not found in $PATH' in missing.stderr
    assert swarmpy("image", "add", "any", "--", "sleep", "60").returncode == 0
    listed = {line.split()[0]: line for line in swarmpy("image", "ls").stdout.splitlines()[1:]}
    assert "any" in listed["any"] and "1.10 to 1.29" in listed["nginx"] and "yours" in listed["mine:1"]

    other = swarmpy("up", "--name", "other", "--managers", "1", "--workers", "0", "--no-init")
    assert other.returncode == 0 and "swarmpy env --cluster other m1" in other.stdout
    assert "several clusters could be meant: lab, other" in swarmpy("env", "m1").stderr
    assert "other" in swarmpy("env", "m1", "--cluster", "other").stdout
    assert swarmpy("--cluster", "lab", "env", "m1").returncode == 0
    assert swarmpy("down", "other").stdout == "other\n"
    assert swarmpy("down").stdout == "lab\n"
    assert nodes() == []
    assert not home.exists()


@pytest.mark.real
def test_start_answers_without_quorum(home: Path) -> None:
    assert swarmpy("up").returncode == 0
    for name in ("m1", "m2", "m3"):
        assert swarmpy("node", "kill", name).returncode == 0
    assert swarmpy("node", "start", "m2").returncode == 0
    assert swarmpy("down", "--all").stdout == "default\n"
    assert not home.exists()
