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
