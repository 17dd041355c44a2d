"""Numbers that a user chooses: what is out of bounds is a typed error with a sentence of Docker's kind,
what is huge and allowed means "practically never". The sweep over every field of the engine is
cpp/sim/extremes_test.cpp.
"""

from __future__ import annotations

import json
import os
import signal
import time
from datetime import timedelta
from typing import Any

import pytest

import swarmpy as sp
from local import eventually, exists, own_home
from swarmpy import duration
from swarmpy._cluster import LocalCluster
from swarmpy._models.options import port_configs
from swarmpy._models.sizes import memory_bytes, nano_cpus
from swarmpy.errors import InvalidArgument, SwarmError

HUGE = 2**64 - 1


class TestDurations:
    @pytest.mark.parametrize(
        ("value", "nanoseconds"),
        [
            ("2562047h47m16.854775807s", 2**63 - 1),
            ("2562047h", 2562047 * 3600 * 10**9),
            ("9223372036854775807ns", 2**63 - 1),
            ((2**63 - 1) / 1e9, 2**63 - 1),
            ("0.000000001s", 1),
            (".5s", 500_000_000),
            (timedelta.resolution, 1000),
            (0, 0),
        ],
    )
    def test_are_exact_to_the_end_of_what_the_api_counts(self, value: Any, nanoseconds: int) -> None:
        assert duration.nanoseconds(value) == nanoseconds

    @pytest.mark.parametrize(
        "value",
        [
            "1e400s",
            "-5s",
            "5",
            "",
            "s",
            "1h-5m",
            "+5s",
            "1e3s",
            "0x5s",
            "٣s",
            "1s 2s",
            -1,
            -0.5,
            float("nan"),
            None,
            True,
            [],
            b"5s",
            timedelta(seconds=-1),
        ],
    )
    def test_what_is_none_is_refused(self, value: Any) -> None:
        with pytest.raises(InvalidArgument, match="not a duration"):
            duration.nanoseconds(value)
        with pytest.raises(InvalidArgument, match="not a duration"):
            duration.seconds(value)

    @pytest.mark.parametrize(
        "value",
        ["2562048h", "9" * 400 + "h", 1e300, 10**400, timedelta.max, "9223372036854775808ns"],
    )
    def test_more_than_the_api_can_count_is_refused(self, value: Any) -> None:
        with pytest.raises(InvalidArgument, match=r"at most 2562047h47m16.854775807s"):
            duration.seconds(value)


class TestAmounts:
    @pytest.mark.parametrize("value", ["1e400", "-1", "", "9" * 400, 2**63, True, 1.5, None, "8388608t"])
    def test_memory(self, value: Any) -> None:
        with pytest.raises(InvalidArgument, match="amount of memory"):
            memory_bytes(value)

    def test_memory_is_exact(self) -> None:
        assert memory_bytes("9223372036854775807b") == 2**63 - 1
        assert memory_bytes("1.5g") == 3 << 29

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300, "2", True, None])
    def test_cpus(self, value: Any) -> None:
        with pytest.raises(InvalidArgument, match="number of CPUs"):
            nano_cpus(value)

    def test_what_a_node_has(self) -> None:
        with sp.Swarm() as c:
            for wrong in (
                {"cpus": 0},
                {"cpus": -1},
                {"memory": -1},
                {"memory": "0g"},
                {"cpus": float("nan")},
            ):
                with pytest.raises(InvalidArgument):
                    c.nodes.add(**wrong)

    @pytest.mark.parametrize(
        "port",
        [0, -1, 65536, 2**64, "0", "80:65536", "1-99999999999", "-80", "+80:80", "published=0,target=80"],
    )
    def test_ports(self, port: Any) -> None:
        with pytest.raises(InvalidArgument, match="not a port"):
            port_configs(port)

    def test_events_since_no_time(self) -> None:
        with sp.Swarm() as c:
            for since in (float("nan"), float("inf"), 1e300):
                with pytest.raises(InvalidArgument, match="since is seconds on the swarm"):
                    c.events(since=since)


def _body(**changes: Any) -> dict[str, Any]:
    spec: dict[str, Any] = {"Name": "default"}
    for path, value in changes.items():
        part, key = path.split("__")
        spec.setdefault(part, {})[key] = value
    return spec


def _update(c: sp.Swarm, spec: dict[str, Any]) -> None:
    client = c._hub.client
    version = client.json("GET", "/swarm")["Version"]["Index"]
    client.call("POST", "/swarm/update", query={"version": version}, body=spec)


class TestTheSwarmsSettings:
    def test_a_log_without_end_is_refused_and_the_managers_live(self) -> None:
        with sp.Swarm(managers=3) as c:
            with pytest.raises(
                InvalidArgument, match="slow followers 18446744073709551615: must be between 0 and"
            ):
                _update(c, _body(Raft__SnapshotInterval=1, Raft__LogEntriesForSlowFollowers=HUGE))
            _update(c, _body(Raft__SnapshotInterval=1, Raft__LogEntriesForSlowFollowers=1_000_000))
            c.services.create("nginx:1.10", name="web", replicas=3).wait()
            for node in c.nodes:
                node.kill()
                node.restart()
            assert c.services["web"].wait(), "the managers start again"

    def test_a_heartbeat_of_a_hundred_years_loses_nobody(self) -> None:
        with sp.Swarm(managers=1, workers=2) as c:
            _update(c, _body(Dispatcher__HeartbeatPeriod=duration.nanoseconds("1000000h")))
            c.sleep("10m")
            assert [node.state for node in c.nodes] == ["ready"] * 3

    @pytest.mark.parametrize(
        ("spec", "sentence"),
        [
            (
                {"Raft__SnapshotInterval": -1},
                "cannot unmarshal number -1 into Go struct field Spec.Raft.Snapshot",
            ),
            ({"Raft__SnapshotInterval": 1.5}, "json: cannot unmarshal number 1.5"),
            ({"Raft__SnapshotInterval": True}, "json: cannot unmarshal bool"),
            ({"Raft__ElectionTick": 2**32}, "cannot unmarshal number 4294967296 .* of type uint32"),
            (
                {"Raft__ElectionTick": 2**31},
                "invalid number of Raft election ticks 2147483648: must be between",
            ),
            ({"Raft__HeartbeatTick": 10}, "must be greater than the heartbeat ticks, 10"),
            ({"Dispatcher__HeartbeatPeriod": -1}, "heartbeat time period cannot be a negative duration"),
            ({"Dispatcher__HeartbeatPeriod": 2**63}, "of type int64"),
            ({"CAConfig__NodeCertExpiry": 1}, "minimum certificate expiry time is: 1h0m0s"),
        ],
    )
    def test_what_is_out_of_bounds_is_refused_in_a_sentence(
        self, spec: dict[str, Any], sentence: str
    ) -> None:
        with sp.Swarm() as c, pytest.raises(InvalidArgument, match=sentence):
            _update(c, _body(**spec))


class TestServices:
    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            ({"replicas": 1_000_001}, "Number of replicas must be at most 1000000, not 1000001"),
            ({"replicas": 2**63}, "Number of replicas must be non-negative"),
            ({"replicas": 2**64}, "cannot unmarshal number .* of type uint64"),
            ({"restart_max_attempts": 2**64}, "cannot unmarshal number .* of type uint64"),
            ({"max_replicas_per_node": -1}, "cannot be negative"),
            ({"limit_cpu": 1e-6}, "invalid cpu value 1e-06: Must be at least 0.001"),
            ({"reserve_memory": 1}, "invalid memory value 1: Must be at least 4MiB"),
        ],
    )
    def test_create(self, options: dict[str, Any], sentence: str) -> None:
        with sp.Swarm() as c, pytest.raises(InvalidArgument, match=sentence):
            c.services.create("nginx:1.10", name="web", **options)

    def test_the_longest_spans_are_taken_and_mean_never(self) -> None:
        with sp.Swarm(workers=1) as c:
            web = c.services.create(
                "nginx:1.10",
                name="web",
                replicas=2,
                restart_delay="2562047h",
                stop_grace_period="2562047h47m16.854775807s",
                restart_window="2562047h",
                restart_max_attempts=HUGE,
                max_replicas_per_node=HUGE,
                update=sp.Rolling(parallelism=1, delay="2562047h", monitor="2562047h"),
            )
            assert web.wait()
            web.tasks[0].kill()
            c.sleep("1h")
            assert web.running == 1, "the restart is far away"

    def test_reservations_that_no_node_has_wait_with_a_reason(self) -> None:
        with sp.Swarm(workers=1) as c:
            for name in ("a", "b", "c"):
                c.services.create(
                    "nginx:1.10", name=name, replicas=3, reserve_cpu=9e9, reserve_memory=2**63 - 1
                )
            c.sleep("5s")
            states = {str(task.state) for name in ("a", "b", "c") for task in c.services[name].tasks}
            assert states == {"pending"}
            assert c.services.create("nginx:1.10", name="d", reserve_cpu=1).wait()


def test_documents_of_numbers_are_json() -> None:
    """What is stored is shown as it was sent: the client's next update is the same."""
    with sp.Swarm() as c:
        web = c.services.create("nginx:1.10", name="web", restart_max_attempts=HUGE)
        assert web.spec["TaskTemplate"]["RestartPolicy"]["MaxAttempts"] == HUGE
        json.dumps(web.spec)


@pytest.mark.real
class TestDaemons:
    def test_extremes_are_refused_or_outlived(self) -> None:
        with own_home(), LocalCluster.start("numbers", 1, 0) as cluster:
            (node,) = cluster.nodes
            door = node.door

            def update(spec: dict[str, Any]) -> None:
                version = door.get("/swarm")["Version"]["Index"]
                door.post(f"/swarm/update?version={version}", spec)

            with pytest.raises(SwarmError, match="slow followers 18446744073709551615: must be between"):
                update(_body(Raft__SnapshotInterval=1, Raft__LogEntriesForSlowFollowers=HUGE))
            update(
                _body(
                    Raft__SnapshotInterval=1,
                    Raft__LogEntriesForSlowFollowers=1_000_000,
                    Dispatcher__HeartbeatPeriod=2**63 - 1,
                )
            )
            script = "trap '' TERM; touch deaf-now; while :; do sleep 0.05; done"
            container = {"Image": "alpine", "Args": ["sh", "-c", script], "StopGracePeriod": 2**63 - 1}
            task = {"ContainerSpec": container, "RestartPolicy": {"Delay": 2**63 - 1}}
            door.post("/services/create", {"Name": "deaf", "TaskTemplate": task})

            def running() -> bool:
                return [one["Status"]["State"] for one in door.get("/tasks")] == ["running"]

            eventually(door, running, "it runs", 20)
            folder = node.data_root / "tasks"
            eventually(door, lambda: any(folder.glob("*/work/deaf-now")), "it is deaf")
            pid = door.get("/tasks")[0]["Status"]["ContainerStatus"]["PID"]
            door.delete("/services/deaf")
            eventually(door, lambda: door.get("/tasks")[0]["DesiredState"] == "remove", "it is told", 20)
            time.sleep(0.5)  # nothing is to happen: there is nothing to wait for
            assert exists(pid), "a grace of 292 years is not over"
            os.kill(pid, signal.SIGKILL)
            eventually(door, lambda: door.get("/tasks") == [], "it is gone", 20)
            node.kill()
            node.start()
            eventually(door, lambda: door.get("/nodes")[0]["Status"]["State"] == "ready", "it is back", 20)
