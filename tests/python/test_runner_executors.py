"""What runs the seeds: this process, others, or whatever executor there is. The report is the same."""

from __future__ import annotations

import importlib
import importlib.util
import os
import random
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

import swarmpy as sp
from swarmpy.errors import InvalidArgument, SwarmError
from swarmpy.testing.processes import Processes


@sp.test(seeds=40, managers=1, workers=3, shrink=False)
def some_fail(swarm: sp.Swarm) -> None:
    swarm.nodes[swarm.random.choice(["w1", "w2", "w3"])].kill()
    assert swarm.nodes["w2"].alive, "w2 is gone"


class Methods:
    @sp.test(seeds=6, managers=1, workers=0)
    def method(self, swarm: sp.Swarm, pid: int) -> None:
        assert isinstance(self, Methods) and os.getpid() != pid


@sp.test(seeds=6, managers=1, workers=0)
def dies(swarm: sp.Swarm) -> None:
    os._exit(3)


@sp.test(seeds=24, managers=1, workers=3, shrink=False)
def draws_from_pythons_chance(swarm: sp.Swarm) -> None:
    for _ in range(20):
        random.choice(["w1", "w2"])
        time.sleep(0)  # let others draw
    assert random.choice(["w1", "w2", "w3"]) != "w2", "w2 is gone"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_every_executor_gives_the_same_report() -> None:
    here = some_fail.run(executor="here")
    assert here.failures and here.where == "this process"
    with (
        Processes(2) as ours,
        ProcessPoolExecutor(2, get_context("spawn")) as pool,
        ThreadPoolExecutor(1) as threads,
    ):
        for executor in (ours, pool, threads, "processes", 2, lambda: Processes(1)):
            there = some_fail.run(executor=executor)
            assert str(there) == str(here) and there.where != here.where
        assert ours.submit(pow, 2, 5).result() == 32, "what somebody else made is left open"


def test_threads_do_not_share_pythons_chance() -> None:
    here, others_go_on = draws_from_pythons_chance.run(executor="here"), True
    assert 0 < len(here.failures) < 24

    def draw() -> None:
        while others_go_on:
            random.sample(range(100), 3)

    other = threading.Thread(target=draw)
    other.start()
    try:
        with ThreadPoolExecutor(3) as threads:
            assert str(draws_from_pythons_chance.run(executor=threads)) == str(here)
    finally:
        others_go_on = False
        other.join()
    assert random.choice.__self__ is random.random.__self__, "it is Python's own again"


def test_threads_need_nothing_sent_and_stop_when_all_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    seen = []

    @sp.test(seeds=200, managers=1, workers=0, shrink=False, max_failures=1)
    def local(swarm: sp.Swarm) -> None:
        seen.append(swarm.seed)
        raise ValueError("at once")

    with ThreadPoolExecutor(1) as threads:
        assert local.run(executor=threads).failures
    assert len(seen) < 20, "nobody asks for the others any more"


def test_a_process_that_lives_on_sees_the_test_as_it_is_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    text = "import swarmpy as sp\n@sp.test(seeds=4, managers=1, workers=0)\ndef test(swarm):\n    assert {}\n"
    with Processes(1) as lives_on:
        for number, good in enumerate((False, True)):
            Path("mended.py").write_text(text.format(good))
            importlib.invalidate_caches()
            sys.modules.pop("mended", None)
            mended = importlib.import_module("mended") if number == 0 else _fresh("mended")
            assert bool(mended.test.run(executor=lives_on, shrink=False)) is good


def _fresh(name: str) -> Any:
    """Whatever the clock says of the file: the bytes that Python keeps of modules hang on it."""
    spec = importlib.util.spec_from_file_location(name, f"{name}.py")
    assert spec is not None and spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    exec(Path(f"{name}.py").read_text(), module.__dict__)
    module.__file__ = str(Path(f"{name}.py").resolve())
    return module


def test_the_test_sees_other_processes() -> None:
    Methods().method.run(executor=2, arguments={"pid": os.getpid()}).check()


def test_long_ones_go_to_other_processes_by_themselves() -> None:
    result = slow.run(seeds=60)
    assert (result and result.where.startswith("Processes")) or os.cpu_count() == 1
    assert slow.run(seeds=2).where == "this process"


@sp.test(seeds=60, managers=1, workers=0)
def slow(swarm: sp.Swarm) -> None:
    end = time.monotonic() + 0.08
    while time.monotonic() < end:
        pass


def test_a_process_that_dies_is_an_error_that_says_so() -> None:
    with pytest.raises(SwarmError, match="a process that ran seeds died"):
        dies.run(executor=2)


def test_what_cannot_be_sent_is_said_and_runs_here() -> None:
    word = object()

    @sp.test(seeds=3, managers=1, workers=0)
    def takes(swarm: sp.Swarm, lock: object) -> None:
        pass

    import threading

    with pytest.raises(InvalidArgument, match="cannot be sent to another process"):
        takes.run(executor=2, arguments={"lock": threading.Lock()})
    assert takes.run(arguments={"lock": word})


def test_by_value_with_cloudpickle_and_else_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cloudpickle", reason="cloudpickle is not installed: pip install cloudpickle")
    outside = os.getpid()

    @sp.test(seeds=4, managers=1, workers=0)
    def local(swarm: sp.Swarm) -> None:
        assert os.getpid() != outside

    assert local.run(executor=2)
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with pytest.raises(InvalidArgument, match="made inside another function") as caught:
        local.run(executor=2)
    assert "pip install cloudpickle" in caught.value.hint


def test_processes_are_an_executor() -> None:
    with Processes(2) as some:
        assert list(some.map(abs, [-1, -2, -3])) == [1, 2, 3] and repr(some) == "<Processes 2>"
        with pytest.raises(ZeroDivisionError):
            some.submit(divmod, 1, 0).result()
    with pytest.raises(RuntimeError, match="after shutdown"):
        some.submit(abs, 1)
    with pytest.raises(InvalidArgument):
        Processes(0)


def test_processes_end_with_their_python(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import os, time
        from swarmpy.testing.processes import Processes
        some = Processes(2)
        pids = [some.submit(os.getpid).result(), some.submit(os.getpid).result()]
        some.submit(time.sleep, 60), some.submit(time.sleep, 60)
        print(*set(pids), flush=True)
        os.kill(os.getpid(), 9)
        """
    )
    env = {**os.environ, "PYTHONPATH": str(Path(sp.__file__).parents[1])}
    said = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True, env=env, timeout=60
    )
    pids = [int(pid) for pid in said.stdout.split()]
    assert pids
    deadline = time.monotonic() + 10
    while any(_runs(pid) for pid in pids):
        assert time.monotonic() < deadline, "they go on"
        time.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.filterwarnings("default")
def test_a_dask_cluster_of_two_workers(tmp_path: Path) -> None:
    distributed = pytest.importorskip(
        "distributed", reason="Dask is not installed: pip install distributed (make clients does)"
    )
    here = some_fail.run(executor="here")
    cluster = distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address=None,
        local_directory=str(tmp_path),
        host="127.0.0.1",
    )
    with cluster, distributed.Client(cluster) as client:
        there = some_fail.run(executor=client.get_executor)
        assert str(there) == str(here) and "ClientExecutor" in there.where
        ran = {pid for pids in client.run(os.getpid).items() for pid in pids[1:]}
        assert len(ran) == 2 and os.getpid() not in ran
        assert str(some_fail.run(executor=client.get_executor())) == str(here), "asked again, run again"
        drew = draws_from_pythons_chance.run(executor=client.get_executor())
        assert str(drew) == str(draws_from_pythons_chance.run(executor="here"))
        Methods().method.run(executor=client.get_executor(), arguments={"pid": os.getpid()}).check()
