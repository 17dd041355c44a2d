"""Networks in Python: made, looked at, used by services, pruned and removed, in the simulated world."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

import pytest

import swarmpy as sp


@pytest.fixture
def c() -> Iterator[sp.Swarm]:
    with sp.Swarm(managers=3, workers=2, seed=42) as swarm:
        yield swarm


def test_a_network_has_a_subnet_a_gateway_and_a_number(c: sp.Swarm) -> None:
    front = c.networks.create("front", labels={"tier": "front"}, attachable=True)
    assert c.run(until=lambda _: front.subnet, timeout="5s")
    assert (front.name, front.driver, front.scope) == ("front", "overlay", "swarm")
    assert ip_address(front.gateway) in ip_network(front.subnet)
    assert front.subnets == (front.subnet,) and (front.vni or 0) > 0
    assert front.labels == {"tier": "front"} and front.attrs["Id"] == front.id
    assert front.attachable and not front.internal and not front.ingress
    assert front.warnings == ()
    assert repr(front) == f"<Network front overlay swarm {front.subnet} attachable>"
    assert "network front" in front._repr_html_()


def test_a_subnet_may_be_wished_for(c: sp.Swarm) -> None:
    back = c.networks.create(
        "back", subnet="10.9.0.0/24", gateway="10.9.0.254", ip_range="10.9.0.128/25", internal=True
    )
    assert c.run(until=lambda _: back.gateway, timeout="5s")
    assert (back.subnet, back.gateway, back.internal) == ("10.9.0.0/24", "10.9.0.254", True)
    db = c.services.create("redis", name="db", networks="back")
    assert db.wait()
    assert ip_address(db.tasks[0].addresses["back"]) in ip_network("10.9.0.128/25")


def test_networks_are_found_by_name_id_and_filters(c: sp.Swarm) -> None:
    for name in ("back", "front"):
        c.networks.create(name, labels={"tier": name})
    assert [one.name for one in c.networks] == ["back", "front", "ingress"]
    assert len(c.networks) == 3 and "front" in c.networks and "fornt" not in c.networks
    front = c.networks["front"]
    assert c.networks[front.id] == front == c.networks.get("front")
    assert hash(front) == hash(c.networks["front"])
    assert c.networks["ingress"].ingress
    assert [one.name for one in c.networks.list(label="tier=front")] == ["front"]
    assert [one.name for one in c.networks.list(name="ack", driver="overlay")] == ["back"]
    assert {"bridge", "host", "none"} <= {one.name for one in c.networks.list(scope="local")}
    table = repr(c.networks.list())
    assert table.splitlines()[0].split() == ["NETWORK", "DRIVER", "SCOPE", "SUBNET", "ATTRIBUTES"]
    assert "front" in repr(c.networks) and "front" in c.networks._repr_html_()
    assert "1 network<" in c.networks.list(label="tier=back")._repr_html_()


def test_only_the_networks_of_the_swarm_are_shown(c: sp.Swarm) -> None:
    assert repr(c.networks) == "no networks looked at yet"
    web = c.services.create("nginx", name="web", networks="host")
    assert web.wait() and web.virtual_ips == {} and web.tasks[0].addresses == {}
    assert c.networks["host"].name == "host", "what stands for each node's own in a spec"
    assert len(c.networks.list(scope="local")) > 2 and len(c.networks) == 1
    assert [line.split()[0] for line in repr(c.networks).splitlines()] == ["NETWORK", "ingress"]


def test_a_wrong_word_has_the_nearest_right_one(c: sp.Swarm) -> None:
    c.networks.create("front")
    with pytest.raises(sp.NotFound, match="network fornt not found") as caught:
        c.networks["fornt"]
    assert 'Did you mean "front"?' in caught.value.hint
    with pytest.raises(sp.InvalidArgument, match="there is no filter 'lable'") as wrong:
        c.networks.list(lable="x")
    assert 'Did you mean "label"?' in wrong.value.hint
    with pytest.raises(sp.NotFound, match="network fornt not found"):
        c.services.create("nginx", networks="fornt")
    with pytest.raises(sp.InvalidArgument, match="not a network of a service: 5") as number:
        c.services.create("nginx", networks=5)  # type: ignore[arg-type]
    assert '"name=front,alias=web"' in number.value.hint
    with pytest.raises(sp.InvalidArgument, match="there is no endpoint mode 'dns'"):
        c.services.create("nginx", endpoint_mode="dns")
    assert len(c.services) == 0


def test_what_cannot_be_made_says_why(c: sp.Swarm) -> None:
    c.networks.create("front", subnet="10.9.0.0/24")
    with pytest.raises(sp.Conflict, match="network with name front already exists") as caught:
        c.networks.create("front")
    assert 'swarm.networks["front"] is it' in caught.value.hint
    with pytest.raises(sp.InvalidArgument, match="overlaps"):
        c.networks.create("other", subnet="10.9.0.128/25")
    with pytest.raises(sp.InvalidArgument, match="subnet"):
        c.networks.create("other", subnet="10.9.0.300/24")
    with pytest.raises(sp.SwarmError, match="bridge") as bridge:
        c.networks.create("other", driver="bridge")
    assert bridge.value.code == "Unimplemented"
    with pytest.raises(sp.InvalidArgument, match="labels is a mapping of texts"):
        c.networks.create("other", labels={"a": 1})  # type: ignore[dict-item]
    assert [one.name for one in c.networks] == ["front", "ingress"]


def test_services_and_tasks_have_addresses_by_network(c: sp.Swarm) -> None:
    front, back = c.networks.create("front"), c.networks.create("back")
    web = c.services.create(
        "nginx", name="web", replicas=3, networks=[front, {"target": "back", "aliases": ["www"]}]
    )
    assert web.wait()
    assert set(web.virtual_ips) == {"front", "back"}
    assert ip_address(web.virtual_ips["front"]) in ip_network(front.subnet)
    for network in (front, back):
        taken = [task.addresses[network.name] for task in web.tasks]
        assert len({*taken, web.virtual_ips[network.name], network.gateway}) == 5
        assert all(ip_address(address) in ip_network(network.subnet) for address in taken)
        assert [one.name for one in network.services] == ["web"]
        assert {task.id for task in network.tasks} == {task.id for task in web.tasks}
    aliases = {one["Target"]: one.get("Aliases") for one in web.spec["TaskTemplate"]["Networks"]}
    assert aliases[back.id] == ["www"] and not aliases[front.id]
    assert "web" in repr(front.services) and "1 service<" in front.services._repr_html_()


def test_dnsrr_has_no_virtual_address(c: sp.Swarm) -> None:
    c.networks.create("front")
    web = c.services.create("nginx", name="web", replicas=2, networks=["front"], endpoint_mode="dnsrr")
    assert web.wait()
    assert web.virtual_ips == {}
    assert len({task.addresses["front"] for task in web.tasks}) == 2
    assert web.update(endpoint_mode="vip").wait()
    assert c.run(until=lambda _: web.virtual_ips, timeout="5s")


def test_an_update_attaches_and_detaches(c: sp.Swarm) -> None:
    front, back, third = (c.networks.create(name) for name in ("front", "back", "third"))
    web = c.services.create("nginx", name="web", networks="name=front,alias=www")

    def attached() -> dict[str, list[str]]:
        names = {one.id: one.name for one in (front, back, third)}
        found = web.spec["TaskTemplate"].get("Networks") or []
        return {names[one["Target"]]: one.get("Aliases") or [] for one in found}

    assert web.wait() and attached() == {"front": ["www"]}
    assert web.update(network_add=[back, "third"]).wait()
    assert attached() == {"front": ["www"], "back": [], "third": []}
    assert set(web.tasks[0].addresses) == {"front", "back", "third"}
    assert web.update(network_rm="front").wait() and attached() == {"back": [], "third": []}
    assert web.update(networks=["front"]).wait() and attached() == {"front": []}
    with pytest.raises(sp.InvalidArgument, match="service is already attached to network"):
        web.update(network_add="front")
    assert web.update(networks=[]).wait() and attached() == {}
    assert set(web.tasks[0].addresses) <= {"ingress"}
    with pytest.raises(sp.UnknownOption, match="network_add"):
        c.services.create("nginx", network_add="front")  # type: ignore[call-arg]


def test_the_same_networks_again_restart_nothing(c: sp.Swarm) -> None:
    c.networks.create("front")
    c.networks.create("back")
    web = c.services.create("nginx", name="web", replicas=2, networks=["front", "back"])
    assert web.wait()
    before = {task.id for task in web.tasks}
    assert web.update(networks=["back", "front"], labels={"a": "b"}).wait()
    assert {task.id for task in web.tasks} == before


def test_a_network_in_use_stays_and_one_that_is_not_goes(c: sp.Swarm) -> None:
    front, spare = c.networks.create("front"), c.networks.create("spare", labels={"old": "yes"})
    web = c.services.create("nginx", name="web", networks=front)
    assert web.wait()
    with pytest.raises(sp.SwarmError, match="is in use by service") as caught:
        front.remove()
    assert caught.value.code == "FailedPrecondition"
    assert [one.name for one in c.networks.list(dangling=True)] == ["spare"]
    assert c.networks.prune(label="old=no") == []
    assert c.networks.prune(label="old") == ["spare"]
    assert c.networks.prune() == [] and "spare" not in c.networks
    assert "removed, or not looked at yet" in repr(spare)
    web.remove()
    assert c.run(until=lambda s: s.networks.list(dangling=True), timeout="30s")
    front.remove()
    assert [one.name for one in c.networks] == ["ingress"]
    with pytest.raises(sp.NotFound):
        front.remove()


def test_a_full_subnet_makes_tasks_wait_and_say_so(c: sp.Swarm) -> None:
    c.networks.create("small", subnet="10.9.0.0/29")
    web = c.services.create("nginx", name="web", replicas=8, networks="small")
    assert c.run(until=lambda _: any("no address is free" in task.error for task in web.tasks), timeout="10s")
    waiting = [task for task in web.tasks if task.error]
    assert all("network small" in task.error and not task.addresses for task in waiting)
    outcome = web.wait(timeout="5s")
    assert not outcome and "network small" in outcome.reason
    web.scale(2)
    assert web.wait()


def test_looking_at_networks_changes_nothing() -> None:
    def run(look: bool) -> str | None:
        with sp.Swarm(managers=3, workers=2, seed=7) as swarm:
            front = swarm.networks.create("front")
            web = swarm.services.create("nginx", name="web", replicas=2, networks=front)
            for _ in range(5 if look else 0):
                _ = (list(swarm.networks), front.subnet, front.tasks, web.virtual_ips, repr(swarm.networks))
                _ = (swarm.stacks.list(), repr(swarm.stacks))
            assert web.wait()
            return swarm.trace_hash

    assert run(look=True) == run(look=False)


def test_networks_happen_in_events(c: sp.Swarm) -> None:
    before = c.now
    front = c.networks.create("front")
    front.remove()
    told = [(one.action, one.name) for one in c.events("network", since=before)]
    assert told == [("create", "front"), ("update", "front"), ("remove", "front")], "its subnet is an update"


def test_a_closed_swarm_has_no_networks() -> None:
    with sp.Swarm(seed=1) as swarm:
        front = swarm.networks.create("front")
    for use in (lambda: front.subnet, front.remove, lambda: list(swarm.networks), swarm.networks.prune):
        with pytest.raises(sp.SwarmError, match="this swarm is closed"):
            use()
