"""The parts of the package that send no request: durations, options, models, errors, tables."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest

import swarmpy as sp
from swarmpy import _show, duration
from swarmpy._models.constraints import holds
from swarmpy._models.log_frames import Deframer
from swarmpy._models.node_info import NodeInfo
from swarmpy._models.options import ServiceOptions, new_spec, port_configs
from swarmpy._models.service_info import ServiceInfo
from swarmpy._models.sizes import memory_bytes
from swarmpy._models.task_info import TaskInfo
from swarmpy.errors import error_of
from swarmpy.events import Event

NODE: dict[str, Any] = {
    "ID": "n1",
    "Version": {"Index": 7},
    "CreatedAt": "2026-01-01T00:00:00.123456789Z",
    "Spec": {"Labels": {"rack": "a"}, "Role": "manager", "Availability": "active"},
    "Description": {
        "Hostname": "m1",
        "Platform": {"Architecture": "x86_64", "OS": "linux"},
        "Engine": {"Labels": {"disk": "ssd"}},
    },
    "Status": {"State": "ready", "Addr": "127.0.1.1"},
    "ManagerStatus": {"Leader": True, "Reachability": "reachable", "Addr": "127.0.1.1:2377"},
}
SERVICE: dict[str, Any] = {
    "ID": "s1",
    "Version": {"Index": 9},
    "Spec": {
        "Name": "web",
        "Mode": {"Replicated": {"Replicas": 4}},
        "TaskTemplate": {"ContainerSpec": {"Image": "nginx:1.10@sha256:abc"}, "ForceUpdate": 0},
    },
    "Endpoint": {"Ports": [{"Protocol": "tcp", "TargetPort": 80, "PublishedPort": 8080}]},
    "UpdateStatus": {"State": "paused", "Message": "update paused due to failure"},
}
TASK: dict[str, Any] = {
    "ID": "t1",
    "ServiceID": "s1",
    "Slot": 2,
    "NodeID": "n1",
    "Spec": {"ContainerSpec": {"Image": "nginx:1.10"}},
    "Status": {
        "State": "failed",
        "Err": "task: non-zero exit (137)",
        "ContainerStatus": {"ContainerID": "c1", "PID": 0, "ExitCode": 137},
    },
    "DesiredState": "shutdown",
}


@pytest.mark.parametrize(
    ("written", "seconds"),
    [(5, 5.0), (0.5, 0.5), ("3s", 3.0), ("500ms", 0.5), ("1m30s", 90.0), (timedelta(minutes=2), 120.0)],
)
def test_durations_are_read_as_people_write_them(written: Any, seconds: float) -> None:
    assert duration.seconds(written) == seconds
    assert duration.nanoseconds(written) == round(seconds * 1e9)


@pytest.mark.parametrize("written", ["", "3", "3x", "s", "-3s", "1s 2s", -1, float("nan")])
def test_what_is_no_duration_is_refused_with_a_hint(written: Any) -> None:
    with pytest.raises(sp.InvalidArgument) as caught:
        duration.seconds(written)
    assert caught.value.code == "InvalidArgument"
    assert '"500ms"' in caught.value.hint


def test_importing_the_package_loads_nothing_else() -> None:
    script = (
        "import sys, swarmpy; loaded = [m for m in sys.modules if m.startswith('swarmpy')]; "
        "assert loaded == ['swarmpy'], loaded; assert 'http.client' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_every_public_name_is_there_and_documented() -> None:
    for name in sp.__all__:
        assert getattr(sp, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = sp.nothing  # type: ignore[attr-defined]


def test_states_equal_dockers_words() -> None:
    assert sp.NodeState.READY == "ready" and f"{sp.TaskState.RUNNING}" == "running"
    assert sp.TaskState.FAILED.over and not sp.TaskState.RUNNING.over


def test_a_node_of_the_api_is_read_whole() -> None:
    node = NodeInfo.from_api(NODE)
    assert (node.name, node.role, node.state, node.availability) == ("m1", "manager", "ready", "active")
    assert node.leader and node.manages and node.manager_address == "127.0.1.1:2377"
    assert node.created.year == 2026 and node.created.microsecond == 123456


def test_a_service_and_its_task_are_read_whole() -> None:
    service, task = ServiceInfo.from_api(SERVICE), TaskInfo.from_api(TASK)
    assert (service.name, service.image, service.replicas) == ("web", "nginx:1.10", 4)
    assert service.update_state.stopped and service.ports == ("*:8080->80/tcp",)
    assert (task.slot, task.state, task.exit_code) == (2, "failed", 137)
    assert not task.runs


def test_an_option_changes_its_own_field_and_keeps_unknown_ones() -> None:
    before = {**SERVICE["Spec"], "Unknown": {"Kept": 1}}
    after = ServiceOptions(image="nginx:1.11", env={"A": "1"}, reserve_memory="64m").applied_to(before)
    assert after["Unknown"] == {"Kept": 1}
    assert after["TaskTemplate"]["ContainerSpec"] == {"Image": "nginx:1.11", "Env": ["A=1"]}
    assert after["TaskTemplate"]["Resources"] == {"Reservations": {"MemoryBytes": 64 << 20}}
    assert before["TaskTemplate"]["ContainerSpec"]["Image"].startswith("nginx:1.10"), (
        "the old one is untouched"
    )


def test_a_command_is_dockers_args_and_env_merges_by_key() -> None:
    spec = ServiceOptions(image="alpine", command='sh -c "echo hi"', env=["A=1", "B=2"]).applied_to(
        new_spec("x", "replicated")
    )
    assert spec["TaskTemplate"]["ContainerSpec"]["Args"] == ["sh", "-c", "echo hi"]
    again = ServiceOptions(env={"A": None, "C": "3"}).applied_to(spec)
    assert again["TaskTemplate"]["ContainerSpec"]["Env"] == ["B=2", "C=3"]


def test_scaling_a_global_service_is_refused_with_the_next_step() -> None:
    with pytest.raises(sp.InvalidArgument) as caught:
        ServiceOptions(replicas=3).applied_to(new_spec("x", "global"))
    assert caught.value.hint
    with pytest.raises(sp.InvalidArgument, match="0 or more, not -1"):
        ServiceOptions(replicas=-1).applied_to(new_spec("x", "replicated"))


def test_a_word_that_docker_does_not_know_is_a_typed_error() -> None:
    with pytest.raises(sp.InvalidArgument, match='role is "worker" or "manager", not \'king\'') as caught:
        sp.Role("king")
    assert caught.value.code == "InvalidArgument"


def test_rolling_says_dockers_words_and_comes_back() -> None:
    rolling = sp.Rolling(
        parallelism=2, delay="2s", order="start-first", on_failure="rollback", monitor="500ms"
    )
    assert rolling.to_api() == {
        "Parallelism": 2,
        "Delay": 2_000_000_000,
        "FailureAction": "rollback",
        "Monitor": 500_000_000,
        "MaxFailureRatio": 0.0,
        "Order": "start-first",
    }
    assert sp.Rolling.from_api(rolling.to_api()).to_api() == rolling.to_api()
    with pytest.raises(sp.InvalidArgument, match="stop-first or start-first"):
        sp.Rolling(order="sideways")
    with pytest.raises(sp.InvalidArgument, match=r"0 .* or more, not -1"):
        sp.Rolling(parallelism=-1)
    with pytest.raises(sp.InvalidArgument, match="from 0 to 1, not 3"):
        sp.Rolling(max_failure_ratio=3)


def pairs(port: str) -> list[tuple[int | None, int]]:
    return [(one.get("PublishedPort"), one["TargetPort"]) for one in port_configs(port)]


def test_ports_and_sizes_are_read_as_docker_reads_them() -> None:
    assert port_configs("8080:80/udp") == [
        {"Protocol": "udp", "TargetPort": 80, "PublishedPort": 8080, "PublishMode": "ingress"}
    ]
    assert "PublishedPort" not in port_configs(80)[0]
    assert pairs("8080-8082:80-82") == [(8080, 80), (8081, 81), (8082, 82)]
    assert pairs("8080-8081:80/tcp") == [(8080, 80), (8081, 80)]
    assert pairs("80-81") == [(None, 80), (None, 81)]
    own = {"Protocol": "tcp", "PublishMode": "host", "TargetPort": 80, "PublishedPort": 8080}
    assert port_configs("published=8080,target=80,mode=host") == [own]
    assert port_configs(own) == [own]
    for ports in (["8080:80"], "8080:80"):
        spec = ServiceOptions(ports=ports).applied_to(new_spec("web", "replicated"))
        assert [port["PublishedPort"] for port in spec["EndpointSpec"]["Ports"]] == [8080]
    assert memory_bytes("1.5g") == 3 << 29 and memory_bytes("8gib") == 8 << 30
    for wrong in ("many", "eighty:80", "1-3:80-81", "9-8:80", "published=80", "target=80,speed=9", ":", ""):
        with pytest.raises(sp.InvalidArgument, match="not a port"):
            port_configs(wrong)


def test_constraints_hold_as_the_scheduler_says() -> None:
    node = NodeInfo.from_api(NODE)
    assert holds(node, "node.role == manager") and holds(node, "node.labels.rack!=b")
    assert holds(node, "engine.labels.disk==SSD") and not holds(node, "node.hostname!=m1")


@pytest.mark.parametrize(
    ("status", "message", "headers", "kind", "code"),
    [
        (404, "service x not found", {}, sp.NotFound, "NotFound"),
        (409, "name conflicts with an existing object", {}, sp.Conflict, "AlreadyExists"),
        (500, "rpc error: update out of sequence", {"swarmpy-code": "Unknown"}, sp.Conflict, "Unknown"),
        (503, "This node is not a swarm manager. Use ...", {}, sp.NotManager, "Unavailable"),
        (
            500,
            "The swarm does not have a leader. ...",
            {"swarmpy-code": "Unavailable"},
            sp.NoQuorum,
            "Unavailable",
        ),
        (501, "not there yet", {"swarmpy-hint": "wait"}, sp.SwarmError, "Unimplemented"),
    ],
)
def test_answers_become_typed_errors(
    status: int, message: str, headers: dict[str, str], kind: type[sp.SwarmError], code: str
) -> None:
    error = error_of(status, message, headers)
    assert type(error) is kind and error.code == code and error.status == status
    assert error.hint == headers.get("swarmpy-hint", kind.default_hint)


def test_an_event_tells_what_when_and_of_whom() -> None:
    raw = {
        "Type": "task",
        "Action": "running",
        "Actor": {"ID": "t1", "Attributes": {"service": "web", "slot": "2", "node": "w1"}},
        "timeNano": 1_500_000_000,
    }
    event = Event.from_api(raw, epoch_ns=1_000_000_000)
    assert (event.kind, event.action, event.name, event.at) == ("task", "running", "web.2", 0.5)
    assert repr(event).startswith("<Event 0.500s task web.2 running")


def test_log_frames_survive_being_cut_anywhere() -> None:
    line = b"2026-01-01T00:00:00.000000000Z com.docker.swarm.task.id=t%201,x=y hello there\n"
    data = bytes([2, 0, 0, 0]) + len(line).to_bytes(4, "big") + line
    for cut in range(len(data)):
        frames = Deframer()
        got = [*frames.feed(data[:cut]), *frames.feed(data[cut:])]
        assert [(f.stream, f.text, f.details["com.docker.swarm.task.id"]) for f in got] == [
            ("stderr", "hello there", "t 1")
        ]


def test_an_outcome_is_true_only_when_converged() -> None:
    assert sp.Outcome(sp.OutcomeState.CONVERGED)
    for state in sp.OutcomeState:
        assert bool(sp.Outcome(state)) == (state == "converged")
    text = repr(sp.Outcome(sp.OutcomeState.TIMED_OUT, "2 tasks pending", 1, 3, 60.0, "web"))
    assert text == "<Outcome timed_out web 1/3 in 1m00s: 2 tasks pending>"


def test_tables_fold_and_html_is_escaped() -> None:
    assert _show.table(("A",), [(i,) for i in range(20)], most=3).splitlines()[-1] == "... and 17 more"
    assert "&lt;b&gt;" in _show.html_table("<b>", ("A",), [("<i>",)])
    assert "<details>" in _show.html_table("x", ("A",), [(i,) for i in range(60)])
