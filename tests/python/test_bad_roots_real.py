"""Roots that cannot be a swarm's, and nodes that the managers' root does not know: real daemons say so."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import Docker, eventually, needs_docker, own_home
from swarmpy._cluster import LocalCluster

pytestmark = [
    pytest.mark.real,
    needs_docker,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on PATH"),
]

CA = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"]
BAD = {
    "a weak key": ("prime192v1", CA, "ca key too small"),
    "a name constraint": (
        "prime256v1",
        [*CA, "nameConstraints=critical,permitted;DNS:example.com"],
        "permitted subtree violation",
    ),
    "clients only": ("prime256v1", [*CA, "extendedKeyUsage=clientAuth"], "unsuitable certificate purpose"),
    "a short path": ("prime256v1", [CA[0] + ",pathlen:0", CA[1]], "pathlen:0"),
}


class Stage:
    def __init__(self, cluster: LocalCluster, config: Path) -> None:
        self.m1, self.w1 = cluster.nodes
        self.docker, self.worker = Docker(self.m1, config), Docker(self.w1, config)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with own_home(), LocalCluster.start("bad-roots", managers=1, workers=1) as cluster:
        yield Stage(cluster, tmp_path_factory.mktemp("docker-config"))


def make_key(path: Path, curve: str) -> Path:
    subprocess.run(["openssl", "ecparam", "-name", curve, "-genkey", "-noout", "-out", path], check=True)
    return path


def make_root(path: Path, key: Path, name: str, extensions: list[str]) -> Path:
    config = path.with_suffix(".cnf")
    lines = ["[req]", "distinguished_name=dn", "prompt=no", "x509_extensions=e", "[dn]", f"CN={name}", "[e]"]
    config.write_text("\n".join([*lines, "subjectKeyIdentifier=hash", *extensions, ""]))
    words = ["-key", key, "-config", config, "-days", "3650", "-out", path]
    subprocess.run(["openssl", "req", "-x509", "-new", *words], check=True)
    return path


@pytest.mark.parametrize("kind", BAD)
def test_a_root_that_nodes_would_refuse_changes_nothing(stage: Stage, tmp_path: Path, kind: str) -> None:
    curve, extensions, why = BAD[kind]
    before = stage.docker("swarm", "ca")
    key = make_key(tmp_path / "root.key", curve)
    cert = make_root(tmp_path / "root.crt", key, "mine", extensions)
    said = stage.docker.refused("swarm", "ca", "--rotate", "--ca-cert", str(cert), "--ca-key", str(key))
    assert why in said
    assert stage.docker("swarm", "ca") == before
    assert "Root Rotation In Progress: false" in stage.docker("info")


def test_the_present_roots_key_with_another_name_is_refused(stage: Stage, tmp_path: Path) -> None:
    key = make_key(tmp_path / "root.key", "prime256v1")
    cert = make_root(tmp_path / "root.crt", key, "one", CA)
    stage.docker("swarm", "ca", "--rotate", "--ca-cert", str(cert), "--ca-key", str(key))
    other = make_root(tmp_path / "other.crt", key, "another", CA)
    said = stage.docker.refused("swarm", "ca", "--rotate", "--ca-cert", str(other), "--ca-key", str(key))
    assert "has the key identifier of another root" in said
    again = make_root(tmp_path / "again.crt", key, "one", CA)  # the same authority, for longer
    stage.docker("swarm", "ca", "--rotate", "--ca-cert", str(again), "--ca-key", str(key))
    assert stage.docker("swarm", "ca") == again.read_text().strip()


def test_a_node_that_was_removed_before_the_root_changed_is_told_so(stage: Stage) -> None:
    stage.w1.kill()
    stage.docker("node", "rm", "--force", "w1")
    stage.docker("swarm", "ca", "--rotate")
    stage.w1.start()
    said = "{{.Swarm.LocalNodeState}} {{.Swarm.Error}}"
    eventually(
        stage.w1.door,
        lambda: "certificate: it is of another root" in stage.worker("info", "--format", said),
        "the worker says why it is in no session",
    )
    assert "docker swarm leave --force" in stage.worker("info", "--format", said)
    told = f"the certificate of {stage.w1.address} is refused: it is of another root"
    assert told in stage.m1.log.read_text()
    stage.worker("swarm", "leave", "--force")
    assert stage.worker("info", "--format", said).strip() == "inactive"
