"""Finds what a header of cpp/ declares in vain.

    dead_declarations.py [ROOT]     exit 1 and one line per finding

Two kinds of finding:
  never defined   a function is declared, and no definition of it exists (a call would not link)
  never used      a function, type, constant or enumerator stands in a header, and its name stands nowhere
                  else but in its own declarations and definitions

The check knows names, not types: a name that two classes share counts as used when one of the two is used.
What it reports is therefore dead; what it does not report may still be. Tests count as users. A declaration
that must stay has a reason beside it, on its line or on the line above: `// Kept: REASON`.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from findings import report

TOKEN = re.compile(r"[A-Za-z_]\w*|::|->|\d[\w.']*|\S")
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
RAW_STRING = re.compile(r'R"(\w*)\(.*?\)\1"', re.DOTALL)
STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
CHARACTER = re.compile(r"(?<![0-9a-fA-F])'(?:[^'\\\n]|\\.)'")
IDENTIFIER = re.compile(r"[A-Za-z_]\w*\Z")

# Before the name of a function that is declared there is a type; these words are none.
# fmt: off
NO_TYPES = {
    "return", "co_return", "co_await", "co_yield", "else", "case", "new", "delete", "throw", "if",
    "while", "for", "switch", "do", "goto", "sizeof", "not", "and", "or", "operator", "using",
    "typename", "namespace", "decltype", "alignas", "noexcept", "static_assert", "public", "private",
    "protected", "default", "template",
}
# fmt: on
AFTER_PARAMETERS = {"const", "noexcept", "override", "final", "&", "&&"}


@dataclass
class Declared:
    """One declaration in a header: where it stands, and what it is."""

    where: str
    scope: str  # the class around it, or ""
    name: str
    needs_definition: bool


@dataclass
class Tree:
    """What all files together declare, define and use."""

    functions: list[Declared] = field(default_factory=list)
    others: list[Declared] = field(default_factory=list)
    defined: set[tuple[str, str]] = field(default_factory=set)  # (class or "", name)
    uses: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match.group(0))


def code_of(text: str) -> str:
    """The text without comments, strings and characters; each line stays where it is."""
    for pattern in (RAW_STRING, STRING, CHARACTER, COMMENT):
        text = pattern.sub(blank, text)
    return text


def tokens_of(code: str) -> list[tuple[str, int]]:
    return [
        (match.group(0), number)
        for number, line in enumerate(code.splitlines(), 1)
        for match in TOKEN.finditer(line)
    ]


def sources(root: Path) -> Iterator[Path]:
    for path in sorted((root / "cpp").rglob("*")):
        if path.suffix in {".cpp", ".hpp", ".h"}:
            yield path


def is_test(path: Path) -> bool:
    return path.stem.endswith("_test") or path.stem.startswith("test_")


class Scanner:
    """Walks over the tokens of one file and notes what each identifier is."""

    def __init__(self, name: str, text: str, tree: Tree, *, is_header: bool) -> None:
        self.name = name
        self.lines = text.splitlines()
        self.tokens = tokens_of(code_of(text))
        self.tree = tree
        self.is_header = is_header
        self.scopes: list[tuple[str, str]] = []  # (kind, name): kind is class, namespace, enum or block
        self.pending: tuple[str, str] = ("block", "")

    def at(self, index: int) -> str:
        return self.tokens[index][0] if 0 <= index < len(self.tokens) else ""

    def scan(self) -> None:
        for index in range(len(self.tokens)):
            self.take(index)

    def take(self, index: int) -> None:
        token = self.at(index)
        if token == "{":
            self.scopes.append(self.pending)
            self.pending = ("block", "")
        elif token == "}":
            if self.scopes:
                self.scopes.pop()
        elif token == ";":
            self.pending = ("block", "")
        elif token in {"class", "struct", "enum", "namespace"}:
            self.open_scope(index, token)
        elif IDENTIFIER.match(token):
            self.identifier(index)

    def open_scope(self, index: int, word: str) -> None:
        """Remembers what the next brace opens: the name that the word is followed by."""
        if word == "enum":
            self.pending = ("enum", "")
            return
        if word in {"class", "struct"} and self.pending[0] == "enum":
            word = "enum"
        name = self.at(index + 1)
        if not (IDENTIFIER.match(name) or word == "namespace") or self.at(index - 1) in {"<", ",", "friend"}:
            return
        last = index + 1
        while self.at(last + 1) == "::":
            last += 2
        kind = {"struct": "class"}.get(word, word)
        self.pending = (kind, self.at(last) if IDENTIFIER.match(name) else "")

    def in_block(self) -> bool:
        """Returns true inside a function: what is declared there is used only there."""
        return bool(self.scopes) and self.scopes[-1][0] == "block"

    def identifier(self, index: int) -> None:
        name = self.at(index)
        if self.at(index - 1) in {"class", "struct", "enum"}:
            if self.at(index - 2) not in {"<", ",", "(", "friend"}:
                self.note_other(index, name)
        elif self.is_alias(index) or self.is_constant(index) or self.is_enumerator(index):
            self.note_other(index, name)
        elif self.at(index + 1) == "(" and self.is_declarator(index):
            self.note_function(index, name)
        else:
            self.tree.uses[name] += 1

    def is_alias(self, index: int) -> bool:
        return self.at(index - 1) == "using" and self.at(index + 1) == "="

    def is_constant(self, index: int) -> bool:
        named = re.match(r"k[A-Z]\w*\Z", self.at(index)) is not None
        return (
            named
            and self.at(index + 1) in {"=", "{", "["}
            and self.has_type_before(index)
            and not self.in_block()
        )

    def is_enumerator(self, index: int) -> bool:
        in_enum = bool(self.scopes) and self.scopes[-1][0] == "enum"
        return in_enum and self.at(index - 1) in {"{", ","} and self.at(index + 1) in {",", "}", "="}

    def has_type_before(self, index: int) -> bool:
        before = self.at(index - 1)
        return before in {">", "&", "*"} or (bool(IDENTIFIER.match(before)) and before not in NO_TYPES)

    def declarator_start(self, index: int) -> int:
        """The index of the first part of a name like Class::name."""
        while self.at(index - 1) == "::" and IDENTIFIER.match(self.at(index - 2)):
            index -= 2
        return index

    def is_declarator(self, index: int) -> bool:
        """Returns true for the name of a function that is declared or defined here, not called."""
        if self.in_block() or not self.has_type_before(self.declarator_start(index)):
            return False
        return self.end_of(index) in {";", "{", "=", "->", ":"}

    def after_parameters(self, index: int) -> int:
        depth = 0
        for place in range(index + 1, len(self.tokens)):
            depth += {"(": 1, ")": -1}.get(self.at(place), 0)
            if depth == 0:
                return place + 1
        return len(self.tokens)

    def end_of(self, index: int) -> str:
        place = self.after_parameters(index)
        while self.at(place) in AFTER_PARAMETERS:
            place += 1
        return self.at(place)

    def scope(self) -> str:
        return next((name for kind, name in reversed(self.scopes) if kind == "class"), "")

    def is_kept(self, index: int) -> bool:
        last = self.tokens[index][1]
        first = last
        while first > 1 and self.lines[first - 2].endswith("\\"):  # in a macro: the reason is above it
            first -= 1
        return any("// Kept: " in line for line in self.lines[max(first - 2, 0) : last])

    def note_other(self, index: int, name: str) -> None:
        forward = self.at(index + 1) == ";" and self.at(index - 1) in {"class", "struct"}
        if not self.is_header or forward or self.is_kept(index):
            return
        where = f"{self.name}:{self.tokens[index][1]}"
        self.tree.others.append(Declared(where, self.scope(), name, needs_definition=False))

    def note_function(self, index: int, name: str) -> None:
        start = self.declarator_start(index)
        scope = self.at(index - 2) if start != index else self.scope()
        end = self.end_of(index)
        if end != ";":
            self.tree.defined.add((scope, name))
        if not self.is_header or self.is_kept(index) or start != index or scope == name:
            return
        place = self.after_parameters(index)
        is_override = "override" in {self.at(place), self.at(place + 1), self.at(place + 2)}
        where = f"{self.name}:{self.tokens[index][1]}"
        declared = Declared(where, scope, name, needs_definition=end == ";")
        if not is_override or end == ";":
            self.tree.functions.append(declared)


def read(root: Path) -> Tree:
    tree = Tree()
    for path in sources(root):
        is_header = path.suffix != ".cpp" and not is_test(path)
        Scanner(str(path.relative_to(root)), path.read_text(), tree, is_header=is_header).scan()
    return tree


def never_defined(tree: Tree) -> Iterator[str]:
    for each in tree.functions:
        if each.needs_definition and (each.scope, each.name) not in tree.defined:
            name = f"{each.scope}::{each.name}" if each.scope else each.name
            yield f"{each.where}: {name} is declared and never defined; remove it or define it"


def never_used(tree: Tree) -> Iterator[str]:
    for each in tree.functions + tree.others:
        if not tree.uses.get(each.name):
            name = f"{each.scope}::{each.name}" if each.scope else each.name
            yield f"{each.where}: {name} is never used; remove it, or write `// Kept: REASON` beside it"


def findings(root: Path) -> list[str]:
    tree = read(root)
    return sorted({*never_defined(tree), *never_used(tree)})


def main(arguments: list[str]) -> int:
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent
    found = findings(root)
    return report("dead declarations", sum(1 for _ in sources(root)), found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
