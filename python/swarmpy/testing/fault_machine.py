"""FaultMachine: Hypothesis breaks a swarm. Needs `hypothesis` (`pip install "swarmpy[test]"`)."""

from __future__ import annotations

import contextlib
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from swarmpy.errors import NoQuorum, Timeout, Unreachable
from swarmpy.swarm import Swarm

PASSING = (NoQuorum, Timeout, Unreachable)  # what a broken swarm may answer to a change


class FaultMachine(RuleBasedStateMachine):
    """A state machine of Hypothesis whose rules freeze, kill, cut off and heal the nodes of a simulated
    swarm, and let time pass; more rules and invariants are yours.

    Class attributes: `managers`, `workers`, `seed`; `bound`: after each example all is healed, and within so
    long the swarm must be as its services want it. `begin()` is called with a new `self.swarm`: create
    services and say what must hold (`self.swarm.check.always(...)`). The rules may take down every manager:
    then `self.swarm.peek()` has no manager to ask, and raises `Unreachable`. A failing example is
    made small by Hypothesis, and its steps are the test's.

    >>> class Web(FaultMachine):
    ...     def begin(self):
    ...         self.web = self.swarm.services.create("nginx", name="web", replicas=3)
    ...         self.swarm.check.always(sp.inv.one_leader_per_term)
    >>> TestWeb = Web.TestCase
    """

    managers: ClassVar[int] = 3
    workers: ClassVar[int] = 2
    seed: ClassVar[int] = 0
    bound: ClassVar[str] = "60s"

    def __init__(self) -> None:
        super().__init__()
        self.swarm = Swarm(managers=self.managers, workers=self.workers, seed=self.seed)
        self.begin()

    def begin(self) -> None:
        """Yours: services, and what must hold."""

    # ---- rules

    @rule(data=st.data(), kind=st.sampled_from(["freeze", "kill", "power_off", "stop"]))
    def take_down(self, data: Any, kind: str) -> None:
        """A node falls, in one of four ways."""
        getattr(self.swarm.faults, kind)(self._node(data))

    @rule(data=st.data(), one_way=st.booleans())
    def cut_off(self, data: Any, one_way: bool) -> None:
        """A node is cut off from all others."""
        self.swarm.faults.partition(self._node(data), one_way=one_way)

    @rule(data=st.data(), latency=st.sampled_from([1, 20, 200]), loss=st.sampled_from([0, 0.05, 0.3]))
    def degrade(self, data: Any, latency: int, loss: float) -> None:
        """A node's links are slow, and lose frames."""
        between = (self._node(data), "*")
        self.swarm.faults.net(between=between, latency=f"{latency}ms", loss=loss)

    @rule(data=st.data())
    def heal_one(self, data: Any) -> None:
        """One of the faults ends."""
        active = list(self.swarm.faults.active)
        if active:
            data.draw(st.sampled_from(active)).heal()

    @rule(milliseconds=st.sampled_from([10, 100, 1_000, 10_000]))
    def let_time_pass(self, milliseconds: int) -> None:
        """Nothing else happens."""
        self.swarm.sleep(f"{milliseconds}ms")

    @rule(data=st.data(), replicas=st.integers(0, 6))
    def scale_some_service(self, data: Any, replicas: int) -> None:
        """Somebody changes a service while all this goes on."""
        with contextlib.suppress(*PASSING):  # no manager may be there to ask
            services = sorted(one.name for one in self.swarm.peek().services if one.mode == "replicated")
            if services:
                self.swarm.services[data.draw(st.sampled_from(services))].scale(replicas)

    def _node(self, data: Any) -> str:
        names = [f"m{i + 1}" for i in range(self.managers)] + [f"w{i + 1}" for i in range(self.workers)]
        return str(data.draw(st.sampled_from(names)))

    # ---- the end

    def teardown(self) -> None:
        """All is healed; then the swarm must come to rest, and every check must have held."""
        try:
            if not self.swarm.check.broken:
                self.swarm.heal()
                self.swarm.assert_converged(timeout=self.bound)
                self.swarm.check.finish()
        finally:
            self.swarm.close()
