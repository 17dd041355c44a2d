"""The vocabulary of faults: kinds, and which arguments each has. The same table as cpp/faults; a test
compares them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Type(StrEnum):
    """What an argument is, in the words of an error."""

    FLAG = "True or False"
    COUNT = "a whole number"
    SPAN = 'a duration ("80ms", or a number of seconds)'
    RATIO = "a number from 0 to 1, of six places at most"
    FACTOR = "a number, of nine places at most"
    NAME = "a name"
    NAMES = "a name, or a list of names"
    GROUPS = "a list of lists of names"
    ERRORS = 'a dict such as {"write": "EIO"}'


class Place(StrEnum):
    """How an argument stands in a line of text."""

    KEYED = "latency 80ms"
    WORD = "freeze w1"
    LINK = "m1 -> m2"
    SIDES = "m1 | m2 m3"


@dataclass(frozen=True)
class Parameter:
    """`least` and `most`: of counts themselves, of spans in ns, of ratios in millionths, of factors in
    billionths. `default`: of a flag.
    """

    key: str
    type: Type = Type.FLAG
    place: Place = Place.KEYED
    required: bool = False
    least: int = 0
    most: int = 0
    default: bool = False


YEAR = 366 * 24 * 3600 * 10**9
ONE = 10**9  # a factor of 1
MOST = 2**63 - 1

_NODE = Parameter("node", Type.NAME, Place.WORD, True)
_FROM = Parameter("from", Type.NAMES, Place.LINK, True)
_TO = Parameter("to", Type.NAMES, Place.LINK, True)
_BOTH = Parameter("both", Type.FLAG, Place.LINK, default=True)
_LINK = (_FROM, _TO, _BOTH)


def _span(key: str, least: int = 0) -> Parameter:
    return Parameter(key, Type.SPAN, least=least, most=YEAR)


def _ratio(key: str) -> Parameter:
    return Parameter(key, Type.RATIO, least=0, most=10**6)


def _count(key: str, least: int, most: int) -> Parameter:
    return Parameter(key, Type.COUNT, least=least, most=most)


_DISK = (
    _NODE,
    _span("fsync_delay"),
    Parameter("full"),
    Parameter("errors", Type.ERRORS),
    _count("after", 1, MOST),
    _count("lost_tail", 1, MOST),
    _count("flip", 1, MOST),
    Parameter("torn"),
    Parameter("old_copy"),
    Parameter("altered"),
)
_CLOCK = (
    _NODE,
    _span("skew", -YEAR),
    Parameter("drift", Type.FACTOR, least=ONE // 1000, most=1000 * ONE),
    _span("jump", -YEAR),
)
_PARTITION = (
    Parameter("groups", Type.GROUPS, Place.SIDES),
    Parameter("of", Type.NAME, Place.SIDES),
    Parameter("one_way"),
)
_NET = (*_LINK, _span("latency"), _span("jitter"), _ratio("loss"), _ratio("duplicate"), _ratio("reorder"))
_THROTTLE = (
    _NODE,
    Parameter("factor", Type.FACTOR, required=True, least=ONE, most=10**6 * ONE),
)
_PORT = (_NODE, Parameter("port", Type.COUNT, Place.WORD, True, 1, 65_535))
_IMAGE = (
    Parameter("reference", Type.NAME, Place.WORD, True),
    Parameter("exists", default=True),
    _count("exit_code", 0, 255),
    _span("after"),
    Parameter("ignores_term"),
    _span("start"),
)

KINDS: dict[str, tuple[Parameter, ...]] = {
    "partition": _PARTITION,
    "cut": _LINK,
    "net": _NET,
    "hold": _LINK,
    "throttle": _THROTTLE,
    "disk": _DISK,
    "clock": _CLOCK,
    "freeze": (_NODE,),
    "power_off": (_NODE,),
    "stop": (_NODE,),
    "kill": (_NODE,),
    "kill_task": (Parameter("task", Type.NAME, Place.WORD, True),),
    "port": _PORT,
    "image": _IMAGE,
    "transfer": (),
}
MOMENTARY = ("kill_task", "transfer")  # they happen, and nothing is left to heal
LINKS = ("cut", "net", "hold")
ENDS = ("kill", "stop", "power_off")  # the daemon ends; when the fault is over it is started again
DISK_OPERATIONS, DISK_ERRORS = ("write", "fsync", "read"), ("EIO", "ENOSPC")


def parameter(kind: str, key: str) -> Parameter | None:
    return next((one for one in KINDS[kind] if one.key == key), None)
