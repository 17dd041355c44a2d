"""A simulated swarm that is served takes faults as a real daemon does: by `swarmpy fault --host`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import swarmpy as sp
from swarmpy.cli import main


def test_a_served_swarm_is_broken_from_a_shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host = f"unix://{tmp_path}/m1.sock"
    with sp.Swarm(managers=3, workers=1, seed=4) as c, c.serve(host):

        def fault(*words: str, ok: bool = True) -> str:
            assert (main(["fault", *words, "--host", host]) == 0) == ok
            said = capsys.readouterr()
            return said.out if ok else said.err

        assert "freeze w1" in fault("freeze", "w1")
        assert [one.fault.kind for one in c.faults.active] == ["freeze"]
        assert json.loads(fault("partition", "leader", "--json"))["fault"]["of"] in ("m1", "m2", "m3")
        assert '"w1"' in fault("kill", "w11", ok=False)
        assert "skew -5s" in fault("clock", "m3", "--skew", "-5s")
        assert "fault net --help" in fault("net", "m1", "--latency", "fast", ok=False)
        fault("heal")
        assert not c.faults.active and fault("list").split() == ["ID", "FAULT"]
        assert "freeze w1" in fault("history")


def test_what_is_printed_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host = f"unix://{tmp_path}/m1.sock"
    with sp.Swarm(managers=3, workers=2, seed=4) as c, c.serve(host):

        def fault(*words: str, ok: bool = True) -> str:
            assert (main(["fault", *words, "--host", host]) == 0) == ok
            said = capsys.readouterr()
            return said.out if ok else said.err

        for text in (
            "freeze w1 for 1m0s",
            "net m1 -> w1 latency 20ms for 1m0s",
            "net m1 m2 <-> * loss 0.1",
            "partition m1 | m2 m3 one-way for 1m0s",
            "clock m3 skew -5s",
            "port w2 8080 for 1m0s",
            "disk w1 errors fsync=EIO,write=EIO after 3",
            "image web:2 exists false",
            "hold m1 -> * for 1m0s",
        ):
            assert fault(*text.split()).split("  ")[1].strip() == text
            assert fault(text).split("  ")[1].strip() == text  # in one pair of quotes
            fault("heal")
        assert "net m1 <-> w1 latency 20ms" in fault("net", "m1", "w1", "latency", "20ms")
        assert "net m1 -> * latency 20ms" in fault("net", "m1", "--one-way", "--latency", "20ms")
        assert "net m1 <-> * latency 20ms" in fault("net", "m1", "latency", "20ms")
        assert "cut m1 m2 <-> w1" in fault("cut", "m1,m2", "w1")
        assert "freeze w1 at 1h0m0s for 1s" in fault("freeze", "w1", "at", "1h", "--for", "1s")
        for words, why in (
            (("freeze", "w1", "for", "1s", "--for", "2s"), "for is said twice"),
            (("net", "m1", "->", "w1", "latency", "1ms", "--latency", "2ms"), "latency is said twice"),
            (("net", "m1", "<->", "w1", "loss", "1", "--one-way"), "both ways"),
            (("freeze", "w1", "fro", "1s"), 'Did you mean "for"'),
        ):
            assert why in fault(*words, ok=False)
        fault("heal")
        plan = tmp_path / "plan.txt"
        plan.write_text(fault("history"))
        assert len(sp.Plan.load(plan)) > 9
        plan.write_text("kill_task web.9\nfreeze w1 for 10ms\n")
        ran = json.loads(fault("run", str(plan), "--json"))
        assert ran["ran"] == 1 and "kill_task web.9 did not begin" in ran["skipped"][0]
