"""`swarmpy demo`: the story of a swarm, played for real by five daemons and told step by step.

`play()` gives 0 only when every step was observed. Nothing stays behind, also after Ctrl-C. The pieces:
`story` (what happens and what must be seen), `stage` (the daemons and questions to them), `narrator` (the
terminal and the transcript), `pictures` (tables).
"""

from swarmpy.demo.story import play

__all__ = ["play"]
