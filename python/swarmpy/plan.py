"""Fault: what goes wrong, as a value. Plan: a list of faults, to be run, kept, changed and run again.

`c.faults` begins them; every fault has a text and a JSON form, the same in Python, in files of scenarios, on
the command line and in the engine.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, overload

from swarmpy import _show
from swarmpy._brief import Brief
from swarmpy._faults import numbers, text, values, words
from swarmpy._models.nearest import did_you_mean
from swarmpy.duration import DurationLike
from swarmpy.errors import InvalidArgument

FORMAT = 1
HEADER = ("#", "AT", "FOR", "FAULT")


class Fault(metaclass=Brief):
    """What goes wrong: a kind, its arguments, when it begins and how long it lasts. Frozen, hashable.

    `Fault("net", from_="m1", to="*", latency="80ms", loss=0.05, at="1s", for_="3s")`. The kinds and their
    arguments are those of `c.faults`: `partition` (`groups` or `of`, `one_way`), `cut`, `hold` (`from_`,
    `to`, `both`), `net` (also `latency`, `jitter`, `loss`, `duplicate`, `reorder`), `disk` (`node`,
    `fsync_delay`, `full`, `errors`, `after`, `lost_tail`, `flip`, `torn`, `old_copy`, `altered`), `clock`
    (`node`, `skew`, `drift`, `jump`), `throttle` (`node`, `factor`), `freeze`, `power_off`, `stop`, `kill`
    (`node`), `kill_task` (`task`), `port` (`node`, `port`), `image` (`reference`, `exists`, `exit_code`,
    `after`, `ignores_term`, `start`), `transfer` (leadership is handed over).

    `.kind`; `.args`, what was given, as JSON has it (`{"node": "w1"}`); `.at`, seconds from the beginning of
    its plan (None: at once); `.for_`, seconds (None: until it is healed). `str(fault)` is its text, and
    `Fault.parse(text)` reads it. Raises `InvalidArgument`, with the nearest word.
    """

    __slots__ = ("_at", "_kept", "_lasts", "kind")
    kind: str
    _kept: values.Values
    _at: int | None
    _lasts: int | None

    def __init__(
        self,
        kind: str,
        *,
        at: DurationLike | None = None,
        for_: DurationLike | None = None,
        **arguments: object,
    ) -> None:
        word = values.check_kind(kind)
        given = {key[:-1] if key == "from_" else key: value for key, value in arguments.items()}
        kept = values.read(word, given)
        times = values.read_time(word, "at", at), values.read_time(word, "for", for_)
        for name, value in zip(("kind", "_kept", "_at", "_lasts"), (word, kept, *times), strict=True):
            object.__setattr__(self, name, value)

    @property
    def args(self) -> Mapping[str, Any]:
        """What was given, as JSON has it: `{"node": "w1"}`, `{"from": ["m1"], "to": ["*"], "loss": 0.05}`."""
        return MappingProxyType({key: values.shown(self.kind, key, one) for key, one in self._kept.items()})

    @property
    def at(self) -> float | None:
        """Seconds from the beginning of its plan; None: at once."""
        return None if self._at is None else self._at / 1e9

    @property
    def for_(self) -> float | None:
        """How many seconds it lasts; None: until it is healed."""
        return None if self._lasts is None else self._lasts / 1e9

    def but(self, **changes: Any) -> Fault:
        """The same with other arguments or times: `fault.but(for_="1s", at=None)`. None takes one away."""
        now: dict[str, Any] = {**self.args, "at": _text_or_none(self._at), "for_": _text_or_none(self._lasts)}
        changes = {"from" if key == "from_" else key: value for key, value in changes.items()}
        return Fault(changes.pop("kind", self.kind), **{**now, **changes})

    def to_json(self) -> str:
        """`{"kind": "freeze", "node": "w1", "at": "1.5s", "for": "3s"}`."""
        fields = [("kind", json.dumps(self.kind))]
        for one in words.KINDS[self.kind]:
            if one.key in self._kept:
                fields.append((one.key, values.json_text(self.kind, one.key, self._kept[one.key])))
        for key, ns in (("at", self._at), ("for", self._lasts)):
            if ns is not None:
                fields.append((key, json.dumps(numbers.span_text(ns))))
        return "{" + ", ".join(f"{json.dumps(key)}: {value}" for key, value in fields) + "}"

    def to_dict(self) -> dict[str, Any]:
        """Its JSON as Python has it; `from_dict` and `from_json` read it."""
        words: dict[str, Any] = json.loads(self.to_json())
        return words

    @classmethod
    def from_dict(cls, words: Mapping[str, Any]) -> Fault:
        """What `to_dict` gave, or the like. Raises `InvalidArgument`."""
        return cls.from_json(words)

    @classmethod
    def from_json(cls, source: str | Mapping[str, Any]) -> Fault:
        """Of its JSON, or of what `json.loads` made of that. Raises `InvalidArgument`."""
        raw = _loads(source, "a fault") if isinstance(source, str) else source
        if not isinstance(raw, Mapping):
            raise InvalidArgument('a fault is an object: {"kind": "kill", "node": "m1"}')
        given = dict(raw)
        if "kind" not in given:
            raise InvalidArgument("a fault wants its kind", hint=did_you_mean("", words.KINDS, most=20))
        kind, at, lasts = given.pop("kind"), given.pop("at", None), given.pop("for", None)
        if "from_" in given or "for_" in given:
            raise InvalidArgument("JSON says from and for; the underscore is Python's")
        return cls(kind, at=at, for_=lasts, **given)

    @classmethod
    def parse(cls, line: str) -> Fault:
        """Of its text: `partition m1 | m2 m3 one-way at 1s for 3s`, `net m1 -> * latency 80ms`,
        `freeze w1 for 2s`. Raises `InvalidArgument`.
        """
        if not isinstance(line, str):
            raise InvalidArgument(f"a fault's text is text, not {line!r}", hint='Say "freeze w1 for 2s".')
        found = text.parse(line)
        return cls(found.kind, at=found.at, for_=found.lasts, **found.given)

    def __str__(self) -> str:
        return text.write(self.kind, self._kept, self._at, self._lasts)

    def __repr__(self) -> str:
        return f"<Fault {self}>"

    def _repr_html_(self) -> str:
        return _show.html_box([_show.html_table("fault", HEADER[1:], [_row(self)])])

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Fault is a value and stays as it is; take fault.but({name}=...)")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a Fault is a value and stays as it is")

    def __reduce__(self) -> tuple[Any, ...]:
        return Fault.parse, (str(self),)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fault) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


@dataclass(frozen=True)
class SkippedFault(metaclass=Brief):
    """A fault that was planned (or held back) and could not begin in time: there was no leader, its task was
    not there. `.fault`; `.at`, seconds on the swarm's clock; `.why`, a sentence. `str()` says all of it.
    """

    fault: Fault
    at: float
    why: str

    def __str__(self) -> str:
        return f"{self.fault} did not begin: {self.why}"

    def __repr__(self) -> str:
        return f"<skipped at {self.at:.3f}s: {self}>"

    def _repr_html_(self) -> str:
        row = (f"{self.at:.3f}s", str(self.fault), self.why)
        return _show.html_box([_show.html_table("skipped", ("AT", "FAULT", "WHY"), [row])])


class Plan(metaclass=Brief):
    """Faults in a row: written by hand, loaded, drawn (`c.faults.random`) or what has happened
    (`c.faults.history`). Frozen; `len`, `plan[0]`, `in`, `+`, slices. `c.faults.run(plan)` runs it.

    `Plan(["kill leader at 2s for 1s", Fault("freeze", node="w1", at="5s")])`. A fault's `at` counts from when
    the plan is run; or, with `since`, from that moment of the swarm's life (in a history `since` is 0).
    """

    def __init__(
        self, faults: Iterable[Fault | str | Mapping[str, Any]] = (), *, since: DurationLike | None = None
    ) -> None:
        if isinstance(faults, str | bytes | Mapping) or not isinstance(faults, Iterable):
            raise InvalidArgument(f"a plan is a list of faults, not {faults!r}", hint="Say Plan([...]).")
        self._faults = tuple(_fault(number, one) for number, one in enumerate(faults))
        self._since = None if since is None else numbers.span(since)
        if since is not None and (self._since is None or self._since < 0):
            raise InvalidArgument(f"since is a duration, not {since!r}")

    @property
    def since(self) -> float | None:
        """The moment of the swarm's life (seconds) that `at` counts from; None: when it is run."""
        return None if self._since is None else self._since / 1e9

    def without(self, *numbers: int) -> Plan:
        """All but the faults at these places, counted from 0 (negative: from the end)."""
        gone = set()
        for number in numbers:
            try:
                gone.add(range(len(self))[number])
            except (IndexError, TypeError):
                raise InvalidArgument(
                    f"this plan has no fault number {number!r}",
                    hint=f"There are 0 to {len(self) - 1}." if self._faults else "It is empty.",
                ) from None
        return self._with(fault for number, fault in enumerate(self._faults) if number not in gone)

    def to_json(self) -> str:
        """`{"plan": 1, "faults": [...]}`, a fault a line."""
        since = "" if self._since is None else f' "since": "{numbers.span_text(self._since)}",'
        body = ",\n".join(f"  {fault.to_json()}" for fault in self._faults)
        return f'{{"plan": {FORMAT},{since} "faults": [' + (f"\n{body}\n]}}" if body else "]}")

    @classmethod
    def from_json(cls, source: str | Mapping[str, Any] | Sequence[Any]) -> Plan:
        """Of its JSON text (or of what `json.loads` made of it); a list of faults alone is a plan, too.
        Raises `InvalidArgument` that says which fault is wrong.
        """
        raw = _loads(source, "a plan") if isinstance(source, str) else source
        if isinstance(raw, Sequence) and not isinstance(raw, str | bytes):
            return cls(raw)
        if not isinstance(raw, Mapping):
            raise InvalidArgument('a plan is an object: {"plan": 1, "faults": []}')
        for key in raw:
            if key not in ("plan", "since", "faults"):
                raise InvalidArgument(
                    f"there is no key of a plan {key!r}", hint=did_you_mean(key, ("plan", "since", "faults"))
                )
        if raw.get("plan", FORMAT) != FORMAT:
            raise InvalidArgument('a plan of another format: this version reads {"plan": 1, ...}')
        faults = raw.get("faults")
        if not isinstance(faults, Sequence) or isinstance(faults, str):
            raise InvalidArgument('a plan wants its faults, a list: {"plan": 1, "faults": []}')
        return cls(faults, since=raw.get("since"))

    @classmethod
    def parse(cls, lines: str) -> Plan:
        """Of its text: a fault a line; `#` begins a line that is not read. Raises `InvalidArgument`."""
        if not isinstance(lines, str):
            raise InvalidArgument(f"a plan's text is text, not {lines!r}", hint="Say Plan([...]).")
        faults, since = [], None
        for number, line in enumerate(map(str.strip, lines.splitlines()), 1):
            if not line or line.startswith("#"):
                continue
            if line.startswith("since "):
                if since is not None:
                    raise InvalidArgument(f"line {number}: since is said twice")
                since = line[6:].strip()
                continue
            try:
                faults.append(Fault.parse(line))
            except InvalidArgument as error:
                raise InvalidArgument(f"line {number}: {error.message}", hint=error.hint) from error
        return cls(faults, since=since)

    def save(self, path: str | Path) -> None:
        """Writes its JSON to a file; `Plan.load` reads it."""
        Path(path).write_text(self.to_json() + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Plan:
        """Of a file with its JSON or its text. Raises `InvalidArgument`, also for a file that cannot be
        read.
        """
        try:
            found = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise InvalidArgument(f"the plan {path} cannot be read: {why}") from error
        return cls.read(found)

    @classmethod
    def read(cls, source: str) -> Plan:
        """Of JSON or of lines of text, whichever it is."""
        return cls.from_json(source) if source.lstrip()[:1] in ("{", "[") else cls.parse(source)

    def _with(self, faults: Iterable[Fault]) -> Plan:
        plan = Plan(faults)
        plan._since = self._since
        return plan

    @overload
    def __getitem__(self, number: int) -> Fault: ...
    @overload
    def __getitem__(self, number: slice) -> Plan: ...
    def __getitem__(self, number: int | slice) -> Fault | Plan:
        if isinstance(number, slice):
            return self._with(self._faults[number])
        return self._faults[number]

    def __len__(self) -> int:
        return len(self._faults)

    def __contains__(self, fault: object) -> bool:
        return fault in self._faults

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults)

    def __add__(self, other: Iterable[Fault | str]) -> Plan:
        return self._with([*self._faults, *Plan(other)])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and (self._faults, self._since) == (other._faults, other._since)

    def __hash__(self) -> int:
        return hash((self._faults, self._since))

    def __str__(self) -> str:
        since = [] if self._since is None else [f"since {numbers.span_text(self._since)}"]
        return "\n".join([*since, *map(str, self._faults)])

    def __repr__(self) -> str:
        if not self._faults:
            return "<Plan: no faults>"
        rows = [(str(number), *_row(fault)) for number, fault in enumerate(self._faults)]
        return _show.table(HEADER, rows, most=30)

    def _repr_html_(self) -> str:
        rows = [(str(number), *_row(fault)) for number, fault in enumerate(self._faults)]
        return _show.html_box([_show.html_table(f"plan of {len(rows)} faults", HEADER, rows)])


Sequence.register(Plan)  # all that is asked of one is there


def _fault(number: int, given: object) -> Fault:
    if isinstance(given, Fault):
        return given
    try:
        if isinstance(given, str):
            return Fault.parse(given)
        if isinstance(given, Mapping):
            return Fault.from_json(given)
    except InvalidArgument as error:
        raise InvalidArgument(f"fault {number} of the plan: {error.message}", hint=error.hint) from error
    raise InvalidArgument(
        f"fault {number} of the plan is no fault: {given!r}", hint='Say "freeze w1 for 2s", or Fault(...).'
    )


def _row(fault: Fault) -> tuple[str, str, str]:
    at = "" if fault._at is None else numbers.span_text(fault._at)
    lasts = "" if fault._lasts is None else numbers.span_text(fault._lasts)
    return at, lasts, text.write(fault.kind, fault._kept, None, None)


def _text_or_none(ns: int | None) -> str | None:
    return None if ns is None else numbers.span_text(ns)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two values of one key json would keep the last, in silence."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise InvalidArgument(f'the key "{key}" is there twice', hint="Say it once.")
        found[key] = value
    return found


def _loads(source: str, what: str) -> Any:
    try:
        return json.loads(source, object_pairs_hook=_each_once)
    except InvalidArgument:
        raise
    except ValueError as error:
        raise InvalidArgument(f"{what} in JSON cannot be read: {error}") from error
