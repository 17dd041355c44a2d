"""How likely is it still? What `failed` of `runs` independent seeds say about the share of seeds that
fail, at 95 %.

Exact binomial (Clopper and Pearson 1934): no approximation for few failures. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Callable

SURE = 0.95


def bounds(failed: int, runs: int) -> tuple[float, float]:
    """The share lies between these, at 95 %: both sides share the doubt, unless one of them is certain."""
    if runs == 0:
        return 0.0, 1.0
    doubt = 1 - SURE
    if failed == 0:
        return 0.0, 1 - doubt ** (1 / runs)
    if failed == runs:
        return doubt ** (1 / runs), 1.0
    low = _root(lambda p: 1 - _at_most(failed - 1, runs, p) - doubt / 2)
    high = _root(lambda p: doubt / 2 - _at_most(failed, runs, p))
    return low, high


def sentence(failed: int, runs: int) -> str:
    """`0 of 640 seeds failed: 95 % sure that it is below 0.5 %`."""
    if runs == 1:
        return "the one seed failed" if failed else "the one seed passed"
    said = f"{failed} of {runs} seed{'' if runs == 1 else 's'} failed"
    if runs == 0:
        return "no seed was run"
    low, high = bounds(failed, runs)
    if failed == 0:
        return f"{said}: 95 % sure that it is below {percent(high, up=True)}"
    if failed == runs:
        return f"{said}: 95 % sure that it is above {percent(low, up=False)}"
    between = f"{percent(low, up=False)} and {percent(high, up=True)}"
    return f"{said}: 95 % sure that it is between {between}"


def percent(share: float, *, up: bool) -> str:
    """Rounded to the safe side: `0.5 %`, `1.5 %`, `26 %`."""
    value = share * 100
    if value <= 0:
        return "0 %"
    digits = max(0, -math.floor(math.log10(value))) if value < 1 else 1 if value < 10 else 0
    scale = 10**digits
    # What is a whole step but for the last bit of a float stays that step.
    nudged = value * scale * (1 - 1e-12 if up else 1 + 1e-12)
    whole = math.ceil(nudged) if up else math.floor(nudged)
    return f"{whole / scale:.{digits}f} %"


def _at_most(failed: int, runs: int, share: float) -> float:
    """The chance of `failed` failures or fewer."""
    if share <= 0:
        return 1.0
    if share >= 1:
        return 0.0
    yes, no = math.log(share), math.log1p(-share)
    logs = [_log_choose(runs, k) + k * yes + (runs - k) * no for k in range(failed + 1)]
    most = max(logs)
    return min(1.0, math.exp(most) * math.fsum(math.exp(one - most) for one in logs))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _root(rises: Callable[[float], float]) -> float:
    """Where a function of the share that rises from below zero crosses it."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if rises(middle) < 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2
