"""RealBreaker: faults of the daemons of a local cluster, and of no others.

From outside: signals (kill, freeze, stop, power off), ports, tasks. From inside (`inside`): links, disks,
clocks, pace, images. What is active is written down in the cluster's folder (`ledger`); a fault with a `for`
ends by itself (`keeper`, and within the daemon).
"""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from swarmpy._cluster import processes
from swarmpy._cluster.errors import ClusterError
from swarmpy._cluster.processes import Process, arguments, is_daemon, is_shim
from swarmpy._faults import inside, keeper, old_copy, sides, task_processes, wires
from swarmpy._faults.ledger import Entry, Ledger
from swarmpy._faults.words import ENDS, MOMENTARY
from swarmpy._models.nearest import not_found
from swarmpy.errors import Conflict, NotFound, NotSupportedInMode, SwarmError
from swarmpy.plan import Fault, Plan, SkippedFault

if TYPE_CHECKING:
    from swarmpy._cluster import LocalCluster, LocalNode

STOP_SECONDS, DIE_SECONDS = 20.0, 10.0
SILENCE = 0.7  # seconds for which a machine without power is silent before its sockets are closed
SOON = 0.005  # seconds until faults go on after a quiet time
QUICK = 1.0  # seconds for a daemon to answer a question about the swarm
_ONLY_SIMULATED = ("lost_tail", "flip", "torn", "altered")


class RealBreaker:
    def __init__(self, cluster: LocalCluster, begun_ns: int | None = None) -> None:
        """`begun_ns`: the calendar's time at the swarm's `now` 0."""
        self._cluster, self._ledger = cluster, Ledger(cluster.folder)
        self._begun = time.time_ns() if begun_ns is None else begun_ns
        self._ours: set[int] = set()
        self._planned: dict[int, Fault] = {}
        self._due: dict[int, float] = {}  # of those, by the monotonic clock
        self._quiet_since: float | None = None
        self._held_back: list[tuple[int, Fault, float | None]] = []
        self._again: dict[int, int] = {}  # number of a fault that was held back -> its number now
        self._timers: dict[int, threading.Timer] = {}
        self._begins: dict[int, threading.Timer] = {}  # of those, for faults that are to begin
        self._skipped: list[tuple[int, SkippedFault]] = []
        self._quiet_lock = threading.RLock()
        self._ending = threading.RLock()  # held from taking a fault off the page until all is put right
        self._going_on: threading.Timer | None = None  # after a quiet time, in a moment

    # ---- before

    def check(self, fault: Fault) -> None:
        names, of = self._names(), fault.args.get("of")
        for name in sorted(_names_of(fault) - {*names, "leader", "*"}):
            if name != of:
                raise not_found("node", name, [*names, "leader"])
            if name != "minority":
                raise not_found("node", name, [*names, "leader", "minority"])
        sides.check_other_side(fault, names)
        only = [key for key in _ONLY_SIMULATED if key in fault.args]
        if only:
            raise NotSupportedInMode(
                f"a real disk is not changed behind a daemon's back: {only[0]}",
                hint='Simulate it: swarmpy.Swarm(mode="sim").',
            )
        if "read" in fault.args.get("errors", ()):
            raise NotSupportedInMode(
                "a real daemon reads its disk when it starts, and not later: errors of read",
                hint='Say errors={"write": "EIO"}, or simulate it: swarmpy.Swarm(mode="sim").',
            )
        if fault.kind == "transfer":
            raise NotSupportedInMode(
                "leadership of real managers is not handed over by a wish",
                hint='Stop the leader: c.faults.stop("leader", for_="1s"); it hands over first.',
            )

    def _names(self) -> list[str]:
        return [node.name for node in self._cluster.nodes]

    def _resolved(self, fault: Fault) -> Fault:
        """With the leader and the minority of this moment."""
        if fault.args.get("of") == "minority":
            fault = fault.but(of=None, groups=[self._minority()])
        if "leader" not in _names_of(fault) or "leader" in self._names():
            return fault
        leader = self._leader()

        def exact(value: Any) -> Any:
            return (
                [exact(one) for one in value]
                if isinstance(value, list)
                else leader
                if value == "leader"
                else value
            )

        words = fault.args
        keys = ("node", "of", "from", "to", "groups")
        return fault.but(**{key: exact(words[key]) for key in keys if key in words})

    def _leader(self) -> str:
        """Of those that say they lead, the one of the highest term."""
        found = [(raft["Term"], name) for name, raft in self._raft() if raft["Role"] == "leader"]
        if not found:
            raise SwarmError(
                "nobody leads at this moment",
                code="FailedPrecondition",
                hint="Wait for a leader, or name a node.",
            )
        return max(found)[1]

    def _raft(self) -> list[tuple[str, Any]]:
        found = []
        for node in self._cluster.nodes:
            if node.alive and not node.stopped:
                with suppress(SwarmError):
                    found.append((node.name, node.door.get("/swarmpy/v1/raft", QUICK)))
        return found

    def _minority(self) -> list[str]:
        leader, managers = self._leader(), sorted(self._managers(), key=_by_number)
        most = (len(managers) - 1) // 2
        if most == 0:
            raise SwarmError(
                f"a minority of {len(managers)} managers is nobody",
                code="FailedPrecondition",
                hint="It takes three managers at least.",
            )
        return [name for name in managers if name != leader][-most:]

    def _managers(self) -> list[str]:
        listed = self._cluster.node(self._leader()).door.get("/nodes", QUICK)
        known = self._names()
        names = [one["Description"]["Hostname"] for one in listed if one["Spec"]["Role"] == "manager"]
        return [name for name in names if name in known]

    # ---- begin

    def begin(self, fault: Fault) -> int:
        self._go_on()
        self.check(fault)
        if fault.at:
            return self._later(fault, fault.at)
        fault = self._resolved(fault).but(at=None)
        if fault.kind == "kill_task":
            return self._kill_task(fault)
        return self._begin_now(fault)

    def _begin_now(self, fault: Fault, number: int | None = None) -> int:
        began = time.time_ns()
        try:
            number = self._write_down(fault, number, began)
        except KeyboardInterrupt:
            with self._ledger.page() as page:
                page.active = [one for one in page.active if one.began != began]
            raise
        self._ours.add(number)
        try:
            self._act(number, fault)
        except BaseException:
            self.end(number)
            self._forget_unwritten(fault)
            with self._ledger.page() as page:  # it has not happened
                del page.past[-1:]
            raise
        if fault.for_ is not None:
            self._at(number, fault.for_, lambda: self.end(number))
        return number

    def _forget_unwritten(self, fault: Fault) -> None:
        if inside.is_inside(self._cluster, fault):
            nodes = self._cluster.nodes
            addresses = {node.name: node.address for node in nodes}
            for node in inside.nodes_of(fault, nodes):
                inside.forget_unwritten(self._ledger, fault, node, addresses)

    def _write_down(self, fault: Fault, number: int | None, began: int) -> int:
        ends = None if fault.for_ is None else began + round(fault.for_ * 1e9)
        with self._ledger.page() as page:
            if number is None:
                number = page.last = page.last + 1
            page.active.append(Entry(number, fault.but(for_=None).to_json(), began, ends))
        return number

    def _act(self, number: int, fault: Fault) -> None:
        if wires.carries(self._cluster, fault):
            if fault.for_ is not None:
                self._keep(number, None)
            wires.settle(self._cluster)
            return
        if inside.is_inside(self._cluster, fault):
            copies = bool(fault.args.get("old_copy"))
            if copies or (fault.kind == "disk" and fault.for_ is not None):
                self._keep(number, None)  # a daemon that it ended is started again, one that it stopped wakes
            if copies:
                old_copy.take(self._cluster.node(fault.args["node"]))
            entry = self._ledger.read().find(number)
            nodes = self._cluster.nodes
            addresses = {node.name: node.address for node in nodes}
            for node in inside.nodes_of(fault, nodes):
                if entry is not None:
                    inside.tell(self._ledger, entry, node, addresses)
            return
        held = self._take_port(fault) if fault.kind == "port" else None
        try:
            if fault.for_ is not None or fault.kind in ("freeze", "power_off", "port"):
                self._keep(number, held)
        finally:
            if held is not None:
                held.close()
        if fault.kind == "power_off":
            wires.settle(self._cluster)
        if fault.kind != "port":
            _STRIKES[fault.kind](self._cluster.node(fault.args["node"]))

    def _keep(self, number: int, held: socket.socket | None) -> None:
        pid = keeper.start(self._cluster.folder, number, None if held is None else held.fileno())
        with self._ledger.page() as page:
            entry = page.find(number)
            if entry is not None:
                entry.keeper = pid

    def _take_port(self, fault: Fault) -> socket.socket:
        node, port = self._cluster.node(fault.args["node"]), fault.args["port"]
        try:
            held = _listen_at(node, port)
        except (OSError, ClusterError) as error:
            said = getattr(error, "strerror", None) or getattr(error, "message", error)
            raise Conflict(
                f"{node.address}:{port} cannot be taken: {said}",
                hint="Who has it already keeps it; begin the fault before the port is published.",
            ) from error
        held.set_inheritable(True)
        return held

    # ---- later

    def _later(self, fault: Fault, delay: float) -> int:
        with self._ledger.page() as page:
            number = page.last = page.last + 1
        self._planned[number], self._due[number] = fault, time.monotonic() + delay
        if self._quiet_since is None:
            self._wait_for(number)
        return number

    def _wait_for(self, number: int) -> None:
        left = max(0.0, self._due[number] - time.monotonic())
        self._begins[number] = self._at(number, left, lambda: self._begin_planned(number))

    def _begin_planned(self, number: int) -> None:
        try:
            self._begin_at_last(number)
        finally:
            self._begins.pop(number, None)

    def _begin_at_last(self, number: int) -> None:
        if self._quiet_since is not None:  # it is waited for anew afterwards
            return
        fault = self._planned.pop(number, None)
        if fault is None or self._cluster.ended:
            return
        try:
            exact = self._resolved(fault).but(at=None)
            if exact.kind == "kill_task":
                self._kill_task(exact)
            else:
                self._begin_now(exact, number)
        except (SwarmError, OSError) as error:  # the runner of the plan asks for it later
            self._skip(number, fault, error)

    def _skip(self, number: int, fault: Fault, error: Exception) -> None:
        at = (time.time_ns() - self._begun) / 1e9
        self._skipped.append((number, SkippedFault(fault, at, str(getattr(error, "message", error)))))

    def skipped(self) -> list[tuple[int, SkippedFault]]:
        """Once those whose time has come have begun, or could not."""
        for number, begins in list(self._begins.items()):
            if self._due[number] <= time.monotonic():
                begins.join()
        return list(self._skipped)

    def _at(self, number: int, delay: float, what: Callable[[], None]) -> threading.Timer:
        timer = threading.Timer(delay, what)
        timer.daemon = True
        self._timers[number] = timer
        timer.start()
        return timer

    def run(self, plan: Plan) -> list[int]:
        self._go_on()
        for fault in plan:
            self.check(fault)
        passed = 0.0 if plan.since is None else max(0.0, (time.time_ns() - self._begun) / 1e9 - plan.since)
        first = min((fault.at or 0.0 for fault in plan), default=0.0)
        return [self._later(fault, max(0.0, (fault.at or 0.0) - min(passed, first))) for fault in plan]

    # ---- end

    def end(self, number: int) -> None:
        self._go_on()
        number = self._again.pop(number, number)
        self._held_back = [one for one in self._held_back if one[0] != number]
        self._planned.pop(number, None)
        timer = self._timers.pop(number, None)
        if timer is not None and timer is not threading.current_thread():
            timer.cancel()
            self._begins.pop(number, None)
        if self._cluster.ended:
            return
        with self._ending:
            self._end_known(number)

    def _end_known(self, number: int) -> None:
        known = self._ledger.read().find(number)
        if known is None:
            return
        try:
            with self._ledger.page() as page:
                entry = page.take(number)
            if entry is not None:  # else somebody else ends it
                self._put_right(entry)
        except (
            KeyboardInterrupt
        ):  # in the middle: perhaps it is off the page, and no other process knows of it
            with self._ledger.page() as page:
                page.take(number)
            self._put_right(known)
            raise

    def _put_right(self, entry: Entry) -> None:
        """Harmless when it is done again."""
        keeper.dismiss(self._cluster.folder, entry.keeper)
        fault = entry.value
        if fault.kind in (*wires.CUTS, "power_off") and not self._cluster.ended:
            with suppress(SwarmError):  # a hub that is gone has cut all
                wires.settle(self._cluster)
        if inside.is_inside(self._cluster, fault):
            for name, there in entry.told.items():
                with suppress(SwarmError):
                    inside.untell(self._cluster.node(name), there)
        self._undo(fault)

    def _undo(self, fault: Fault) -> None:
        """Unless another fault wants the same."""
        if "node" not in fault.args or self._cluster.ended:
            return
        try:
            node = self._cluster.node(fault.args["node"])
        except NotFound:
            return
        others = [one.value for one in self._ledger.read().active if one.value.args.get("node") == node.name]
        kinds, stopped = {one.kind for one in others}, False
        if fault.args.get("old_copy") and not any(one.args.get("old_copy") for one in others):
            old_copy.drop(node)
        if (fault.kind == "freeze" or "old_copy" in fault.args) and "freeze" not in kinds:
            stopped = self._wake(node)
        if fault.kind == "power_off" and node.stopped and not kinds & {"freeze", "power_off"}:
            _lose_power(_family(node))  # who began it has died before its machine had
        if (stopped or fault.kind in (*ENDS, "disk")) and not kinds & {*ENDS} and not node.alive:
            node.start()

    def _wake(self, node: LocalNode) -> bool:
        """True when it ended: it had been told to stop while it stood still."""
        stops = processes.has_pending(node.pid or 0, signal.SIGTERM)
        node.signal(signal.SIGCONT)
        if stops:
            return node.wait_dead(STOP_SECONDS)
        with suppress(SwarmError):
            inside.tell_again(self._cluster, node.name, anew=False)
        return False

    def heal(self) -> None:
        """All of them, and then raises what went wrong first: a daemon that does not start, say."""
        self._go_on()
        self._planned.clear()
        self._held_back.clear()
        self._again.clear()
        failed: list[Exception] = []
        for entry in self._ledger.read().active:
            try:
                self.end(entry.number)
            except (SwarmError, OSError) as error:
                failed.append(error)
        for timer in list(self._timers.values()):
            timer.cancel()
        self._timers.clear()
        self._begins.clear()
        with self._ending:  # what a timer is ending just now is off the page, but perhaps not yet put right
            pass
        for node in [] if self._cluster.ended else self._cluster.nodes:
            inside.untell_all(node)
        if not self._cluster.ended:
            with suppress(SwarmError):
                wires.settle(self._cluster)
        if failed:
            raise failed[0]

    def end_down(self, name: str) -> None:
        """Every fault that keeps this node down: somebody starts it."""
        for entry in self._ledger.read().active:
            fault = entry.value
            if fault.kind in ENDS and fault.args["node"] == name:
                self.end(entry.number)

    def close(self, *, ending: bool = False) -> None:
        """Ends what this object has begun: the cluster may go on without us. `ending`: it does not."""
        with self._quiet_lock:
            if self._going_on is not None:
                self._going_on.cancel()
                self._going_on = None
        self._planned.clear()
        for timer in list(self._timers.values()):
            timer.cancel()
        if ending and not self._cluster.ended:
            for entry in self._ledger.read().active:
                keeper.dismiss(self._cluster.folder, entry.keeper)
            return
        for number in sorted(self._ours):
            with suppress(SwarmError):
                self.end(number)

    # ---- looks

    def active(self) -> list[tuple[int, Fault]]:
        self._go_on()
        page, now = self._ledger.read(), time.time_ns()
        found = []
        for entry in page.active:
            fault = entry.value
            if entry.ends is None or entry.ends > now:
                lasts = None if entry.ends is None else f"{entry.ends - entry.began}ns"
                found.append((entry.number, fault.but(for_=lasts)))
            elif fault.kind in inside.INSIDE and fault.kind != "disk":
                self.end(entry.number)  # the daemons did that: it is only written down
        shown = {now_number: before for before, now_number in self._again.items()}
        return [(shown.get(number, number), fault) for number, fault in found]

    def history(self) -> Plan:
        self._go_on()
        page = self._ledger.read()
        told = [(past.began, past.fault, past.ended) for past in page.past]
        told += [(entry.began, entry.fault, entry.ends or 0) for entry in page.active]
        told.sort()
        begun = min([self._begun, *(began for began, _, _ in told)])
        faults = []
        for began, text, ended in told:
            fault = Fault.from_json(text)
            lasts = None if fault.kind in MOMENTARY or not ended else f"{max(1, ended - began)}ns"
            faults.append(fault.but(at=f"{began - begun}ns", for_=lasts))
        return Plan(faults, since="0s")

    # ---- quiet

    def quiet(self, on: bool) -> None:
        """Off: in a moment, or before anything else is asked of the faults. Until then, on takes it back."""
        with self._quiet_lock:
            going_on, self._going_on = self._going_on, None
            if going_on is not None:
                going_on.cancel()
            if not on:
                self._going_on = threading.Timer(SOON, self._go_on)
                self._going_on.daemon = True
                self._going_on.start()
            elif going_on is None and self._quiet_since is None:
                self._hold_back()

    def _go_on(self) -> None:
        with self._quiet_lock:
            going_on, self._going_on = self._going_on, None
            if going_on is None:
                return
            going_on.cancel()
            self._wait_again()
            back, self._held_back = self._held_back, []
            for number, fault, left in back:
                try:
                    self._again[number] = self._begin_now(fault.but(for_=left, at=None))
                except (SwarmError, OSError) as error:
                    self._skip(number, fault, error)

    def _hold_back(self) -> None:
        self._quiet_since = time.monotonic()
        for number in list(self._planned):
            if timer := self._timers.pop(number, None):
                timer.cancel()
            self._begins.pop(number, None)
        for entry in self._ledger.read().active:
            if entry.left != 0:
                held = (entry.number, entry.value, entry.left)
                self.end(entry.number)
                self._held_back.append(held)

    def _wait_again(self) -> None:
        """For what is to come: time has stood still for it."""
        since, self._quiet_since = self._quiet_since, None
        for number in list(self._planned):
            self._due[number] += time.monotonic() - since if since is not None else 0.0
            self._wait_for(number)

    # ---- tasks

    def _kill_task(self, fault: Fault) -> int:
        task_processes.kill(self._cluster, fault.args["task"])
        return self._told(fault)

    def kill_task(self, task: str, ask: Callable[[], None]) -> None:
        ask()
        self._told(Fault("kill_task", task=task))

    def _told(self, fault: Fault) -> int:
        """In the history: it happened at once."""
        with self._ledger.page() as page:
            number = page.last = page.last + 1
            page.active.append(Entry(number, fault.to_json(), time.time_ns()))
            page.take(number)
        return number


# ---- what is done to a node


def _listen_at(node: LocalNode, port: int) -> socket.socket:
    if node.hub is not None:
        return node.hub.listen(node.name, port)
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((node.address, port))
        held.listen()
    except OSError:
        held.close()
        raise
    return held


def _kill(node: LocalNode) -> None:
    if node.alive:
        node.kill()


def _stop(node: LocalNode) -> None:
    node.signal(signal.SIGTERM)
    if not node.stopped:  # one that stands still hears it when it goes on
        node.wait_dead(STOP_SECONDS)


def _freeze(node: LocalNode) -> None:
    """One that is dead stands still as soon as it is started (`inside.tell_again`)."""
    node.signal(signal.SIGSTOP)


def _power_off(node: LocalNode) -> None:
    """Daemon, shims and tasks stand still; then all are dead. Others hear silence first: who is interrupted
    then has only frozen them, and they go on.
    """
    everything = _family(node)
    try:
        for process in everything:
            process.send(signal.SIGSTOP)
        time.sleep(SILENCE if everything else 0)
    except BaseException:
        for process in everything:
            process.send(signal.SIGCONT)
            process.close()
        raise
    _lose_power(everything)
    node.wait_dead(DIE_SECONDS)


def _lose_power(everything: list[Process]) -> None:
    """A shim ends what its task has started, and itself, once its daemon is dead."""
    for process in everything:
        process.send(signal.SIGCONT if is_shim(arguments(process.pid)) else signal.SIGKILL)
    for process in everything:
        process.wait(DIE_SECONDS)
        process.close()


def _family(node: LocalNode) -> list[Process]:
    """The daemon and all that it has started, each held by its pidfd."""
    first = node.pid
    if first is None:
        return []

    def is_the_daemon(words: list[str]) -> bool:
        return is_daemon(words) and str(node.data_root) in words

    children = processes.children()
    found, left = [], [(first, 0)]
    while left:
        number, parent = left.pop()
        left += [(child, number) for child in children.get(number, [])]
        process = Process.find(number, bool if parent else is_the_daemon)
        # Now that it is held: is it still that child, or has its number been given to another?
        if process is not None and (parent == 0 or processes.parent(number) == parent):
            found.append(process)
        elif process is not None:
            process.close()
    return found


_STRIKES: dict[str, Callable[[LocalNode], None]] = {
    "kill": _kill,
    "stop": _stop,
    "freeze": _freeze,
    "power_off": _power_off,
}


def _names_of(fault: Fault) -> set[str]:
    words = fault.args
    names = {words[key] for key in ("node", "of") if key in words}
    names |= {*words.get("from", ()), *words.get("to", ())}
    return names | {name for group in words.get("groups", ()) for name in group}


def _by_number(name: str) -> tuple[int, str]:
    return len(name), name
