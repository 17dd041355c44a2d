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
    from swarmpy import aio, chaos, inv
    from swarmpy._cluster.errors import ClusterError
    from swarmpy._replay.differences import Change as Change
    from swarmpy._replay.differences import Diff as Diff
    from swarmpy._replay.file import JournalError
    from swarmpy._replay.inevitable import Inevitability as Inevitability
    from swarmpy._replay.inevitable import Likelihood as Likelihood
    from swarmpy._replay.inevitable import when_inevitable
    from swarmpy._replay.replaying import Replay, replay
    from swarmpy._replay.replaying import RunFailure as RunFailure
    from swarmpy._replay.replaying import Step as Step
    from swarmpy._replay.runs import RunDiff as RunDiff
    from swarmpy._replay.runs import diff_runs
    from swarmpy._view.live import View
    from swarmpy._view.screens import set_display
    from swarmpy._world.base import Door
    from swarmpy.autolock import UnlockKey as UnlockKey
    from swarmpy.check import Check as Check
    from swarmpy.errors import (
        Conflict,
        ConvergenceTimeout,
        IncompleteLogs,
        InvalidArgument,
        InvariantBroken,
        InvariantError,
        NoQuorum,
        NotFound,
        NotManager,
        NotSupportedInMode,
        SwarmError,
        Timeout,
        Unreachable,
    )
    from swarmpy.errors import Locked as Locked
    from swarmpy.errors import NotConverged as NotConverged
    from swarmpy.errors import TooManyTries as TooManyTries
    from swarmpy.errors import WrongUnlockKey as WrongUnlockKey
    from swarmpy.event_check import EventCheck, check_events
    from swarmpy.event_check import Judged as Judged
    from swarmpy.events import Event
    from swarmpy.events import EventList as EventList
    from swarmpy.faults import ActiveFault as ActiveFault
    from swarmpy.faults import ActiveFaults as ActiveFaults
    from swarmpy.faults import Faults as Faults
    from swarmpy.faults import Quiet as Quiet
    from swarmpy.faults import RunningPlan as RunningPlan
    from swarmpy.http import Http, Response
    from swarmpy.inv import Invariant as Invariant
    from swarmpy.kv import KV, History, Recording
    from swarmpy.kv import Operation as Operation
    from swarmpy.linearizability import LinearizabilityResult, check_linearizable
    from swarmpy.load import Load as Load
    from swarmpy.local import Cluster, attach, clusters
    from swarmpy.local import ClusterList as ClusterList
    from swarmpy.metrics import Metric as Metric
    from swarmpy.metrics import Metrics as Metrics
    from swarmpy.metrics import MetricSample as MetricSample
    from swarmpy.metrics import UnknownMetric as UnknownMetric
    from swarmpy.network import Network, Networks
    from swarmpy.network import NetworkList as NetworkList
    from swarmpy.node import JoinToken, Node, Nodes
    from swarmpy.node import NodeSwarm as NodeSwarm
    from swarmpy.options import UnknownOption
    from swarmpy.outcome import Outcome
    from swarmpy.peek import Peek
    from swarmpy.peek import PeekNode as PeekNode
    from swarmpy.peek import PeekRaft as PeekRaft
    from swarmpy.peek import PeekService as PeekService
    from swarmpy.peek import PeekTask as PeekTask
    from swarmpy.plan import Fault, Plan
    from swarmpy.plan import SkippedFault as SkippedFault
    from swarmpy.raft import LogEntry as LogEntry
    from swarmpy.raft import RaftLog as RaftLog
    from swarmpy.raft import RaftMember as RaftMember
    from swarmpy.raft import RaftSnapshot as RaftSnapshot
    from swarmpy.raft import RaftState as RaftState
    from swarmpy.recovery import ManagerLog as ManagerLog
    from swarmpy.recovery import Recovery as Recovery
    from swarmpy.requests import Request as Request
    from swarmpy.requests import Requests as Requests
    from swarmpy.rolling import Rolling
    from swarmpy.root import Root as Root
    from swarmpy.service import LogLine, Service, Services, SpecVersion
    from swarmpy.service import ServiceList as ServiceList
    from swarmpy.service import SpecHistory as SpecHistory
    from swarmpy.stack import Stack, Stacks
    from swarmpy.stack import StackList as StackList
    from swarmpy.states import (
        Availability as Availability,
    )
    from swarmpy.states import (
        Mode as Mode,
    )
    from swarmpy.states import (
        NodeState as NodeState,
    )
    from swarmpy.states import (
        OutcomeState as OutcomeState,
    )
    from swarmpy.states import (
        Reachability as Reachability,
    )
    from swarmpy.states import (
        Role as Role,
    )
    from swarmpy.states import (
        TaskState as TaskState,
    )
    from swarmpy.states import (
        UpdateState as UpdateState,
    )
    from swarmpy.swarm import Swarm, connect
    from swarmpy.task import Task
    from swarmpy.task import TaskList as TaskList
    from swarmpy.task import Timestamps as Timestamps
    from swarmpy.testing.coverage import Coverage as Coverage
    from swarmpy.testing.decorator import SeedTest as SeedTest
    from swarmpy.testing.decorator import test
    from swarmpy.testing.failure import Failure as Failure
    from swarmpy.testing.gone import gone
    from swarmpy.testing.nearest import NearestPassing as NearestPassing
    from swarmpy.testing.nearest import nearest_passing
    from swarmpy.testing.processes import Processes as Processes
    from swarmpy.testing.result import Result

_HOME = {
    "_cluster.errors": "ClusterError",
    "autolock": "UnlockKey",
    "check": "Check",
    "event_check": "EventCheck Judged check_events",
    "inv": "Invariant",
    "load": "Load",
    "requests": "Request Requests",
    "chaos.discovery": "discover",
    "local": "Cluster ClusterList attach clusters",
    "errors": (
        "Conflict ConvergenceTimeout IncompleteLogs InvalidArgument InvariantBroken InvariantError "
        "Locked NoQuorum NotConverged NotFound NotManager NotSupportedInMode SwarmError Timeout TooManyTries "
        "Unreachable WrongUnlockKey"
    ),
    "_view.live": "View",
    "_world.base": "Door",
    "_view.screens": "set_display",
    "events": "Event EventList",
    "faults": "ActiveFault ActiveFaults Faults Quiet RunningPlan",
    "http": "Http Response",
    "kv": "History KV Operation Recording",
    "linearizability": "LinearizabilityResult check_linearizable",
    "metrics": "Metric MetricSample Metrics UnknownMetric",
    "network": "Network NetworkList Networks",
    "node": "JoinToken Node NodeSwarm Nodes",
    "options": "UnknownOption",
    "outcome": "Outcome",
    "peek": "Peek PeekNode PeekRaft PeekService PeekTask",
    "raft": "LogEntry RaftLog RaftMember RaftSnapshot RaftState",
    "recovery": "ManagerLog Recovery",
    "plan": "Fault Plan SkippedFault",
    "_replay.differences": "Change Diff",
    "_replay.file": "JournalError",
    "_replay.inevitable": "Inevitability Likelihood when_inevitable",
    "_replay.runs": "RunDiff diff_runs",
    "_replay.replaying": "Replay RunFailure Step replay",
    "_timeline.inline": "Timeline",
    "rolling": "Rolling",
    "root": "Root",
    "service": "LogLine Service ServiceList Services SpecHistory SpecVersion",
    "stack": "Stack StackList Stacks",
    "states": "Availability Mode NodeState OutcomeState Reachability Role TaskState UpdateState",
    "swarm": "Swarm connect",
    "task": "Task TaskList Timestamps",
    "testing.coverage": "Coverage",
    "testing.decorator": "SeedTest test",
    "testing.failure": "Failure",
    "testing.gone": "gone",
    "testing.nearest": "NearestPassing nearest_passing",
    "testing.processes": "Processes",
    "testing.result": "Result",
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names.split()}

__version__ = "0.1.0"
# What `help(swarmpy)` and `import *` tell of. The words that states are made of (`TaskState`, ...) and what
# lists and looks consist of are there too: `dir(swarmpy)` has all.
__all__ = [
    "KV",
    "Cluster",
    "ClusterError",
    "Conflict",
    "ConvergenceTimeout",
    "Door",
    "Event",
    "EventCheck",
    "Fault",
    "History",
    "Http",
    "IncompleteLogs",
    "InvalidArgument",
    "InvariantBroken",
    "InvariantError",
    "JoinToken",
    "JournalError",
    "LinearizabilityResult",
    "LogLine",
    "Network",
    "Networks",
    "NoQuorum",
    "Node",
    "Nodes",
    "NotFound",
    "NotManager",
    "NotSupportedInMode",
    "Outcome",
    "Peek",
    "Plan",
    "Recording",
    "Replay",
    "Response",
    "Result",
    "Rolling",
    "Service",
    "Services",
    "SpecVersion",
    "Stack",
    "Stacks",
    "Swarm",
    "SwarmError",
    "Task",
    "Timeout",
    "UnknownOption",
    "Unreachable",
    "View",
    "aio",
    "attach",
    "chaos",
    "check_events",
    "check_linearizable",
    "clusters",
    "connect",
    "diff_runs",
    "gone",
    "inv",
    "nearest_passing",
    "replay",
    "set_display",
    "test",
    "when_inevitable",
]


def __getattr__(name: str) -> Any:
    if name in ("aio", "chaos", "inv"):
        return importlib.import_module(f"swarmpy.{name}")
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'swarmpy' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"swarmpy.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE_OF, *__all__})
