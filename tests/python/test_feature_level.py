"""The feature level of a swarm and of its nodes, as users see it."""

from __future__ import annotations

import pytest

import swarmpy as sp


def test_a_swarm_is_at_the_level_that_its_nodes_know() -> None:
    with sp.Swarm(managers=1, workers=1, seed=1) as c:
        assert c.feature_level == 3
        assert [node.feature_level for node in c.nodes] == [3, 3]


def test_a_look_at_it_changes_no_run() -> None:
    with sp.Swarm(managers=3, workers=0, seed=2) as c:
        before = c.trace_hash
        assert (c.feature_level, c.nodes["m2"].feature_level) == (3, 3)
        assert c.trace_hash == before


def test_a_node_outside_any_swarm_has_none_to_tell() -> None:
    with sp.Node("lonely") as node, pytest.raises(sp.NotManager):
        _ = node.feature_level
