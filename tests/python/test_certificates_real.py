"""The swarm's certificates, as the stock docker CLI and openssl see them, on real daemons."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import Docker, eventually, needs_docker, own_home
from swarmpy._cluster import LocalCluster, LocalNode

pytestmark = [
    pytest.mark.real,
    needs_docker,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on PATH"),
]

ROOT = r"-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----"


class Stage:
    def __init__(self, cluster: LocalCluster, config: Path) -> None:
        self.cluster, self.config = cluster, config
        self.nodes = {node.name: node for node in cluster.nodes}
        self.docker = {name: Docker(node, config) for name, node in self.nodes.items()}
        self.m1 = self.docker["m1"]

    def file(self, name: str, what: str) -> Path:
        return self.nodes[name].data_root / "swarm" / "certificates" / what

    def status(self, name: str) -> str:
        rows = self.m1.rows("node", "ls")
        return next((row["STATUS"] for row in rows if row["HOSTNAME"] == name), "gone")

    def tls(self, name: str) -> dict[str, str]:
        info: dict[str, str] = json.loads(self.m1("node", "inspect", name))[0]["Description"]["TLSInfo"]
        return info

    def wait(self, holds: object, what: str) -> None:
        eventually(self.nodes["m1"].door, holds, what)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with own_home(), LocalCluster.start("certificates", managers=3, workers=2) as cluster:
        yield Stage(cluster, tmp_path_factory.mktemp("docker-config"))


def openssl(*words: str) -> str:
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def on_a_terminal(docker: Docker, *words: str) -> str:
    """The CLI draws its bars on a terminal only. What it said, to its end."""
    master, slave = pty.openpty()
    command = ["docker", *words]
    with subprocess.Popen(command, env=docker.environment, stdin=slave, stdout=slave, stderr=slave) as child:
        os.close(slave)
        said = b""
        with contextlib.suppress(OSError):  # the terminal is gone with its last program
            while piece := os.read(master, 65536):
                said += piece
        os.close(master)
        assert child.wait(60) == 0, said.decode()
    return said.decode().replace("\r\n", "\n")


def test_docker_shows_the_root_and_what_each_node_has(stage: Stage) -> None:
    root = stage.m1("swarm", "ca")
    assert re.fullmatch(ROOT, root)
    assert stage.file("w1", "swarm-root-ca.crt").read_text().strip() == root
    info = stage.m1("info")
    assert "CA Configuration:\n   Expiry Duration: 3 months\n   Force Rotate: 0" in info
    assert "Root Rotation In Progress: false" in info
    for name in stage.nodes:
        stage.wait(lambda name=name: stage.tls(name).get("TrustRoot", "").strip() == root, f"{name} says it")
        assert set(stage.tls(name)) == {"TrustRoot", "CertIssuerSubject", "CertIssuerPublicKey"}


def test_a_certificates_life_is_set_and_an_authority_outside_is_refused(stage: Stage) -> None:
    assert stage.m1("swarm", "update", "--cert-expiry", "2h") == "Swarm updated."
    assert "Expiry Duration: 2 hours" in stage.m1("info")
    said = stage.m1.refused("swarm", "update", "--external-ca", "protocol=cfssl,url=https://127.0.0.1:9")
    assert "--external-ca" in said
    assert "not supported" in said
    assert "minimum certificate expiry time" in stage.m1.refused("swarm", "update", "--cert-expiry", "1m")


def test_a_rotation_shows_its_two_bars_to_the_end(stage: Stage) -> None:
    old, token = stage.m1("swarm", "ca"), stage.m1("swarm", "join-token", "-q", "worker")
    stage.m1("service", "create", "-q", "--name", "web", "--replicas", "4", "nginx:1.10")
    tasks = stage.m1("service", "ps", "-q", "web")
    said = on_a_terminal(stage.m1, "swarm", "ca", "--rotate")
    assert "desired root digest: sha256:" in said
    assert re.search(r"rotated TLS certificates: .* 5/5 nodes", said)
    assert re.search(r"rotated CA certificates: .* 5/5 nodes", said)
    new = said[said.rindex("-----BEGIN") :].strip()
    assert re.fullmatch(ROOT, new)
    assert new != old
    assert stage.m1("swarm", "ca") == new
    for name in stage.nodes:
        file = stage.file(name, "swarm-root-ca.crt")
        stage.wait(lambda file=file: file.read_text().strip() == new, f"{name} has it on its disk")
        chain = stage.file(name, "swarm-node.crt")
        openssl("verify", "-CAfile", str(file), str(chain))
        assert re.search(r"OU ?= ?swarm-", openssl("x509", "-in", str(chain), "-noout", "-subject"))
        life = ["openssl", "x509", "-in", str(chain), "-noout", "-checkend", str(3 * 3600)]
        assert subprocess.run(life, capture_output=True, timeout=60, check=False).returncode == 1, "two hours"
    other = stage.m1("swarm", "join-token", "-q", "worker")
    assert other.split("-")[2] != token.split("-")[2], "another root, another digest"
    assert stage.m1("service", "ps", "-q", "web") == tasks, "no task was touched"


def test_a_node_that_is_down_blocks_it_and_another_wish_takes_its_place(stage: Stage) -> None:
    before = stage.m1("swarm", "ca")
    stage.nodes["w1"].kill()
    stage.wait(lambda: stage.status("w1") == "Down", "w1 is down")
    stage.m1("swarm", "ca", "--rotate", "--detach")
    stage.m1("swarm", "ca", "--rotate", "--detach")
    wanted = stage.m1("swarm", "ca")
    stage.wait(
        lambda: stage.tls("w2")["CertIssuerPublicKey"] == swarm_tls(stage)["CertIssuerPublicKey"], "w2"
    )
    assert "Root Rotation In Progress: true" in stage.m1("info")
    assert stage.tls("w2")["TrustRoot"].strip() == before, "it believes the old root until all are there"
    stage.nodes["w1"].start()
    stage.wait(lambda: "Root Rotation In Progress: false" in stage.m1("info"), "the rotation is over")
    assert stage.m1("swarm", "ca") == wanted
    stage.wait(lambda: stage.status("w1") == "Ready", "w1 is ready")
    stage.wait(lambda: stage.tls("w1")["TrustRoot"].strip() == wanted, "w1 believes it")


def swarm_tls(stage: Stage) -> dict[str, str]:
    info = json.loads(stage.m1("info", "--format", "{{json .Swarm.Cluster.TLSInfo}}"))
    assert isinstance(info, dict)
    return info


def test_a_root_of_ones_own(stage: Stage, tmp_path: Path) -> None:
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(key))
    openssl("req", "-x509", "-new", "-key", str(key), "-subj", "/CN=mine", "-days", "3650", "-out", str(cert))
    other = tmp_path / "other.pem"
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(other))
    said = stage.m1.refused("swarm", "ca", "--rotate", "--ca-cert", str(cert), "--ca-key", str(other))
    assert "do not match" in said
    said = stage.m1("swarm", "ca", "--rotate", "--ca-cert", str(cert), "--ca-key", str(key))
    assert said.endswith(cert.read_text().strip()), "it prints the root when all nodes are there"
    assert stage.m1("swarm", "ca") == cert.read_text().strip()
    for name in stage.nodes:
        openssl("verify", "-CAfile", str(cert), str(stage.file(name, "swarm-node.crt")))


# ---- a node that was removed, and a program that has its key


def number(text: str) -> bytes:
    return int(text, 36).to_bytes(16, "big")


class Thief:
    """Speaks to the mesh of a node with the certificate of another one."""

    def __init__(self, stage: Stage, victim: str) -> None:
        self.folder = stage.config / "stolen"
        if not self.folder.exists():
            shutil.copytree(stage.file(victim, "."), self.folder)
        certificate = str(self.folder / "swarm-node.crt")
        subject = openssl("x509", "-in", certificate, "-noout", "-subject", "-nameopt", "multiline")
        parts = dict(re.findall(r"(\w+) += (\S+)", subject))
        self.greeting = b"swarmesh\0\0\0\1" + number(parts["organizationName"]) + number(parts["commonName"])

    def dial(self, node: LocalNode) -> ssl.SSLSocket:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(self.folder / "swarm-root-ca.crt")
        context.load_cert_chain(self.folder / "swarm-node.crt", self.folder / "swarm-node.key")
        link = context.wrap_socket(socket.create_connection((node.address, 7946), timeout=10))
        link.sendall(self.greeting)
        return link


def is_cut(link: ssl.SSLSocket) -> bool:
    """True when the other end has closed; what it said before is read."""
    try:
        while link.recv(4096):
            continue
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def test_the_mesh_of_every_node_refuses_a_node_that_was_removed(stage: Stage) -> None:
    thief = Thief(stage, "w2")
    stage.nodes["w2"].kill()
    stage.wait(lambda: stage.status("w2") == "Down", "w2 is down")
    others = [stage.nodes[name] for name in ("m1", "m2", "w1")]
    with contextlib.ExitStack() as opened:
        links = [opened.enter_context(thief.dial(node)) for node in others]
        for link in links:
            link.settimeout(1)
            assert not is_cut(link), "it is taken for w2, else the rest proves nothing"
        assert stage.m1("node", "rm", "w2") == "w2"
        for link, node in zip(links, others, strict=True):
            link.settimeout(20)
            assert is_cut(link), f"the link that {node.name} has is cut"
            again = opened.enter_context(thief.dial(node))
            again.settimeout(20)
            assert is_cut(again), f"{node.name} takes no other"


# ---- two daemons with one identity


def test_the_second_daemon_with_one_identity_is_refused_and_says_why(stage: Stage) -> None:
    first = stage.nodes["w1"]
    second = stage.cluster.add("w9")
    second_docker = Docker(second, stage.config)
    second.kill()
    shutil.rmtree(second.data_root)
    shutil.copytree(first.data_root, second.data_root, symlinks=True, ignore=not_sockets)
    second.start()
    stage.wait(lambda: "another daemon has this node's identity" in second_docker("info"), "it says why")
    assert stage.status("w1") == "Ready"
    assert "another daemon" not in stage.docker["w1"]("info")
    first.kill()
    stage.wait(lambda: "another daemon" not in second_docker("info"), "alone, it is the node")
    first.start()
    stage.wait(lambda: "another daemon has this node's identity" in stage.docker["w1"]("info"), "now w1 is")


def not_sockets(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not Path(folder, name).is_file() and not Path(folder, name).is_dir()]
