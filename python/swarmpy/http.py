"""Http: what the swarm's published ports answer. The same in both worlds; in the simulator a request takes
virtual time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from swarmpy import _show, duration
from swarmpy._brief import Brief
from swarmpy._hub import Hub
from swarmpy.duration import DurationLike
from swarmpy.errors import InvalidArgument, Unreachable
from swarmpy.requests import Request
from swarmpy.states import Mode

MOST_BODY = 500  # characters shown in a notebook
_TARGET = re.compile(r"(?:http://)?([^/:]+):(\d+)(/.*)?")


@dataclass(frozen=True)
class Response(metaclass=Brief):
    """`.status` and `.body` as they came. `.task`, `.task_id`, `.node`: who answered, where the page says so
    (those of nginx, httpd and swarmpy/web do); else "".
    """

    status: int
    body: str

    @property
    def task(self) -> str:
        """As `Task.name`: `web.1`; `web.<hostname>` of a global service."""
        service = self._said("service")
        slot = self._said("slot")
        return f"{service}.{slot if slot.isdigit() else self.node}" if service and slot else ""

    @property
    def task_id(self) -> str:
        """The id of the task that answered; "" where the page does not say so."""
        return self._said("task")

    @property
    def node(self) -> str:
        """The name of the node that it runs on; "" where the page does not say so."""
        return self._said("node")

    def __repr__(self) -> str:
        by = f" by {self.task} on {self.node}" if self.task else ""
        return f"<Response {self.status}{by}, {len(self.body)} characters>"

    def _repr_html_(self) -> str:
        row = (self.status, self.task, self.node, self.body[:MOST_BODY])
        return _show.html_box([_show.html_table("response", ("STATUS", "TASK", "NODE", "BODY"), [row])])

    def _said(self, what: str) -> str:
        found = re.search(rf"^{what}: (.*)$", self.body, re.MULTILINE)
        return found.group(1) if found else ""


class Http(metaclass=Brief):
    """`swarm.http.get("m1:8080")`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def __repr__(self) -> str:
        return '<Http: .get("node:port") asks a published port>'

    def get(self, target: str, timeout: DurationLike = "10s") -> Response:
        """GET at a node's published port: `"m1:8080"`, `"http://w1:8080/path"`.

        Every node answers, wherever the tasks run. Raises `Unreachable` when none does.
        """
        found = _TARGET.fullmatch(target) if isinstance(target, str) else None
        if found is None or not 0 < int(found.group(2)) < 65536:
            raise InvalidArgument(f'"{target}" is no node and port', hint='Say it as "m1:8080".')
        name, port, path = found.groups()
        self._hub.check_open()
        world, begin = self._hub.world, self._hub.world.now()

        def ended(status: int, body: str, error: str) -> Response:
            page = Response(status, body)
            if world.mode is Mode.REAL:  # the simulator has a log of its own
                error = error or (f"HTTP status {status}" if status >= 400 else "")
                took = world.now() - begin
                self._hub.requests.append(
                    Request(begin, name, page.task, error, took, status, int(port), page.node)
                )
            return page

        try:
            return ended(*world.http_get(name, int(port), path or "/", duration.seconds(timeout)), "")
        except Unreachable as why:
            ended(0, "", why.message.rpartition(": ")[2])
            raise
