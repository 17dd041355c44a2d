"""`swarm.check` and `swarm.load` over real daemons."""

from __future__ import annotations

import pytest

import swarmpy as sp

pytestmark = pytest.mark.real


def test_what_real_daemons_do_is_checked_and_asked() -> None:
    with sp.Swarm(managers=3, workers=1, mode="real") as c:
        seen: list[int] = []
        c.check.always("counts", lambda s: seen.append(s.running("web")) or True)
        c.check.always(
            sp.inv.one_leader_per_term, sp.inv.at_most_running("web", 4), sp.inv.at_most_one_per_slot
        )
        c.check.sometimes("all run", lambda s: s.running("web") == 3)
        c.check.eventually("runs", lambda s: s.running("web") == 3, within="30s", after="service.create")
        with pytest.raises(sp.NotSupportedInMode, match="simulator"):
            c.check.always(sp.inv.log_matching)
        web = c.services.create("swarmpy/web", name="web", replicas=3, ports=["18480:80"])
        assert web.wait()
        c.assert_converged()
        assert c.run(until=lambda c: max(seen) == 3, timeout="10s")
        assert {0, 3} <= set(seen) <= {0, 1, 2, 3} and seen == sorted(seen)
        with c.load("web", rate=50, from_=["m1", "w1"]) as load:
            c.sleep("1s")
        assert (
            load.failed == 0 and 40 <= load.ok <= 60 and {one.node for one in load.requests} == {"m1", "w1"}
        )
        assert all(one.task.startswith("web.") for one in load.requests) and 0 < load.p99 < 5
        assert len(c.peek().requests) == load.ok and c.peek().elections >= 1
        c.check.finish()
        web.scale(5)
        with pytest.raises(
            sp.InvariantBroken, match=r"web ran 5 tasks at .*, at most 4 were allowed"
        ) as caught:
            c.sleep("20s")
        assert caught.value.invariant == "at_most_running(web, 4)" and c.peek().running("web") == 5
        with pytest.raises(sp.InvariantBroken, match="does not go on"):
            c.sleep("1s")
        assert "broken" in repr(c.check)


def test_a_load_tells_of_a_dead_node_and_a_leader_is_waited_for() -> None:
    with sp.Swarm(managers=3, workers=1, mode="real") as c:
        c.services.create("swarmpy/web", name="web", replicas=2, ports=["18481:80"]).wait()
        c.check.always(sp.inv.no_failed_requests)
        c.sleep("1s")
        old = c.wait_leader()
        with pytest.raises(sp.InvariantBroken, match="failed at"), c.load("web", rate=50, from_=old):
            old.kill()
            c.sleep("10s")


def test_errors_of_a_users_function_are_theirs() -> None:
    with sp.Swarm(managers=1, workers=0, mode="real") as c:
        with pytest.raises(AttributeError):
            c.check.always("typo", lambda s: s.runing("web") == 0)
        assert not len(c.check) and not c.check.rows(), "a mistake is no check"
        c.sleep("0.2s")
        c.check.always("mine", lambda s: 1 // (s.running("web") - 1) or True)
        with pytest.raises(ZeroDivisionError) as caught:
            c.services.create("swarmpy/web", name="web", replicas=1).wait()
            c.sleep("5s")
        assert "mine" in "".join(caught.value.__notes__)
