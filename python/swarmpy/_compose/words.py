"""The words of a compose file of version 3, the last that `docker stack deploy` takes: what there is, what it
passes over, what it forbids, and what swarmpy cannot do yet. Pure.

The lists are Docker's (docker/cli: cli/compose/schema/data/config_schema_v3.13.json, compose/types).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from swarmpy._models.nearest import did_you_mean
from swarmpy.errors import InvalidArgument, SwarmError


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


TOP = _words("version services networks volumes secrets configs")
SERVICE = _words("""build cap_add cap_drop cgroup_parent cgroupns_mode command configs container_name
    credential_spec depends_on deploy devices dns dns_search domainname entrypoint env_file environment expose
    external_links extra_hosts healthcheck hostname image init ipc isolation labels links logging mac_address
    network_mode networks oom_score_adj pid ports privileged read_only restart secrets security_opt shm_size
    stdin_open stop_grace_period stop_signal sysctls tmpfs tty ulimits user userns_mode volumes
    working_dir""")
DEPLOY = _words("""mode endpoint_mode replicas labels update_config rollback_config resources restart_policy
    placement""")
ROLLING = _words("parallelism delay failure_action monitor max_failure_ratio order")
LIMITS = _words("cpus memory pids")
RESERVATIONS = _words("cpus memory generic_resources")
RESTART = _words("condition delay max_attempts window")
PLACEMENT = _words("constraints preferences max_replicas_per_node")
HEALTH = _words("disable interval retries test timeout start_period start_interval")
PORT = _words("mode target published protocol")
LOGGING = _words("driver options")
NETWORK = _words("name driver driver_opts ipam external internal attachable labels")
ATTACHMENT = _words("aliases ipv4_address ipv6_address driver_opts")
IPAM = _words("driver config")

# Docker's CLI names these and goes on; the rest it passes over without a word.
UNSUPPORTED = _words("""build cgroupns_mode cgroup_parent devices domainname external_links ipc links
    mac_address network_mode pid privileged restart security_opt shm_size userns_mode""")
SILENT = ("tmpfs",)
DEPRECATED = {
    "container_name": "setting the container name is not supported",
    "expose": "exposing ports is unnecessary: services on the same network reach each other on any port",
}
FORBIDDEN = {
    "extends": "there is no extends in version 3",
    "volume_driver": "name the driver of a volume in the top-level volumes",
    "volumes_from": "share a volume by the top-level volumes",
    "cpu_quota": "set resource limits using deploy.resources",
    "cpu_shares": "set resource limits using deploy.resources",
    "cpuset": "set resource limits using deploy.resources",
    "mem_limit": "set resource limits using deploy.resources",
    "memswap_limit": "set resource limits using deploy.resources",
}
LATER = ("volumes", "secrets", "configs", "credential_spec")


def check(where: str, section: Any, known: Sequence[str]) -> dict[str, Any]:
    """The section, if it is a mapping of words that there are; none at all is an empty one. Raises
    `InvalidArgument` with the nearest word.
    """
    if section is None:
        return {}
    if not isinstance(section, Mapping):
        raise InvalidArgument(f"{where} must be a mapping")
    for word in section:
        if word not in known and not word.startswith("x-"):
            hint = did_you_mean(word, known, most=len(known))
            raise InvalidArgument(f"{where} Additional property {word} is not allowed", hint=hint)
    return dict(section)


def check_version(version: Any) -> None:
    """Raises `InvalidArgument` unless it is 3, 3.0 to 3.13, or left out."""
    text = "" if version is None else str(version)
    major, _, minor = text.partition(".")
    if text and (major != "3" or (minor and not (minor.isdigit() and int(minor) <= 13))):
        hint = "docker stack deploy reads version 3; leave the line out."
        raise InvalidArgument(f"unsupported Compose file version: {text}", hint=hint)


def check_service(name: str, service: Any) -> dict[str, Any]:
    """The service's section. Raises `InvalidArgument` for a word that there is not or that is forbidden,
    `SwarmError` for what comes with a later version.
    """
    for word, why in FORBIDDEN.items():
        if isinstance(service, Mapping) and word in service:
            raise InvalidArgument(f"services.{name} contains a forbidden property, {word}: {why}")
    found = check(f"services.{name}", service, SERVICE)
    for word in LATER:
        if found.get(word):
            raise later(f"services.{name}.{word}", word)
    return found


def check_top(document: Mapping[str, Any]) -> None:
    """Raises `SwarmError` for the first section of a file that comes with a later version."""
    for word in LATER:
        if document.get(word):
            named = document[word]
            first = next(iter(named)) if isinstance(named, Mapping) else ""
            raise later(f"{word}.{first}" if first else word, word)


def later(where: str, word: str) -> SwarmError:
    what = "credential specs" if word == "credential_spec" else word
    return SwarmError(
        f"{where}: {what} come with a later version of swarmpy",
        code="Unimplemented",
        hint=f"Take the {what} out of the file; everything else in it can be deployed.",
    )


def remarks(services: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What Docker's CLI says that it passes over, a sentence each."""
    said = {word for service in services.values() for word in service}
    if ignored := sorted(said & {*UNSUPPORTED, *SILENT}):
        yield f"Ignoring unsupported options: {', '.join(ignored)}"
    for word, why in DEPRECATED.items():
        if word in said:
            yield f"Ignoring deprecated option: {word}: {why}"
