"""swarmpy for the Chaos Toolkit (`pip install "swarmpy[chaos]"`): actions, probes, controls, experiments.

`swarmpy.chaos.controls` starts a swarm for an experiment and ends it, `swarmpy.chaos.actions` break it and
`swarmpy.chaos.probes` ask it. `chaos discover --no-install swarmpy` lists them. In Python the same files are
`Experiment`s:

    sp.chaos.Experiment.load("leader_loss.json").run().deviated
"""

from __future__ import annotations

from swarmpy.chaos.experiment import Experiment, ExperimentJournal

__all__ = ["Experiment", "ExperimentJournal"]
