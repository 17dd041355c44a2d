"""Compose files are read as Docker's CLI reads them; what it would not take is refused by name."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import swarmpy as sp
from swarmpy._compose.interpolation import filled
from swarmpy._compose.service import with_tag
from swarmpy._compose.stack import StackFile, load


def of_text(tmp_path: Path, text: str, own: Mapping[str, str] | None = None) -> StackFile:
    path = tmp_path / "compose.yml"
    path.write_text(text)
    return load(path, "st", own or {})


def of_service(own: Mapping[str, str] | None = None, **said: Any) -> dict[str, Any]:
    file = load({"services": {"web": {"image": "nginx", **said}}}, "st", own or {})
    return dict(file.services["web"])


def container_of(**said: Any) -> dict[str, Any]:
    found: dict[str, Any] = of_service(**said)["TaskTemplate"]["ContainerSpec"]
    return found


# ---- variables


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("$A-$B", "1"),
        ("$A.$B", "1."),
        ("${A}${B}", "1"),
        ("${B:-x}${B-y}${C-z}", "xz"),
        ("${C:-a:b/c}", "a:b/c"),
        ("$$A $${A}", "$A ${A}"),
        ("${A:?must be}${A?must be}${B?may be empty}", "11"),
        ("no variable", "no variable"),
    ],
)
def test_variables_are_filled_in(text: str, meant: str) -> None:
    assert filled({"x": [text]}, {"A": "1", "B": ""}) == {"x": [meant]}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("${C?say it}", "required variable C is missing a value: say it"),
        ("${B:?say it}", "required variable B is missing a value: say it"),
        ("${}", "you may need to escape any $ with another $"),
        ("a $ b", "you may need to escape any $ with another $"),
        ("${1x}", "you may need to escape any $ with another $"),
    ],
)
def test_a_wrong_variable_is_named_with_its_place(text: str, why: str) -> None:
    with pytest.raises(sp.InvalidArgument) as caught:
        of_service({"B": ""}, hostname=text)
    assert caught.value.message.startswith("invalid interpolation format for services.web.hostname: ")
    assert why in caught.value.message


def test_numbers_and_truths_may_come_from_variables() -> None:
    own = {"N": "3", "RO": "yes"}
    spec = of_service(own, deploy={"replicas": "${N}"}, read_only="${RO}")
    assert spec["Mode"] == {"Replicated": {"Replicas": 3}}
    assert spec["TaskTemplate"]["ContainerSpec"]["ReadOnly"] is True


# ---- YAML


def test_a_document_that_its_aliases_blow_up_is_refused(tmp_path: Path) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 8)]
    with pytest.raises(sp.InvalidArgument, match="excessive aliasing"):
        of_text(tmp_path, "\n".join(levels))
    with pytest.raises(sp.InvalidArgument, match="within what it names"):
        of_text(tmp_path, "services: &a {x: {image: nginx, command: *a}}")


def test_yaml_means_what_it_means_to_docker(tmp_path: Path) -> None:
    file = of_text(
        tmp_path,
        """
services:
  web:
    image: nginx
    ports: [22:22, 8080:80]
    environment:
      {A: yes, B: 1.0, C: 1234567.5, D: 0x1f, E: 017, F: 08, G: 1e-5, H: , I: off, J: 0o17, K: -5, L: 1_000}
""",
    )
    spec = file.services["web"]
    assert [one["PublishedPort"] for one in spec["EndpointSpec"]["Ports"]] == [22, 8080]
    env = "A=yes B=1 C=1.2345675e+06 D=31 E=15 F=8 G=1e-05 H I=off J=15 K=-5 L=1000"
    assert spec["TaskTemplate"]["ContainerSpec"]["Env"] == env.split()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("services: {web: {image: a}, web: {image: b}}", r'mapping key "web" already defined \(line 1\)'),
        ("services: [", r"compose\.yml: .* \(line 1\)"),
        ("- a", "top-level object must be a mapping"),
        ("1: a", "non-string key at top level: 1"),
        ("services: {web: {1: a}}", "non-string key in services.web: 1"),
    ],
)
def test_a_file_that_is_no_mapping_says_where(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(sp.InvalidArgument, match=why):
        of_text(tmp_path, text)


def test_anchors_and_merges_are_followed(tmp_path: Path) -> None:
    file = of_text(
        tmp_path,
        "x-all: &all {image: nginx, user: root}\nservices: {a: {<<: *all, user: www}, b: *all}\n",
    )
    users = {name: spec["TaskTemplate"]["ContainerSpec"]["User"] for name, spec in file.services.items()}
    assert users == {"a": "www", "b": "root"}


def test_a_missing_file_and_a_wrong_source_are_named(tmp_path: Path) -> None:
    with pytest.raises(sp.InvalidArgument, match=r"open .*no\.yml: no such file or directory"):
        load(str(tmp_path / "no.yml"), "st", {})
    with pytest.raises(sp.InvalidArgument, match="a stack is a path or a mapping, not 5"):
        load(5, "st", {})  # type: ignore[arg-type]


def test_without_pyyaml_a_mapping_still_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(sp.SwarmError, match="needs PyYAML") as caught:
        of_text(tmp_path, "services: {}")
    assert "swarmpy[stacks]" in caught.value.hint
    assert of_service()["Name"] == "st_web"


# ---- what is refused


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({"volumes": {"data": {}}}, "volumes.data: volumes come with a later version"),
        ({"secrets": {"key": {"file": "x"}}}, "secrets.key: secrets come with a later version"),
        ({"configs": {"conf": {"file": "x"}}}, "configs.conf: configs come with a later version"),
        ({"services": {"db": {"image": "redis", "volumes": ["a:/b"]}}}, "services.db.volumes: volumes come"),
        ({"services": {"db": {"image": "redis", "secrets": ["k"]}}}, "services.db.secrets: secrets come"),
        ({"services": {"db": {"image": "redis", "configs": ["k"]}}}, "services.db.configs: configs come"),
    ],
)
def test_what_is_not_there_yet_is_refused_by_name(document: dict[str, Any], named: str) -> None:
    with pytest.raises(sp.SwarmError, match=re.escape(named)) as caught:
        load(document, "st", {})
    assert caught.value.code == "Unimplemented" and caught.value.hint


@pytest.mark.parametrize(
    ("said", "why", "hint"),
    [
        ({"imge": "x"}, "services.web Additional property imge is not allowed", 'Did you mean "image"?'),
        ({"deploy": {"replica": 2}}, "services.web.deploy Additional property replica", "replicas"),
        ({"mem_limit": "1g"}, "forbidden property, mem_limit: set resource limits", ""),
        ({"image": ""}, "invalid image reference for service web: no image specified", ""),
        ({"networks": ["lan"]}, 'service web: undefined network "lan"', "networks: {lan: {}}"),
        ({"deploy": {"mode": "globl"}}, "unknown mode: globl", 'Did you mean "global"?'),
        ({"deploy": {"mode": "global", "replicas": 2}}, "replicas can only be used with replicated", ""),
        ({"deploy": {"replicas": "two"}}, "services.web.deploy.replicas must be a integer", ""),
        ({"deploy": {"update_config": {"delay": 5}}}, "delay must be a string", '"5s"'),
        ({"stop_grace_period": "1 day"}, "services.web.stop_grace_period: not a duration", "1m30s"),
        ({"environment": {"A": True}}, "environment.A must be a string, number or null", '"true"'),
        ({"ports": ["80:x"]}, "not a port", ""),
        ({"healthcheck": {"test": "x", "disable": True}}, "test and disable can't be set at the same", ""),
        ({"restart": "sometimes"}, "invalid restart policy", "deploy.restart_policy"),
        ({"deploy": {"resources": {"limits": {"cpus": "0.00000000001"}}}}, "too precise", ""),
        ({"env_file": "no.env"}, "no.env: no such file or directory", ""),
    ],
)
def test_a_wrong_word_or_value_is_named(said: dict[str, Any], why: str, hint: str) -> None:
    with pytest.raises(sp.InvalidArgument, match=re.escape(why)) as caught:
        of_service(**said)
    assert hint in caught.value.hint


@pytest.mark.parametrize("version", ["2.4", "3.14", "4", "three"])
def test_another_version_is_refused(version: str) -> None:
    with pytest.raises(sp.InvalidArgument, match=f"unsupported Compose file version: {version}"):
        load({"version": version, "services": {}}, "st", {})


def test_what_docker_passes_over_is_remarked() -> None:
    said = {
        "image": "nginx",
        "build": ".",
        "privileged": True,
        "container_name": "x",
        "ports": ["1.2.3.4::80"],
    }
    assert load({"services": {"web": said}}, "st", {}).remarks == (
        "Ignoring unsupported options: build, privileged",
        "Ignoring deprecated option: container_name: setting the container name is not supported",
        "ignoring IP-address (1.2.3.4::80/tcp) service will listen on '0.0.0.0'",
    )


# ---- what is sent


def test_a_small_service_is_what_docker_sends_of_it() -> None:
    labels = {"com.docker.stack.namespace": "st"}
    assert of_service() == {
        "Name": "st_web",
        "Labels": {**labels, "com.docker.stack.image": "nginx"},
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": "nginx:latest",
                "Labels": labels,
                "Privileges": {"CredentialSpec": None, "SELinuxContext": None, "NoNewPrivileges": False},
            },
            "Resources": {},
            "Placement": {},
            "Networks": [{"Target": "st_default", "Aliases": ["web"]}],
            "ForceUpdate": 0,
        },
        "Mode": {"Replicated": {}},
        "EndpointSpec": {},
    }


def test_variables_come_from_files_the_section_and_the_client(tmp_path: Path) -> None:
    (tmp_path / "all.env").write_text("# shared\nA=file\nB=file\n\n  HOME\nNOT_THERE\nX= a b \n")
    own = {"HOME": "/home/me", "C": "mine"}
    text = "services: {web: {image: nginx, env_file: all.env, environment: [B=own, C, D, E=]}}"
    spec = of_text(tmp_path, text, own).services["web"]
    env = ["A=file", "B=own", "C=mine", "D", "E=", "HOME=/home/me", "X= a b "]
    assert spec["TaskTemplate"]["ContainerSpec"]["Env"] == env


def test_ports_in_short_and_in_long_words() -> None:
    ports = ["8000-8001:80", "9000-9001:90-91/TCP", 80, {"target": 5, "published": 6, "mode": "host"}]
    found = [
        (one.get("PublishedPort"), one["TargetPort"], one.get("PublishMode"))
        for one in of_service(ports=ports)["EndpointSpec"]["Ports"]
    ]
    assert found == [
        (None, 80, "ingress"),
        (6, 5, "host"),
        (8000, 80, "ingress"),
        (8001, 80, "ingress"),
        (9000, 90, "ingress"),
        (9001, 91, "ingress"),
    ]


def test_commands_health_checks_and_the_rest_of_a_container() -> None:
    found = container_of(
        command="sh -c 'echo a b'",
        entrypoint=["/x"],
        healthcheck={"test": "curl x", "interval": "1m30s", "retries": 3},
        extra_hosts=["a:1.2.3.4"],
        cap_add=["net_admin"],
        cap_drop=["kill", "CAP_NET_ADMIN"],
        ulimits={"nofile": {"soft": 1, "hard": 2}, "core": 0},
        stop_grace_period="0s",
        init=False,
    )
    assert found["Args"] == ["sh", "-c", "echo a b"] and found["Command"] == ["/x"]
    assert found["Healthcheck"] == {"Test": ["CMD-SHELL", "curl x"], "Retries": 3, "Interval": 90 * 10**9}
    assert found["Hosts"] == ["1.2.3.4 a"]
    assert (found["CapabilityAdd"], found["CapabilityDrop"]) == (["CAP_NET_ADMIN"], ["CAP_KILL"])
    assert [one["Name"] for one in found["Ulimits"]] == ["core", "nofile"]
    assert found["StopGracePeriod"] == 0 and found["Init"] is False


def test_a_name_that_begins_like_an_extension_is_a_name() -> None:
    document = {
        "x-note": {"anything": 1},
        "services": {"x-ray": {"image": "nginx", "x-note": 1, "networks": ["x-lan"]}},
        "networks": {"x-lan": None},
    }
    file = load(document, "st", {})
    assert list(file.services) == ["x-ray"] and [one.name for one in file.networks] == ["st_x-lan"]


def test_networks_are_those_that_services_use() -> None:
    document = {
        "services": {
            "a": {"image": "nginx", "networks": {"back": {"aliases": ["db"]}, "shared": None}},
            "b": {"image": "nginx"},
        },
        "networks": {
            "back": {"internal": True, "ipam": {"config": [{"subnet": "10.7.0.0/24"}]}},
            "shared": {"external": True, "name": "proxy"},
            "unused": {},
        },
    }
    file = load(document, "st", {})
    assert [(one.name, one.request is None) for one in file.networks] == [
        ("st_back", False),
        ("proxy", True),
        ("st_default", False),
    ]
    back = file.networks[0].request
    assert back is not None and back["Internal"] is True
    assert back["IPAM"] == {"Driver": "", "Config": [{"Subnet": "10.7.0.0/24"}]}
    assert back["Labels"] == {"com.docker.stack.namespace": "st"}
    assert file.services["a"]["TaskTemplate"]["Networks"] == [
        {"Target": "proxy", "Aliases": ["a"]},
        {"Target": "st_back", "Aliases": ["db", "a"]},
    ]


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("nginx", "nginx:latest"),
        ("nginx:1.25", "nginx:1.25"),
        ("localhost:5000/a/b", "localhost:5000/a/b:latest"),
        ("docker.io/library/nginx", "nginx:latest"),
        ("docker.io/grafana/grafana:9", "grafana/grafana:9"),
        ("nginx@sha256:" + "0" * 64, "nginx@sha256:" + "0" * 64),
    ],
)
def test_an_image_is_sent_with_its_tag(written: str, sent: str) -> None:
    assert with_tag(written) == sent
