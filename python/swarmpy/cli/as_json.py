"""What `--json` prints, of values that JSON has no word for."""

from __future__ import annotations

from typing import Any


def plain(value: Any) -> Any:
    """Dictionaries, lists, numbers and texts only."""
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)
