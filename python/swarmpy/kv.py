"""The replicated register: small values by key, through the swarm's Raft log, made for checks and benchmarks.
`c.kv`.

c.kv.put("x", 1); c.kv.get("x")                  # 1, linearizable
c.kv.cas("x", 1, 2)                              # True: it was 1 and is 2 now
with c.kv.recording(clients=5) as rec:
    c.nodes.leader.kill(); c.sleep("10s")
assert sp.check_linearizable(rec.history)
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from random import Random
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

from swarmpy import _show, duration
from swarmpy._brief import Brief
from swarmpy._connection.base import Connection
from swarmpy._connection.sim import SimConnection
from swarmpy._hub import Hub
from swarmpy._kv.drive import Done, Plan, ThreadDriver, VirtualDriver
from swarmpy._kv.work import MODELS, ROUTE, Client, path, text_of, value_of
from swarmpy._models.nearest import check_word
from swarmpy._models.plain import in_order, whole
from swarmpy.duration import DurationLike
from swarmpy.errors import Conflict, InvalidArgument, NotFound

if TYPE_CHECKING:
    from swarmpy.node import Node

HEADER = ("CALL", "RETURN", "CLIENT", "NODE", "KEY", "WHAT", "RESULT")
MOST_CLIENTS = 200
KEY = re.compile(r"[A-Za-z0-9._:-]{1,128}")
LOCAL = {"swarmpy-consistency": "local"}


@dataclass(frozen=True)
class Operation(metaclass=Brief):
    """What one client did.

    `client`: a number. `kind`: `"read"`, `"write"`, `"cas"`, `"delete"`; of a list `"append"`, of a set
    `"add"` and `"remove"`. `argument`: the value that was written, appended, added or removed; of a `"cas"`
    the pair (old, new). `result`: what a read saw (None: the key was not there; of lists and sets a list),
    and of a `"cas"` or `"delete"` whether it took place. `call`, `returned`: seconds on the swarm's clock;
    `returned` is None when the outcome is unknown: it may take effect at any time after its call, or never.
    `outcome`: `"ok"`, `"unknown"`, or `"failed"` (it certainly changed nothing); `error`: why not.
    """

    client: int | str
    key: str
    kind: str
    argument: Any = None
    result: Any = None
    call: float = 0.0
    returned: float | None = None
    node: str = ""
    outcome: str = "ok"
    error: str = ""

    def what(self) -> str:
        """In words: `write 3`, `cas 1 -> 2`, `read`."""
        if self.kind == "cas":
            return f"cas {_brief(self.argument[0])} -> {_brief(self.argument[1])}"
        return self.kind if self.kind in ("read", "delete") else f"{self.kind} {_brief(self.argument)}"

    def answer(self) -> str:
        """In words: what came of it."""
        if self.outcome != "ok":
            return self.outcome
        if self.kind == "read" or (self.kind in ("cas", "delete") and self.result is not True):
            return _brief(self.result)
        return "ok"

    def row(self) -> tuple[str, ...]:
        """As a line of a table."""
        end = "" if self.returned is None else f"{self.returned:.3f} s"
        return (f"{self.call:.3f} s", end, str(self.client), self.node, self.key, self.what(), self.answer())

    def __repr__(self) -> str:
        end = "?" if self.returned is None else f"{self.returned:.3f}s"
        return f"<{self.call:.3f}s..{end} client {self.client} {self.key}: {self.what()} => {self.answer()}>"


class History(list[Operation], metaclass=Brief):
    """Operations in the order of their calls; a plain list with a table for a repr. `.model`: what they were
    done on (`"register"`, `"cas"`, `"list-append"`, `"set"`). Judge it by `sp.check_linearizable(history)`.
    """

    def __init__(self, operations: Iterable[Operation] = (), model: str = "register") -> None:
        check_word("model", model, MODELS)
        super().__init__(operations)
        self.model = model

    def to_json(self) -> str:
        """One JSON object: `{"swarmpy": "history", "format": 1, "model", "operations": [...]}`; an operation
        has the fields of `Operation`, times are seconds, null is an unknown return.
        """
        operations = [asdict(one) for one in self]
        head = {"swarmpy": "history", "format": 1, "model": self.model}
        return json.dumps({**head, "operations": operations}, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> History:
        """What `to_json` gave. Raises `InvalidArgument` for anything else."""
        try:
            raw = json.loads(text)
            if raw["swarmpy"] != "history" or raw["format"] != 1:
                raise KeyError("format")
            operations = [_operation(one) for one in raw["operations"]]
            return cls(operations, raw["model"])
        except (ValueError, KeyError, TypeError) as error:
            hint = "A history is what History.to_json() gives."
            raise InvalidArgument(f"this is no history: {error!r}", hint=hint) from None

    def to_pandas(self) -> Any:
        """A DataFrame, one row an operation. Needs pandas."""
        names = [one.name for one in fields(Operation)]
        return importlib.import_module("pandas").DataFrame([asdict(one) for one in self], columns=names)

    @overload
    def __getitem__(self, index: SupportsIndex) -> Operation: ...
    @overload
    def __getitem__(self, index: slice) -> History: ...
    def __getitem__(self, index: Any) -> Operation | History:
        found = super().__getitem__(index)
        return History(found, self.model) if isinstance(index, slice) else found

    def _head(self) -> str:
        count = {word: sum(one.outcome == word for one in self) for word in ("ok", "unknown", "failed")}
        told = ", ".join(f"{number} {word}" for word, number in count.items() if number)
        return f"history of a {self.model}: {len(self)} operations" + (f" ({told})" if told else "")

    def __repr__(self) -> str:
        return f"<{self._head()}>" + ("\n" + _show.table(HEADER, [one.row() for one in self]) if self else "")

    def _repr_html_(self) -> str:
        return _show.html_box([_show.html_table(self._head(), HEADER, [one.row() for one in self])])


def _operation(raw: Mapping[str, Any]) -> Operation:
    known = {one.name for one in fields(Operation)}
    one = Operation(**{name: value for name, value in raw.items() if name in known})
    return Operation(**{**vars(one), "argument": tuple(one.argument)}) if one.kind == "cas" else one


def _brief(value: object) -> str:
    text = "none" if value is None else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 40 else text[:37] + "..."


class Recording(metaclass=Brief):
    """Clients at work: `.history` is what they did so far, `.over` whether they are done. `.stop()` ends
    them; so does the end of its `with`. What was under way then is of unknown outcome.
    """

    def __init__(self, hub: Hub, plan: Plan, model: str) -> None:
        self._hub, self._plan, self._model = hub, plan, model
        now = hub.open_world.now
        virtual = all(isinstance(door, SimConnection) for door in plan.doors)
        self._driver = VirtualDriver(plan, now, hub.world.watch) if virtual else ThreadDriver(plan, now)

    @property
    def history(self) -> History:
        """What was done so far, by the time of its call; what is still under way has no return."""
        done = sorted(self._plan.done, key=lambda one: one.call)
        return History([_kept(one) for one in done], self._model)

    @property
    def over(self) -> bool:
        """All its operations are done, or it was stopped."""
        return self._driver.over

    def stop(self) -> None:
        """Ends it. Harmless when it is over."""
        self._driver.stop()

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, kind: object, *why: object) -> None:
        if isinstance(self._driver, ThreadDriver):
            self._driver.stop(0.0 if kind is not None else 2.0)
        else:
            self._driver.stop()

    def __repr__(self) -> str:
        state = "over" if self.over else f"{len(self._plan.clients)} clients at work"
        return f"<Recording {state}, {len(self._plan.done)} operations>"


def _kept(done: Done) -> Operation:
    return Operation(**vars(done))


class KV(metaclass=Brief):
    """The swarm's replicated register: `c.kv.put("x", 1)`, `c.kv["x"]`, `c.kv.cas("x", 1, 2)`.

    A key has up to 128 letters, digits and `. _ - :`; a value is anything that JSON can say, up to 64 KiB as
    text, except None, which stands for a key that is not there. There are at most 1024 keys. Each change is
    an entry of the Raft log; each read asks the leader, which makes sure that it still leads. (Both take
    time, also in the simulator: this is no look.) `for key in c.kv`, `len`, `in` and `[]` work as a dict's.

    Everything raises `NoQuorum`, `Timeout` or `Unreachable` when no manager could carry it out. After such an
    error a change may still have been made, or be made later, unless its `.nothing_done` is true.
    Over HTTP: `/swarmpy/v1/kv/KEY`, where a value is its JSON text.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._recordings = 0

    # ---- one key

    @overload
    def get(self, key: str, default: Any = None) -> Any: ...
    @overload
    def get(self, key: str, default: Any = None, *, node: str | Node | None) -> Any: ...
    def get(self, key: str, default: Any = None, *, node: str | Node | None = None) -> Any:
        """Its value, `default` when it is not there. `node`: what this manager has in its own store, which
        may be old.
        """
        at = None if node is None else self._door(node)
        try:
            return value_of(self._entry(key, at)["Value"])
        except NotFound:
            return default

    def put(self, key: str, value: Any) -> int:
        """Sets it, whatever it was; its new version."""
        body = _text(value)
        return int(self._send("PUT", key, text=body)["Version"]["Index"])

    def cas(self, key: str, old: Any, new: Any) -> bool:
        """Compare and swap: sets it to `new` if it is `old`, in one step; False when it is something else.
        None stands for a key that is not there: `cas("x", None, 1)` makes it, `cas("x", 1, None)` deletes it.
        """
        body = {"Old": None if old is None else _text(old), "New": None if new is None else _text(new)}
        try:
            self._hub.client.json("POST", f"{_path(key)}/cas", body=body)
        except Conflict:
            return False
        except NotFound:  # it was not there, and is not to be
            return old is None
        return True

    def delete(self, key: str) -> bool:
        """Takes it away; False when it was not there."""
        try:
            self._send("DELETE", key)
        except NotFound:
            return False
        return True

    def version(self, key: str) -> int:
        """The index of the log entry that wrote it last; 0 when it is not there."""
        try:
            return int(self._entry(key, None)["Version"]["Index"])
        except NotFound:
            return 0

    # ---- all keys

    def keys(self) -> list[str]:
        """Their names, in order."""
        return [one["Key"] for one in self._hub.client.json("GET", ROUTE, before_write=True)]

    def items(self) -> list[tuple[str, Any]]:
        """Keys with their values. Each is read by itself: they are no picture of one moment."""
        pairs = ((key, self.get(key)) for key in self.keys())
        return [(key, value) for key, value in pairs if value is not None]

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.version(key) > 0

    def __getitem__(self, key: str) -> Any:
        return value_of(self._entry(key, None)["Value"])

    def __setitem__(self, key: str, value: Any) -> None:
        self.put(key, value)

    def __delitem__(self, key: str) -> None:
        self._send("DELETE", key)

    # ---- histories

    def record(
        self,
        clients: int = 5,
        ops: int = 2000,
        keys: int | Sequence[str] = 3,
        *,
        seed: int | None = None,
        at: str | Node | Sequence[str | Node] | None = None,
        model: str = "register",
        rate: float | None = None,
        timeout: DurationLike = "5s",
    ) -> History:
        """Lets `clients` do `ops` operations in all on `keys` keys, and gives what they did and when.

        Each client does one thing after another, half of it reads, at a manager of its own (`at`: at these
        nodes), and goes to the next one when that cannot answer. Faults that were planned go on meanwhile; to
        break things by hand, see `recording`. `model`: what is done: `"register"` (read, write), `"cas"`
        (and compare-and-swap), `"list-append"`, `"set"`. `rate`: operations per second of all clients
        together; None: as fast as they are answered. `keys`: how many (fresh ones), or their names.
        `timeout`: how long a client waits for an answer; after that the outcome is unknown, for ever.
        `seed`: what clients choose (None: by the swarm's seed). In the simulator the same seed and calls give
        the same history.

        Raises `InvalidArgument` for numbers that make no sense, `NotFound` for a node that there is not.
        """
        ops = whole("ops", ops, least=1)
        recording = self._begin(clients, ops, keys, seed, at, model, rate, timeout)
        with recording:
            while not recording.over:
                self._hub.open_world.sleep(0.05)
        return recording.history

    def recording(
        self,
        clients: int = 5,
        keys: int | Sequence[str] = 3,
        *,
        rate: float | None = 50.0,
        ops: int | None = None,
        seed: int | None = None,
        at: str | Node | Sequence[str | Node] | None = None,
        model: str = "register",
        timeout: DurationLike = "5s",
    ) -> Recording:
        """As `record`, while you break things: clients work whenever time passes, until the `with` ends (or
        `ops` are done). The history is `.history`.

        >>> with c.kv.recording(clients=5, rate=100) as rec:
        ...     c.nodes.leader.kill(); c.sleep("10s")
        >>> assert sp.check_linearizable(rec.history)
        """
        ops = None if ops is None else whole("ops", ops, least=1)
        return self._begin(clients, ops, keys, seed, at, model, rate, timeout)

    def _begin(
        self,
        clients: int,
        ops: int | None,
        keys: int | Sequence[str],
        seed: int | None,
        at: str | Node | Sequence[str | Node] | None,
        model: str,
        rate: float | None,
        timeout: DurationLike,
    ) -> Recording:
        clients = whole("clients", clients, least=1, most=MOST_CLIENTS)
        check_word("model", model, MODELS)
        if rate is not None and (isinstance(rate, bool) or not isinstance(rate, int | float) or not rate > 0):
            raise InvalidArgument(f"rate is operations per second, above 0, or None, not {rate!r}")
        patience = duration.seconds(timeout)
        random = self._random(seed)
        names = self._names(keys, random)
        at_work = [Client(n + 1, names, model, Random(random.random())) for n in range(clients)]
        plan = Plan(at_work, self._doors_of(at), _pause(clients, rate), random, ops, patience)
        return Recording(self._hub, plan, model)

    def _random(self, seed: int | None) -> Random:
        self._recordings += 1
        if seed is None and self._hub.world.seed is None:
            return Random()
        return Random(f"kv {self._hub.world.seed if seed is None else seed} {self._recordings}")

    def _names(self, keys: int | Sequence[str], random: Random) -> tuple[str, ...]:
        """Fresh ones: what an earlier recording has left would belong to no client."""
        if isinstance(keys, str):
            return (_checked(keys),)
        if not isinstance(keys, int):
            names = tuple(_checked(key) for key in in_order(keys))
            if not names:
                raise InvalidArgument("keys names no key", hint="Say how many, keys=3, or their names.")
            return names
        count = whole("keys", keys, least=1, most=1000)
        word = f"{random.getrandbits(24):06x}"
        return tuple(f"rec-{word}-{n + 1}" for n in range(count))

    def _doors_of(self, at: str | Node | Sequence[str | Node] | None) -> list[Connection]:
        if at is None:
            return sorted(self._hub.doors(), key=lambda door: door.name)
        some = [at] if isinstance(at, str) or not isinstance(at, Iterable) else in_order(at)
        if not some:
            raise InvalidArgument("at names no node", hint="Leave it out to ask all managers.")
        return [self._door(one) for one in some]

    def _door(self, node: str | Node) -> Connection:
        return self._hub.open_world.door(str(getattr(node, "name", node)))

    # ---- requests

    def _entry(self, key: str, at: Connection | None) -> dict[str, Any]:
        headers = None if at is None else LOCAL
        found = self._hub.client.json("GET", _path(key), at=at, headers=headers, before_write=True)
        return dict(found)

    def _send(self, method: str, key: str, *, text: str | None = None) -> dict[str, Any]:
        return dict(self._hub.client.json(method, _path(key), text=text))

    def __repr__(self) -> str:
        return "<KV: get, put, cas, delete, keys; record and recording make histories>"


def _checked(key: str) -> str:
    if not isinstance(key, str) or not KEY.fullmatch(key):
        hint = "Up to 128 letters, digits, dots, underscores, dashes and colons."
        raise InvalidArgument(f"{key!r} is no key", hint=hint)
    return key


def _path(key: object) -> str:
    if not isinstance(key, str) or not key:
        raise InvalidArgument(f"a key is a text that is not empty, not {key!r}")
    return path(key)


def _text(value: object) -> str:
    if value is None:
        hint = "To take a key away, delete it."
        raise InvalidArgument("None is no value: it stands for a key that is not there", hint=hint)
    try:
        text = text_of(value)
        text.encode()
        return text
    except (TypeError, ValueError) as error:
        hint = (
            "Values are what JSON can say: texts, numbers, true and false, lists, dicts with texts as keys."
        )
        raise InvalidArgument(f"{_shortly(value)} is no value for a key: {error}", hint=hint) from None


def _shortly(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _pause(clients: int, rate: float | None) -> Callable[[Random], float]:
    """Between two operations of a client, in seconds."""
    if rate is None:
        return lambda random: random.uniform(0.0, 0.002)
    mean = clients / rate
    return lambda random: random.uniform(0.0, 2 * mean)
