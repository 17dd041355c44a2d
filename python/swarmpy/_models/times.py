"""RFC 3339 to `datetime` (UTC, microseconds) and to whole nanoseconds."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

ZERO = datetime(1, 1, 1, tzinfo=UTC)  # Go's zero time: "never"


def parse(text: object) -> datetime:
    """`ZERO` for what is absent or unreadable."""
    return _parsed(str(text))


@lru_cache(maxsize=4096)  # the same objects are read again and again
def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return ZERO


def api_seconds(nanoseconds: int) -> str:
    """As `since=` and `until=` take it: seconds, a point, nine digits."""
    whole, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{whole}.{rest:09d}"
