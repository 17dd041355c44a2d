"""Names for services of which none was given, where they must repeat with the seed of a real swarm.

As the engine's own (cpp/docker/names.cpp), which draws from the daemons' chance. Pure.
"""

from __future__ import annotations

from collections.abc import Collection
from random import Random

_ADJECTIVES = [
    "agile",
    "amber",
    "bold",
    "brave",
    "bright",
    "calm",
    "clever",
    "curious",
    "eager",
    "gentle",
    "golden",
    "happy",
    "keen",
    "kind",
    "lively",
    "lucky",
    "mellow",
    "merry",
    "nimble",
    "noble",
    "patient",
    "quick",
    "quiet",
    "radiant",
    "serene",
    "sharp",
    "steady",
    "sunny",
    "swift",
    "tidy",
    "vivid",
    "wise",
]
_SURNAMES = [
    "ampere",
    "babbage",
    "bohr",
    "boole",
    "cantor",
    "cerf",
    "curie",
    "darwin",
    "dijkstra",
    "dirac",
    "einstein",
    "euler",
    "faraday",
    "fermat",
    "feynman",
    "floyd",
    "galileo",
    "gauss",
    "hamilton",
    "hopper",
    "hypatia",
    "kepler",
    "knuth",
    "lamarr",
    "lamport",
    "liskov",
    "lovelace",
    "maxwell",
    "newton",
    "noether",
    "ongaro",
    "pascal",
    "planck",
    "ritchie",
    "shannon",
    "tesla",
    "turing",
    "volta",
    "watt",
]


def invented(random: Random, taken: Collection[str]) -> str:
    """`brave_turing`, with a digit behind it where that is taken."""
    adjective = random.choice(_ADJECTIVES)
    name = f"{adjective}_{random.choice(_SURNAMES)}"
    while name in taken:
        name += str(random.randrange(10))
    return name
