"""Tests over many seeds: `sp.test`, what came out of them, and the same for pytest (`swarmpy.pytest_plugin`).

    @sp.test(seeds=200, managers=3, workers=5)
    def test_a_leader_may_die(swarm):
        web = swarm.services.create("nginx", replicas=4)
        web.wait()
        swarm.nodes.leader.kill()
        swarm.wait_converged()

`trial` runs one seed, `seeds` many of them, here or elsewhere; `shrink` leaves out what a failure does not
need; `report` says all of it. Nothing here is loaded before it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from swarmpy.testing.coverage import Coverage
    from swarmpy.testing.decorator import SeedTest, test
    from swarmpy.testing.failure import Failure
    from swarmpy.testing.fault_machine import FaultMachine
    from swarmpy.testing.gone import gone
    from swarmpy.testing.nearest import nearest_passing
    from swarmpy.testing.processes import Processes
    from swarmpy.testing.result import Result

_HOME = {
    "coverage": "Coverage",
    "decorator": "SeedTest test",
    "failure": "Failure",
    "fault_machine": "FaultMachine",
    "gone": "gone",
    "nearest": "nearest_passing",
    "processes": "Processes",
    "result": "Result",
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names.split()}

__all__ = [
    "Coverage",
    "Failure",
    "FaultMachine",
    "Processes",
    "Result",
    "SeedTest",
    "gone",
    "nearest_passing",
    "test",
]


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'swarmpy.testing' has no attribute {name!r}")
    return getattr(importlib.import_module(f"swarmpy.testing.{module}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE_OF})
