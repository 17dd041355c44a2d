"""Network: what tasks have addresses in and find each other on. Networks: all that a swarm has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from swarmpy import _show
from swarmpy._brief import Brief
from swarmpy._conflicts import helped
from swarmpy._hub import Hub
from swarmpy._models.nearest import check_word, not_found
from swarmpy._models.network_info import NetworkInfo, create_request
from swarmpy._models.options import check_labels
from swarmpy.errors import InvalidArgument, NotFound
from swarmpy.service import ServiceList, services_where
from swarmpy.task import TaskList

PREDEFINED = "com.docker.swarm.predefined"  # what `host` and `bridge` stand for in specs; never listed
Names: TypeAlias = list[str]
Infos: TypeAlias = list[NetworkInfo]
HEADER = ("NETWORK", "DRIVER", "SCOPE", "SUBNET", "ATTRIBUTES")
FILTERS = ("driver", "id", "label", "name", "scope", "type", "dangling")


class Network(metaclass=Brief):
    """One network. What it shows is asked when it is looked at.

    `.id`, `.name`, `.driver` (`"overlay"`), `.scope` (`"swarm"`; `"local"` of a node's own), `.subnet`
    (`"10.0.1.0/24"`, "" while it has none), `.gateway`, `.vni` (VXLAN's number), `.labels`, `.services`,
    `.tasks`, `.attrs` (the API's JSON), `.warnings` (the swarm's remarks when it was created).
    """

    def __init__(self, hub: Hub, network_id: str, name: str, warnings: Sequence[str] = ()) -> None:
        self._hub, self.id, self.name, self.warnings = hub, network_id, name, tuple(warnings)

    # ---- what it is

    @property
    def driver(self) -> str:
        """`"overlay"` of the swarm's networks."""
        return self._info().driver

    @property
    def scope(self) -> str:
        """`"swarm"`, or `"local"` of a network that a node has for itself."""
        return self._info().scope

    @property
    def subnet(self) -> str:
        """Its first subnet, `"10.0.1.0/24"`; "" while the swarm has not given it one yet."""
        return next(iter(self.subnets), "")

    @property
    def subnets(self) -> tuple[str, ...]:
        """All its subnets."""
        return self._info().subnets

    @property
    def gateway(self) -> str:
        """The gateway of its first subnet, `"10.0.1.1"`, which no task gets; "" where there is none."""
        return next(iter(self._info().gateways), "")

    @property
    def vni(self) -> int | None:
        """The number that tells its packets from those of other networks (VXLAN); None without one."""
        return next(iter(self._info().vnis), None)

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        return self._info().labels

    @property
    def internal(self) -> bool:
        """True if it has no way out of the swarm."""
        return self._info().internal

    @property
    def attachable(self) -> bool:
        """True if containers that belong to no service may join it."""
        return self._info().attachable

    @property
    def ingress(self) -> bool:
        """True of the one that carries published ports."""
        return self._info().ingress

    @property
    def attrs(self) -> Mapping[str, Any]:
        """The API's JSON of it, as `docker network inspect` shows it."""
        return self._info().raw

    @property
    def services(self) -> ServiceList:
        """The services whose spec attaches them to it, by name."""
        return services_where(self._hub, lambda info: self.id in info.networks)

    @property
    def tasks(self) -> TaskList:
        """The tasks of its services that have an address in it."""
        found = [task for service in self.services for task in service.tasks]
        return TaskList(task for task in found if self.name in task.addresses)

    def remove(self) -> None:
        """Removes it. Raises `SwarmError` while a service is attached to it or a task of one still lives,
        with the swarm's reason.
        """
        self._hub.check_open()
        if not self._hub.may_write("remove", self.name):
            return
        self._delete()

    # ---- inside

    def _delete(self) -> None:
        self._hub.client.call("DELETE", f"/networks/{self.id}")
        self._hub.seen.networks.pop(self.id, None)

    def _info(self) -> NetworkInfo:
        return self._hub.network(self.id)

    def __repr__(self) -> str:
        info = self._hub.seen.networks.get(self.id)
        if info is None:
            return f"<Network {self.name} (removed, or not looked at yet)>"
        words = [info.name, info.driver, info.scope, ",".join(info.subnets), *_attributes(info)]
        return f"<Network {' '.join(word for word in words if word)}>"

    def _repr_html_(self) -> str:
        info = self._hub.seen.networks.get(self.id)
        rows = [] if info is None else [network_row(info)]
        return _show.html_box([_show.html_table(f"network {self.name}", HEADER, rows)])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Network) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)


class Networks(metaclass=Brief):
    """The networks of a swarm: `create("front")`, iterate, `networks["front"]` (name or id), `len`, `in`.

    Those that each node has for itself (`bridge`, `host`, `none`) are not among them: `list(scope="local")`
    has those of the node that answers.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def create(
        self,
        name: str,
        *,
        driver: str = "overlay",
        subnet: str | None = None,
        gateway: str | None = None,
        ip_range: str | None = None,
        internal: bool = False,
        attachable: bool = False,
        ingress: bool = False,
        labels: Mapping[str, str] | None = None,
        options: Mapping[str, str] | None = None,
    ) -> Network:
        """Creates a network, as `docker network create`. Without a `subnet` (`"10.9.0.0/24"`) the swarm picks
        one out of its address pools. `ip_range`: the part of the subnet that tasks get addresses of.

        Raises `Conflict` when the name is taken, `InvalidArgument` for a value that the swarm does not take
        (a subnet that another network has, too), `SwarmError` for what it does not do yet (IPv6, encryption,
        other drivers), `NoQuorum` without one.
        """
        if not isinstance(name, str):
            raise InvalidArgument(f"name is a text, not {name!r}")
        for what, value in (("labels", labels), ("options", options)):
            if value is not None:
                check_labels(what, value)
        flags = {"Internal": internal, "Attachable": attachable, "Ingress": ingress, "ConfigOnly": False}
        body = create_request(
            name,
            driver=driver,
            subnet=subnet,
            gateway=gateway,
            ip_range=ip_range,
            flags=flags,
            options=options,
            labels=labels,
        )
        return created(self._hub, body)

    def list(self, **filters: object) -> NetworkList:
        """Those that fit, as `docker network ls --filter`: `list(label="tier=front")`, `list(dangling=True)`
        for those without a service. A list of values: any of them (of labels: all of them).

        Filters: driver, id, label, name (a part of it), scope (default `"swarm"`), type, dangling. Raises
        `InvalidArgument` for another word.
        """
        for word in filters:
            check_word("filter", word, FILTERS)
        asked = {"scope": "swarm", **filters}
        return networks_where(self._hub, {key: _values(value) for key, value in asked.items()})

    def get(self, name: str) -> Network:
        """By name or id, as `networks[name]`. Raises `NotFound` with the nearest name."""
        return self[name]

    def prune(self, label: str | Sequence[str] = ()) -> Names:
        """Removes those that no service is attached to and no task lives on; `label`: only of those that have
        all of these. Returns the names of the removed ones.
        """
        self._hub.check_open()
        if not self._hub.may_write("prune", "networks"):
            return []
        query = {"filters": {"label": _values(label)}} if label else None
        reply = self._hub.client.json("POST", "/networks/prune", query=query)
        return list((reply or {}).get("NetworksDeleted") or [])

    def __iter__(self) -> Iterator[Network]:
        return iter(self.list())

    def __len__(self) -> int:
        return len(self.list())

    def __contains__(self, name: object) -> bool:
        return any(name in (one.name, one.id) for one in self.list())

    def __getitem__(self, name: str) -> Network:
        """By name or id. Raises `NotFound` with the nearest name."""
        info = found(self._hub, name)
        return Network(self._hub, info.id, info.name)

    def __repr__(self) -> str:
        return network_table(self._seen()) if self._seen() else "no networks looked at yet"

    def _repr_html_(self) -> str:
        return _html(self._seen())

    def _seen(self) -> Infos:
        seen = self._hub.seen.networks.values()
        return [info for info in seen if info.scope == "swarm" and PREDEFINED not in info.labels]


class NetworkList(list[Network], metaclass=Brief):
    """Networks by name; a plain list with a table for a repr."""

    def _infos(self) -> list[NetworkInfo]:
        known = [one._hub.seen.networks.get(one.id) for one in self]
        return [info for info in known if info is not None]

    def __repr__(self) -> str:
        return network_table(self._infos())

    def _repr_html_(self) -> str:
        return _html(self._infos())


def networks_where(hub: Hub, filters: Mapping[str, Sequence[str]]) -> NetworkList:
    """Those that fit the API's filters, by name."""
    return NetworkList(Network(hub, info.id, info.name) for info in hub.networks(filters))


def created(hub: Hub, body: Mapping[str, Any]) -> Network:
    """Sends POST /networks/create."""
    reply = helped(lambda: hub.client.json("POST", "/networks/create", body=body))
    info = hub.network(reply["Id"])
    return Network(hub, info.id, info.name, [reply["Warning"]] if reply.get("Warning") else [])


def found(hub: Hub, name: str) -> NetworkInfo:
    """The swarm's network of this name or id. Raises `NotFound` with the nearest name."""
    try:
        return hub.network(name)
    except NotFound:
        hub.check_leader()
        known = [info.name for info in hub.networks({"scope": ["swarm"]})]
        raise not_found("network", name, known) from None


def network_row(info: NetworkInfo) -> tuple[str, ...]:
    """Returns the network's line in a table: one text for each column of HEADER."""
    return info.name, info.driver, info.scope, ", ".join(info.subnets), ", ".join(_attributes(info))


def network_table(infos: Sequence[NetworkInfo]) -> str:
    """Returns the networks as a table."""
    return _show.table(HEADER, [network_row(info) for info in infos]) if infos else "no networks"


def _html(infos: Sequence[NetworkInfo]) -> str:
    rows = [network_row(info) for info in infos]
    return _show.html_box([_show.html_table(_show.counted(len(rows), "network"), HEADER, rows)])


def _attributes(info: NetworkInfo) -> list[str]:
    said = {"ingress": info.ingress, "internal": info.internal, "attachable": info.attachable}
    return [word for word, holds in said.items() if holds]


def _values(value: object) -> list[str]:
    """As the API's filters have them: always a list of texts."""
    values = value if isinstance(value, list | tuple | set | frozenset) else [value]
    return [str(one).lower() if isinstance(one, bool) else str(one) for one in values]
