"""A manager that is killed again and again, in the first moment of each life, has forgotten nothing."""

from __future__ import annotations

import itertools

import pytest

import swarmpy as sp


@pytest.mark.parametrize("managers", [1, 3])
@pytest.mark.parametrize("lives", [2, 4])
def test_kills_in_the_first_moments_of_each_life(managers: int, lives: int) -> None:
    for seed, gap in itertools.product(range(1, 6), ("0us", "20us", "50us", "120us", "300us")):
        with sp.Swarm(managers=managers, workers=1, seed=seed) as swarm:
            swarm.wait_leader()
            names = [node.name for node in swarm.nodes if node.role == "manager"]
            for _ in range(lives):
                for name in names:
                    swarm.nodes[name].kill()
                swarm.heal()
                swarm.sleep(gap)
            swarm.sleep("8s")
            assert swarm.services.create("nginx", name="web", replicas=1).wait(), (seed, gap)
