"""The nearest right word: what a name or a kind that is not there was probably meant to be. Pure.

The one place where such errors are made.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from swarmpy.errors import InvalidArgument, NotFound

MOST = 10  # names that a hint lists


def nearest(word: object, known: Iterable[str]) -> str | None:
    """The known word that is most like it, if one is at all; the case of letters does not count."""
    by_lower = {one.lower(): one for one in known}
    found = difflib.get_close_matches(str(word).lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def did_you_mean(word: object, known: Iterable[str], most: int = MOST) -> str:
    """`Did you mean "web"? There are: api, web.`, without its first half where nothing is near."""
    words = list(dict.fromkeys(known))
    near = nearest(word, words)
    listed = ", ".join(words[:most]) + (f", ... ({len(words)} in all)" if len(words) > most else "")
    return (f'Did you mean "{near}"? ' if near else "") + f"There are: {listed or 'none'}."


def not_found(what: str, word: object, known: Iterable[str]) -> NotFound:
    """`service wbe not found`, with the nearest name."""
    return NotFound(f"{what} {word} not found", hint=did_you_mean(word, known))


def check_word(what: str, word: object, allowed: Iterable[str]) -> None:
    """Raises `InvalidArgument` unless the word is one of those that are allowed."""
    words = list(allowed)
    if word not in words:
        raise InvalidArgument(f"there is no {what} {word!r}", hint=did_you_mean(word, words))
