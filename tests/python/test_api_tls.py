"""The API over TCP with TLS: dockerd's flags, the stock docker CLI, and clients that prove nothing."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from local import needs_docker
from swarmpy._cluster.places import program

pytestmark = pytest.mark.real


def openssl(*words: str, cwd: Path) -> None:
    subprocess.run(["openssl", *words], cwd=cwd, check=True, capture_output=True)


def authority(folder: Path, name: str = "ca") -> None:
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"),
        *("-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem"),
        cwd=folder,
    )


def certificate(folder: Path, name: str, use: str, ca: str = "ca", days: int = 2) -> None:
    """NAME.pem and NAME.key, as Docker's manual makes them (protect-access)."""
    (folder / "extensions").write_text(f"subjectAltName=IP:127.0.0.1\nextendedKeyUsage={use}\n")
    openssl(
        *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}"),
        *("-keyout", f"{name}.key", "-out", f"{name}.csr"),
        cwd=folder,
    )
    openssl(
        *("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key", "-CAcreateserial"),
        *("-days", str(days), "-extfile", "extensions", "-out", f"{name}.pem"),
        cwd=folder,
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    authority(folder)
    authority(folder, "other")
    certificate(folder, "server", "serverAuth")
    certificate(folder, "client", "clientAuth")
    certificate(folder, "foreign", "clientAuth", ca="other")
    return folder


def own(files: Path, *flags: str) -> list[str]:
    return [*flags, "--tlscert", f"{files}/server.pem", "--tlskey", f"{files}/server.key"]


def verifying(files: Path) -> list[str]:
    return own(files, "--tlsverify", "--tlscacert", f"{files}/ca.pem")


class Daemon:
    """A swarmd of its own at a port of the machine's loopback."""

    def __init__(self, root: Path, *flags: str) -> None:
        self.port = free_port()
        ready, ready_end = os.pipe()
        command = [str(program()), "--data-root", str(root), "--ready-fd", str(ready_end)]
        command += ["-H", f"tcp://127.0.0.1:{self.port}", *flags]
        self.child = subprocess.Popen(command, pass_fds=[ready_end], stderr=subprocess.PIPE, text=True)
        os.close(ready_end)
        with os.fdopen(ready) as end:
            assert end.read() == "ready\n", self.child.communicate()[1]

    def __enter__(self) -> Daemon:
        return self

    def __exit__(self, *_: object) -> None:
        self.child.terminate()
        self.child.communicate(timeout=20)

    def docker(self, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
        command = ["docker", "-H", f"tcp://127.0.0.1:{self.port}", *words]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    def get(self, context: ssl.SSLContext, target: str = "/_ping") -> str:
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as sealed,
        ):
            sealed.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while piece := sealed.recv(65536):
                answer += piece
        return answer.decode()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def client(files: Path, name: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(files / "ca.pem"))
    if name is not None:
        context.load_cert_chain(files / f"{name}.pem", files / f"{name}.key")
    return context


def refusal(root: Path, *flags: str) -> str:
    command = [str(program()), "--data-root", str(root), *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1, done
    return next(line for line in done.stderr.splitlines() if line.startswith("swarmd: "))


@needs_docker
def test_the_stock_docker_cli_proves_who_it_is_and_commands_the_daemon(files: Path, tmp_path: Path) -> None:
    with Daemon(tmp_path / "root", *verifying(files)) as daemon:
        shown = ["--tlsverify", f"--tlscacert={files}/ca.pem"]
        proved = [*shown, f"--tlscert={files}/client.pem", f"--tlskey={files}/client.key"]
        done = daemon.docker(*proved, "swarm", "init", "--advertise-addr", "127.0.0.1")
        assert done.returncode == 0, done
        assert "is now a manager" in done.stdout
        assert daemon.docker(*proved, "node", "ls", "-q").stdout.strip()
        foreign = [*shown, f"--tlscert={files}/foreign.pem", f"--tlskey={files}/foreign.key"]
        for words in (foreign, ["--tls", f"--tlscacert={files}/ca.pem"], []):
            assert daemon.docker(*words, "node", "ls").returncode != 0, words


def ends_without_an_answer(ask: Callable[[], str]) -> bool:
    try:
        return ask() == ""
    except (ssl.SSLError, ConnectionError):
        return True


def test_a_client_that_proves_nothing_gets_no_answer(files: Path, tmp_path: Path) -> None:
    with Daemon(tmp_path / "root", *verifying(files)) as daemon:
        assert daemon.get(client(files, "client")).endswith("OK")
        for name in (None, "foreign", "server"):  # none; another authority's; one that is no client's
            assert ends_without_an_answer(lambda name=name: daemon.get(client(files, name))), name
        with socket.create_connection(("127.0.0.1", daemon.port), timeout=10) as plain:
            plain.sendall(b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                assert b"OK" not in plain.recv(65536)
        assert daemon.get(client(files, "client"), "/info").startswith("HTTP/1.1 200")


def test_tls_alone_hides_and_proves_the_daemon_only(files: Path, tmp_path: Path) -> None:
    with Daemon(tmp_path / "root", *own(files, "--tls")) as daemon:
        assert daemon.get(client(files, None)).endswith("OK")


def test_one_client_after_the_other_is_served_whole(files: Path, tmp_path: Path) -> None:
    with Daemon(tmp_path / "root", *verifying(files)) as daemon:
        context = client(files, "client")
        first = daemon.get(context, "/info")
        assert first.startswith("HTTP/1.1 200") and first.endswith("}\n"), first[:200]
        for _ in range(100):
            assert daemon.get(context).endswith("OK")


def test_beyond_loopback_clients_must_prove_who_they_are(files: Path, tmp_path: Path) -> None:
    everywhere = ["-H", "tcp://0.0.0.0:0"]
    said = refusal(tmp_path / "a", *everywhere)
    assert "without TLS anybody could command this daemon" in said
    assert "--tlsverify --tlscacert CA" in said and "--insecure-open-api" in said
    said = refusal(tmp_path / "b", *everywhere, *own(files, "--tls"))
    assert "clients prove nothing without --tlsverify" in said
    with Daemon(tmp_path / "c", *verifying(files), *everywhere) as daemon:
        assert daemon.get(client(files, "client")).endswith("OK")


def test_files_that_are_wrong_are_named(files: Path, tmp_path: Path) -> None:
    missing = refusal(tmp_path / "a", "--tlsverify", "--tlscacert", f"{files}/none.pem", *own(files))
    assert f"TLS for the API: {files}/none.pem: cannot be opened: No such file or directory" in missing
    assert "name the file with --tlscacert" in missing
    wrong = ["--tls", "--tlscert", f"{files}/server.pem", "--tlskey", f"{files}/client.key"]
    assert "the key is not that of the certificate" in refusal(tmp_path / "b", *wrong)
    clients = ["--tls", "--tlscert", f"{files}/client.pem", "--tlskey", f"{files}/client.key"]
    assert "its usages do not allow a server (serverAuth)" in refusal(tmp_path / "f", *clients)
    (tmp_path / "empty.pem").write_text("")
    nobody = refusal(tmp_path / "c", "--tlsverify", "--tlscacert", f"{tmp_path}/empty.pem", *own(files))
    assert "the clients' certificate authority cannot be read" in nobody
    assert "do nothing without --tls or --tlsverify" in refusal(tmp_path / "d", *own(files))
    ignored = refusal(tmp_path / "e", *own(files, "--tls", "--tlscacert", f"{files}/ca.pem"))
    assert "--tlscacert does nothing without --tlsverify" in ignored
