"""Metrics: what the daemons of a swarm count, by Prometheus' names (`swarm.metrics`; `GET /metrics` of each).

A value is of the whole swarm and has its parts: `.by_node`, `.by("type")`, `.samples`.
"""

from __future__ import annotations

import importlib
import re
from abc import ABCMeta
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from swarmpy import _show
from swarmpy._brief import Brief
from swarmpy._connection.base import Connection
from swarmpy._connection.client import finish, make_request
from swarmpy._hub import Hub, natural
from swarmpy._models.nearest import did_you_mean
from swarmpy.errors import InvalidArgument, NotFound, SwarmError, Unreachable

PATH = "/metrics"
PATIENCE = 2.0  # seconds that a real daemon gets for an answer
HEADER = ("METRIC", "TYPE", "VALUE", "BY NODE")
SAMPLE_HEADER = ("NODE", "LABELS", "VALUE")
MOST_NODES = 5  # in a line of the table
# Gauges that say how much a node has: the swarm has their sum. Of others it has the greatest.
SUMMED = ("agent_tasks", "api_requests_open", "dispatcher_sessions", "links_open", "raft_is_leader")
OF_THE_SWARM = "swarm_"  # what managers say of the same thing: the leader's word counts


class UnknownMetric(NotFound, KeyError):
    """No node has a metric of this name; the hint has the nearest one."""

    __str__ = SwarmError.__str__


@dataclass(frozen=True, slots=True)
class MetricSample(metaclass=Brief):
    """One number: of `node`, with these `labels`."""

    node: str
    labels: Mapping[str, str]
    value: float

    def row(self) -> tuple[str, ...]:
        """As a line of a table."""
        return self.node, _label_text(self.labels), _number(self.value)


class Metric(float, metaclass=Brief):
    """A number of the whole swarm: use it as a number. `.name`, `.help`, `.type` (`"counter"` or `"gauge"`).

    Of a counter it is the sum over all nodes. Of a gauge that begins with `swarm_` it is what the leader says
    (without one, the manager that knows most); of other gauges the greatest of any node, or the sum where
    each node has some (`dispatcher_sessions`, `agent_tasks`, `api_requests_open`, `links_open`,
    `raft_is_leader`). `.by_node`: each node's own, its labels summed. `.by("type")`: the swarm's, by the
    value of a label. `.samples`: all there is.

    >>> c.metrics["raft_elections_total"].by_node, c.metrics["swarm_tasks"].by("state")["running"]
    """

    name: str
    help: str
    type: str
    samples: tuple[MetricSample, ...]
    _speaker: str

    @classmethod
    def _of(
        cls, name: str, help_text: str, kind: str, samples: Iterable[MetricSample], speaker: str
    ) -> Metric:
        shown = tuple(samples)
        made = cls(_total(name, kind, shown, speaker))
        made.name, made.help, made.type, made.samples, made._speaker = name, help_text, kind, shown, speaker
        return made

    @property
    def by_node(self) -> dict[str, float]:
        """Each node's own number, by name."""
        return _sums((one.node, one.value) for one in self.samples)

    @property
    def labels(self) -> list[str]:
        """The names of its labels."""
        return sorted({word for one in self.samples for word in one.labels})

    def by(self, label: str) -> dict[str, float]:
        """The swarm's number for each value of a label. Raises `NotFound` for a label that it has not."""
        if label not in self.labels:
            raise NotFound(f"{self.name} has no label {label!r}", hint=did_you_mean(label, self.labels))
        values = dict.fromkeys(one.labels[label] for one in self.samples if label in one.labels)
        return {value: float(self._where({label: value})) for value in values}

    def _where(self, labels: Mapping[str, str]) -> Metric:
        wanted = labels.items()
        samples = (one for one in self.samples if wanted <= one.labels.items())
        return Metric._of(self.name, self.help, self.type, samples, self._speaker)

    def row(self) -> tuple[str, ...]:
        """As a line of a table."""
        parts = [f"{node} {_number(value)}" for node, value in self.by_node.items()]
        more = [f"and {len(parts) - MOST_NODES} more"] if len(parts) > MOST_NODES else []
        return self.name, self.type, _number(self), ", ".join([*parts[:MOST_NODES], *more])

    def __repr__(self) -> str:
        nodes = self.row()[-1]
        return f"<{self.name} {_number(self)}: {nodes}>" if nodes else f"<{self.name} {_number(self)}>"

    def __str__(self) -> str:
        return _number(self)

    def _repr_html_(self) -> str:
        rows = [one.row() for one in self.samples]
        caption = f"{self.name} {_number(self)} ({self.type}): {self.help}"
        return _show.html_box([_show.html_table(caption, SAMPLE_HEADER, rows)])


class _BriefMapping(Brief, ABCMeta):
    """As `Brief`, for what is a `Mapping`."""


class Metrics(Mapping[str, Metric], metaclass=_BriefMapping):
    """All metrics of a swarm at `at` seconds of its clock: a frozen mapping from name to `Metric`.

    `metrics["raft_elections_total"]`; `metrics['swarm_tasks{state="running"}']` takes the samples with these
    labels only. Raises `NotFound` (a `KeyError`) with the nearest name, also of a label. `.note`: which nodes
    did not answer, "" when all did. Counters of a node that is dead are there as far as they are known: all
    of them in the simulator, in real time what this Python saw last.
    """

    def __init__(self, at: float, metrics: Mapping[str, Metric], note: str) -> None:
        self.at, self._metrics, self.note = at, dict(metrics), note

    def __getitem__(self, name: str) -> Metric:
        plain, brace, rest = name.partition("{") if isinstance(name, str) else (name, "", "")
        metric = self._metrics.get(plain)
        if metric is None:
            raise UnknownMetric(f"there is no metric {name!r}", hint=did_you_mean(plain, self._metrics))
        return metric._where(_selector(name, rest, metric.labels)) if brace else metric

    def __iter__(self) -> Iterator[str]:
        return iter(self._metrics)

    def __len__(self) -> int:
        return len(self._metrics)

    def to_dicts(self) -> list[dict[str, Any]]:
        """A sample each: `name`, `type`, `node`, `labels` (a dict), `value`."""
        return [
            {
                "name": metric.name,
                "type": metric.type,
                "node": one.node,
                "labels": dict(one.labels),
                "value": one.value,
            }
            for metric in self.values()
            for one in metric.samples
        ]

    def to_pandas(self) -> Any:
        """A DataFrame, one row a sample, each label a column. Needs pandas."""
        rows = [{**one, **one.pop("labels")} for one in self.to_dicts()]
        return importlib.import_module("pandas").DataFrame(rows)

    def __repr__(self) -> str:
        rows = [metric.row() for metric in self.values()]
        note = f"({self.note})\n" if self.note else ""
        return note + _show.table(HEADER, rows, most=len(rows))

    def _repr_html_(self) -> str:
        caption = f"{len(self)} metrics at {self.at:.3f} s" + (f" ({self.note})" if self.note else "")
        rows = [metric.row() for metric in self.values()]
        return _show.html_box([_show.html_table(caption, HEADER, rows)])


# ---- the text format


@dataclass
class Family:
    """A metric of one node. `samples`: labels and value."""

    help: str
    type: str
    samples: list[tuple[dict[str, str], float]]


_SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)",?')
_SELECTOR = re.compile(rf"(?:{_LABEL.pattern} ?)*")
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


def families(text: str) -> dict[str, Family]:
    """Prometheus' text format, as our daemons write it, by name."""
    found: dict[str, Family] = {}
    for line in text.splitlines():
        if line.startswith("# HELP "):
            _, _, name, about = line.split(" ", 3)
            found[name] = Family(about, "untyped", [])
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ", 3)
            found[name].type = kind
        elif sample := _SAMPLE.match(line):
            found[sample[1]].samples.append((_labels(sample[2] or ""), float(sample[3])))
    return found


def _selector(name: str, rest: str, known: list[str]) -> dict[str, str]:
    """What stands between the braces. Raises `InvalidArgument` for what is no selector, `NotFound` for a
    label that the metric has not; a value may be one that there is not yet.
    """
    if not rest.endswith("}") or not _SELECTOR.fullmatch(rest[:-1]):
        raise InvalidArgument(
            f"this is no name of a metric: {name!r}", hint="Say 'swarm_tasks{state=\"running\"}'."
        )
    wanted = _labels(rest[:-1])
    for label in wanted:
        if known and label not in known:
            plain = name.partition("{")[0]
            raise UnknownMetric(f"{plain} has no label {label!r}", hint=did_you_mean(label, known))
    return wanted


def _labels(text: str) -> dict[str, str]:
    return {
        name: re.sub(r"\\.", lambda escape: _ESCAPES.get(escape[0], escape[0]), value)
        for name, value in _LABEL.findall(text)
    }


# ---- how they are gathered


class Scraper:
    """Asks every node of one swarm; keeps what real daemons counted, for when they are dead."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._kept: dict[str, _Kept] = {}
        self._names: dict[str, str] = {}  # of nodes, by address

    def metrics(self) -> Metrics:
        """See `Swarm.metrics`."""
        self._hub.check_open()
        self._hub.clock_was_read = True
        found: dict[str, dict[str, Family]] = {}
        silent: list[str] = []
        for door in self._hub.world.doors():
            try:
                name = self._name_of(door)
                found[name] = self._remembered(name, families(_text(door)))
            except SwarmError:
                self._hub.check_open()
                silent.append(door.name)
        if not found:
            raise Unreachable("no node of this swarm answers")
        silent = sorted({*silent, *self._hub.world.dead()})
        speaker = _speaker(found)
        for name in silent:
            found[name] = self._last_words(name)
        note = f"not reachable: {', '.join(silent)}" if silent else ""
        return Metrics(self._hub.world.now(), _joined(found, speaker), note)

    def _name_of(self, door: Connection) -> str:
        """Its node's; a door that was connected to by address is called by that."""
        if "://" not in door.name:
            return door.name
        if door.name not in self._names:
            self._names[door.name] = str(self._hub.client.json("GET", "/info", at=door)["Name"])
        return self._names[door.name]

    def _remembered(self, name: str, now: dict[str, Family]) -> dict[str, Family]:
        """With what the daemon counted in its lives before, where it begins anew with each."""
        if self._hub.world.counted(name):
            return now
        kept = self._kept.setdefault(name, _Kept())
        return kept.seen(now)

    def _last_words(self, name: str) -> dict[str, Family]:
        counted = self._hub.world.counted(name)
        return families(counted) if counted else self._kept.get(name, _Kept()).counters


class _Kept:
    """What one daemon counted, over its lives."""

    def __init__(self) -> None:
        self._begun: float = 0.0
        self._before: dict[tuple[str, str], float] = {}  # in lives that are over
        self.counters: dict[str, Family] = {}  # with those

    def seen(self, now: dict[str, Family]) -> dict[str, Family]:
        begun = now["process_start_time_seconds"].samples[0][1]
        if begun != self._begun:
            self._begun = begun
            self._before = {
                (name, _label_text(labels)): value
                for name, family in self.counters.items()
                for labels, value in family.samples
            }
        for name, family in now.items():
            if family.type == "counter":
                family.samples = [
                    (labels, value + self._before.get((name, _label_text(labels)), 0.0))
                    for labels, value in family.samples
                ]
        self.counters = {name: family for name, family in now.items() if family.type == "counter"}
        return now


def _text(door: Connection) -> str:
    request = make_request("GET", PATH)
    return finish(door.look(request) or door.open(request), PATIENCE).decode()


def _joined(found: Mapping[str, Mapping[str, Family]], speaker: str) -> dict[str, Metric]:
    about: dict[str, Family] = {}
    samples: dict[str, list[MetricSample]] = {}
    for node in sorted(found, key=natural):
        for name, family in found[node].items():
            about.setdefault(name, family)
            samples.setdefault(name, []).extend(
                MetricSample(node, labels, value) for labels, value in family.samples
            )
    return {
        name: Metric._of(name, about[name].help, about[name].type, samples[name], speaker)
        for name in sorted(about)
    }


def _speaker(found: Mapping[str, Mapping[str, Family]]) -> str:
    """The leader of the newest term; without one, the manager that has applied most; "" without any."""

    def rank(node: str) -> tuple[float, ...]:
        names = ("raft_is_leader", "raft_term", "raft_applied_index")
        return tuple(found[node][name].samples[0][1] for name in names)

    return max((node for node in sorted(found) if "raft_term" in found[node]), key=rank, default="")


def _total(name: str, kind: str, samples: tuple[MetricSample, ...], speaker: str) -> float:
    if name.startswith(OF_THE_SWARM):
        return sum(one.value for one in samples if one.node == speaker)
    if kind == "counter" or name in SUMMED:
        return sum(one.value for one in samples)
    return max((one.value for one in samples), default=0.0)


def _sums(pairs: Iterable[tuple[str, float]]) -> dict[str, float]:
    out: dict[str, float] = {}
    for key, value in pairs:
        out[key] = out.get(key, 0.0) + value
    return out


def _label_text(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{value}"' for name, value in labels.items())


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else f"{float(value):.3f}"
