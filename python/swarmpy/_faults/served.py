"""ServedBreaker: the faults of a simulated swarm that is served somewhere (`swarm.serve()`), over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from swarmpy._connection.client import Client
from swarmpy._connection.http import HttpConnection
from swarmpy._faults.sim import read_skipped
from swarmpy.errors import NotFound
from swarmpy.plan import Fault, Plan, SkippedFault

PATH = "/swarmpy/v1/faults"


class ServedBreaker:
    def __init__(self, docker_host: str) -> None:
        door = HttpConnection(docker_host)
        self._client = Client(lambda: [door])

    def check(self, fault: Fault) -> None:
        """The other side checks."""

    def begin(self, fault: Fault) -> int:
        return int(self._ask("POST", PATH, fault.to_dict())["Id"])

    def end(self, number: int) -> None:
        self._ask("DELETE", f"{PATH}/{number}")

    def heal(self) -> None:
        self._ask("POST", f"{PATH}/heal")

    def active(self) -> list[tuple[int, Fault]]:
        return [(one["Id"], Fault.from_json(one["Fault"])) for one in self._ask("GET", PATH)]

    def history(self) -> Plan:
        return Plan.from_json(self._ask("GET", f"{PATH}/history"))

    def run(self, plan: Plan) -> list[int]:
        return list(self._ask("POST", f"{PATH}/plan", json.loads(plan.to_json()))["Ids"])

    def skipped(self) -> list[tuple[int, SkippedFault]]:
        return read_skipped(self._ask("GET", f"{PATH}/skipped"))

    def kill_task(self, task: str, ask: Callable[[], None]) -> None:
        self.begin(Fault("kill_task", task=task))

    def quiet(self, on: bool) -> None:
        raise NotFound(
            "a served swarm's faults are held back by who made it", hint="Say faults.quiet() there."
        )

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        return self._client.json(method, path, **({} if body is None else {"body": body}))
