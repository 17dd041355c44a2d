"""Compose files: what `docker stack deploy` reads, and the API's objects that it makes of them.

What happens to a file, in this order: `source` reads it, `interpolation` fills in its variables, `words`
looks for what is unknown or not there yet, `service`, `deploy` and `networks` turn the sections into the
API's JSON, and `stack` calls them all. Nothing in here talks to a swarm: `swarmpy.stack` does.
"""
