"""The Chaos Toolkit drives swarms: its own command, and experiments in Python."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import swarmpy as sp
from local import ROOT

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("chaoslib") is None, reason="no chaostoolkit"),
    pytest.mark.filterwarnings("ignore"),
]
EXAMPLES = sorted((ROOT / "examples" / "chaos").glob("*.json"))


def chaos(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The Toolkit's command, in a folder of its own, where swarmpy counts as installed."""
    about = folder / "installed" / "swarmpy-0.1.0.dist-info"
    about.mkdir(parents=True, exist_ok=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: swarmpy\nVersion: 0.1.0\n")
    (about / "top_level.txt").write_text("swarmpy\n")
    path = os.pathsep.join([str(ROOT / "python"), str(about.parent)])
    command = [sys.executable, "-m", "chaostoolkit", "--no-version-check", *words]
    environment = {**os.environ, "PYTHONPATH": path, **environment}
    return subprocess.run(
        command, check=False, cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


def experiment(method: list[dict[str, Any]], **arguments: Any) -> dict[str, Any]:
    control = {"type": "python", "module": "swarmpy.chaos.controls", "arguments": {"seed": 3, **arguments}}
    running = {"module": "swarmpy.chaos.probes", "func": "running_tasks", "arguments": {"service": "web"}}
    probe = {"type": "probe", "name": "web runs", "tolerance": 3, "provider": {"type": "python", **running}}
    return {
        "title": "a test",
        "description": "of the extension",
        "controls": [{"name": "swarm", "provider": control}],
        "steady-state-hypothesis": {"title": "three run", "probes": [probe]},
        "method": method,
        "rollbacks": [],
    }


def action(func: str, *, pauses: dict[str, float] | None = None, **arguments: Any) -> dict[str, Any]:
    provider = {"type": "python", "module": "swarmpy.chaos.actions", "func": func, "arguments": arguments}
    return {"type": "action", "name": func, "provider": provider, "pauses": pauses or {}}


WEB = [{"image": "nginx", "name": "web", "replicas": 3}]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_valid_and_run(path: Path, tmp_path: Path) -> None:
    assert chaos(tmp_path, "validate", str(path)).returncode == 0
    ran = chaos(tmp_path, "run", str(path))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    journal = json.loads((tmp_path / "journal.json").read_text())
    assert (journal["status"], journal["deviated"]) == ("completed", False)
    assert journal["swarmpy"]["faults"], "what went wrong is in the journal, as a plan"


def test_the_same_seed_is_the_same_run(tmp_path: Path) -> None:
    hashes = set()
    for _ in range(2):
        chaos(tmp_path, "run", str(EXAMPLES[0]))
        hashes.add(json.loads((tmp_path / "journal.json").read_text())["swarmpy"]["trace_hash"])
    assert len(hashes) == 1


def test_discover_lists_what_there_is(tmp_path: Path) -> None:
    found = chaos(tmp_path, "discover", "--no-install", "swarmpy")
    assert found.returncode == 0, found.stdout + found.stderr
    activities = json.loads((tmp_path / "discovery.json").read_text())["activities"]
    kinds = {one["name"]: one["type"] for one in activities}
    assert kinds["partition"] == "action" and kinds["running_tasks"] == "probe"
    assert all(one["doc"] for one in activities)


def test_pauses_pass_in_virtual_time() -> None:
    content = experiment(
        [action("let_time_pass", span="1s", pauses={"before": 600, "after": 3000})], services=WEB
    )
    journal = sp.chaos.Experiment(content).run()
    assert journal and journal.content["duration"] < 60
    assert journal.content["swarmpy"]["now"] > 3601


def test_a_lost_steady_state_deviates() -> None:
    content = experiment(
        [action("scale_service", service="web", replicas=1, pauses={"after": 5})], services=WEB
    )
    journal = sp.chaos.Experiment(content).run()
    assert not journal and journal.deviated and journal.status == "completed"


def test_continuously_is_after_every_event() -> None:
    content = experiment(
        [action("kill_node", node="w1", for_="2s"), action("wait_converged")],
        managers=1,
        workers=1,
        services=WEB,
    )
    before_and_after = sp.chaos.Experiment(content).run()
    assert before_and_after, "it heals, so the Toolkit's own two questions see nothing"
    continuously = sp.chaos.Experiment(content).run(strategy="continuously")
    assert continuously.deviated and continuously.content["swarmpy-lost"]["web runs"]["value"] < 3


def test_continuously_begins_with_the_method_and_not_with_the_toolkits_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from chaoslib import run

    begins = run.run_hypothesis_continuously

    def begins_late(event: threading.Event, *others: Any, **named: Any) -> Any:
        event.wait(30)  # until the method is over
        return begins(event, *others, **named)

    monkeypatch.setattr(run, "run_hypothesis_continuously", begins_late)
    scales = [action("scale_service", service="web", replicas=replicas) for replicas in (1, 3)]
    method = [each for scale in scales for each in (scale, action("wait_converged"))]
    one = sp.chaos.Experiment(experiment(method, services=WEB))
    with sp.Swarm(managers=1, workers=1, seed=3) as swarm:
        for _ in range(2):
            assert one.run(swarm, strategy="continuously").deviated
        assert not one.run(swarm).deviated


def test_of_a_steady_state_that_was_lost_the_first_moment_is_told() -> None:
    from swarmpy.chaos import watch

    (probe,) = experiment([])["steady-state-hypothesis"]["probes"]
    ask = watch._of_state(probe)
    assert ask is not None
    with sp.Swarm(managers=1, workers=1, seed=2) as swarm:
        web = swarm.services.create("nginx", name="web", replicas=3)
        web.wait()
        states = []
        for replicas in (3, 2, 1, 3):
            web.scale(replicas).wait()
            states.append(swarm.peek())
    assert all(ask(state) for state in states), "it goes on"
    journal: dict[str, Any] = {"deviated": False}
    watch.judge(journal)
    assert journal == {"deviated": False}, "nobody asked continuously"
    watch.asked()
    watch.judge(journal)
    watch.forget()
    lost = {"at": states[1].at, "value": states[1].running("web"), "tolerance": 3}
    assert journal == {"deviated": True, "swarmpy-lost": {"web runs": lost}}
    watch.judge(untouched := {"deviated": False})
    assert untouched == {"deviated": False}


def test_a_swarm_of_ones_own_stays_open_and_is_healed() -> None:
    with sp.Swarm(managers=3, workers=2, seed=1) as swarm:
        swarm.services.create("nginx", name="web", replicas=3).wait()
        content = experiment([action("freeze_node", node="w1")])
        assert sp.chaos.Experiment(content).run(swarm)
        assert not list(swarm.faults.active)
        assert swarm.wait_converged()


def test_an_example_runs_on_a_swarm_that_has_its_service_already() -> None:
    with sp.Swarm(managers=3, workers=2, seed=1) as swarm:
        swarm.services.create("nginx", name="web", replicas=4).wait()
        for _ in range(2):
            assert sp.chaos.Experiment.load(ROOT / "examples/chaos/leader_loss.json").run(swarm)
        assert len(list(swarm.services)) == 1


def test_why_there_is_no_swarm_is_raised() -> None:
    with pytest.raises(sp.SwarmError, match="at least one manager"):
        sp.chaos.Experiment(experiment([], managers=0)).run()
    with sp.Swarm(managers=1, workers=0, seed=1) as closed:
        pass
    with pytest.raises(sp.SwarmError, match="closed"):
        sp.chaos.Experiment(experiment([], services=WEB)).run(closed)
    with pytest.raises(sp.SwarmError, match="runs on a swarm"):
        sp.chaos.Experiment(experiment([])).run("web")  # type: ignore[arg-type]


def test_pauses_may_come_from_the_configuration() -> None:
    content = experiment([action("heal", pauses={"before": "${long}", "after": "${long}"})], services=WEB)
    journal = sp.chaos.Experiment({**content, "configuration": {"long": 30}}).run()
    assert journal and journal.content["swarmpy"]["now"] > 60


def test_what_failed_is_told_and_is_no_success() -> None:
    journal = sp.chaos.Experiment(experiment([action("kill_node", node="w11")], services=WEB)).run()
    assert not journal and list(journal.failed) == ["kill_node"]
    why = journal.failed["kill_node"]
    assert why in repr(journal) and why.startswith('swarmpy.errors.NotFound: there is no node "w11"')


def test_a_wrong_name_fails_the_activity_and_says_which_is_near() -> None:
    journal = sp.chaos.Experiment(experiment([action("kill_node", node="w11")], services=WEB)).run()
    (run,) = journal.content["run"]
    assert run["status"] == "failed" and "w1" in "".join(run["exception"])


def test_a_file_is_read_and_written_as_it_is(tmp_path: Path) -> None:
    one = sp.chaos.Experiment.load(EXAMPLES[0])
    again = sp.chaos.Experiment.load(one.save(tmp_path / "copy.json"))
    assert again.content == one.content == json.loads(EXAMPLES[0].read_text())
    assert one.title in repr(one)


def test_what_is_no_experiment_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "half.json").write_text('{"title": ')
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe")
    for wrong in ("list.json", "half.json", "bytes.json"):
        with pytest.raises(sp.SwarmError):
            sp.chaos.Experiment.load(tmp_path / wrong)
    with pytest.raises(sp.SwarmError, match="method"):
        sp.chaos.Experiment({"title": "x", "description": "y"})
    with pytest.raises(sp.SwarmError, match="continuously"):
        sp.chaos.Experiment.load(EXAMPLES[0]).run(strategy="continously")


def test_when_a_leader_was_seen_last_is_told_by_what_happened_and_not_by_words() -> None:
    from swarmpy.chaos.probes import _leader_was_there

    def raft(at: float, action: str, name: str = "leader-box") -> sp.Event:
        raw = {"Type": "raft", "Action": action, "Actor": {"ID": name, "Attributes": {"name": name}}}
        return sp.Event.from_api({**raw, "timeNano": round(at * 1e9)}, 0)

    led = [raft(1, "candidate"), raft(2, "leader"), raft(3, "follows", "m2"), raft(4, "follower")]
    after = [raft(5, "pre-candidate"), raft(6, "voted", "m2"), raft(7, "member-removed"), raft(8, "follower")]
    assert list(_leader_was_there([*led, *after])) == [2.0, 3.0, 4.0]
    assert list(_leader_was_there([raft(9, "leader-lost", "m2")])) == [9.0]


def test_without_a_swarm_it_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from swarmpy.chaos import probes

    monkeypatch.delenv("SWARMPY_CLUSTER", raising=False)
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    with pytest.raises(sp.SwarmError, match=r"swarmpy.chaos.controls"):
        probes.has_quorum()


@pytest.mark.real
def test_the_same_file_runs_on_real_daemons(tmp_path: Path) -> None:
    content = json.loads(EXAMPLES[0].read_text())
    content["controls"][0]["provider"]["arguments"]["mode"] = "real"
    content["method"][0]["pauses"] = {"after": 3}
    (tmp_path / "real.json").write_text(json.dumps(content))
    ran = chaos(tmp_path, "run", "real.json", SWARMPY_HOME=str(tmp_path / "home"))
    assert ran.returncode == 0, ran.stdout + ran.stderr
