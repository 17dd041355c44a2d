"""`swarm.root` and `swarm.rotate_root`: the way to another root certificate, in both worlds."""

from __future__ import annotations

import pytest

import swarmpy as sp
from local import own_home


def test_a_swarm_says_which_root_it_has() -> None:
    with sp.Swarm(managers=1, workers=1, seed=3) as c:
        c.sleep("1s")
        assert c.root
        assert c.root.pem.startswith("-----BEGIN CERTIFICATE-----")
        assert (c.root.nodes, c.root.certified, c.root.believed_by) == (2, 2, 2)
        assert repr(c.root) == "<Root: certificates 2/2, believed by 2/2>"


def test_a_rotation_ends_when_every_node_is_there_and_tokens_are_others_then() -> None:
    with sp.Swarm(managers=3, workers=2, seed=4) as c:
        old, token = c.root, c.nodes["m1"].swarm.join_token()
        new = c.rotate_root()
        assert new
        assert not new.in_progress
        assert new.pem != old.pem
        assert c.root == new
        assert c.nodes["m1"].swarm.join_token().split("-")[2] != token.split("-")[2]
        assert len(c.nodes.add(1)) == 1, "by the new tokens"
        c.sleep("2s")
        assert (c.root.certified, c.root.nodes) == (6, 6)


def test_a_node_that_is_down_is_named_and_the_rotation_goes_on_when_it_is_back() -> None:
    with sp.Swarm(managers=3, workers=2, seed=5) as c:
        c.nodes["w1"].kill()
        with pytest.raises(sp.ConvergenceTimeout, match="still on its way") as caught:
            c.rotate_root(timeout="10s")
        assert caught.value.blockers == ("w1 (down) has no certificate of it yet",)
        assert c.root.in_progress
        c.nodes["w1"].restart()
        assert c.run(until=lambda s: bool(s.root), timeout="60s")


def test_without_patience_it_is_only_begun() -> None:
    with sp.Swarm(managers=1, workers=2, seed=6) as c:
        c.nodes["w2"].kill()
        begun = c.rotate_root(timeout=0)
        assert begun.in_progress
        assert not begun


def test_what_is_no_certificate_is_refused() -> None:
    with sp.Swarm(managers=1, seed=8) as c:
        before = c.root
        with pytest.raises(sp.InvalidArgument, match="could not parse the desired CA certificate"):
            c.rotate_root(ca_cert="nonsense", ca_key="nonsense")
        with pytest.raises(sp.InvalidArgument, match="go together"):
            c.rotate_root(ca_cert=before.pem)
        assert c.root == before


@pytest.mark.real
def test_real_daemons_rotate_too() -> None:
    with own_home(), sp.Swarm(managers=1, workers=1, mode="real") as c:
        old = c.root.pem
        assert c.rotate_root().pem != old
