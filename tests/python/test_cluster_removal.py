"""A cluster that ends is removed at once, and a daemon without tasks is not waited for."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

import swarmpy as sp
from swarmpy._cluster import cluster as clusters
from swarmpy._cluster import processes
from swarmpy._cluster.removal import remove


def _folder(path: Path) -> Path:
    for number in range(40):
        (path / "gone" / f"n{number}" / "raft").mkdir(parents=True)
        (path / "gone" / f"n{number}" / "raft" / "log").write_text("x")
    (path / "gone" / "state.json").write_text("{}")
    (path / "kept").mkdir()
    (path / "gone" / "link").symlink_to(path / "kept")
    return path / "gone"


def test_all_of_a_folder_is_removed_and_nothing_beside_it(tmp_path: Path) -> None:
    remove(_folder(tmp_path))
    assert [entry.name for entry in tmp_path.iterdir()] == ["kept"]
    remove(tmp_path / "gone")  # twice does no harm


def test_also_by_a_python_that_starts_no_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    remove(_folder(tmp_path))
    assert [entry.name for entry in tmp_path.iterdir()] == ["kept"]


@pytest.mark.real
@pytest.mark.parametrize("tasks", [0, 2])
def test_only_tasks_are_given_time_to_stop(tasks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    graces: list[float] = []
    ended = processes.end_all

    def end_all(all_: list[processes.Process], grace: float) -> None:
        graces.append(grace)
        ended(all_, grace)

    with sp.Swarm(managers=1, workers=1, mode="real") as c:
        if tasks:
            c.services.create("nginx", name="web", replicas=tasks).wait()
        cluster = clusters.LocalCluster.open(str(c.name))
        monkeypatch.setattr(processes, "end_all", end_all)
    assert graces[0] == (clusters.STOP_SECONDS if tasks else 0)
    assert not cluster.processes() and not cluster.folder.exists()
