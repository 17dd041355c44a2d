"""Is a history linearizable? `sp.check_linearizable(history)`: could one object, doing one thing at a time,
have answered so?

assert sp.check_linearizable(c.kv.record(clients=5, ops=2000))
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from html import escape
from pathlib import Path
from typing import Any

from swarmpy import _show
from swarmpy._brief import Brief
from swarmpy._kv.lanes import lanes
from swarmpy._kv.work import MODELS, text_of
from swarmpy._models.nearest import check_word, did_you_mean
from swarmpy._models.plain import whole
from swarmpy.errors import InvalidArgument
from swarmpy.kv import HEADER, Operation

OTHER_WORDS = {"return": "returned", "op": "kind", "value": "argument", "process": "client"}
KINDS = {
    "register": ("read", "write", "delete"),
    "cas": ("read", "write", "cas", "delete"),
    "list-append": ("read", "append"),
    "set": ("read", "add", "remove"),
}
MAX_STEPS = 20_000_000
SHAPE = (
    "An operation is a dict with client, key, kind, argument, result, call and returned, "
    "or a tuple of these in this order; returned is None where the outcome is unknown."
)


class LinearizabilityResult(metaclass=Brief):
    """What came of the check; true if the history is linearizable.

    `.verdict`: `"linearizable"`, `"contradiction"`, or `"unknown"` (the search was given up,
    and it counts as false). `.key`: the key that contradicts itself. `.window`: the fewest operations of it
    that no order explains (each is needed). `.steps`: how much was tried. `.why`: all of that in words.
    In a notebook the window is a picture; `.svg()`, `.save("why.svg")`.
    """

    def __init__(
        self,
        verdict: str,
        model: str,
        count: int,
        key: str,
        window: Sequence[Operation],
        steps: int,
        smallest: bool,
    ) -> None:
        self.verdict, self.model, self.key, self.steps = verdict, model, key, steps
        self.window = tuple(window)
        self.operations = count
        self._smallest = smallest

    def __bool__(self) -> bool:
        return self.verdict == "linearizable"

    @property
    def why(self) -> str:
        """The verdict in a sentence, and the window as a table."""
        return "\n".join([self._sentence(), *([_table(self.window)] if self.window else [])])

    def _sentence(self) -> str:
        if self:
            return f"linearizable: one {self.model} explains all {self.operations} operations"
        if self.verdict == "unknown":
            return (
                f"unknown: the search was given up after {self.steps} steps, on key {self.key!r}; "
                "a larger max_steps= may tell, or a shorter history"
            )
        few = "" if self._smallest else " (fewer might do: the search for them was given up)"
        count = len(self.window)
        what = "this operation" if count == 1 else f"these {count} operations"
        return f"not linearizable: no order of {what} on key {self.key!r} explains what they answered{few}"

    def svg(self, theme: str = "auto") -> str:
        """The window: clients as lanes, operations as bars from call to return (an unknown one has no end).
        The bar at which it cannot be explained any more is marked. `theme`: `"auto"` (as the page, light or
        dark), `"light"`, `"dark"`, `"neutral"`.
        """
        check_word("theme", theme, ("auto", "light", "dark", "neutral"))
        return lanes(self.window, self._sentence(), theme)

    def save(self, path: str | Path) -> Path:
        """Writes the picture; the name ends with .svg. Raises `InvalidArgument` for another one."""
        target = Path(path)
        if target.suffix != ".svg":
            raise InvalidArgument(
                f"{target.name!r} is no name for this picture", hint="Say .save('why.svg')."
            )
        target.write_text(self.svg(), encoding="utf-8")
        return target

    def __repr__(self) -> str:
        return f"<{self.why}>"

    def _ipython_display_(self) -> None:
        from swarmpy._view.screens import ipython_display
        from swarmpy._view.still import show_still

        if self.window:
            return show_still(self.svg, repr(self))
        ipython_display({"text/plain": repr(self), "text/html": self._repr_html_()}, raw=True)
        return None

    def _repr_html_(self) -> str:
        if not self.window:
            return _show.html_box([f"<b>{escape(self._sentence())}</b>"])
        rows = [one.row() for one in self.window]
        return self.svg() + _show.html_box([_show.html_table(self._sentence(), HEADER, rows)])


def check_linearizable(
    history: Iterable[Operation | Mapping[str, Any] | Sequence[Any]],
    model: str | None = None,
    *,
    max_steps: int = MAX_STEPS,
) -> LinearizabilityResult:
    """Is there an order of the operations, each between its call and its return, in which one object would
    have answered the same? True as a condition if there is; else the result shows the smallest window that
    contradicts itself, as text and as a picture.

    `history`: what `c.kv.record()` gives, or any list of operations (`Operation`, dicts, or tuples
    `(client, key, kind, argument, result, call, returned)`), in any order. `returned` None: the outcome is
    unknown; it may have taken effect at any time after its call, or never. Times are seconds; where two are
    equal, the operations may have met. Every key is an object of its own, and is not there in the beginning.
    `model`: `"register"` (read, write, delete), `"cas"` (and cas: argument (old, new), result true or false),
    `"list-append"` (append; a read's result is the whole list), `"set"` (add, remove; a read's result is all
    of it). None: the history's own, else that of its operations. Values are compared as JSON.

    `max_steps`: where the search gives up; the verdict is then `"unknown"`, which is false. A hundred
    thousand operations of a few clients take about as many steps and a second. Ctrl-C ends it.

    Wing and Gong's search with Lowe's memory of configurations. Raises `InvalidArgument` for what is no
    history: a return before its call, a client that overlaps itself, a kind that the model has not.
    """
    operations = [_operation(one, number) for number, one in enumerate(_listed(history))]
    word = model if model is not None else getattr(history, "model", None) or _model_of(operations)
    check_word("model", word, MODELS)
    max_steps = whole("max_steps", max_steps, least=1, most=2**63)
    asked = [one for one in operations if one.outcome != "failed"]
    for number, one in enumerate(asked):
        _check_kind(one, number, word)
    rows = [_row(one, number, word) for number, one in enumerate(asked)]
    from swarmpy._core import check_history

    try:
        verdict, key, window, smallest, steps = check_history(rows, word, max_steps)
    except ValueError as error:
        raise InvalidArgument(f"this is no history: {error}", hint=SHAPE) from None
    shown = [asked[i] for i in window] if verdict == "contradiction" else []
    return LinearizabilityResult(verdict, word, len(asked), key, shown, steps, smallest)


def _listed(history: object) -> list[Any]:
    if isinstance(history, str | Mapping) or not isinstance(history, Iterable):
        raise InvalidArgument(f"a history is a list of operations, not {type(history).__name__}", hint=SHAPE)
    return list(history)


def _model_of(operations: Sequence[Operation]) -> str:
    kinds = {one.kind for one in operations}
    if "append" in kinds:
        return "list-append"
    if kinds & {"add", "remove"}:
        return "set"
    return "cas" if "cas" in kinds else "register"


def _operation(one: Any, number: int) -> Operation:
    if isinstance(one, Operation):
        return one
    if isinstance(one, Mapping):
        return _from_dict(one, number)
    if isinstance(one, Sequence) and not isinstance(one, str) and len(one) == 7:
        client, key, kind, argument, result, call, returned = one
        return _plain(number, client, key, kind, argument, result, call, returned)
    raise InvalidArgument(f"operation {number} is no operation: {one!r}", hint=SHAPE)


def _from_dict(one: Mapping[str, Any], number: int) -> Operation:
    known = [field.name for field in fields(Operation)]
    named = {OTHER_WORDS.get(name, name): value for name, value in one.items()}
    for name in named:
        if name not in known:
            hint = did_you_mean(name, known)
            raise InvalidArgument(
                f"operation {number} has a field {name!r}, which operations do not have", hint=hint
            )
    for name in ("client", "kind", "call"):
        if name not in named:
            raise InvalidArgument(f"operation {number} does not say its {name}: {dict(one)!r}", hint=SHAPE)
    if "returned" not in named:
        hint = "Say returned=None where the outcome is unknown."
        raise InvalidArgument(f"operation {number} does not say when it returned: {dict(one)!r}", hint=hint)
    made = _plain(
        number,
        named["client"],
        named.get("key", ""),
        named["kind"],
        named.get("argument"),
        named.get("result"),
        named["call"],
        named["returned"],
    )
    outcome = named.get("outcome", made.outcome)
    check_word("outcome", outcome, ("ok", "unknown", "failed"))
    return Operation(**{**vars(made), "outcome": outcome, "node": str(named.get("node", ""))})


def _plain(
    number: int, client: Any, key: Any, kind: Any, argument: Any, result: Any, call: Any, returned: Any
) -> Operation:
    for name, value in (("call", call), ("returned", returned)):
        if value is None and name == "returned":
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 9e9:
            raise InvalidArgument(
                f"operation {number}: {name} is a time in seconds, not {value!r}", hint=SHAPE
            )
    outcome = "unknown" if returned is None else "ok"
    return Operation(client, str(key), str(kind), argument, result, call, returned, outcome=outcome)


def _check_kind(one: Operation, number: int, model: str) -> None:
    if one.kind not in KINDS[model]:
        hint = did_you_mean(one.kind, KINDS[model])
        raise InvalidArgument(
            f"operation {number} is a {one.kind!r}, which the model {model!r} has not", hint=hint
        )


def _row(one: Operation, number: int, model: str) -> Any:
    """As the engine takes it."""
    value = expected = ""
    seen: list[str] = []
    succeeded: bool | None = None
    unknown = one.returned is None or one.outcome == "unknown"
    if one.kind == "cas":
        expected, value = _pair(one, number)
    elif one.kind not in ("read", "delete"):
        value = _text(one.argument, number)
    if one.kind in ("cas", "delete") and not unknown:
        succeeded = _yes_or_no(one, number)
    if one.kind == "read" and not unknown:
        seen = _seen(one, number, model)
    returned = None if unknown or one.returned is None else round(one.returned * 1e9)
    return (
        str(one.client),
        one.key,
        one.kind,
        value,
        expected,
        seen,
        succeeded,
        round(one.call * 1e9),
        returned,
    )


def _pair(one: Operation, number: int) -> tuple[str, str]:
    pair = one.argument
    if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
        raise InvalidArgument(
            f"operation {number}: a cas has the argument (old, new), not {pair!r}", hint=SHAPE
        )
    return _text(pair[0], number), _text(pair[1], number)


def _yes_or_no(one: Operation, number: int) -> bool | None:
    if one.kind == "delete" and one.result is None:
        return None
    if isinstance(one.result, bool):
        return one.result
    what = "whether it took place: True or False"
    raise InvalidArgument(
        f"operation {number}: the result of a {one.kind} is {what}, not {one.result!r}", hint=SHAPE
    )


def _seen(one: Operation, number: int, model: str) -> list[str]:
    if model in ("register", "cas"):
        return [] if one.result is None else [_text(one.result, number)]
    values = [] if one.result is None else one.result
    if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
        whole_of = "list" if model == "list-append" else "set"
        raise InvalidArgument(
            f"operation {number}: a read of a {whole_of} has all of it as its result, not {values!r}",
            hint=SHAPE,
        )
    return [_text(value, number) for value in values]


def _text(value: object, number: int) -> str:
    """None is "not there"."""
    try:
        return "" if value is None else text_of(value)
    except (TypeError, ValueError) as error:
        raise InvalidArgument(
            f"operation {number}: {value!r} is nothing that JSON can say: {error}"
        ) from None


def _table(window: Sequence[Operation]) -> str:
    return _show.table(HEADER, [one.row() for one in window], most=20)
