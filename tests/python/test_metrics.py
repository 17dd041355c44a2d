"""Metrics: by Prometheus' names and in its format, of each daemon; and of the swarm as numbers."""

from __future__ import annotations

import re
from typing import Any

import pytest

import swarmpy as sp
from swarmpy._connection.client import finish, make_request
from swarmpy.metrics import _joined, _Kept, _speaker, families


def scraped(c: sp.Swarm, node: str) -> str:
    door = c._world.door(node)
    request = make_request("GET", "/metrics")
    return finish(door.look(request) or door.open(request)).decode()


def strictly(text: str) -> None:
    """Format 0.0.4, and what promtool calls good names."""
    assert text.endswith("\n")
    seen: list[str] = []
    kind, series = "", set()
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name = line.split()[2]
            assert name not in seen and line.split(" ", 3)[3].endswith("."), line
            seen.append(name)
        elif line.startswith("# TYPE "):
            assert line.split()[2] == seen[-1], "TYPE comes after HELP of the same"
            kind = line.split()[3]
            assert kind in ("counter", "gauge")
            assert seen[-1].endswith("_total") == (kind == "counter"), line
            assert not re.search(r"_(counter|gauge|milliseconds|ms|count|sum|bucket)$", seen[-1])
        else:
            match = re.fullmatch(
                r'([a-z][a-z0-9_]*)(\{[a-z_]+="[^"\\\n]*"(,[a-z_]+="[^"\\\n]*")*\})? ([0-9.]+)', line
            )
            assert match and match[1] == seen[-1], line
            assert (match[1], match[2]) not in series, "no series twice"
            series.add((match[1], match[2]))
    assert len(seen) > 5 and series


def test_each_daemon_serves_prometheus_text() -> None:
    with sp.Swarm(managers=3, workers=1, seed=1) as c:
        for node in ("m1", "m2", "w1"):
            strictly(scraped(c, node))
        assert "raft_" not in scraped(c, "w1") and "swarm_" not in scraped(c, "w1")


def test_a_parser_of_prometheus_reads_it() -> None:
    parser = pytest.importorskip("prometheus_client.parser")
    with sp.Swarm(managers=3, workers=1, seed=1) as c:
        text = scraped(c, "m1")
    theirs = {one.name: one for one in parser.text_string_to_metric_families(text)}
    ours = families(text)
    assert {name.removesuffix("_total") for name in ours} == set(theirs)
    for name, family in ours.items():
        their = theirs[name.removesuffix("_total")]
        assert (their.type, their.documentation) == (family.type, family.help)
        assert [(one.labels, one.value) for one in their.samples] == family.samples


def test_what_is_counted() -> None:
    with sp.Swarm(managers=3, workers=2, seed=42) as c:
        first = c.metrics
        assert first["raft_elections_total"] == 1 and first.note == ""
        assert first["raft_is_leader"] == 1 and first["raft_voters"] == 3
        assert first["raft_term"] == c.peek().term
        assert first["swarm_nodes"].by("state") == {
            "unknown": 0,
            "down": 0,
            "ready": 5,
            "disconnected": 0,
        }
        assert first["dispatcher_sessions"] == 5 and first["swarm_services"] == 0
        c.services.create("nginx:1.10", name="web", replicas=4).wait()
        now = c.metrics
        assert now["swarm_services"] == 1 and now["swarm_tasks"].by("state")["running"] == 4
        assert now['swarm_tasks{state="running"}'] == 4 and now['swarm_tasks{state="none"}'] == 0
        assert now["agent_tasks"] == 4
        assert now["raft_proposals_total"] > first["raft_proposals_total"]
        assert now["api_requests_total"].by("code")["2xx"] > 0
        sent, came = now["raft_messages_sent_total"], now["raft_messages_received_total"]
        assert sent.by("type")["append"] >= came.by("type")["append"] > 0
        assert sum(sent.by("type").values()) == sent == sum(sent.by_node.values())
        assert now["raft_snapshots_sent_total"] == 2
        assert now["raft_commit_index"] == max(now["raft_commit_index"].by_node.values())


def test_counters_never_go_back() -> None:
    with sp.Swarm(managers=3, workers=0, seed=42) as c:
        before = c.metrics["raft_elections_total"]
        lead = c.nodes.leader
        assert lead is not None
        lead.kill()
        c.run(until=lambda c: c.peek().leader is not None, timeout="9s")
        after = c.metrics
        assert after["raft_elections_total"] > before and after.note == f"not reachable: {lead.name}"
        assert lead.name in after["raft_elections_total"].by_node
        assert lead.name not in after["raft_term"].by_node, "a dead manager is in no term"
        lead.restart()
        again = c.metrics
        assert again["raft_elections_total"] >= after["raft_elections_total"] and again.note == ""


def test_whether_one_looked_before_does_not_matter() -> None:
    def elections(look: bool) -> float:
        with sp.Swarm(managers=3, seed=9) as c:
            if look:
                assert c.metrics
            assert c.nodes.leader
            c.nodes.leader.kill()
            c.sleep("3s")
            return c.metrics["raft_elections_total"]

    assert elections(True) == elections(False) == 2


def test_a_wrong_name_is_told_the_nearest() -> None:
    with sp.Swarm(seed=1) as c:
        metrics = c.metrics
        with pytest.raises(KeyError) as caught:
            metrics["raft_election_total"]
        assert isinstance(caught.value, sp.NotFound)
        assert 'Did you mean "raft_elections_total"?' in str(caught.value)
        assert metrics.get("nothing") is None and "raft_term" in metrics
        with pytest.raises(sp.NotFound, match="no label"):
            metrics["swarm_tasks"].by("stat")
        assert metrics['swarm_tasks{state="running"}'] == 0
        with pytest.raises(sp.NotFound, match='Did you mean "state"'):
            metrics['swarm_tasks{stat="running"}']
        for wrong in (
            "swarm_tasks{",
            "swarm_tasks{running}",
            'swarm_tasks{state="running"',
            "swarm_tasks{state=running}",
        ):
            with pytest.raises(sp.InvalidArgument, match="no name of a metric"):
                metrics[wrong]


def test_metrics_are_shown() -> None:
    with sp.Swarm(managers=1, workers=1, seed=1) as c:
        metrics = c.metrics
        assert [*metrics] == sorted(metrics) and len(metrics) == len([*metrics])
        assert "raft_elections_total" in repr(metrics) and "<table>" in metrics._repr_html_()
        value = metrics["raft_elections_total"]
        assert repr(value) == "<raft_elections_total 1: m1 1>" and f"{value}" == str(value) == "1"
        assert value + 1 == 2 and value.type == "counter" and value.help and "<table>" in value._repr_html_()
        rows = metrics.to_dicts()
        assert {*rows[0]} == {"name", "type", "node", "labels", "value"}
        assert {(row["name"], row["node"]) for row in rows} >= {("raft_term", "m1"), ("links_open", "w1")}
        assert c.run(until=lambda c: c.metrics["engine_turns_total"] > value + 100, timeout="60s")
        c.nodes["m1"].kill()
        c.nodes["w1"].kill()
        with pytest.raises(sp.Unreachable):
            _ = c.metrics


@pytest.mark.real
def test_real_daemons_serve_them_and_their_counts_outlive_them() -> None:
    with sp.Swarm(managers=3, workers=1, mode="real") as c:
        for node in ("m1", "w1"):
            strictly(scraped(c, node))
        before = c.metrics
        assert before["raft_is_leader"] == 1 and before["swarm_nodes"].by("state")["ready"] == 4
        lead = c.nodes.leader
        assert lead is not None
        lead.kill()
        assert c.run(until=lambda c: c.metrics["raft_has_leader"] == c.metrics["raft_is_leader"] == 1)
        after = c.metrics
        assert after["raft_elections_total"] > before["raft_elections_total"]
        assert after.note == f"not reachable: {lead.name}"
        lead.restart()
        again = c.metrics["raft_elections_total"]
        assert again.by_node[lead.name] >= before["raft_elections_total"].by_node[lead.name]


def test_when_a_daemon_was_started_is_told_to_the_millisecond() -> None:
    with sp.Swarm(managers=1, workers=1, seed=2) as c:
        epoch = 1_767_225_600  # 2026, when every simulated swarm begins
        for span in (0.0421, 1.0, 1.5049):
            c.sleep(span)
            c.nodes["w1"].kill()
            c.nodes["w1"].restart()
            started = c.metrics["process_start_time_seconds"].by_node["w1"] - epoch
            assert c.now - 0.001 < started <= c.now, "cut, not rounded"


# ---- by hand


def told(**values: float) -> str:
    """What one daemon says; names that end with `_total` are counters."""
    lines = []
    for name, value in values.items():
        kind = "counter" if name.endswith("_total") else "gauge"
        lines += [f"# HELP {name} Of a test.", f"# TYPE {name} {kind}", f"{name} {value}"]
    return "\n".join(lines) + "\n"


def test_what_a_daemon_counted_in_its_lives_before_is_kept() -> None:
    kept = _Kept()

    def seen(begun: float, count: float) -> float:
        now = kept.seen(families(told(process_start_time_seconds=begun, turns_total=count, links_open=3)))
        assert now["links_open"].samples[0][1] == 3, "no counter"
        return now["turns_total"].samples[0][1]

    assert [seen(100, 5), seen(100, 8)] == [5, 8]
    assert [seen(200, 1), seen(200, 4)] == [9, 12], "it was started again"
    assert seen(300, 2) == 14
    assert kept.counters["turns_total"].samples == [({}, 14.0)] and list(kept.counters) == ["turns_total"]


def test_who_leads_has_the_word_and_without_one_who_knows_most() -> None:
    def node(leads: int, term: int, applied: int, count: int = 0) -> dict[str, Any]:
        raft = {"raft_is_leader": leads, "raft_term": term, "raft_applied_index": applied}
        return families(told(**raft, swarm_services=count))

    nodes = {"m1": node(0, 3, 90, 1), "m2": node(1, 2, 80, 2), "m3": node(1, 3, 10, 3), "w1": families("")}
    assert _speaker(nodes) == "m3", "of two that say they lead, the one of the newer term"
    assert _joined(nodes, "m3")["swarm_services"] == 3 and _joined(nodes, "m3")["raft_term"] == 3
    assert _joined(nodes, "m3")["raft_is_leader"] == 2
    del nodes["m3"], nodes["m2"]
    nodes["m4"] = node(0, 3, 95)
    assert _speaker(nodes) == "m4" and _speaker({"w1": families("")}) == ""


def test_samples_are_taken_by_their_labels() -> None:
    text = "# HELP x_total Of a test.\n# TYPE x_total counter\n"
    text += 'x_total{a="1",b="1"} 1\nx_total{a="1",b="2"} 2\nx_total{a="2",b="1"} 4\n'
    metrics = sp.metrics.Metrics(0.0, _joined({"m1": families(text)}, ""), "")
    assert metrics["x_total"] == 7 and metrics['x_total{a="1"}'] == 3 and metrics['x_total{a="1",b="2"}'] == 2
    assert metrics["x_total"].by("b") == {"1": 5, "2": 2} and metrics['x_total{a="9"}'] == 0
