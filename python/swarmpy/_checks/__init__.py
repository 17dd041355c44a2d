"""What stands behind `swarm.check`: the frozen state in the engine, judges of recorded states."""
