"""No other user of this machine gets in by a file, a socket or a process; tasks are given nothing of the
daemon's. The doors are found in the file system and in /proc: a new one is tried like the others.
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

import other_user
from local import eventually, own_home
from other_user import NOBODY, as_nobody
from swarmpy._cluster import Door, LocalCluster
from swarmpy._cluster.places import program

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it becomes another user"),
]

MANAGEMENT, DATA = 2377, 7946
HUSH = "hush-of-the-starter"


@pytest.fixture(scope="module", params=[0, 0o777], ids=["umask 0", "umask 777"])
def cluster(request: pytest.FixtureRequest) -> Iterator[LocalCluster]:
    """A manager and a worker with a task each, made by a careless user, in a folder that all may enter."""
    with own_home() as home:
        home.parent.chmod(0o755)
        before = os.umask(request.param)  # of the whole process: other tests make files, too
        os.environ["STARTERS_SECRET"] = HUSH
        try:
            cluster = LocalCluster.start("doors", 1, 1)
        finally:
            os.umask(before)
            os.environ.pop("STARTERS_SECRET")
        with cluster:
            run_tasks(cluster.nodes[0].door)
            yield cluster


def run_tasks(door: Door) -> None:
    container = {"Image": "busybox", "Command": ["sh", "-c", "umask > umask; exec sleep 1000"]}
    spec = {
        "Name": "web",
        "TaskTemplate": {"ContainerSpec": container},
        "Mode": {"Global": {}},
    }
    door.post("/services/create", spec)
    eventually(
        door,
        lambda: [task["Status"]["State"] for task in door.get("/tasks")] == ["running"] * 2,
        "both tasks run",
    )


def daemons(cluster: LocalCluster) -> list[int]:
    return [pid for node in cluster.nodes if (pid := node.pid) is not None]


def tasks(cluster: LocalCluster) -> list[int]:
    """The processes that run for tasks, less their shims."""
    shims = set(cluster.processes()) - set(daemons(cluster))
    return [child for shim in shims for child in children(shim)]


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_every_file_is_its_users_alone(cluster: LocalCluster) -> None:
    home = cluster.folder.parent
    found = list(other_user.tree(home))
    kinds = {path.name for path in found}
    assert {"node.log", "raft", "raft.mark", "LOCK", "lease", "state.json", "m1.log", "m1.sock"} <= kinds
    assert [what for path in found if (what := other_user.loose(path))] == []


def test_another_user_gets_at_no_file_and_no_socket(cluster: LocalCluster) -> None:
    kinds = {path: stat.S_IFMT(path.lstat().st_mode) for path in other_user.tree(cluster.folder.parent)}
    assert {stat.S_IFSOCK, stat.S_IFDIR, stat.S_IFREG, stat.S_IFIFO} <= set(kinds.values())

    def try_all() -> dict[str, list[str]]:
        return {str(path): ways for path, kind in kinds.items() if (ways := other_user.open_ways(path, kind))}

    assert as_nobody(try_all) == {}


def test_another_user_cannot_look_into_a_process(cluster: LocalCluster) -> None:
    mine = [*daemons(cluster), *tasks(cluster), *cluster.processes()]
    assert len(set(mine)) >= 6

    def try_all() -> list[str]:
        got = []
        for pid in mine:
            for name in (
                "environ",
                "mem",
                "maps",
                "cwd",
                "root",
                "exe",
                "io",
                "fd",
                "fdinfo",
                "auxv",
                "stack",
            ):
                path = f"/proc/{pid}/{name}"
                if not other_user.refused(lambda path=path: other_user.look_at(Path(path))):
                    got.append(path)
            if not other_user.refused(lambda pid=pid: os.kill(pid, signal.SIGCONT)):
                got.append(f"kill {pid}")
        return got

    assert as_nobody(try_all) == []


def test_command_lines_which_all_can_read_name_no_secret(cluster: LocalCluster) -> None:
    door = cluster.nodes[0].door
    tokens = door.get("/swarm")["JoinTokens"].values()
    for pid in [*daemons(cluster), *tasks(cluster), *cluster.processes()]:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
        for secret in (HUSH, "SWMTKN", "PRIVATE KEY", *tokens):
            assert secret not in words


def test_another_user_is_answered_at_no_socket_of_a_daemon(cluster: LocalCluster) -> None:
    found = other_user.doors(daemons(cluster))
    assert {door.kind for door in found} == {"unix", "abstract", "tcp"}
    assert {int(door.name.rsplit(":")[1]) for door in found if door.kind == "tcp"} == {MANAGEMENT, DATA}

    def try_all() -> list[str]:
        got = []
        for _, kind, name in found:
            if kind == "tcp":
                got += [f"{name}: {answer}" for answer in other_user.ask_http(name)]
            elif not other_user.refused(lambda name=name: other_user.speak_to(name)):
                got.append(name)
        return got

    assert as_nobody(try_all) == []


def test_every_descriptor_of_a_daemon_ends_with_it(cluster: LocalCluster) -> None:
    for pid in daemons(cluster):
        kept = {
            fd: name
            for fd, name in other_user.descriptors(pid).items()
            if fd > 2 and other_user.keeps_on_exec(pid, fd)
        }
        assert kept == {}


def test_a_task_has_its_output_and_nothing_else(cluster: LocalCluster) -> None:
    found = tasks(cluster)
    assert len(found) == 2
    for pid in found:
        held = other_user.descriptors(pid)
        assert held.pop(0) == "/dev/null"
        assert {fd: name.partition(":")[0] for fd, name in held.items()} == {1: "pipe", 2: "pipe"}


def test_a_tasks_environment_is_its_own(cluster: LocalCluster) -> None:
    for pid in tasks(cluster):
        lines = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
        names = {line.partition("=")[0] for line in lines if line}
        ours = {name for name in names if name.startswith("SWARM_")}
        assert names - ours <= {"PATH", "HOME", "HOSTNAME", "PWD", "SHLVL", "_"}
        assert HUSH not in str(lines)
        assert "SWMTKN" not in str(lines)


def test_a_task_makes_files_as_in_a_container(cluster: LocalCluster) -> None:
    written = list(cluster.folder.glob("*/tasks/*/work/umask"))
    assert [path.read_text() for path in written] == ["0022\n"] * 2


# ---- a daemon that is started by hand


class Daemon:
    """One that is started by hand, as `uid`, on a data root in a folder that all may enter."""

    def __init__(
        self, *words: str, uid: int = 0, root_mode: int | None = None, keep: int | None = None
    ) -> None:
        self._folder = TemporaryDirectory(prefix="swarmpy-test-")
        self.folder = Path(self._folder.name)
        self.folder.chmod(0o755)
        self.root = self.folder / "root"
        if root_mode is not None:
            self.root.mkdir()
            self.root.chmod(root_mode)
        self.words, self.uid, self.keep = words, uid, keep
        self.child: subprocess.Popen[str] | None = None

    def start(self) -> str:
        """What it says when it is ready, or has refused."""
        swarmd = self.folder / "swarmd"  # the source tree may be closed to others
        if not swarmd.exists():
            shutil.copy(program(), swarmd)
        ready, write_end = os.pipe()
        passed = [write_end, *([self.keep] if self.keep is not None else [])]
        command = [swarmd, "--data-root", self.root, "--address", "127.0.0.1", "--ready-fd", str(write_end)]
        self.child = subprocess.Popen(
            [*map(str, command), *self.words],
            pass_fds=passed,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            user=self.uid,
            extra_groups=[],
        )
        os.close(write_end)
        with os.fdopen(ready) as heard:
            said = heard.read()
        if not said:
            assert self.child.stderr is not None
            said = self.child.stderr.read()
        return said

    def stop(self) -> None:
        if self.child is not None:
            self.child.terminate()
            self.child.wait(20)
            assert self.child.stderr is not None
            self.child.stderr.close()

    def __enter__(self) -> Daemon:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._folder.cleanup()


def test_a_root_that_an_earlier_daemon_left_open_is_closed(tmp_path: Path) -> None:
    with Daemon() as daemon:
        assert daemon.start() == "ready\n"
        daemon.stop()
        (daemon.root / "tasks" / "ID" / "work").mkdir(parents=True)
        for path in [daemon.root, *daemon.root.rglob("*")]:
            path.chmod(0o777)
        assert daemon.start() == "ready\n"
        found = list(other_user.tree(daemon.root))
        assert [what for path in found if (what := other_user.loose(path))] == []


def test_a_root_of_another_user_is_refused() -> None:
    with Daemon(uid=NOBODY, root_mode=0o777) as daemon:
        said = daemon.start()
        assert said.startswith(f"swarmd: the data root {daemon.root} belongs to another user (uid 0)")
        assert "choose another --data-root" in said


def test_the_socket_has_the_group_that_was_asked_for() -> None:
    with TemporaryDirectory(prefix="swarmpy-test-") as folder:
        Path(folder).chmod(0o755)
        socket_file = Path(folder, "api.sock")
        with Daemon("-H", f"unix://{socket_file}", "--group", "4711") as daemon:
            assert daemon.start() == "ready\n"
            found = socket_file.stat()
            assert (stat.S_IMODE(found.st_mode), found.st_gid) == (0o660, 4711)

            def ways() -> list[str]:
                return other_user.open_ways(socket_file, stat.S_IFSOCK)

            assert as_nobody(ways) == []
            assert as_nobody(ways, groups=(4711,)) == ["connect"]


def test_a_group_that_is_not_there_is_refused() -> None:
    with Daemon("--group", "no-such-group") as daemon:
        said = daemon.start()
        assert said.startswith('swarmd: there is no group "no-such-group" on this machine; make it (groupadd')


@pytest.mark.parametrize("where", ["tcp://0.0.0.0:0", "tcp://[::]:0"])
def test_the_api_is_not_offered_to_a_network_without_proof(where: str) -> None:
    with Daemon("-H", where) as daemon:
        said = daemon.start()
        assert said.startswith(f"swarmd: cannot listen on {where}: ")
        assert "--insecure-open-api" in said
    with Daemon("-H", where, "--insecure-open-api") as daemon:
        assert daemon.start() == "ready\n"


def test_what_the_starter_left_open_is_not_for_tasks() -> None:
    reads, writes = os.pipe()
    try:
        with Daemon(keep=writes) as daemon:
            assert daemon.start() == "ready\n"
            assert daemon.child is not None
            assert "pipe" in other_user.descriptors(daemon.child.pid)[writes]  # it was passed on
            assert not other_user.keeps_on_exec(daemon.child.pid, writes)
    finally:
        os.close(reads)
        os.close(writes)
