"""`chaos discover --no-install swarmpy`: lists the actions and probes, and the clusters of this machine."""

from __future__ import annotations

from typing import Any


def discover(discover_system: bool = True) -> Any:
    """What the Chaos Toolkit asks an extension: its activities, and the systems that they could break."""
    from chaoslib.discovery.discover import discover_actions, discover_probes, initialize_discovery_result

    import swarmpy

    result = initialize_discovery_result("swarmpy", swarmpy.__version__, "swarm")
    result["activities"] = discover_actions("swarmpy.chaos.actions") + discover_probes("swarmpy.chaos.probes")
    if discover_system:
        names = [{"name": one.name, "running": list(one.running)} for one in swarmpy.clusters()]
        result["system"] = {"clusters": names}
    return result
