"""Brief: the class of classes whose `help()` shows what they add, not what str, list or Exception give them.

Only what `dir(the class)` lists is meant: objects have everything, and complete it by Tab. Plain fields are
told of in a class's own text.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import EnumType

_SPOKEN = ("__getitem__",)  # special names that are part of how a class is used


class Brief(type):
    def __dir__(cls) -> list[str]:
        ours = [base for base in cls.__mro__ if base.__module__.startswith("swarmpy")]
        names = {name for base in ours for name, value in vars(base).items() if _is_shown(name, value)}
        return sorted(names)


class BriefEnum(Brief, EnumType):
    """As `Brief`, for enums that are equal to their text."""

    def __dir__(cls) -> list[str]:
        return sorted({*super().__dir__(), *cls._member_names_})


def _is_shown(name: str, value: object) -> bool:
    if name.startswith("_") and name not in _SPOKEN:
        return False
    return isinstance(value, property | classmethod | staticmethod | Callable)
