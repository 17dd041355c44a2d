"""Places that a daemon cannot have: each is refused in one sentence that names it, and is left as it was."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import eventually, exists, own_home
from swarmpy import SwarmError
from swarmpy._cluster import ClusterError, Door, LocalCluster, LocalNode
from swarmpy._cluster.form import form, init
from swarmpy._cluster.places import program

pytestmark = pytest.mark.real


@pytest.fixture
def cluster() -> Iterator[LocalCluster]:
    """Two daemons outside any swarm."""
    with own_home(), LocalCluster.start("places", 1, 1, init=False) as cluster:
        yield cluster


def refused(*flags: str, root: Path) -> str:
    """The one sentence with which a daemon of these flags ends."""
    command: list[str | Path] = [program(), "--data-root", root, *flags]
    if os.geteuid() == 0 and shutil.which("setpriv"):  # root, but for its right to write anywhere
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1, done
    words = [line for line in done.stderr.splitlines() if not line.startswith("time=")]
    assert len(words) == 1 and words[0].startswith("swarmd: "), done.stderr
    return words[0].removeprefix("swarmd: ")


def test_the_apis_port_is_in_use_or_the_address_is_not_ours(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = refused("-H", f"tcp://127.0.0.1:{port}", root=tmp_path / "a")
        assert f"tcp://127.0.0.1:{port}: address already in use" in said
    said = refused("-H", "tcp://192.0.2.1:2375", "--insecure-open-api", root=tmp_path / "b")
    assert "cannot assign requested address" in said
    assert "without TLS" in refused("-H", "tcp://0.0.0.0:2375", root=tmp_path / "c")
    assert "not an IP address" in refused("--address", "nowhere", root=tmp_path / "d")
    assert "scheme is not known" in refused("-H", "carrier://pigeon", root=tmp_path / "e")
    assert "longer than 107 bytes" in refused("-H", f"unix:///tmp/{'x' * 120}", root=tmp_path / "f")
    (tmp_path / "file").write_text("precious")
    assert "not a socket" in refused("-H", f"unix://{tmp_path}/file", root=tmp_path / "g")
    assert (tmp_path / "file").read_text() == "precious"


def test_the_swarms_port_is_in_use_and_then_it_is_not(cluster: LocalCluster) -> None:
    manager, worker = cluster.nodes
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((manager.address, 2377))
        other.listen()
        with pytest.raises(SwarmError, match=r"listen tcp .*:2377: bind: address already in use"):
            init(manager)
        assert manager.door.get("/info")["Swarm"]["LocalNodeState"] == "inactive"
    with pytest.raises(SwarmError, match=r"cannot assign requested address|not a loopback address"):
        manager.door.post("/swarm/init", {"ListenAddr": "192.0.2.1:2377", "AdvertiseAddr": "192.0.2.1"})
    form([manager, worker])
    manager.kill()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((manager.address, 2377))
        other.listen()
        with pytest.raises(ClusterError, match="address already in use"):
            manager.start()
    manager.start()
    eventually(manager.door, lambda: len(ready_nodes(manager.door)) == 2, "all is as before")


@pytest.mark.parametrize("kept", [8, 100, 300])
def test_a_manager_that_has_lost_its_name_deletes_nothing(cluster: LocalCluster, kept: int) -> None:
    manager, worker = cluster.nodes
    form([manager, worker])
    manager.kill()
    log = manager.data_root / "node.log"
    whole = log.read_bytes()
    os.truncate(log, kept)
    with pytest.raises(ClusterError, match=r"node.log has lost this node's identity"):
        manager.start()
    assert (manager.data_root / "raft").exists()
    log.write_bytes(whole)
    manager.start()
    eventually(manager.door, lambda: len(ready_nodes(manager.door)) == 2, "all is as before")


def test_a_manager_whose_log_is_gone_stays_up_and_says_so(cluster: LocalCluster) -> None:
    manager, worker = cluster.nodes
    form([manager, worker])
    manager.kill()
    log = manager.data_root / "raft"
    log.rename(manager.folder / "lost")
    manager.start()
    swarm = manager.door.get("/info")["Swarm"]
    assert "its Raft state is gone" in swarm["Error"]
    assert "restore the data root from a copy" in swarm["Error"]
    manager.kill()
    assert not log.exists(), "nothing is begun anew"
    (manager.folder / "lost").rename(log)
    manager.start()
    eventually(manager.door, lambda: len(ready_nodes(manager.door)) == 2, "all is as before")


def test_a_root_that_is_no_folder_or_not_ours(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    assert f"{tmp_path}/file: cannot be made" in refused(root=tmp_path / "file")
    assert "Not a directory" in refused(root=tmp_path / "file" / "below")
    root = tmp_path / "root"
    root.mkdir()
    (root / "FORMAT").mkdir()
    assert f"{root}/FORMAT" in refused(root=root)
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.skipif(os.geteuid() == 0 and shutil.which("setpriv") is None, reason="root may write anywhere")
def test_a_root_without_rights(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "node.log").write_text("precious")
    for name, mode in (("root/FORMAT", 0o000), ("root", 0o500), ("", 0o500)):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    assert f"{tmp_path}/new: cannot be made: Permission denied" in refused(root=tmp_path / "new")
    assert f"{tmp_path}/root/LOCK: cannot be opened: Permission denied" in refused(root=tmp_path / "root")
    (tmp_path / "root").chmod(0o700)
    assert f"{tmp_path}/root/FORMAT: cannot be opened: Permission denied" in refused(root=tmp_path / "root")
    assert (tmp_path / "root" / "node.log").read_text() == "precious"
    tmp_path.chmod(0o700)


def test_a_lost_file_of_a_root_is_named_and_nothing_is_begun_anew(cluster: LocalCluster) -> None:
    manager, worker = cluster.nodes
    form([manager, worker])
    manager.kill()
    for name in ("FORMAT", "node.log"):
        lost = manager.data_root / name
        lost.rename(manager.folder / "lost")
        with pytest.raises(ClusterError, match=r"damaged|corrupt") as caught:
            manager.start()
        assert str(manager.data_root) in caught.value.message or "data root" in caught.value.message
        assert not lost.exists()
        (manager.folder / "lost").rename(lost)
    manager.start()
    eventually(manager.door, lambda: len(ready_nodes(manager.door)) == 2, "all is as before")


def test_the_root_is_its_owners_alone(cluster: LocalCluster) -> None:
    form(cluster.nodes)
    for node in cluster.nodes:
        assert node.data_root.stat().st_mode & 0o777 == 0o700
        assert Path(node.docker_host.removeprefix("unix://")).stat().st_mode & 0o777 == 0o660


def test_a_disk_that_refuses_ends_the_managers_part_and_nothing_is_lost(cluster: LocalCluster) -> None:
    """The limit on the size of a file stands in for a disk that refuses. It cannot be told from one that
    fails: the database is written anew when it is over."""
    manager = cluster.nodes[0]
    init(manager)
    door = manager.door
    pid = manager.pid
    assert pid is not None
    acknowledged = []
    limit(pid, 256 * 1024)
    for number in range(400):
        try:
            door.post("/services/create", big(f"s{number}"), timeout=10)
        except SwarmError:
            break
        acknowledged.append(f"s{number}")
    assert 3 < len(acknowledged) < 399
    swarm = door.get("/info")["Swarm"]
    assert swarm["LocalNodeState"] == "error"
    assert "raft cannot be used" in swarm["Error"] and "File too large" in swarm["Error"]
    with pytest.raises(SwarmError, match="goes on by itself when the disk takes writes again"):
        door.get("/services")
    limit(pid, None)
    eventually(door, lambda: door.get("/info")["Swarm"]["LocalNodeState"] == "active", "it goes on")
    eventually(door, lambda: set(acknowledged) <= names(door), "all that was acknowledged is there")
    assert manager.pid == pid
    manager.kill()
    manager.start()
    assert set(acknowledged) <= names(door)


def limit(pid: int, size: int | None) -> None:
    soft = "unlimited" if size is None else str(size)
    subprocess.run(["prlimit", "--pid", str(pid), f"--fsize={soft}:unlimited"], check=True)


def names(door: Door) -> set[str]:
    return {one["Spec"]["Name"] for one in door.get("/services")}


def test_another_nodes_certificate_is_refused_and_so_is_a_lost_key(cluster: LocalCluster) -> None:
    manager, worker = cluster.nodes
    form([manager, worker])
    worker.kill()
    own = worker.data_root / "swarm" / "certificates"
    kept = own.with_name("kept")
    shutil.copytree(own, kept)
    others = manager.data_root / "swarm" / "certificates"
    shutil.copytree(others, own, dirs_exist_ok=True)  # its key is not the one that sealed this root
    with pytest.raises(ClusterError, match=r"a record does not open with the keys of swarm-node.key"):
        worker.start()
    shutil.rmtree(own)
    shutil.copytree(kept, own)
    shutil.copy(others / "swarm-node.crt", own)
    with pytest.raises(
        ClusterError, match=r"swarm-node.crt is that of node \w+ in swarm \w+, and this is node"
    ):
        worker.start()
    shutil.rmtree(own)
    shutil.copytree(kept, own)
    (own / "swarm-node.key").unlink()
    with pytest.raises(ClusterError, match=r"does not open with the keys of swarm-node.key"):
        worker.start()
    shutil.rmtree(own)
    shutil.copytree(kept, own)
    worker.start()
    eventually(manager.door, lambda: len(ready_nodes(manager.door)) == 2, "all is as before")


def test_a_daemon_without_standard_descriptors_writes_its_log_nowhere(cluster: LocalCluster) -> None:
    """Else its first files and sockets would be 0, 1 and 2, and log lines would go into them."""
    node = cluster.nodes[0]
    node.kill()
    ready, write_end = os.pipe()
    flags = (
        f"--data-root {node.data_root} -H {node.docker_host} --address {node.address} --ready-fd {write_end}"
    )
    command = f"exec {program()} {flags} -l debug <&- >&- 2>&-"
    daemon = subprocess.Popen(["sh", "-c", command], pass_fds=[write_end])
    os.close(write_end)
    assert os.read(ready, 10) == b"ready\n"
    os.close(ready)
    for fd in (0, 1, 2):
        assert Path(f"/proc/{daemon.pid}/fd/{fd}").readlink() == Path("/dev/null")
    init(node)
    node.door.post("/services/create", big("kept"))
    daemon.kill()
    daemon.wait()
    node.start()
    eventually(node.door, lambda: len(ready_nodes(node.door)) == 1, "it leads")
    assert [one["Spec"]["Name"] for one in node.door.get("/services")] == ["kept"]


def big(name: str) -> dict[str, object]:
    task = {"ContainerSpec": {"Image": "nginx:1.10", "Env": ["X=" + "x" * 4096]}}
    return {"Name": name, "TaskTemplate": task, "Mode": {"Replicated": {"Replicas": 0}}}


def gone(pid: int) -> None:
    import select

    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    assert poll.poll(20_000), "it does not end"
    os.close(handle)
    assert not exists(pid)


def ready_nodes(door: Door) -> list[LocalNode]:
    return [node for node in door.get("/nodes") if node["Status"]["State"] == "ready"]
