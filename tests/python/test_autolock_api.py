"""Autolock from Python, in the simulated world and among real daemons."""

from __future__ import annotations

import pytest

import swarmpy as sp


def lock_and_unlock(swarm: sp.Swarm) -> None:
    assert swarm.unlock_key() == ""
    assert repr(swarm.unlock_key()) == "<UnlockKey: autolock is off>"
    with pytest.raises(sp.InvalidArgument, match="autolock is not turned on"):
        swarm.unlock_key().rotate()
    web = swarm.services.create("nginx:1.10", name="web", replicas=2)
    assert web.wait()
    swarm.update(autolock=True)
    key = swarm.unlock_key()
    assert key.startswith("SWMKEY-1-")
    assert "SWMKEY-1-..." in repr(key)
    assert key[9:] not in repr(key)

    swarm.sleep("1s")  # each manager seals its own key file when it hears of the lock
    m3 = swarm.nodes["m3"].restart()
    assert m3.swarm.state == "locked"
    with pytest.raises(sp.SwarmError, match="invalid key provided"):
        m3.unlock("SWMKEY-1-" + "A" * 43)
    m3.unlock(key)
    assert swarm.run(until=lambda c: c.nodes["m3"].state == "ready", timeout="30s")
    assert m3.swarm.state == "active"

    rotated = key.rotate()
    assert rotated != key
    assert swarm.unlock_key() == rotated
    swarm.sleep("1s")
    for name in ("m1", "m2", "m3"):
        swarm.nodes[name].kill()
    for name in ("m1", "m2", "m3"):
        swarm.nodes[name].restart().unlock(rotated)
    assert swarm.wait_leader()
    assert web.wait()
    swarm.update(autolock=False)
    assert swarm.unlock_key() == ""


def test_a_simulated_swarm_is_locked_and_unlocked() -> None:
    with sp.Swarm(managers=3, workers=1, seed=5) as swarm:
        lock_and_unlock(swarm)


def test_a_locked_run_repeats() -> None:
    def hash_of_a_run() -> str | None:
        with sp.Swarm(managers=3, seed=6) as swarm:
            swarm.update(autolock=True)
            key = swarm.unlock_key()
            swarm.sleep("1s")
            swarm.nodes.leader.restart().unlock(key)
            swarm.sleep("3s")
            return swarm.trace_hash

    assert hash_of_a_run() == hash_of_a_run()


def test_a_swarm_can_begin_with_autolock() -> None:
    with sp.Node("alone") as node:
        node.swarm.init(autolock=True)
        key = node.swarm.unlock_key()
        node.restart()
        assert node.swarm.state == "locked"
        node.unlock(key)
        assert node.swarm.state == "active"


def test_autolock_is_a_flag() -> None:
    with (
        sp.Swarm(seed=1) as swarm,
        pytest.raises(sp.InvalidArgument, match="autolock is True or False, not 'yes'"),
    ):
        swarm.update(autolock="yes")  # type: ignore[arg-type]


@pytest.mark.real
def test_a_real_swarm_is_locked_and_unlocked() -> None:
    with sp.Swarm(managers=3, workers=1, mode="real") as swarm:
        lock_and_unlock(swarm)
