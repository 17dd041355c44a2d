"""ServiceOptions: what `services.create` and `service.update` may say, and how it changes an API spec.

None everywhere means "as it is" (and, for a new service, Docker's default). Invariant: what an option does
not name stays in the spec byte for byte, so that fields swarmpy knows nothing of survive an update.
"""

from __future__ import annotations

import copy
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from swarmpy import duration
from swarmpy._models import sizes
from swarmpy.duration import DurationLike
from swarmpy.errors import InvalidArgument
from swarmpy.rolling import Rolling

Words: TypeAlias = str | Sequence[str]
PortLike: TypeAlias = int | str | Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ServiceOptions:
    image: str | None = None
    replicas: int | None = None
    command: Words | None = None
    entrypoint: Words | None = None
    env: Mapping[str, str | None] | Sequence[str] | None = None
    labels: Mapping[str, str] | None = None
    container_labels: Mapping[str, str] | None = None
    constraints: Sequence[str] | None = None
    spread: Sequence[str] | None = None
    max_replicas_per_node: int | None = None
    ports: PortLike | Sequence[PortLike] | None = None
    hostname: str | None = None
    user: str | None = None
    workdir: str | None = None
    stop_signal: str | None = None
    stop_grace_period: DurationLike | None = None
    restart_condition: str | None = None
    restart_delay: DurationLike | None = None
    restart_max_attempts: int | None = None
    restart_window: DurationLike | None = None
    limit_cpu: float | None = None
    limit_memory: int | str | None = None
    reserve_cpu: float | None = None
    reserve_memory: int | str | None = None
    update: Rolling | None = None
    rollback: Rolling | None = None

    def applied_to(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """A copy of the API's ServiceSpec with these options in it."""
        new = copy.deepcopy(dict(spec))
        task = _child(new, "TaskTemplate")
        self._to_service(new)
        self._to_container(_child(task, "ContainerSpec"))
        self._to_placement(task)
        self._to_restart_policy(task)
        self._to_resources(task)
        return new

    def _to_service(self, spec: dict[str, Any]) -> None:
        if self.replicas is not None:
            if "Replicated" not in spec["Mode"]:
                raise InvalidArgument(
                    "only a replicated service has a number of replicas",
                    hint='Create it with mode="replicated".',
                )
            if self.replicas < 0:
                raise InvalidArgument(f"replicas are 0 or more, not {self.replicas}")
            spec["Mode"]["Replicated"] = {"Replicas": self.replicas}
        _put(spec, "Labels", None if self.labels is None else {**(spec.get("Labels") or {}), **self.labels})
        if self.update:
            spec["UpdateConfig"] = self.update.to_api()
        if self.rollback:
            spec["RollbackConfig"] = self.rollback.to_api()
        if self.ports is not None:
            asked = [self.ports] if isinstance(self.ports, str | int | Mapping) else self.ports
            _child(spec, "EndpointSpec")["Ports"] = [one for port in asked for one in port_configs(port)]

    def _to_container(self, container: dict[str, Any]) -> None:
        _put(container, "Image", self.image)
        _put(container, "Args", _words(self.command))
        _put(container, "Command", _words(self.entrypoint))
        _put(container, "Hostname", self.hostname)
        _put(container, "User", self.user)
        _put(container, "Dir", self.workdir)
        _put(container, "StopSignal", self.stop_signal)
        _put(container, "StopGracePeriod", _ns(self.stop_grace_period))
        if self.container_labels is not None:
            container["Labels"] = {**(container.get("Labels") or {}), **self.container_labels}
        if self.env is not None:
            container["Env"] = merged_env(container.get("Env") or [], self.env)

    def _to_placement(self, task: dict[str, Any]) -> None:
        if self.constraints is not None:
            _child(task, "Placement")["Constraints"] = list(self.constraints)
        if self.spread is not None:
            wanted = [{"Spread": {"SpreadDescriptor": label}} for label in self.spread]
            _child(task, "Placement")["Preferences"] = wanted
        if self.max_replicas_per_node is not None:
            _child(task, "Placement")["MaxReplicas"] = self.max_replicas_per_node

    def _to_restart_policy(self, task: dict[str, Any]) -> None:
        wanted = {
            "Condition": self.restart_condition,
            "Delay": _ns(self.restart_delay),
            "MaxAttempts": self.restart_max_attempts,
            "Window": _ns(self.restart_window),
        }
        for key, value in wanted.items():
            if value is not None:
                _child(task, "RestartPolicy")[key] = value

    def _to_resources(self, task: dict[str, Any]) -> None:
        for part, cpu, memory in (
            ("Limits", self.limit_cpu, self.limit_memory),
            ("Reservations", self.reserve_cpu, self.reserve_memory),
        ):
            if cpu is not None:
                _child(_child(task, "Resources"), part)["NanoCPUs"] = sizes.nano_cpus(cpu)
            if memory is not None:
                _child(_child(task, "Resources"), part)["MemoryBytes"] = sizes.memory_bytes(memory)


def new_spec(name: str | None, mode: str) -> dict[str, Any]:
    """An empty ServiceSpec of this mode."""
    modes: dict[str, dict[str, Any]] = {
        "replicated": {"Replicated": {"Replicas": 1}},
        "global": {"Global": {}},
    }
    if mode not in modes:
        raise InvalidArgument(f'mode is "replicated" or "global", not {mode!r}')
    return {"Name": name or "", "Mode": modes[mode], "TaskTemplate": {"ContainerSpec": {}}}


def merged_env(old: Sequence[str], new: Mapping[str, str | None] | Sequence[str]) -> list[str]:
    """`K=V` entries: a mapping changes its own keys (None takes one away), a list replaces all."""
    if not isinstance(new, Mapping):
        return list(new)
    merged: dict[str, str | None] = {}
    for entry in old:
        key, _, value = entry.partition("=")
        merged[key] = value
    merged.update(new)
    return [f"{key}={value}" for key, value in merged.items() if value is not None]


def port_configs(port: PortLike) -> list[dict[str, Any]]:
    """As docker's `--publish` reads it: `80`, `"8080:80"`, `"8080:80/tcp"`, ranges `"8080-8082:80-82"`, the
    long form `"published=8080,target=80,mode=host"`, or the API's own PortConfig.
    """
    if isinstance(port, Mapping):
        return [dict(port)]
    try:
        if "=" in str(port):
            return [_long_port(str(port))]
        ports, _, protocol = str(port).partition("/")
        published, _, target = ports.rpartition(":")
        targets, outside = _range(target), _range(published) if published else []
        if len(targets) == 1:
            targets *= len(outside) or 1  # several doors to one port
        if outside and len(outside) != len(targets):
            raise ValueError
    except (KeyError, ValueError):
        raise InvalidArgument(
            f"not a port: {port!r}",
            hint='Write 80, "8080:80", "8080-8082:80-82" or "published=8080,target=80,mode=host".',
        ) from None
    common = {"Protocol": protocol or "tcp", "PublishMode": "ingress"}
    if not outside:
        return [{**common, "TargetPort": inner} for inner in targets]
    pairs = zip(targets, outside, strict=True)
    return [{**common, "TargetPort": inner, "PublishedPort": outer} for inner, outer in pairs]


def _range(words: str) -> list[int]:
    first, _, last = words.partition("-")
    numbers = list(range(int(first), int(last or first) + 1))
    if not numbers:
        raise ValueError(words)
    return numbers


def _long_port(words: str) -> dict[str, Any]:
    said = dict(word.split("=") for word in words.split(","))
    config = {"Protocol": said.pop("protocol", "tcp"), "PublishMode": said.pop("mode", "ingress")}
    numbers = {"TargetPort": int(said.pop("target"))}
    if "published" in said:
        numbers["PublishedPort"] = int(said.pop("published"))
    if said:
        raise ValueError(words)
    return {**config, **numbers}


def _words(value: Words | None) -> list[str] | None:
    if value is None:
        return None
    return shlex.split(value) if isinstance(value, str) else [str(word) for word in value]


def _ns(value: DurationLike | None) -> int | None:
    return None if value is None else duration.nanoseconds(value)


def _child(parent: dict[str, Any], key: str) -> dict[str, Any]:
    child = parent.get(key)
    if child is None:
        child = parent[key] = {}
    found: dict[str, Any] = child
    return found


def _put(parent: dict[str, Any], key: str, value: object) -> None:
    if value is not None:
        parent[key] = value
