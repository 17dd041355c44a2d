"""Runs written down and made again: save, replay, seek, step, diff, fork; and the command line."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, TypeAlias

import pytest

import swarmpy as sp
from swarmpy._replay import file

Saved: TypeAlias = tuple[str, dict[str, Any]]


def a_run(seed: int = 7) -> sp.Swarm:
    c = sp.Swarm(managers=3, workers=2, seed=seed)
    web = c.services.create("nginx:1.10", name="web", replicas=4, ports=["8080:80"])
    web.wait()
    return c


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """A run with a killed leader, a partition and an update; and what it was like."""
    with a_run() as c:
        web = c.services["web"]
        c.sleep("50ms")
        before = c.peek()
        middle = c.now
        c.sleep("50ms")
        c.faults.kill("leader", for_="2s")
        c.sleep("3s")
        killed = c.peek()
        killed_at = c.now
        with c.faults.partition([["w1"], ["m1", "m2", "m3", "w2"]]):
            c.sleep("1s")
        web.update(image="nginx:1.11").wait()
        c.http.get("m1:8080")
        c.sleep("123ms")
        path = c.save(tmp_path_factory.mktemp("runs") / "run.swarm")
        return path, {
            "hash": c.trace_hash,
            "now": c.now,
            "middle": middle,
            "before": before,
            "killed": killed,
            "killed_at": killed_at,
            "end": c.peek(),
            "history": str(c.faults.history),
        }


def test_the_same_run(saved: Saved) -> None:
    path, was = saved
    r = sp.replay(path)
    assert (r.end, r.now) == (was["now"], was["now"])
    assert r.trace_hash == was["hash"]
    assert r.same_run
    assert r.seed == 7
    assert r.failure is None
    assert str(r.faults) == was["history"]
    assert r.peek() == was["end"]


def test_seek_goes_both_ways(saved: Saved) -> None:
    path, was = saved
    r = sp.replay(path).seek(was["killed_at"])
    assert r.now == was["killed_at"]
    assert r.peek() == was["killed"]
    assert r.seek(was["middle"]) is r
    assert r.peek() == was["before"]
    assert r.seek(r.end).trace_hash == was["hash"]
    assert r.seek("0s").now == 0
    r.seek("1.5s")
    assert r.now == 1.5


def test_it_shows_what_a_swarm_shows(saved: Saved) -> None:
    path, was = saved
    r = sp.replay(path).seek(was["middle"])
    assert [node.name for node in r.nodes] == ["m1", "m2", "m3", "w1", "w2"]
    web = r.services["web"]
    assert web.running == 4
    assert web.image == "nginx:1.10"
    count = len(r.events())
    r.seek(r.end)
    assert web.image == "nginx:1.11"
    assert len(r.events()) > count
    assert "nginx:1.11" in repr(r)
    assert "Replay" in repr(r)
    assert r._repr_html_()
    assert r.nodes["m2"].raft.term >= 1


def test_looking_does_not_change_a_replay(saved: Saved) -> None:
    path, was = saved
    r = sp.replay(path)
    for moment in (0.5, 1.0, 2.0):
        r.seek(moment)
        repr(r), r.peek(), r.events(), list(r.nodes)
    assert r.seek(r.end).trace_hash == was["hash"]


def test_it_runs_until_something_holds(saved: Saved) -> None:
    path, was = saved
    r = sp.replay(path).seek(was["middle"])
    assert r.run(until=lambda r: r.nodes.leader is None, timeout="3s")
    assert was["middle"] <= r.now < was["killed_at"]
    assert r.seek(r.end).trace_hash == was["hash"]


def test_steps_are_told_in_words(saved: Saved) -> None:
    path, was = saved
    r = sp.replay(path)
    first = r.step()
    assert first is not None
    assert first.what.startswith("input: machine")
    assert r.now == 0
    steps = [first]
    while step := r.step():
        steps.append(step)
    assert r.step() is None
    assert r.trace_hash == was["hash"]
    words = "\n".join(map(str, steps))
    assert "call m1: POST /services/create" in words or "POST /services/create" in words
    assert "a frame arrives" in words
    assert [step.at for step in steps] == sorted(step.at for step in steps)


def test_orders_are_refused_and_the_way_is_said(saved: Saved) -> None:
    path, _ = saved
    r = sp.replay(path)
    for order in (
        lambda: r.services.create("nginx", name="more"),
        lambda: r.services["web"].scale(9),
        lambda: r.nodes["m1"].kill(),
        lambda: r.nodes.add(1),
        lambda: r.http.get("m1:8080"),
        r.heal,
    ):
        with pytest.raises(sp.NotSupportedInMode) as error:
            order()
        assert "fork()" in error.value.hint
    assert r.same_run


def test_times_beyond_the_run(saved: Saved) -> None:
    path, _ = saved
    r = sp.replay(path)
    for wrong in (r.end + 1, "1h", -1):
        with pytest.raises(sp.InvalidArgument):
            r.seek(wrong)
    with pytest.raises(sp.InvalidArgument, match="the run ended at"):
        r.seek("0s").sleep("1h")
    with pytest.raises(sp.SwarmError, match="the run ended at"):
        r.seek(r.end).run(until=lambda r: False)


def test_diff_of_two_moments(saved: Saved) -> None:
    path, was = saved
    r = sp.replay(path)
    changes = r.diff(was["middle"], was["killed_at"])
    assert ("raft" in {one.what for one in changes}) and len(changes) > 0
    assert not r.diff(was["middle"], was["middle"])
    image = [one for one in r.diff(was["killed_at"], r.end) if one.what == "service" and one.field == "image"]
    assert [(one.before, one.after) for one in image] == [("nginx:1.10", "nginx:1.11")]
    assert "nginx:1.11" in repr(r.diff(was["killed_at"], r.end))
    assert r.now == r.end


def test_a_fork_is_the_same_run_until_somebody_acts(saved: Saved) -> None:
    path, was = saved
    live = sp.replay(path).fork(at=was["middle"])
    assert live.now == was["middle"]
    live.sleep(was["now"] - live.now)
    assert live.trace_hash == was["hash"]
    live.services["web"].scale(2).wait()
    assert live.services["web"].running == 2


def test_a_fork_without_inputs_or_without_a_fault(saved: Saved) -> None:
    path, was = saved
    r = sp.replay(path)
    quiet = r.fork(at=was["middle"], inputs=False)
    quiet.sleep("20s")
    assert not quiet.faults.history
    assert quiet.services["web"].image == "nginx:1.10"

    without = r.fork(without_fault=0)
    assert without.now < r.end
    without.sleep(was["now"] - without.now)
    assert [fault.kind for fault in without.faults.history] == ["partition"]
    assert without.services["web"].image == "nginx:1.11"  # the rest came as it did
    without.save(path + ".fork")
    assert sp.replay(path + ".fork").trace_hash == without.trace_hash

    with pytest.raises(sp.InvalidArgument, match="had 2 faults"):
        r.fork(without_fault=2)


def test_a_fork_with_fresh_chance(saved: Saved) -> None:
    path, was = saved
    r = sp.replay(path)
    hashes = set()
    for seed in range(3):
        live = r.fork(at=was["middle"], seed=seed)
        live.sleep(was["now"] - live.now)
        assert live.services["web"].image == "nginx:1.11"
        hashes.add(live.trace_hash)
    assert len(hashes | {was["hash"]}) == 4


# ---- the file


def test_the_file_is_text_without_state(saved: Saved) -> None:
    path, was = saved
    lines = Path(path).read_text().splitlines()
    about = json.loads(lines[0])
    assert (about["swarmpy"], about["format"], about["seed"]) == ("journal", 1, 7)
    assert about["version"] == sp.__version__
    assert len(about["plan"]["faults"]) == 2
    assert any(" call " in line and "/services/create" in line for line in lines)
    end = json.loads(lines[-1])
    assert end["trace_hash"] == was["hash"]
    assert end["checksum"].startswith("sha256:")


def test_large_ones_are_folded(saved: Saved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, was = saved
    monkeypatch.setattr(file, "GZIP_FROM", 100)
    again = sp.replay(path).save(tmp_path / "small.swarm")
    assert Path(again).read_bytes().startswith(b"\x1f\x8b")
    assert sp.replay(again).trace_hash == was["hash"]
    content = Path(again).read_bytes()
    Path(again).write_bytes(content[:-20])
    with pytest.raises(sp.JournalError, match="cut short or altered"):
        sp.replay(again)


def test_what_is_no_whole_journal_is_refused(saved: Saved, tmp_path: Path) -> None:
    path, _ = saved
    text = Path(path).read_text()
    lines = text.splitlines(keepends=True)
    about = json.loads(lines[0])

    def refused(content: str, match: str, **how: bool) -> sp.JournalError:
        where = tmp_path / "wrong.swarm"
        where.write_text(content)
        with pytest.raises(sp.JournalError, match=match) as error:
            sp.replay(where, **how)
        assert error.value.hint
        return error.value

    refused("", "no journal of a run")
    refused("hello\n", "no journal of a run")
    for cut in (1, 2, len(lines) // 2):
        refused("".join(lines[:-cut]), "cut short")
    refused(text[:-10], "cut short")
    refused(text.replace("nginx:1.10", "nginx:1.99"), "altered")
    refused(text.replace('"end": ', '"end": 1'), "altered")
    other = json.dumps({**about, "format": 2}) + "\n" + "".join(lines[1:])
    refused(other, "format 2", force=True)
    with pytest.raises(sp.NotFound, match="no file"):
        sp.replay(tmp_path / "nothing.swarm")


def test_another_engine_is_refused_unless_forced(saved: Saved, tmp_path: Path) -> None:
    path, _was = saved
    journal = file.load(path)
    other = dataclasses.replace(journal, engine="0" * 16).save(tmp_path / "other.swarm")
    with pytest.raises(sp.JournalError, match="engine 0000") as error:
        sp.replay(other)
    assert "force" in error.value.hint
    assert sp.replay(other, force=True).same_run
    lying = dataclasses.replace(journal, engine="0" * 16, trace_hash="0" * 16).save(tmp_path / "lying.swarm")
    assert not sp.replay(lying, force=True).same_run


def test_a_failure_is_kept(tmp_path: Path) -> None:
    with a_run() as c:
        c.nodes["w1"].kill()
        c.sleep("1s")
        error = AssertionError("web has 3 tasks, not 4")
        path = c.save(tmp_path / "run.swarm", failure=error)
        said = c.save(tmp_path / "said.swarm", failure={"invariant": "four run", "at": 1.2, "what": "3 run"})
    failure = sp.replay(path).failure
    assert failure is not None
    assert (failure.invariant, failure.what) == ("AssertionError", "web has 3 tasks, not 4")
    assert str(sp.replay(said).failure) == "four run broke at 1.2s: 3 run"


def test_a_real_swarm_says_the_way() -> None:
    with sp.Swarm(managers=1, seed=1) as c:
        c._world = object()
        with pytest.raises(sp.NotSupportedInMode, match="real daemons"):
            c.save("run.swarm")


def test_a_folder_that_is_not_there() -> None:
    with sp.Swarm(managers=1, seed=1) as c, pytest.raises(sp.SwarmError, match="cannot be written"):
        c.save("/nowhere/run.swarm")


# ---- the command line


def command(*words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "COLUMNS": "120"}
    return subprocess.run(
        [sys.executable, "-m", "swarmpy.cli", "replay", *words],
        capture_output=True,
        text=True,
        env=env,
        check=False,
    )


def test_the_command_shows_a_run(saved: Saved) -> None:
    path, was = saved
    done = command(path, "--until", f"{was['killed_at']}s", "--events", "3")
    assert done.returncode == 0, done.stderr
    assert "seed 7" in done.stdout
    assert str(was["hash"]) in done.stdout
    assert "0: kill" in done.stdout
    assert "the run did not fail" in done.stdout


def test_the_command_fails_as_the_run_did(tmp_path: Path) -> None:
    with a_run() as c:
        c.faults.kill("leader")
        c.sleep("1s")
        path = c.save(
            tmp_path / "run 1.swarm", failure={"invariant": "four run", "at": c.now, "what": "3 run"}
        )
        late = f"{c.now + 0.0005:.6f}s"
    done = command(path, "--until", late)
    assert done.returncode == 1, done.stderr
    assert "FAILED: four run broke at" in done.stdout
    told = json.loads(command(path, "--json", "--events", "2").stdout)
    assert told["failure"]["what"] == "3 run"
    assert told["same_run"] is True
    assert len(told["events"]) == 2
    assert told["plan"]["faults"][0]["kind"] == "kill"


def test_the_command_refuses(tmp_path: Path, saved: Saved) -> None:
    assert command(str(tmp_path / "no.swarm")).returncode == 2
    (tmp_path / "x.swarm").write_text("hello")
    done = command(str(tmp_path / "x.swarm"))
    assert done.returncode == 2
    assert "no journal" in done.stderr
    for wrong in (("--until", "soon"), ("--events", "-3"), ("--html", "/nowhere/x.html")):
        done = command(saved[0], *wrong)
        assert done.returncode == 2 and done.stderr.startswith("swarmpy: "), done.stderr


def test_the_command_shows_the_moment_before_there_was_a_swarm(saved: Saved) -> None:
    done = command(saved[0], "--until", "0")
    assert done.returncode == 0 and "no manager of this swarm is running" in done.stdout
    assert json.loads(command(saved[0], "--until", "0", "--json").stdout)["state"] is None
