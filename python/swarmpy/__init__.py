"""swarmpy: Docker Swarm mode as an engine that you can import, simulate and break on purpose.

    import swarmpy as sp
    c = sp.Swarm(managers=3, workers=2, seed=42)     # in virtual time; mode="real" starts real daemons
    web = c.services.create("nginx:1.10", name="web", replicas=4)
    web.wait()
    c.nodes["w1"].kill(); web.wait()
    web.update(image="nginx:1.11").wait(); web.rollback().wait()

Names are loaded when they are first used: `import swarmpy` itself is quick and pulls in nothing else.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from swarmpy import aio
    from swarmpy._view.live import View
    from swarmpy._view.screens import set_display
    from swarmpy.errors import (
        Conflict,
        ConvergenceTimeout,
        InvalidArgument,
        InvariantError,
        NoQuorum,
        NotFound,
        NotManager,
        NotSupportedInMode,
        SwarmError,
        Timeout,
        Unreachable,
    )
    from swarmpy.events import Event, EventList
    from swarmpy.http import Response
    from swarmpy.node import JoinToken, Node
    from swarmpy.outcome import Outcome
    from swarmpy.peek import Peek, PeekNode, PeekRaft, PeekService, PeekTask
    from swarmpy.rolling import Rolling
    from swarmpy.service import LogLine, Service, SpecVersion
    from swarmpy.states import (
        Availability,
        Mode,
        NodeState,
        OutcomeState,
        Reachability,
        Role,
        TaskState,
        UpdateState,
    )
    from swarmpy.swarm import Swarm, connect
    from swarmpy.task import Task

_HOME = {
    "_cluster.errors": "ClusterError",
    "clusters": "Cluster ClusterList attach clusters",
    "errors": (
        "Conflict ConvergenceTimeout InvalidArgument InvariantError NoQuorum NotFound NotManager "
        "NotSupportedInMode SwarmError Timeout Unreachable"
    ),
    "_view.live": "View",
    "_view.screens": "set_display",
    "events": "Event EventList",
    "http": "Response",
    "node": "JoinToken Node",
    "outcome": "Outcome",
    "peek": "Peek PeekNode PeekRaft PeekService PeekTask",
    "rolling": "Rolling",
    "service": "LogLine Service SpecVersion",
    "states": "Availability Mode NodeState OutcomeState Reachability Role TaskState UpdateState",
    "swarm": "Swarm connect",
    "task": "Task",
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names.split()}

__version__ = "0.1.0"
__all__ = [
    "Availability",
    "Conflict",
    "ConvergenceTimeout",
    "Event",
    "EventList",
    "InvalidArgument",
    "InvariantError",
    "JoinToken",
    "LogLine",
    "Mode",
    "NoQuorum",
    "Node",
    "NodeState",
    "NotFound",
    "NotManager",
    "NotSupportedInMode",
    "Outcome",
    "OutcomeState",
    "Peek",
    "PeekNode",
    "PeekRaft",
    "PeekService",
    "PeekTask",
    "Reachability",
    "Response",
    "Role",
    "Rolling",
    "Service",
    "SpecVersion",
    "Swarm",
    "SwarmError",
    "Task",
    "TaskState",
    "Timeout",
    "Unreachable",
    "UpdateState",
    "View",
    "aio",
    "connect",
    "set_display",
]


def __getattr__(name: str) -> Any:
    if name == "aio":
        return importlib.import_module("swarmpy.aio")
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'swarmpy' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"swarmpy.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
