"""Autolock from Python, in the simulated world and among real daemons."""

from __future__ import annotations

from typing import Any

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
    with pytest.raises(sp.WrongUnlockKey, match="invalid key provided"):
        m3.unlock("SWMKEY-1-" + "A" * 43)
    m3.unlock(key)
    assert swarm.run(until=lambda c: c.nodes["m3"].state == "ready", timeout="30s")
    assert m3.swarm.state == "active"

    rotated = swarm.unlock_key(rotate=True)
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


def all_locked(**world: Any) -> None:
    with sp.Swarm(managers=1, workers=1, seed=1, **world) as swarm:
        swarm.update(autolock=True)
        key = swarm.unlock_key()
        swarm.sleep("1s")
        swarm.nodes["m1"].restart()
        with pytest.raises(sp.Locked, match="needs to be unlocked") as caught:
            swarm.unlock_key()
        assert "node.unlock(key)" in caught.value.hint
        with pytest.raises(sp.SwarmError):
            swarm.nodes["m1"].state  # noqa: B018
        with pytest.raises(sp.NotManager):
            swarm.nodes["m9"]
        swarm.nodes["m1"].unlock(key)
        assert swarm.wait_leader()
        assert swarm.run(until=lambda c: c.nodes["m1"].state == "ready", timeout="30s")


def test_a_node_is_found_by_its_name_when_all_managers_are_locked() -> None:
    all_locked()


@pytest.mark.real
def test_so_is_a_real_one() -> None:
    all_locked(mode="real")


def test_a_node_is_found_by_a_python_that_has_never_seen_the_swarm_unlocked() -> None:
    with sp.Swarm(managers=1, seed=1) as swarm:
        swarm.update(autolock=True)
        key = swarm.unlock_key()
        swarm.sleep("1s")
        swarm.nodes["m1"].restart()
        swarm._hub.seen.nodes.clear()
        m1 = swarm.nodes["m1"]
        with pytest.raises(sp.Locked, match="m1 is locked"):
            m1.state  # noqa: B018
        m1.unlock(key)
        assert swarm.wait_leader().name == "m1"


def test_errors_tell_wrong_keys_from_too_many() -> None:
    with sp.Node("alone") as node:
        node.swarm.init(autolock=True)
        key = node.swarm.unlock_key()
        node.restart()
        for _ in range(10):
            with pytest.raises(sp.WrongUnlockKey):
                node.unlock("SWMKEY-1-" + "A" * 43)
        with pytest.raises(sp.TooManyTries, match="too many wrong unlock keys") as caught:
            node.unlock("SWMKEY-1-" + "A" * 43)
        assert caught.value.code == "ResourceExhausted"
        with pytest.raises(sp.TooManyTries):
            node.unlock(key)


def test_a_manager_that_is_not_locked_tells_the_key_of_its_own_disk_without_a_leader() -> None:
    """m1 and m3 wait for the key that only m2 still knows, and a leader for them."""
    with sp.Swarm(managers=3, seed=7) as swarm:
        swarm.update(autolock=True)
        key = swarm.unlock_key(rotate=True)
        swarm.sleep("1s")
        for name in ("m1", "m3"):
            swarm.nodes[name].restart()
        swarm.sleep("5s")
        assert swarm.nodes["m2"].swarm.unlock_key() == key
        told = swarm.unlock_key()
        assert told == key
        swarm.nodes["m1"].unlock(told)
        assert swarm.wait_leader()


def test_certificates_last_as_long_as_is_wanted_and_autolock_stays() -> None:
    with sp.Swarm(seed=1) as swarm:
        swarm.update(autolock=True, cert_expiry="2h")
        key = swarm.unlock_key()
        swarm.update(cert_expiry="3h")
        assert swarm.unlock_key() == key
        spec = swarm._hub.client.json("GET", "/swarm")["Spec"]
        assert spec["CAConfig"]["NodeCertExpiry"] == 3 * 3600 * 10**9
        with pytest.raises(sp.InvalidArgument, match="nothing is to change"):
            swarm.update()
        with pytest.raises(sp.InvalidArgument):
            swarm.update(cert_expiry="1s")


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
