"""Options: what may be said of a service, each once. `services.create` takes `CreateOptions`,
`service.update` takes `UpdateOptions`.

The one list of them: signatures, `help()` and the errors for unknown options are made from it. How they
change an API spec is `_models/options.py`'s business. None everywhere means "as it is" (and, for a new
service, Docker's default).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Protocol, TypeAlias, TypedDict, TypeVar, get_args, get_type_hints

from swarmpy._models.nearest import did_you_mean
from swarmpy.duration import DurationLike
from swarmpy.errors import InvalidArgument
from swarmpy.rolling import Rolling

Words: TypeAlias = str | Sequence[str]
PortLike: TypeAlias = int | str | Mapping[str, Any]
Ports: TypeAlias = PortLike | Sequence[PortLike]
Memory: TypeAlias = int | str
Env: TypeAlias = Mapping[str, str | None] | str | Sequence[str]
_Method = TypeVar("_Method", bound=Callable[..., Any])


class IsNetwork(Protocol):
    """A `swarmpy.Network`, or what looks like one."""

    id: str

    @property
    def subnets(self) -> tuple[str, ...]:
        """What tasks get addresses of."""


NetworkLike: TypeAlias = str | IsNetwork | Mapping[str, Any]
NetworksLike: TypeAlias = NetworkLike | Sequence[NetworkLike]


class UnknownOption(InvalidArgument, TypeError):
    """There is no option of this name; the hint has the nearest one."""


class Common(TypedDict, total=False):
    """What `create` and `update` have in common. The text beside each is its documentation."""

    replicas: Annotated[int | None, "how many tasks; of a replicated service only; default 1"]
    command: Annotated[Words | None, "docker's COMMAND: words, or a text, split as a shell would"]
    entrypoint: Annotated[Words | None, "docker's --entrypoint, as command"]
    env: Annotated[Env | None, 'a mapping changes its keys (None: away); "K=V", one or a list, replaces all']
    labels: Annotated[Mapping[str, str] | None, "of the service: these keys are set"]
    container_labels: Annotated[Mapping[str, str] | None, "of its containers: these keys are set"]
    constraints: Annotated[Words | None, '"node.role==worker", "node.labels.rack!=a": one or a list']
    spread: Annotated[Words | None, 'labels to spread over, "node.labels.rack": one or a list']
    max_replicas_per_node: Annotated[int | None, "how many tasks a node may have; 0: any number"]
    ports: Annotated[Ports | None, '"8080:80", 80: as docker\'s --publish; one or a list']
    networks: Annotated[
        NetworksLike | None, 'Network, name or {"target": ..., "aliases": [...]}; one or a list'
    ]
    endpoint_mode: Annotated[str | None, '"vip" (default): one address for all its tasks; "dnsrr": none']
    hostname: Annotated[str | None, "of its tasks; may hold templates such as {{.Task.Slot}}"]
    user: Annotated[str | None, "whom its tasks run as"]
    workdir: Annotated[str | None, "the folder that its tasks begin in"]
    stop_signal: Annotated[str | None, 'what asks a task to stop; default "SIGTERM"']
    stop_grace_period: Annotated[DurationLike | None, 'what a task may take to stop: 10, "1m30s"']
    restart_condition: Annotated[str | None, '"any" (default), "on-failure" or "none"']
    restart_delay: Annotated[DurationLike | None, 'from the end of a task to its successor: 5, "5s"']
    restart_max_attempts: Annotated[int | None, "how often a slot's task is replaced; 0: for ever"]
    restart_window: Annotated[DurationLike | None, 'in which attempts count: 60, "1m"; 0: for ever']
    limit_cpu: Annotated[float | None, "CPUs that a task may use at most: 0.5"]
    limit_memory: Annotated[Memory | None, 'what a task may use at most: bytes, or "512m", "8g"']
    reserve_cpu: Annotated[float | None, "CPUs that a node must have free for a task: 0.5"]
    reserve_memory: Annotated[Memory | None, 'what a node must have free: bytes, or "512m", "8g"']
    update: Annotated[Rolling | None, "how an update walks through the tasks"]
    rollback: Annotated[Rolling | None, "how a rollback does"]


class Options(Common, total=False):
    """What may be said of a service at any time."""

    image: Annotated[str | None, "what the tasks run: on the process runner a named command"]


class CreateOptions(Common, total=False):
    """What a new service may be told, beside its image."""

    name: Annotated[str | None, "unique in the swarm; invented where none is given"]
    mode: Annotated[str | None, '"replicated" (default): so many replicas; "global": one on each node']


class UpdateOptions(Options, total=False):
    """What may be changed."""

    network_add: Annotated[NetworksLike | None, "attach it to these too, as docker's --network-add"]
    network_rm: Annotated[NetworksLike | None, "detach it from these, as docker's --network-rm"]
    force: Annotated[bool, "replace the tasks even if nothing changed"]


def takes(options: type) -> Callable[[_Method], _Method]:
    """For a method with `**options`: its signature and its help name each of them."""

    def documented(method: _Method) -> _Method:
        method.__signature__ = _signature(method, options)  # type: ignore[attr-defined]
        method.__doc__ = f"{inspect.cleandoc(method.__doc__ or '')}\n\nOptions:\n{_listed(options)}"
        return method

    return documented


def check(given: Collection[str], options: type, *, also: Sequence[str] = ()) -> None:
    """Raises `UnknownOption` for the first that is none; `also`: names that are taken otherwise."""
    known = [*also, *_types(options)]
    for name in given:
        if name not in known:
            near = did_you_mean(name, known, most=len(known))
            raise UnknownOption(f"there is no option {name!r}", hint=near)


@cache
def _types(options: type) -> dict[str, Any]:
    hints = get_type_hints(options, include_extras=True)
    first = [name for name in ("name", "mode", "image", "force") if name in hints]
    return {name: hints[name] for name in [*first, *(name for name in hints if name not in first)]}


def _signature(method: Callable[..., Any], options: type) -> inspect.Signature:
    plain = inspect.signature(method)
    kept = [one for one in plain.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    taken = [one.name for one in kept]
    named = [_parameter(name, get_args(kind)[0]) for name, kind in _types(options).items()]
    named = [one for one in named if one.name not in taken]
    return plain.replace(parameters=[*kept, *named])


def _parameter(name: str, kind: Any) -> inspect.Parameter:
    default = False if kind is bool else None
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


def _listed(options: type) -> str:
    return "\n".join(f"  {name}: {get_args(kind)[1]}" for name, kind in _types(options).items())
