"""Replays of runs that are awkward, and of files that are no journals: the same run, or a sentence."""

import gzip
import hashlib
import json
import os
import random
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import swarmpy as sp
from ctrl_c import pressed_ctrl_c
from swarmpy.cli.main import main


def busy(c: sp.Swarm) -> None:
    """Loads, a recorded register, images, clocks, disks, networks: all that a run can be told."""
    web = c.services.create("nginx", name="web", replicas=4, ports=["8080:80"])
    web.wait()
    with c.load("web", port=8080, rate=50):
        c.sleep("500ms")
        c.kv.record(clients=3, ops=20)
    c.faults.image("web:2", exit_code=3, after="1s")
    c.faults.clock("m2", skew="3s", for_="2s")
    c.faults.disk("m3", fsync_delay="50ms")
    c.faults.net(between=("m1", "*"), latency="20ms", loss=0.05, for_="2s")
    web.update(image="web:2")
    c.sleep("3s")
    c.nodes.add(1)
    c.nodes["w1"].drain()
    c.run(until=lambda c: web.running > 0)
    web.tasks.running[0].kill()
    c.faults.run(c.faults.random(every="1s", for_="4s"))
    c.sleep("2s")
    c.http.get("m1:8080") if web.running else None


@pytest.fixture(scope="module")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, float]:
    """Saved in the middle of faults, with some to come."""
    with sp.Swarm(managers=3, workers=2, seed=11) as c:
        busy(c)
        c.faults.freeze("w2")
        c.sleep("300ms")
        path = c.save(tmp_path_factory.mktemp("runs") / "it's a run.swarm")
        c.sleep("4s")
        return path, str(c.trace_hash), c.now


def test_a_run_with_everything_is_the_same_again(awkward: tuple[str, str, float]) -> None:
    path, later, later_at = awkward
    r = sp.replay(path)
    assert r.same_run
    assert r.end < later_at
    live = r.fork()
    live.sleep(later_at - live.now)
    assert live.trace_hash == later  # what was to come came: a fork from the end is the run that went on
    middle = r.fork(at=r.end / 2)
    middle.sleep(r.end - middle.now)
    assert middle.trace_hash == r.seek(r.end).trace_hash


def test_saving_changes_nothing_and_saving_twice_is_the_same(tmp_path: Path) -> None:
    with sp.Swarm(managers=1, workers=1, seed=2) as c:
        c.faults.freeze("w1")
        before = c.trace_hash
        a, b = (Path(c.save(tmp_path / name)).read_bytes() for name in ("a", "b"))
        assert a == b
        assert c.trace_hash == before


def test_each_fault_can_be_left_out(awkward: tuple[str, str, float]) -> None:
    r = sp.replay(awkward[0])
    kinds = [str(fault) for fault in r.faults]
    for number in range(len(kinds)):
        live = r.fork(without_fault=number)
        live.sleep("5s")
        assert len(live.faults.history) <= len(kinds) + 10
        live.close()


@pytest.mark.parametrize(
    "how",
    [
        {"without_fault": -1},
        {"without_fault": 10_000},
        {"without_fault": "0"},
        {"without_fault": True},
        {"without_fault": 0.5},
        {"seed": -1},
        {"seed": "x"},
        {"seed": 2**64},
        {"at": "soon"},
        {"at": -0.1},
        {"at": float("nan")},
        {"at": float("inf")},
        {"at": True},
        {"at": "1h"},
        {"at": b"1s"},
        {"at": 10**400},
    ],
    ids=str,
)
def test_forks_that_cannot_be(awkward: tuple[str, str, float], how: dict[str, Any]) -> None:
    r = sp.replay(awkward[0])
    with pytest.raises(sp.InvalidArgument):
        r.fork(**how)
    with pytest.raises(sp.InvalidArgument):
        r.seek(how.get("at", "never"))


def test_two_runs_of_different_swarms(awkward: tuple[str, str, float], tmp_path: Path) -> None:
    with sp.Swarm(managers=1, workers=7, seed=1) as c:
        c.services.create("redis", name="db", mode="global").wait()
        other = c.save(tmp_path / "other.swarm")
    diff = sp.diff_runs(awkward[0], other)
    assert diff
    assert {"w7", "m3"} <= {change.name for change in diff.diff}
    assert "db" in {change.name for change in diff.diff}
    assert len(diff.only_first) > 3
    assert repr(diff)
    assert diff._repr_html_()
    back = sp.diff_runs(other, awkward[0])
    assert (back.first, back.second) == (diff.second, diff.first)


# ---- files that are no journals


def test_no_damage_is_taken_for_a_run(awkward: tuple[str, str, float], tmp_path: Path) -> None:
    whole = Path(awkward[0]).read_bytes()
    chance = random.Random(1)
    for content in (whole, gzip.compress(whole)):
        for _ in range(200):
            damaged = bytearray(content)
            at = chance.randrange(len(damaged))
            if chance.random() < 0.5:
                damaged[at] ^= 1 << chance.randrange(8)
            else:
                del damaged[at : at + chance.randrange(1, 100)]
            where = tmp_path / "damaged.swarm"
            where.write_bytes(damaged)
            try:
                journal = sp.replay(where).journal
            except sp.JournalError as error:
                assert error.hint
            else:  # bytes of gzip's own that say nothing of the content
                assert journal.to_bytes() == whole


def signed(about: dict[str, Any], run: bytes, end: dict[str, Any]) -> bytes:
    """A file that is whole, whatever it says."""
    body = json.dumps(about).encode() + b"\n" + run
    checksum = "sha256:" + hashlib.sha256(body + json.dumps(end).encode()).hexdigest()
    return body + json.dumps({**end, "checksum": checksum}).encode() + b"\n"


def test_whole_files_that_say_what_cannot_be(awkward: tuple[str, str, float], tmp_path: Path) -> None:
    lines = Path(awkward[0]).read_bytes().splitlines(keepends=True)
    about, end = json.loads(lines[0]), json.loads(lines[-1])
    end.pop("checksum")
    run = b"".join(lines[1:-1])
    where = tmp_path / "whole.swarm"
    where.write_bytes(signed(about, run, end))
    assert sp.replay(where).same_run
    wrongs: list[tuple[dict[str, Any], bytes, dict[str, Any]]] = [
        *(({**about, key: value}, run, end) for key in about if key != "swarmpy" for value in (["x"], 0.5)),
        *((about, run, {**end, key: value}) for key in end for value in (["x"], None)),
        *(({key: about[key] for key in about if key != gone}, run, end) for gone in about),
        ({**about, "checks": [3]}, run, end),
        ({**about, "failure": {"at": 3}}, run, end),
    ]
    for wrong in wrongs:
        if wrong == (about, run, end):
            continue
        where.write_bytes(signed(*wrong))
        with pytest.raises(sp.JournalError) as error:
            sp.replay(where)
        assert error.value.hint
    for text in (b"", run + b"nonsense\n", b"0 0.000000000 world {}\n", run[:-200] + b"\n"):
        where.write_bytes(signed(about, text, end))
        with pytest.raises(sp.JournalError, match="of the run"):
            sp.replay(where).seek(0)


@pytest.mark.parametrize("what", ["folder", "binary", "plan", "failure", "latin"])
def test_other_files(what: str, tmp_path: Path) -> None:
    where = tmp_path / "other"
    if what == "folder":
        where.mkdir()
    elif what == "binary":
        where.write_bytes(os.urandom(5000))
    elif what == "plan":
        sp.Plan(["freeze m1 for 2s"]).save(where)
    elif what == "failure":
        where.write_text('{"swarmpy": "failure", "format": 1}\n')
    else:
        where.write_bytes("straße\n".encode("latin-1"))
    with pytest.raises(sp.JournalError) as error:
        sp.replay(where)
    assert str(where) in error.value.message
    assert error.value.hint


# ---- the command


def shell(line: str, **how: Any) -> subprocess.CompletedProcess[str]:
    line = line.replace("swarmpy ", f"{shlex.quote(sys.executable)} -m swarmpy.cli ", 1)
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False, timeout=60, **how)


def test_the_line_of_a_failure_pasted_into_a_shell(tmp_path: Path) -> None:
    """From a folder with a blank and a quote in its name; it prints the same failure."""

    def it_breaks(swarm: sp.Swarm) -> None:
        swarm.services.create("nginx", name="web", replicas=4).wait()
        swarm.check.always(sp.inv.at_least_running("web", 4))
        with swarm.faults.freeze("w1"):
            swarm.sleep("40s")

    made = sp.test(seeds=1, managers=3, workers=2, executor="here", progress=False)(it_breaks)
    failure = made.run(report=str(tmp_path / "it's here")).failures[0]
    done = shell(failure.replay)
    assert done.returncode == 1, done.stderr
    again = sp.replay(failure.journal).failure  # of the run that was made small
    assert again is not None
    assert again.what in done.stdout
    assert "FAILED: " in done.stdout
    assert "it broke again in the engine, at the same moment" in done.stdout
    assert "BROKEN: at_least_running(web, 4)" in done.stdout
    told = json.loads(shell(failure.replay + " --json").stdout)
    assert told["failure"]["what"] == again.what
    assert told["now"] == told["end"]
    assert told["checks"][0]["inv"]["kind"] == "at_least_running"


@pytest.mark.parametrize("until", ["nan", "-1", "", "soon", "1 s", "0x10"])
def test_times_that_are_none(awkward: tuple[str, str, float], until: str, capsys: Any) -> None:
    assert main(["replay", awkward[0], f"--until={until}"]) == 2
    assert "not a duration" in capsys.readouterr().err


@pytest.mark.parametrize("until", ["inf", "1h", "1e400", "9999999s"])
def test_times_behind_the_end_are_the_end(awkward: tuple[str, str, float], until: str, capsys: Any) -> None:
    assert main(["replay", awkward[0], "--json", "--until", until]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["now"] == told["end"]


@pytest.mark.parametrize(("count", "shown"), [("0", 0), ("2", 2), ("9" * 30, None)])
def test_how_many_steps(awkward: tuple[str, str, float], count: str, shown: int | None, capsys: Any) -> None:
    assert main(["replay", awkward[0], "--json", "--until", "100ms", f"--events={count}"]) == 0
    events = json.loads(capsys.readouterr().out)["events"]
    assert len(events) == shown if shown is not None else len(events) > 10


@pytest.mark.parametrize("out", [".", "/nowhere/x.html"])
def test_a_timeline_that_cannot_be_written(awkward: tuple[str, str, float], out: str, capsys: Any) -> None:
    assert main(["replay", awkward[0], "--html", out]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough(awkward: tuple[str, str, float]) -> None:
    done = shell(f"swarmpy replay {shlex.quote(awkward[0])} --events 5000 | head -1")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


# ---- Ctrl-C


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> str:
    with sp.Swarm(managers=5, workers=5, seed=3) as c:
        web = c.services.create("nginx", name="web", replicas=10)
        web.wait()
        c.check.always(*sp.inv.all()[:7])
        c.sleep("20m")
        return c.save(tmp_path_factory.mktemp("runs") / "long.swarm")


def test_ctrl_c_ends_what_takes_long(long_run: str) -> None:
    r = sp.replay(long_run)
    for work in (
        lambda: r.seek(r.end),
        lambda: sp.replay(long_run).fork(at="1s").sleep("1h"),
        lambda: sp.replay(long_run).fork(at="1s", without_fault=None, seed=1),
        lambda: r.failure_again() or sp.diff_runs(long_run, long_run),
    ):
        with pressed_ctrl_c(after=0.1, ends_within=1.0):
            work()
    assert r.seek("2s").now == 2


def test_ctrl_c_before_anything_is_known(long_run: str) -> None:
    """What is known so far is nothing, and can be shown."""
    r = sp.replay(long_run)

    def never(c: sp.Swarm) -> bool:
        raise KeyboardInterrupt

    found = sp.when_inevitable(r, failed=never, forks=2)
    assert (found.forks, found.points, found.since, found.whole) == (0, (), None, False)
    assert "(so far)" in repr(found)
    assert found.svg()
    assert json.loads(found.to_json())["points"] == []
