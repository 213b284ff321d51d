"""What can be known of the image and its compose file without an engine to run them."""

import dataclasses
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from relais.server import config

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
SECRETS = {
    "RELAIS_DOMAIN": "relais.example",
    "RELAIS_DB_ROOT_PASSWORD": "a1",
    "RELAIS_DB_PASSWORD": "b2",
    "RELAIS_REDIS_PASSWORD": "c3",
}
RELAYS = {"node1", "node2"}
MONGO = {"mongo1", "mongo2", "mongo3"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    text = (DOCKER / "compose.yaml").read_text()
    read: dict[str, Any] = yaml.safe_load(re.sub(r"\$\{(\w+)[^}]*\}", fill_in, text))
    return read


def fill_in(variable: re.Match[str]) -> str:
    return SECRETS[variable[1]]


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (DOCKER / "Dockerfile").read_text()


def last_stage(dockerfile: str) -> str:
    return dockerfile[dockerfile.rindex("\nFROM ") :]


def test_two_relays_are_set_up_alike(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert services["node1"] == services["node2"]
    assert {name for name in services if name.startswith("node")} == RELAYS


def test_the_relays_start_with_these_settings(
    compose: dict[str, Any], dockerfile: str, tmp_path: Path
) -> None:
    inside = dict(re.findall(r"(RELAIS_\w+)=(\S+)", last_stage(dockerfile)))
    given = inside | compose["services"]["node1"]["environment"]
    settings = {f"RELAIS_{entry.name.upper()}" for entry in dataclasses.fields(config.Settings)}
    assert set(given) <= settings
    for name in ("RELAIS_TOKEN_KEY_FILE", "RELAIS_LOG_KEY_FILE"):
        assert Path(given[name]).parent == Path("/run/secrets")
        assert Path(given[name]).name in compose["services"]["node1"]["secrets"]
        given[name] = str(tmp_path / "key.pem")
    (tmp_path / "key.pem").touch()
    read = config.load({}, given)
    assert not read.is_embedded
    assert read.behind_tls
    assert read.trust_proxy


def test_every_variable_is_explained_in_the_example(compose: dict[str, Any]) -> None:
    named = set(re.findall(r"\$\{(\w+)", (DOCKER / "compose.yaml").read_text()))
    explained = set(re.findall(r"^(\w+)=", (DOCKER / "env.example").read_text(), re.MULTILINE))
    assert named == explained == set(SECRETS)


def test_what_is_counted_is_not_shown_to_the_outside() -> None:
    lines = [line.strip() for line in (DOCKER / "Caddyfile").read_text().splitlines()]
    assert "respond /metrics 404" in lines


def test_nothing_but_the_tls_end_is_reached_from_outside(compose: dict[str, Any]) -> None:
    services, networks = compose["services"], compose["networks"]
    assert [name for name, service in services.items() if "ports" in service] == ["tls"]
    outside = {name for name, network in networks.items() if not (network or {}).get("internal")}
    reaching = [name for name in services if outside & set(services[name].get("networks", ()))]
    assert reaching == ["tls"]


def test_a_service_waits_only_for_what_exists_and_can_be_waited_for(
    compose: dict[str, Any], dockerfile: str
) -> None:
    services = compose["services"]
    assert "HEALTHCHECK" in last_stage(dockerfile)
    for name, service in services.items():
        for awaited, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[awaited] or awaited in RELAYS, (name, awaited)
            else:
                assert how["condition"] == "service_completed_successfully"
                assert "restart" not in services[awaited], (name, awaited)


def test_every_volume_network_and_secret_that_is_used_is_declared(compose: dict[str, Any]) -> None:
    services = compose["services"].values()
    volumes = {
        volume.split(":")[0] for service in services for volume in service.get("volumes", ())
    }
    assert {name for name in volumes if not name.startswith(".")} == set(compose["volumes"])
    for name in volumes - set(compose["volumes"]):
        assert (DOCKER / name).is_file(), name
    networks = {name for service in services for name in service.get("networks", ())}
    assert networks == set(compose["networks"])
    secrets = {name for service in services for name in service.get("secrets", ())}
    assert secrets == set(compose["secrets"])


def test_the_replica_set_has_the_same_three_members_everywhere(compose: dict[str, Any]) -> None:
    script = (DOCKER / "mongo-init.js").read_text()
    listed = re.findall(r'"(mongo\d)"', script)
    uri = compose["services"]["node1"]["environment"]["RELAIS_MONGODB_URI"]
    assert set(listed) == set(re.findall(r"mongo\d", uri)) == MONGO
    for name in MONGO:
        command = compose["services"][name]["command"]
        assert command[command.index("--replSet") + 1] == "relais"
        assert "--keyFile" in command
        assert f"{name}:/data/db" in compose["services"][name]["volumes"]
    with_users = {name for name in MONGO if "environment" in compose["services"][name]}
    assert with_users == {"mongo1"}, "a member that joins must come without users of its own"


def test_the_proxy_leads_to_the_port_the_relays_listen_on(dockerfile: str) -> None:
    upstreams = re.search(r"reverse_proxy (.+) \{", (DOCKER / "Caddyfile").read_text())
    port = re.search(r"RELAIS_PORT=(\d+)", last_stage(dockerfile))
    assert upstreams
    assert port
    assert set(upstreams[1].split()) == {f"{name}:{port[1]}" for name in RELAYS}
    assert f"EXPOSE {port[1]}" in dockerfile
    assert f"127.0.0.1:{port[1]}/healthz" in dockerfile


def test_the_image_runs_as_nobody_special_and_without_the_embedded_database(
    dockerfile: str,
) -> None:
    user = re.search(r"^USER (\S+)$", last_stage(dockerfile), re.MULTILINE)
    assert user
    assert user[1] not in ("0", "root", "0:0")
    assert "embedded" not in re.sub(r"^#.*$", "", dockerfile, flags=re.MULTILINE)
    assert "secantusdb" not in (ROOT / "requirements" / "runtime.txt").read_text()


def test_what_the_image_is_built_from_is_let_through_and_exists() -> None:
    lines = (DOCKER / "Dockerfile.dockerignore").read_text().split()
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert lines[0] == "*"
    assert all((ROOT / name).exists() for name in allowed)
    project = (ROOT / "pyproject.toml").read_text()
    packages = re.search(r"^packages = \[(.+)\]", project, re.MULTILINE)
    assert packages
    rooms = {name.strip(' "').split("/")[0] for name in packages[1].split(",")}
    assert rooms | {"requirements", "scripts", "hatch_build.py", "pyproject.toml"} <= allowed


def has_compose() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    asked = subprocess.run([docker, "compose", "version"], capture_output=True, check=False)
    return asked.returncode == 0


@pytest.mark.skipif(not has_compose(), reason="the docker client with compose is not installed")
def test_docker_compose_accepts_the_file() -> None:
    command = ["docker", "compose", "-f", str(DOCKER / "compose.yaml"), "config", "--quiet"]
    done = subprocess.run(
        command, env={**os.environ, **SECRETS}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
