"""The command `swarmpy`: local clusters of real daemons, from the shell.

What it is: up, ls, env, node kill, node start, down, image, notebooks, demo, version. What it is not: a
second docker CLI; `docker` itself is pointed at a node for all that Docker has.
"""

from swarmpy.cli.main import main

__all__ = ["main"]
