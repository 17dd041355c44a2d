"""ServiceOptions: how the options of `services.create` and `service.update` change an API spec.

Which there are, and of what type, says `swarmpy/options.py`. Invariant: what an option does not name stays in
the spec byte for byte, so that fields swarmpy knows nothing of survive an update.
"""

from __future__ import annotations

import copy
import numbers
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from swarmpy import duration
from swarmpy._models import constraints, sizes
from swarmpy._models.attachments import attachments
from swarmpy._models.nearest import check_word, did_you_mean
from swarmpy._models.plain import whole
from swarmpy.duration import DurationLike
from swarmpy.errors import InvalidArgument
from swarmpy.options import Options, PortLike, Words
from swarmpy.rolling import Rolling

WHOLE = ("replicas", "max_replicas_per_node", "restart_max_attempts")
TEXTS = ("image", "hostname", "user", "workdir", "stop_signal", "restart_condition", "endpoint_mode")
MAPPINGS = ("labels", "container_labels")
CPUS = ("limit_cpu", "reserve_cpu")
ROLLINGS = ("update", "rollback")
RESTART_CONDITIONS = ("any", "on-failure", "none")
ENDPOINT_MODES = ("vip", "dnsrr")


class ServiceOptions:
    """Some options, checked. Raises `InvalidArgument` for a value of the wrong kind."""

    def __init__(self, **given: Unpack[Options]) -> None:
        self._given = given
        _check_types(given)

    def applied_to(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """A copy of the API's ServiceSpec with these options in it."""
        new = copy.deepcopy(dict(spec))
        task = _child(new, "TaskTemplate")
        self._to_service(new)
        self._to_container(_child(task, "ContainerSpec"))
        self._to_networks(new, task)
        self._to_placement(task)
        self._to_restart_policy(task)
        self._to_resources(task)
        return new

    def _to_service(self, spec: dict[str, Any]) -> None:
        given = self._given
        self._to_mode(spec["Mode"], given.get("replicas"))
        _merge(spec, "Labels", given.get("labels"))
        if rolling := given.get("update"):
            spec["UpdateConfig"] = rolling.to_api()
        if rolling := given.get("rollback"):
            spec["RollbackConfig"] = rolling.to_api()
        if mode := given.get("endpoint_mode"):
            _child(spec, "EndpointSpec")["Mode"] = mode
        ports = given.get("ports")
        if ports is not None:
            asked = [ports] if isinstance(ports, str | int | Mapping) else ports
            _child(spec, "EndpointSpec")["Ports"] = [one for port in asked for one in port_configs(port)]

    def _to_mode(self, mode: dict[str, Any], replicas: int | None) -> None:
        if replicas is None:
            return
        if "Replicated" not in mode:
            raise InvalidArgument(
                "only a replicated service has a number of replicas",
                hint='Create it with mode="replicated".',
            )
        mode["Replicated"] = {"Replicas": int(replicas)}

    def _to_container(self, container: dict[str, Any]) -> None:
        given = self._given
        _put(container, "Image", given.get("image"))
        _put(container, "Args", _words("command", given.get("command")))
        _put(container, "Command", _words("entrypoint", given.get("entrypoint")))
        _put(container, "Hostname", given.get("hostname"))
        _put(container, "User", given.get("user"))
        _put(container, "Dir", given.get("workdir"))
        _put(container, "StopSignal", given.get("stop_signal"))
        _put(container, "StopGracePeriod", _ns(given.get("stop_grace_period")))
        _merge(container, "Labels", given.get("container_labels"))
        env = given.get("env")
        if env is not None:
            container["Env"] = merged_env(container.get("Env") or [], env)

    def _to_networks(self, spec: dict[str, Any], task: dict[str, Any]) -> None:
        networks = self._given.get("networks")
        if networks is not None:
            task["Networks"] = attachments(networks)
            spec.pop("Networks", None)  # of an old client; it would count where the task has none

    def _to_placement(self, task: dict[str, Any]) -> None:
        placement: dict[str, Any] = {}
        wanted = _texts("constraints", self._given.get("constraints"))
        if wanted is not None:
            constraints.check(wanted)
            placement["Constraints"] = wanted
        labels = _texts("spread", self._given.get("spread"))
        if labels is not None:
            for label in labels:
                constraints.check_label(label)
            placement["Preferences"] = [{"Spread": {"SpreadDescriptor": label}} for label in labels]
        _put(placement, "MaxReplicas", self._given.get("max_replicas_per_node"))
        if placement:
            _child(task, "Placement").update(placement)

    def _to_restart_policy(self, task: dict[str, Any]) -> None:
        wanted = {
            "Condition": self._given.get("restart_condition"),
            "Delay": _ns(self._given.get("restart_delay")),
            "MaxAttempts": self._given.get("restart_max_attempts"),
            "Window": _ns(self._given.get("restart_window")),
        }
        for key, value in wanted.items():
            if value is not None:
                _child(task, "RestartPolicy")[key] = value

    def _to_resources(self, task: dict[str, Any]) -> None:
        for part, cpu, memory in (
            ("Limits", self._given.get("limit_cpu"), self._given.get("limit_memory")),
            ("Reservations", self._given.get("reserve_cpu"), self._given.get("reserve_memory")),
        ):
            if cpu is not None:
                _child(_child(task, "Resources"), part)["NanoCPUs"] = sizes.nano_cpus(cpu)
            if memory is not None:
                _child(_child(task, "Resources"), part)["MemoryBytes"] = sizes.memory_bytes(memory)


def _check_types(given: Options) -> None:
    values: Mapping[str, Any] = {name: value for name, value in given.items() if value is not None}
    for name, value in values.items():
        if name in WHOLE:
            whole(name, value)
        elif name in TEXTS and not isinstance(value, str):
            raise _wrong(name, "a text", value)
        elif name in MAPPINGS:
            check_labels(name, value)
        elif name in CPUS and (isinstance(value, bool) or not isinstance(value, numbers.Real)):
            raise _wrong(name, "a number of CPUs such as 0.5", value)
        elif name in ROLLINGS and not isinstance(value, Rolling):
            raise _wrong(name, "a swarmpy.Rolling(...)", value)
    if "restart_condition" in values:
        check_word("restart condition", values["restart_condition"], RESTART_CONDITIONS)
    if "endpoint_mode" in values:
        check_word("endpoint mode", values["endpoint_mode"], ENDPOINT_MODES)


def check_labels(name: str, value: object) -> None:
    """Raises `InvalidArgument` unless it is a mapping of texts to texts."""
    words = [*value, *value.values()] if isinstance(value, Mapping) else [None]
    if not all(isinstance(word, str) for word in words):
        raise _wrong(name, 'a mapping of texts such as {"tier": "front"}', value)


def _wrong(name: str, kind: str, value: object) -> InvalidArgument:
    return InvalidArgument(f"{name} is {kind}, not {value!r}")


def new_spec(name: str | None, mode: str) -> dict[str, Any]:
    """An empty ServiceSpec of this mode."""
    modes: dict[str, dict[str, Any]] = {
        "replicated": {"Replicated": {"Replicas": 1}},
        "global": {"Global": {}},
    }
    if mode not in modes:
        raise InvalidArgument(
            f'mode is "replicated" or "global", not {mode!r}', hint=did_you_mean(mode, modes)
        )
    if name is not None and not isinstance(name, str):
        raise _wrong("name", "a text", name)
    return {"Name": name or "", "Mode": modes[mode], "TaskTemplate": {"ContainerSpec": {}}}


def merged_env(old: Sequence[str], new: Mapping[str, str | None] | Sequence[str]) -> list[str]:
    """`K=V` entries: a mapping changes its own keys (None takes one away), a list replaces all."""
    if not isinstance(new, Mapping):
        return _texts("env", new) or []
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
            hint='Write 80, "8080:80", "8080-8082:80-82" or "published=8080,target=80,mode=host"; ports are '
            "numbers from 1 to 65535.",
        ) from None
    common = {"Protocol": protocol or "tcp", "PublishMode": "ingress"}
    if not outside:
        return [{**common, "TargetPort": inner} for inner in targets]
    pairs = zip(targets, outside, strict=True)
    return [{**common, "TargetPort": inner, "PublishedPort": outer} for inner, outer in pairs]


def _range(words: str) -> list[int]:
    first, _, last = words.partition("-")
    return list(range(_port(first), _port(last or first) + 1)) or [_port("")]


def _port(word: str) -> int:
    if not (word.isascii() and word.isdigit() and 0 < int(word) < 65536):
        raise ValueError(word)
    return int(word)


def _long_port(words: str) -> dict[str, Any]:
    said = dict(word.split("=") for word in words.split(","))
    config = {"Protocol": said.pop("protocol", "tcp"), "PublishMode": said.pop("mode", "ingress")}
    numbers = {"TargetPort": _port(said.pop("target"))}
    if "published" in said:
        numbers["PublishedPort"] = _port(said.pop("published"))
    if said:
        raise ValueError(words)
    return {**config, **numbers}


def _words(name: str, value: Words | None) -> list[str] | None:
    if value is None:
        return None
    if isinstance(value, str):
        return shlex.split(value)
    if not isinstance(value, Sequence):
        raise _wrong(name, "a text or a list of words", value)
    return [str(word) for word in value]


def _texts(name: str, value: Words | None) -> list[str] | None:
    """One text is a list of one."""
    if value is None:
        return None
    found = [value] if isinstance(value, str) else list(value) if isinstance(value, Sequence) else [value]
    if not all(isinstance(one, str) for one in found):
        raise _wrong(name, "a text or a list of texts", value)
    return found


def _merge(parent: dict[str, Any], key: str, changes: Mapping[str, str] | None) -> None:
    if changes is not None:
        parent[key] = {**(parent.get(key) or {}), **changes}


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
