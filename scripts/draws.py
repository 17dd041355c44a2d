"""Two draws of chance in one expression (docs/STYLE.md, "Determinism"): compilers differ in their order.

A reader of text, not a compiler: it knows brackets, operators, and which names draw. A draw is a call on an
Rng (`rng_.below(6)`) or on another thing that counts on (`ids.next()`), a call that is given an Rng
(`TaskId::random(rng_)`), or a call of a function of the same file (x.hpp and x.cpp count as one) that draws
itself. C++ says which operand comes first for `&&`, `||`, `?:`, `<<`, `>>` and `=`, and inside braces; for
the arguments of a call and all other operators it does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<name>[A-Za-z_]\w*)|(?P<value>\d[\w.']*|\"\"|' ')"
    r"|(?P<sign><=>|->\*|->|::|<<=|>>=|<<|>>|&&|\|\||[-+*/%&|^=!<>]=|\+\+|--|.)",
    re.DOTALL,
)
CLOSING = {"(": ")", "[": "]", "{": "}"}
ASSIGNED = {"=", "+=", "-=", "*=", "/=", "%=", "|=", "&=", "^=", "<<=", ">>="}
ORDERED = {"&&", "||", "?", ":", "<<", ">>", *ASSIGNED}
LINKS = {".", "->", "::"}  # they make one operand of what is beside them
BEFORE_BODY = {"(", "{", "const", "noexcept", "override"}
CONTROL = {"if", "for", "while", "switch", "catch"}
METHODS = {"below", "between", "chance", "next", "take"}  # of an Rng, or of anything else that counts on
USUAL_NAMES = {"rng", "rng_"}
DECLARED = re.compile(r"\bRng\s*&{0,2}\s*(?!fork\b)(\w+)\s*[;,){(=:]")


@dataclass
class Word:
    text: str
    line: int


@dataclass
class Group:
    text: str  # the opening bracket
    line: int
    items: list[Item] = field(default_factory=list)

    @property
    def is_block(self) -> bool:
        """Statements, not values: a `;` or a block in it that is no lambda's."""
        return self.text == "{" and any(
            item.text == ";" or (isinstance(item, Group) and item.is_block and not lambda_at(self.items, at))
            for at, item in enumerate(self.items)
        )


Item = Word | Group


def tree(code: str) -> Group:
    open_groups = [Group("{", 1)]
    line = 1
    for match in TOKEN.finditer(code):
        text = match.group()
        if match.lastgroup == "sign" and text in CLOSING:
            open_groups.append(Group(text, line))
            open_groups[-2].items.append(open_groups[-1])
        elif match.lastgroup == "sign" and text in CLOSING.values():
            if len(open_groups) > 1:
                open_groups.pop()
        elif match.lastgroup != "space":
            open_groups[-1].items.append(Word(text, line))
        line += text.count("\n")
    return open_groups[0]


def is_name(item: Item) -> bool:
    return isinstance(item, Word) and bool(re.match(r"[A-Za-z_]", item.text))


def lambda_start(items: list[Item], at: int) -> bool:
    """Whether the `[` here begins a lambda: it follows nothing that could have a subscript."""
    if items[at].text != "[":
        return False
    before = items[at - 1] if at else None
    return before is None or not (is_name(before) or before.text in {"(", "["}) or before.text == "return"


def lambda_at(items: list[Item], at: int) -> int | None:
    """Where the lambda begins whose body is the group at `at`; None when it is no lambda's."""
    while at > 0:
        at -= 1
        if lambda_start(items, at):
            return at
        if not (is_name(items[at]) or items[at].text in {"(", "->", "::", "<", ">", "&", "*"}):
            return None
    return None


def ends_statement(items: list[Item], at: int) -> bool:
    """Whether the group at `at` is the body of something; also an empty one, which could be a value."""
    group, before = items[at], items[at - 1] if at else None
    assert isinstance(group, Group)
    empty_body = group.text == "{" and not group.items and before is not None and before.text in BEFORE_BODY
    return (group.is_block or empty_body) and not lambda_at(items, at)


def split(items: list[Item], signs: set[str]) -> Iterator[list[Item]]:
    part: list[Item] = []
    for item in items:
        if isinstance(item, Word) and item.text in signs:
            yield part
            part = []
        else:
            part.append(item)
    yield part


class Reader:
    """One file, with the names that draw in it. `drawing` grows by the functions whose bodies draw."""

    def __init__(self, rngs: set[str], drawing: set[str]) -> None:
        self.rngs = rngs
        self.drawing = drawing
        self.offences: set[int] = set()

    def block(self, group: Group) -> bool:
        """Reads statements. Returns true if any of them draws."""
        draws = False
        statement: list[Item] = []
        for at, item in enumerate(group.items):
            if isinstance(item, Group) and ends_statement(group.items, at):
                draws |= self.statement(statement) | self.body(statement, item)
                statement = []
            elif item.text == ";":
                draws |= self.statement(statement)
                statement = []
            else:
                statement.append(item)
        return draws | self.statement(statement)

    def body(self, head: list[Item], block: Group) -> bool:
        """A block and what stands before it: a function that draws is a name that draws."""
        draws = self.block(block)
        calls = [at for at, item in enumerate(head) if item.text == "(" and at and is_name(head[at - 1])]
        if not draws or not calls:
            return draws
        name = head[calls[0] - 1].text
        if name in CONTROL:
            return True
        if all(item.text != "void" for item in head[: calls[0]]):
            self.drawing.add(name)
        return False

    def statement(self, items: list[Item]) -> bool:
        drawing = [part for part in split(items, {","}) if self.expression(part)]
        return bool(drawing)

    def expression(self, items: list[Item]) -> bool:
        drawing = [part for part in split(items, ORDERED) if self.operands(part)]
        return bool(drawing)

    def operands(self, items: list[Item]) -> bool:
        """What one expression without an order among its parts draws; twice is an offence."""
        drawing = [part for part in self.parts(items) if self.operand(part)]
        if len(drawing) > 1:
            self.offences.add(drawing[1][0].line)
        return bool(drawing)

    @staticmethod
    def parts(items: list[Item]) -> Iterator[list[Item]]:
        part: list[Item] = []
        for item in items:
            sign = isinstance(item, Word) and not re.match(r"[\w\"']", item.text) and item.text not in LINKS
            if not sign:
                part.append(item)
            elif part:
                yield part
                part = []
        if part:
            yield part

    def operand(self, items: list[Item]) -> bool:
        draws = False
        in_lambda = False
        for at, item in enumerate(items):
            after = items[at + 1] if at + 1 < len(items) else None
            if lambda_start(items, at):
                in_lambda = True
            elif isinstance(item, Group) and item.is_block:
                self.block(item)  # made here, run elsewhere
                in_lambda = False
            elif isinstance(item, Group):
                draws |= self.group(item) and not in_lambda
            elif item.text in self.rngs:
                before = items[at - 1].text if at else ""
                made = after is not None and after.text in {"(", "{"} and before not in LINKS
                draws |= before != "Rng" and not made
            elif item.text in METHODS and at and items[at - 1].text in {".", "->"}:
                draws |= after is not None and after.text == "("
            elif item.text in self.drawing and after is not None and after.text == "(":
                draws = True
        return draws

    def group(self, group: Group) -> bool:
        """The arguments of a call have no order; what is in braces, or in the head of a `for`, has."""
        if group.text == "{":
            return self.statement(group.items)
        draws = False
        for part in split(group.items, {";"}):
            drawing = [one for one in split(part, {","}) if self.expression(one)]
            if len(drawing) > 1:
                self.offences.add(drawing[1][0].line)
            draws |= bool(drawing)
        return draws


def lambdas_that_draw(group: Group, reader: Reader) -> Iterator[str]:
    """Names of lambdas (`pick = [&] { ... }`) whose bodies draw."""
    for at, item in enumerate(group.items):
        if not isinstance(item, Group):
            continue
        begin = lambda_at(group.items, at) if item.text == "{" else None
        if begin is not None and begin > 1 and group.items[begin - 1].text == "=" and reader.block(item):
            yield group.items[begin - 2].text
        yield from lambdas_that_draw(item, reader)


def double_draws(codes: Iterable[str]) -> list[set[int]]:
    """For each text of one pair of files (comments and strings taken out): the lines with two draws."""
    texts = [code_without_directives(code) for code in codes]
    trees = [tree(code) for code in texts]
    rngs = USUAL_NAMES.union(*(DECLARED.findall(code) for code in texts))
    drawing: set[str] = set()
    known = -1
    while known != len(drawing):
        known = len(drawing)
        readers = [Reader(rngs, drawing) for _ in trees]
        for reader, root in zip(readers, trees, strict=True):
            drawing.update(lambdas_that_draw(root, Reader(rngs, drawing)))
            reader.block(root)
    return [reader.offences for reader in readers]


def code_without_directives(code: str) -> str:
    return re.sub(r"^[ \t]*#[^\n]*", "", code, flags=re.MULTILINE)
