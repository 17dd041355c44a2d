"""Autolock, told by the stock docker CLI to real daemons: a stopped manager's disk tells nothing."""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import Docker, eventually, needs_docker, own_home
from swarmpy._cluster import ClusterError, LocalCluster, LocalNode

pytestmark = [pytest.mark.real, needs_docker]

LOCKED = (
    'Swarm is encrypted and needs to be unlocked before it can be used. Please use "docker swarm unlock" to '
    "unlock it."
)
KEY = r"SWMKEY-1-[A-Za-z0-9+/]{43}"
# How a P-256 key begins: as PEM, and its bytes (PKCS #8, RFC 5958; the inner part alone, RFC 5915).
KEYS = [
    b"PRIVATE KEY",
    b"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg",
    bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420"),
    bytes.fromhex("306b0201010420"),
    bytes.fromhex("30770201010420"),
]


class Stage:
    def __init__(self, cluster: LocalCluster, config: Path) -> None:
        self.cluster = cluster
        self.m1, self.m2, self.m3, self.w1 = (Docker(node, config) for node in cluster.nodes)
        self.managers = [self.m1, self.m2, self.m3]

    def key(self) -> str:
        return self.m1("swarm", "unlock-key", "-q")


def unlock(docker: Docker, key: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", "swarm", "unlock"],
        env=docker.environment,
        input=key + "\n",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def state(docker: Docker) -> str:
    return docker("info", "--format", "{{.Swarm.LocalNodeState}}")


def restart(docker: Docker) -> None:
    docker.node.kill()
    docker.node.start()


def wait_ready(docker: Docker, names: set[str]) -> None:
    def ready() -> set[str]:
        rows = docker.run("node", "ls", "--format", "{{.Hostname}} {{.Status}}").stdout.splitlines()
        return {row.split()[0] for row in rows if row.endswith(" Ready")}

    eventually(docker.node.door, lambda: names <= ready(), f"{names} are ready")


def files_that_tell(node: LocalNode, needles: list[bytes]) -> list[str]:
    found = []
    for path in Path(node.data_root).rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            found += [f"{path.name}: {needle!r}" for needle in needles if needle in content]
    return found


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with own_home(), LocalCluster.start("lock", 3, 1) as cluster:
        yield Stage(cluster, tmp_path_factory.mktemp("docker-config"))


def test_without_autolock_only_the_key_file_tells(stage: Stage) -> None:
    assert "no unlock key is set" in stage.m1.refused("swarm", "unlock-key")
    assert "autolock is not turned on" in stage.m1.refused("swarm", "unlock-key", "--rotate")
    assert "swarm is not locked" in unlock(stage.m1, "SWMKEY-1-x").stderr
    stage.m1(
        "service", "create", "--detach", "--no-resolve-image", "--name", "web", "--replicas", "2",
        "--env", "PASSWORD=correct-horse", "--label", "note=battery-staple", "nginx",
    )  # fmt: skip
    tokens = [
        stage.m1("swarm", "join-token", "-q", role).split("-")[-1].encode() for role in ("worker", "manager")
    ]
    stage.m2.node.kill()
    told = files_that_tell(stage.m2.node, [*tokens, b"correct-horse", b"battery-staple", *KEYS[1:]])
    assert [line.split(":")[0] for line in told] == ["swarm-node.key"]
    stage.m2.node.start()
    wait_ready(stage.m1, {"m1", "m2", "m3", "w1"})


def test_a_manager_that_starts_again_is_locked(stage: Stage) -> None:
    said = stage.m1("swarm", "update", "--autolock")
    hint = "To unlock a swarm manager after it restarts"
    assert re.search(rf"Swarm updated\.\n{hint}.*\n    {KEY}\n", said, re.DOTALL)
    assert stage.key() in said
    key_file = Path(stage.m3.node.data_root, "swarm/certificates/swarm-node.key")
    eventually(stage.m3.node.door, lambda: "LOCKED" in key_file.read_text(), "m3 has heard of it")
    restart(stage.m3)
    assert state(stage.m3) == "locked"
    assert LOCKED in stage.m3.refused("node", "ls")
    assert "invalid key provided" in unlock(stage.m3, "SWMKEY-1-" + "A" * 43).stderr
    assert "invalid key string" in unlock(stage.m3, "open sesame").stderr
    assert unlock(stage.m3, stage.key()).returncode == 0
    wait_ready(stage.m3, {"m1", "m2", "m3", "w1"})
    restart(stage.w1)
    assert state(stage.w1) == "active", "workers are not locked"


def test_a_rotated_key_reaches_a_manager_that_was_down(stage: Stage) -> None:
    former = stage.key()
    stage.m2.node.kill()
    said = stage.m1("swarm", "unlock-key", "--rotate")
    assert said.startswith("Successfully rotated manager unlock key.")
    assert re.search(KEY, said)
    stage.m2.node.start()
    assert unlock(stage.m2, former).returncode == 0
    wait_ready(stage.m2, {"m1", "m2", "m3"})
    key_file = Path(stage.m2.node.data_root, "swarm/certificates/swarm-node.key")
    eventually(stage.m2.node.door, lambda: "kek-version: 2" in key_file.read_text(), "m2 has the new key")
    restart(stage.m2)
    assert "invalid key provided" in unlock(stage.m2, former).stderr
    assert unlock(stage.m2, stage.key()).returncode == 0


@pytest.mark.parametrize("name", ["swarm-node.crt", "swarm-root-ca.crt"])
def test_a_locked_manager_starts_with_whole_certificates_only(stage: Stage, name: str) -> None:
    file = Path(stage.m2.node.data_root, "swarm/certificates", name)
    stage.m2.node.kill()
    kept = file.read_bytes()
    file.write_bytes(b"")
    with pytest.raises(ClusterError, match=rf"{name} is empty; put this node's own files back"):
        stage.m2.node.start()
    file.write_bytes(kept)
    stage.m2.node.start()
    assert unlock(stage.m2, stage.key()).returncode == 0
    wait_ready(stage.m2, {"m1", "m2", "m3"})


def test_the_key_that_was_just_shown_opens_after_a_crash(tmp_path: Path) -> None:
    """kill -9 of the only manager as soon as the CLI has printed the new key."""
    with own_home(), LocalCluster.start("crash", 1, 0) as cluster:
        m1 = Docker(cluster.nodes[0], tmp_path)
        m1("swarm", "update", "--autolock")
        for _ in range(4):
            key = m1("swarm", "unlock-key", "--rotate", "-q")
            restart(m1)
            assert unlock(m1, key).returncode == 0
            eventually(m1.node.door, lambda: m1.run("node", "ls").returncode == 0, "m1 leads")
        m1("swarm", "update", "--autolock=false")
        restart(m1)
        assert state(m1) == "active"


def test_an_unlocked_manager_tells_the_key_that_the_others_wait_for(stage: Stage) -> None:
    former = stage.key()
    key = stage.m2("swarm", "unlock-key", "--rotate", "-q")
    assert key != former
    for docker in (stage.m1, stage.m3):
        key_file = Path(docker.node.data_root, "swarm/certificates/swarm-node.key")
        number = f"kek-version: {_number(stage.m2)}"
        eventually(docker.node.door, lambda of=key_file, n=number: n in of.read_text(), "it has the new key")
    for docker in (stage.m1, stage.m3):
        restart(docker)
    eventually(stage.m2.node.door, lambda: "leader" in stage.m2.refused("node", "ls"), "m2 has no leader")
    told = stage.m2("swarm", "unlock-key", "-q")
    assert told == key
    for docker in (stage.m1, stage.m3):
        assert unlock(docker, told).returncode == 0
    wait_ready(stage.m2, {"m1", "m2", "m3", "w1"})


def _number(docker: Docker) -> str:
    text = Path(docker.node.data_root, "swarm/certificates/swarm-node.key").read_text()
    return text.partition("kek-version: ")[2].split()[0]


def test_a_locked_managers_disk_tells_no_secret(stage: Stage) -> None:
    key = stage.key()
    raw = base64.b64decode(key.removeprefix("SWMKEY-1-") + "=")
    tokens = [stage.m1("swarm", "join-token", "-q", role) for role in ("worker", "manager")]
    needles = [token.split("-")[-1].encode() for token in tokens]
    needles += [b"correct-horse", b"battery-staple", key.encode(), key[9:].encode(), raw, *KEYS]
    for docker in stage.managers:
        docker.node.kill()
    for docker in stage.managers:
        assert files_that_tell(docker.node, needles) == []
    for docker in stage.managers:
        docker.node.start()
        assert state(docker) == "locked"
        assert files_that_tell(docker.node, needles) == []
    assert LOCKED in stage.m1.refused("swarm", "unlock-key", "-q"), "no manager can tell it now"
    for docker in stage.managers[:2]:
        assert unlock(docker, key).returncode == 0
    wait_ready(stage.m1, {"m1", "m2", "w1"})
    assert stage.key() == key
    inspected = stage.m1("service", "inspect", "web")
    assert "PASSWORD=correct-horse" in inspected


def test_a_manager_whose_key_is_lost_can_leave(stage: Stage) -> None:
    assert "Please unlock it first or use `--force`" in stage.m3.refused("swarm", "leave")
    stage.m3("swarm", "leave", "--force")
    assert state(stage.m3) == "inactive"


def test_autolock_can_be_turned_off(stage: Stage) -> None:
    stage.m1("swarm", "update", "--autolock=false")
    for docker in (stage.m1, stage.m2):
        key_file = Path(docker.node.data_root, "swarm/certificates/swarm-node.key")
        eventually(docker.node.door, lambda of=key_file: "LOCKED" not in of.read_text(), "it is open")
        restart(docker)
        assert state(docker) == "active"
    wait_ready(stage.m1, {"m1", "m2", "w1"})
