"""The chaos tests of examples/chaos pass as a user runs them, and each is short."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from local import ROOT

EXAMPLES = sorted((ROOT / "examples" / "chaos").glob("test_*.py"))
MOST_LINES = 15


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_it_is_short(path: Path) -> None:
    for one in ast.parse(path.read_text()).body:
        if isinstance(one, ast.FunctionDef):
            assert (one.end_lineno or 0) - one.lineno + 1 <= MOST_LINES, one.name


def test_they_pass_with_pytest(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "swarmpy.pytest_plugin", "-p", "no:cacheprovider"]
    folder = str(ROOT / "examples" / "chaos")
    ran = subprocess.run(
        [*command, "--swarm-seeds", "10", folder],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{len(EXAMPLES)} passed" in ran.stdout


def test_a_fault_machine_of_hypothesis_holds() -> None:
    pytest.importorskip("hypothesis")
    from hypothesis import settings

    import swarmpy as sp
    from swarmpy.testing import FaultMachine

    class Web(FaultMachine):
        def begin(self) -> None:
            self.swarm.services.create("nginx", name="web", replicas=3).wait()
            self.swarm.check.always(sp.inv.one_leader_per_term, sp.inv.at_most_one_per_slot)

    case = Web.TestCase
    case.settings = settings(max_examples=15, stateful_step_count=10, deadline=None, database=None)
    case("runTest").runTest()


def test_a_fault_machine_goes_on_when_no_manager_is_there_to_ask() -> None:
    pytest.importorskip("hypothesis")
    from swarmpy.testing import FaultMachine

    class Small(FaultMachine):
        managers, workers = 1, 0

    machine = Small()
    machine.swarm.faults.freeze("m1")
    machine.scale_some_service(data=None, replicas=2)
    machine.teardown()
