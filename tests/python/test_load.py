"""`swarm.load`, `wait_leader`, `assert_converged` in the simulator."""

from __future__ import annotations

from typing import Any

import pytest

import swarmpy as sp


def made(seed: int = 1) -> sp.Swarm:
    return sp.Swarm(managers=3, workers=2, seed=seed)


def web_of(c: sp.Swarm) -> sp.Service:
    web = c.services.create("nginx", name="web", replicas=4, ports=["8080:80"])
    web.wait()
    c.sleep("1s")
    return web


def test_requests_go_out_at_their_instants() -> None:
    with made() as c:
        web_of(c)
        begun = c.now
        with c.load("web", port=8080, rate=50, from_=["m1", "w1"]) as load:
            c.sleep("2s")
        requests = load.requests
        assert len(requests) == 100 + 1 == load.ok and load.failed == 0
        assert [round((one.time - begun) * 1000) for one in requests] == [20 * n for n in range(101)]
        assert {one.node for one in requests} == {"m1", "w1"} and requests[0].node != requests[1].node
        assert {one.task for one in requests} == {"web.1", "web.2", "web.3", "web.4"}
        assert all(one.status == 200 and one.ok and 0 < one.took < 0.1 for one in requests)
        assert 0 < load.p50 <= load.p99 < 0.1 and load.rate == 50
        assert "101 ok, 0 failed" in repr(load) and "\n" not in repr(load)
        assert "101 ok" in load._repr_html_()
        count = len(load.requests)
        c.sleep("1s")
        assert len(load.requests) == count


def test_what_fails_is_told() -> None:
    with made() as c:
        web_of(c)
        load = c.load("web", rate=100, from_="w1", for_="3s")
        c.sleep("1s")
        assert load.running and load.failed == 0
        c.nodes["w1"].kill()
        assert load.wait()
        assert not load.running and len(load.requests) == 300
        assert load.failed == 200 and load.ok == 100
        assert {one.error for one in load.requests if not one.ok} <= {
            "connection refused",
            "connection reset by peer",
        }
        assert c.peek().requests.failed == 200 and len(c.peek().requests) == 300


def test_a_client_gives_up_after_ten_seconds() -> None:
    with made() as c:
        web_of(c)
        core: Any = c._world.core  # type: ignore[attr-defined]
        core.pause("w1")
        with c.load("web", rate=10, from_="w1", for_="1s") as load:
            c.sleep("1s")
        assert load.failed == 10 and {one.error for one in load.requests} == {"timed out"}


def test_two_loads_count_their_own_requests() -> None:
    with made() as c:
        web_of(c)
        with c.load("web", rate=20, from_="m1") as slow, c.load("web", rate=50, from_="w1") as quick:
            c.http.get("m1:8080")
            c.sleep("1s")
        assert {one.node for one in slow.requests} == {"m1"} and {one.node for one in quick.requests} == {
            "w1"
        }
        assert slow.ok in (20, 21) and quick.ok in (50, 51)
        assert len(c.peek().requests) == slow.ok + quick.ok + 1


def test_it_is_over_when_the_last_request_is_answered() -> None:
    with made() as c:
        web_of(c)
        c.faults.net(between=("m1", "*"), latency="700ms")
        load = c.load("web", rate=10, from_="m1", for_="1s")
        c.sleep("1s")
        assert load.running and len(load.requests) < 10, "some are under way"
        assert load.wait() and not load.running and len(load.requests) == 10


def test_it_draws_the_same_for_the_same_seed() -> None:
    def run(look: bool) -> tuple[str | None, list[dict[str, object]]]:
        with made(7) as c:
            web_of(c)
            with c.load("web", rate=200) as load:
                for _ in range(10):
                    c.sleep("100ms")
                    if look:
                        repr(load)
            return c.trace_hash, load.requests.to_dicts()

    assert run(False) == run(True)


def test_requests_make_a_table() -> None:
    with made() as c:
        web_of(c)
        with c.load("web", rate=20) as load:
            c.sleep("1s")
        requests = load.requests
        assert "21 requests: 21 ok" in repr(requests) and requests[0] == next(iter(requests))
        assert [one["node"] for one in requests.to_dicts()] == [one.node for one in requests]
        assert len(requests[2:5]) == 3
        pandas = pytest.importorskip("pandas")
        frame = requests.to_pandas()
        assert len(frame) == 21 and {"time", "node", "task", "error"} <= set(frame.columns)
        assert list(pandas.DataFrame(requests)["time"]) == [one.time for one in requests]


@pytest.mark.parametrize(
    ("how", "error", "says"),
    [
        (lambda c: c.load("wbe", port=8080), sp.NotFound, 'Did you mean "web"'),
        (lambda c: c.load("web", port=8081), sp.InvalidArgument, "8080"),
        (lambda c: c.load("web", port=True), sp.InvalidArgument, "port"),
        (lambda c: c.load("web", from_=["m1", "w3"]), sp.NotFound, "There are: m1"),
        (lambda c: c.load("web", from_=[]), sp.InvalidArgument, "no node"),
        (lambda c: c.load("web", rate=0), sp.InvalidArgument, "rate"),
        (lambda c: c.load("web", for_="soon"), sp.InvalidArgument, "duration"),
        (lambda c: c.load("dark"), sp.InvalidArgument, "publishes no TCP port"),
    ],
)
def test_mistakes_send_nothing(how: Any, error: type[sp.SwarmError], says: str) -> None:
    with made() as c:
        web_of(c)
        c.services.create("nginx", name="dark", replicas=1).wait()
        before = c.trace_hash
        with pytest.raises(error) as caught:
            how(c)
        assert says in str(caught.value) and c.trace_hash == before


def test_http_requests_are_logged_too() -> None:
    with made() as c:
        web_of(c)
        c.http.get("m1:8080")
        (one,) = c.peek().requests
        assert one.node == "m1" and one.status == 200 and one.task.startswith("web.")


def test_wait_leader() -> None:
    with made() as c:
        old = c.nodes.leader
        assert old is not None and c.wait_leader().name == old.name
        old.kill()
        new = c.wait_leader(other_than=old, timeout="10s")
        assert new.name != old.name == "m1" and new.name == c.peek().leader
        assert c.wait_leader(other_than=["m1"]).name == new.name
        with pytest.raises(sp.Timeout, match="no leader other than"):
            c.wait_leader(other_than=new.name, timeout="2s")
        with pytest.raises(sp.NotFound, match="m9"):
            c.wait_leader(other_than="m9")


def test_assert_converged() -> None:
    with made() as c:
        web_of(c)
        assert c.assert_converged().state == "converged"
        c.services.create("nginx", name="far", replicas=1, constraints=["node.labels.x==y"])
        with pytest.raises(sp.ConvergenceTimeout, match="far: ") as caught:
            c.assert_converged(timeout="2s")
        assert isinstance(caught.value, AssertionError) and any("far" in one for one in caught.value.blockers)


def test_who_was_killed_refuses_at_once_and_who_has_no_power_is_silent() -> None:
    """The machine of a dead process refuses; only one without power costs a client its patience."""
    slowest = {}
    for kind in ("kill", "power_off"):
        with made() as c:
            web_of(c)
            assert "m3" in {task.node for task in c.services["web"].tasks}
            with c.load("web", rate=100, from_=["m1", "w1"]) as load:
                getattr(c.faults, kind)("m3")
                c.sleep("1s")
            assert load.failed <= 2
            slowest[kind] = max(one.took for one in load.requests)
    assert slowest["kill"] < 0.05 and slowest["power_off"] > 0.9


def test_a_load_may_begin_as_soon_as_its_service_is_made() -> None:
    with made() as c:
        web = c.services.create("nginx", name="web", replicas=2, ports=["8080:80"])
        with c.load("web", rate=20) as load:
            web.wait()
            c.sleep("2s")
        assert load.port == 8080 and load.ok > 30
        c.services.create("redis", name="db", replicas=1)
        with pytest.raises(sp.InvalidArgument, match="publishes no TCP port"):
            c.load("db")


def test_nodes_of_a_set_are_asked_in_one_order() -> None:
    with made() as c:
        web_of(c)
        load = c.load("web", rate=10, from_={"w2", "w1", "m2", "m1"})
        assert load.nodes == ("m1", "m2", "w1", "w2")


def test_a_notebook_is_not_filled_with_requests() -> None:
    with made() as c:
        web_of(c)
        with c.load("web", rate=2000) as load:
            c.sleep("1s")
        assert len(load.requests) == 2001
        for shown in (load, load.requests):
            page = shown._repr_html_()
            assert page.count("<tr>") == 1001 and "1951 more" in page and "... and 1001 more" in page
