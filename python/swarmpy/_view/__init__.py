"""The user's eyes: a swarm as pictures that move.

`recorder` asks what was written, `memory` replays it, `model` is what was seen; `svg`, `timeline` and
`terminal` draw that with `paint`, `raster` makes a PNG of it; `live` keeps a picture on the screen. What it
is not: a way to change a swarm, or a second source of truth.

Invariants: drawing is pure (the same history gives the same bytes); a look asks managers for what they
know themselves and never waits for a leader; nothing queues: a screen gets the newest picture or none.
"""
