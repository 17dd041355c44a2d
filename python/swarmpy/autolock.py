"""The swarm's own settings: autolock, so that managers need a key before they start again, and how long
certificates last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from swarmpy._brief import Brief
from swarmpy.errors import Conflict

ATTEMPTS = 5  # when somebody else changes the swarm meanwhile

Ask = Callable[..., Any]  # method, path, query=, body=


class UnlockKey(str, metaclass=Brief):
    """A secret that unlocks managers after a restart, as text: `SWMKEY-1-...`. Its repr hides it. Empty while
    autolock is off.
    """

    _rotate: Callable[[], UnlockKey]

    @classmethod
    def _of(cls, text: str, rotate: Callable[[], UnlockKey]) -> UnlockKey:
        key = cls(text)
        key._rotate = rotate
        return key

    def rotate(self) -> UnlockKey:
        """Makes a new key. A manager that is down then still opens with this one when it comes back, until it
        has heard of the new one: keep both for a while.

        Raises `InvalidArgument` while autolock is off.
        """
        return self._rotate()

    def __repr__(self) -> str:
        return "<UnlockKey SWMKEY-1-...>" if self else "<UnlockKey: autolock is off>"


def unlock_key(ask: Ask) -> UnlockKey:
    """The key, as a manager tells it."""

    def rotate() -> UnlockKey:
        _update(ask, {}, rotate=True)
        return unlock_key(ask)

    return UnlockKey._of(ask("GET", "/swarm/unlockkey")["UnlockKey"], rotate)


def change(ask: Ask, *, autolock: bool | None, cert_expiry_ns: int | None) -> None:
    """Changes these settings where they are not None; the rest of the swarm's settings stay."""
    changes: dict[str, dict[str, object]] = {}
    if autolock is not None:
        changes["EncryptionConfig"] = {"AutoLockManagers": autolock}
    if cert_expiry_ns is not None:
        changes["CAConfig"] = {"NodeCertExpiry": cert_expiry_ns}
    _update(ask, changes, rotate=False)


def unlock(ask: Ask, key: str) -> None:
    """Gives the node that is asked its key."""
    ask("POST", "/swarm/unlock", body={"UnlockKey": str(key)})


def _update(ask: Ask, changes: Mapping[str, Mapping[str, object]], *, rotate: bool) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        swarm = ask("GET", "/swarm")
        spec = dict(swarm["Spec"])
        for part, fields in changes.items():
            spec[part] = {**(spec.get(part) or {}), **fields}
        query = {
            "version": swarm["Version"]["Index"],
            "rotateManagerUnlockKey": "true" if rotate else "false",
        }
        try:
            ask("POST", "/swarm/update", query=query, body=spec)
            return
        except Conflict:
            if attempt == ATTEMPTS:
                raise
