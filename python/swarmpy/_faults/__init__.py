"""Inside of `swarm.faults`: the words of faults, and how each world carries them out."""
