"""The same seed and the same calls give the same history, and looking at a swarm does not change it."""

from __future__ import annotations

import swarmpy as sp


def story(seed: int) -> tuple[str | None, list[str]]:
    with sp.Swarm(managers=3, workers=2, seed=seed) as c:
        web = c.services.create("nginx:1.10", name="web", replicas=4, restart_delay="1s")
        assert web.wait()
        web.tasks[0].kill()
        c.nodes["w1"].kill()
        assert web.wait()
        c.nodes["w1"].restart()
        leader = c.nodes.leader
        assert leader
        leader.kill()
        assert web.update(image="nginx:1.11", update=sp.Rolling(monitor="1s")).wait()
        c.sleep("5s")
        return c.trace_hash, [repr(task) for task in web.tasks]


def test_the_same_seed_twice_is_the_same_history() -> None:
    assert story(7) == story(7)


def test_another_seed_is_another_history() -> None:
    assert story(7)[0] != story(8)[0]


def test_a_repr_in_between_changes_nothing() -> None:
    def hash_of(look: bool) -> str | None:
        with sp.Swarm(managers=3, seed=3) as c:
            web = c.services.create("nginx", name="web", replicas=3)
            if look:
                repr(c), c._repr_html_(), repr(web), repr(c.nodes)
            web.wait()
            return c.trace_hash

    assert hash_of(look=True) == hash_of(look=False)


def test_without_a_seed_there_is_one_that_shows_it_again() -> None:
    with sp.Swarm(managers=3) as c:
        seed, trace = c.seed, c.trace_hash
    assert seed is not None
    with sp.Swarm(managers=3, seed=seed) as again:
        assert again.trace_hash == trace
