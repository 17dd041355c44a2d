"""A service of a compose file as the API's ServiceSpec, field by field what `docker stack deploy` sends
(docker/cli: cli/compose/convert/service.go).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from swarmpy._compose import deploy, environment, ports, values, words
from swarmpy._compose.networks import NAMESPACE, StackNetwork, attachments
from swarmpy._models.options import ENDPOINT_MODES
from swarmpy.errors import InvalidArgument

IMAGE = "com.docker.stack.image"  # the label that tells the image as it was written
# What the API calls the texts, flags and words of a section.
TEXTS = {
    "Hostname": "hostname",
    "User": "user",
    "Dir": "working_dir",
    "StopSignal": "stop_signal",
    "Isolation": "isolation",
}
FLAGS = {"TTY": "tty", "OpenStdin": "stdin_open", "ReadOnly": "read_only"}


def spec(
    stack: str,
    name: str,
    said: Mapping[str, Any],
    networks: Mapping[str, StackNetwork],
    folder: Path,
    own: Mapping[str, str],
) -> tuple[dict[str, Any], list[str]]:
    """The ServiceSpec, and what Docker's CLI would remark. `folder`: what file names are relative to; `own`:
    the client's own variables. Raises `InvalidArgument` for a value that is none.
    """
    where = f"services.{name}"
    image = values.text(f"{where}.image", said.get("image"))
    if not image:
        raise InvalidArgument(f"invalid image reference for service {name}: no image specified")
    deployed = words.check(f"{where}.deploy", said.get("deploy"), words.DEPLOY)
    labels = values.labels(f"{where}.deploy.labels", deployed.get("labels"))
    endpoint, remarks = _endpoint(where, said, deployed)
    made = {
        "Name": f"{stack}_{name}",
        "Labels": {**labels, NAMESPACE: stack, IMAGE: image},
        "TaskTemplate": _task(name, said, networks, deployed)
        | {"ContainerSpec": _container(stack, where, said, environment.entries(where, said, folder, own))},
        "Mode": deploy.mode(f"{where}.deploy", deployed),
        "UpdateConfig": deploy.rolling(f"{where}.deploy.update_config", deployed.get("update_config")),
        "RollbackConfig": deploy.rolling(f"{where}.deploy.rollback_config", deployed.get("rollback_config")),
        "EndpointSpec": endpoint,
    }
    return values.omit_none(made), remarks


def with_tag(image: str) -> str:
    """As Docker's client sends it: `nginx` is `nginx:latest`, and Docker Hub is not named."""
    for registry in ("index.docker.io/", "docker.io/"):
        if image.startswith(registry):
            image = image.removeprefix(registry).removeprefix("library/")
    name = image.rpartition("/")[2]
    return image if ":" in name or "@" in image else f"{image}:latest"


def _task(
    name: str,
    said: Mapping[str, Any],
    networks: Mapping[str, StackNetwork],
    deployed: Mapping[str, Any],
) -> dict[str, Any]:
    where = f"services.{name}.deploy"
    policy = deployed.get("restart_policy")
    return values.omit_none(
        {
            "Resources": deploy.resources(f"{where}.resources", deployed.get("resources")),
            "RestartPolicy": deploy.restart_policy(f"{where}.restart_policy", said.get("restart"), policy),
            "Placement": deploy.placement(f"{where}.placement", deployed.get("placement")),
            "Networks": attachments(name, said.get("networks"), networks),
            "LogDriver": _log_driver(f"services.{name}.logging", said.get("logging")),
            "ForceUpdate": 0,
        }
    )


def _container(stack: str, where: str, said: Mapping[str, Any], env: list[str]) -> dict[str, Any]:
    labels = values.labels(f"{where}.labels", said.get("labels"))
    added, dropped = _capabilities(where, said)
    found = {
        "Image": with_tag(said["image"]),
        "Labels": {**labels, NAMESPACE: stack},
        "Command": values.words(f"{where}.entrypoint", said.get("entrypoint")),
        "Args": values.words(f"{where}.command", said.get("command")),
        "Env": env,
        "Hosts": _hosts(f"{where}.extra_hosts", said.get("extra_hosts")),
        "DNSConfig": _dns(where, said),
        "Sysctls": values.labels(f"{where}.sysctls", said.get("sysctls")),
        "CapabilityAdd": added,
        "CapabilityDrop": dropped,
        "Ulimits": _ulimits(f"{where}.ulimits", said.get("ulimits")),
        "OomScoreAdj": values.whole(f"{where}.oom_score_adj", said.get("oom_score_adj")),
        **{key: values.text(f"{where}.{word}", said.get(word)) for key, word in TEXTS.items()},
        **{key: values.truth(f"{where}.{word}", said.get(word)) for key, word in FLAGS.items()},
    }
    init = said.get("init")
    told = {
        "Privileges": {"CredentialSpec": None, "SELinuxContext": None, "NoNewPrivileges": False},
        "Healthcheck": _health(f"{where}.healthcheck", said.get("healthcheck")),
        "StopGracePeriod": values.span(f"{where}.stop_grace_period", said.get("stop_grace_period")),
        "Init": None if init is None else values.truth(f"{where}.init", init),
    }
    return values.omit_empty(found) | values.omit_none(told)


def _endpoint(
    where: str, said: Mapping[str, Any], deployed: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    word = values.text(f"{where}.deploy.endpoint_mode", deployed.get("endpoint_mode")).lower()
    if word and word not in ENDPOINT_MODES:
        raise InvalidArgument(f"{where}.deploy.endpoint_mode is vip or dnsrr, not {word!r}")
    published, remarks = ports.configs(f"{where}.ports", said.get("ports"))
    return values.omit_empty({"Mode": word, "Ports": published}), remarks


def _health(where: str, section: Any) -> dict[str, Any] | None:
    if section is None:
        return None
    said = words.check(where, section, words.HEALTH)
    test = said.get("test")
    if values.truth(f"{where}.disable", said.get("disable")):
        if test:
            raise InvalidArgument(f"{where}: test and disable can't be set at the same time")
        return {"Test": ["NONE"]}
    spans = {"Timeout": "timeout", "Interval": "interval", "StartPeriod": "start_period"}
    spans |= {"StartInterval": "start_interval"}
    return values.omit_empty(
        {
            "Test": ["CMD-SHELL", test] if isinstance(test, str) else values.texts(f"{where}.test", test),
            "Retries": values.whole(f"{where}.retries", said.get("retries")),
            **{key: values.span(f"{where}.{word}", said.get(word)) for key, word in spans.items()},
        }
    )


def _log_driver(where: str, section: Any) -> dict[str, Any] | None:
    if section is None:
        return None
    said = words.check(where, section, words.LOGGING)
    options = values.labels(f"{where}.options", said.get("options"))
    return values.omit_empty({"Name": values.text(f"{where}.driver", said.get("driver")), "Options": options})


def _hosts(where: str, section: Any) -> list[str]:
    """`name:address` in the file, `address name` in the API."""
    if isinstance(section, Mapping):
        entries = sorted(f"{name}:{address}" for name, address in section.items() if address is not None)
    else:
        entries = values.texts(where, section)
    split = [one.partition(":") for one in entries]
    return [f"{address} {name}" for name, colon, address in split if colon]


def _dns(where: str, said: Mapping[str, Any]) -> dict[str, Any]:
    servers = values.texts(f"{where}.dns", said.get("dns"))
    return values.omit_empty(
        {"Nameservers": servers, "Search": values.texts(f"{where}.dns_search", said.get("dns_search"))}
    )


def _capabilities(where: str, said: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """`net_admin` is `CAP_NET_ADMIN`; ALL stands for every other one; what is added is not dropped."""
    added, dropped = (
        {_capability(one) for one in values.texts(f"{where}.{word}", said.get(word))}
        for word in ("cap_add", "cap_drop")
    )
    added, dropped = ({"ALL"} if "ALL" in one else one for one in (added, dropped))
    return sorted(added), sorted(dropped - added)


def _capability(word: str) -> str:
    name = word.strip().upper()
    return name if name == "ALL" or name.startswith("CAP_") else f"CAP_{name}"


def _ulimits(where: str, section: Any) -> list[dict[str, Any]]:
    found = []
    for name, said in sorted((section or {}).items()):
        both = said if isinstance(said, Mapping) else {"soft": said, "hard": said}
        soft, hard = (
            values.whole(f"{where}.{name}.{word}", both.get(word)) or 0 for word in ("soft", "hard")
        )
        found.append({"Name": name, "Hard": hard, "Soft": soft})
    return found
