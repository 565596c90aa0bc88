"""The deployment files are right as text: they parse, and name only settings, roles and files that exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import parts
import pytest
import yaml

from patchwatch.contract.roles import Role
from patchwatch.contract.settings import Settings, known_variables

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SECRETS = {"api_token", "publish_password", "redis_url"}
OTHERS_SECRETS = {"redis_password", "grafana_password"}
OTHERS_PORTS = {1984, 5000, 8554, 8555, 8971}  # Frigate's and go2rtc's
HARDENED = ("redis", "caddy", "prometheus", "grafana", "mediamtx", "inference-gpu", "enrolment-gpu", *Role)
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    known: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return known


@pytest.mark.parametrize("name", ["docker-compose.yml", "Dockerfile", "deploy/.env.example", "deploy/README.md"])
def test_every_variable_is_a_setting(name: str) -> None:
    named = set(re.findall(r"\bPATCHWATCH_[A-Z_]+\b", (ROOT / name).read_text()))
    assert named <= known_variables()


@pytest.mark.parametrize("name", ["prometheus.yml", "mediamtx.yml"])
def test_the_configuration_of_others_parses(name: str) -> None:
    assert isinstance(yaml.safe_load((ROOT / "deploy" / name).read_text()), dict)


def test_every_role_runs_with_a_shared_redis_that_refuses_rather_than_evicts(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for role in Role:
        assert services[role]["command"] == ["run", role.value]
        assert services[role]["environment"]["PATCHWATCH_REDIS_URL_FILE"] == "/run/secrets/redis_url"
        assert services[role]["depends_on"]["redis"]["condition"] == "service_healthy"
        assert services[role]["healthcheck"]["test"] == ["CMD", "patchwatch", "alive", role.value]
    script = services["redis"]["command"][-1]
    assert "--maxmemory-policy noeviction" in script
    assert "--appendonly yes" in script
    assert "requirepass" in script
    assert services["redis"]["secrets"] == ["redis_password"]
    assert "ports" not in services["redis"]


def test_values_of_every_role_are_accepted_as_settings(compose: dict[str, Any]) -> None:
    for role in Role:
        environment = compose["services"][role]["environment"]
        given = {name: value for name, value in environment.items() if value is not None}  # else: as .env has it
        Settings.model_validate(dict(_setting(name, value) for name, value in given.items()))


def test_whoever_listens_to_the_network_asks_for_a_secret(compose: dict[str, Any]) -> None:
    service, ingest = (compose["services"][name]["environment"] for name in ("service", "ingest"))
    assert service["PATCHWATCH_API_TOKEN_FILE"] == "/run/secrets/api_token"
    assert ingest["PATCHWATCH_PUBLISH_PASSWORD_FILE"] == "/run/secrets/publish_password"


def test_secrets_are_files_that_git_ignores_and_no_environment_holds_one(compose: dict[str, Any]) -> None:
    ignored = (ROOT / ".gitignore").read_text().split()
    assert compose["secrets"] == {name: {"file": f"./secrets/{name}"} for name in SECRETS | OTHERS_SECRETS}
    assert {"/secrets/", "/.env"} <= set(ignored)
    for service in compose["services"].values():
        environment = service.get("environment", {})
        assert not {f"PATCHWATCH_{name.upper()}" for name in SECRETS} & environment.keys()
        used = {Path(value).name for value in environment.values() if str(value).startswith("/run/secrets/")}
        assert used <= set(service.get("secrets", []))
    scrape = yaml.safe_load((ROOT / "deploy" / "prometheus.yml").read_text())["scrape_configs"][0]
    token = Path(scrape["authorization"]["credentials_file"])
    assert [token.name] == compose["services"]["prometheus"]["secrets"]
    assert str(token.parent) == "/run/secrets"


def test_volumes_and_mounted_files_exist(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for mount in service.get("volumes", []):
            source = _default(mount).split(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in compose["volumes"]
    provider = yaml.safe_load((ROOT / "deploy/grafana/provisioning/dashboards/patchwatch.yml").read_text())[
        "providers"
    ][0]
    assert Path(provider["options"]["path"]).relative_to("/etc/patchwatch") == Path("grafana/dashboards")


def test_what_strangers_may_reach_does_not_share_a_network_with_redis(compose: dict[str, Any]) -> None:
    assert compose["services"]["redis"]["networks"] == ["inside"]
    for name in ("mediamtx", "caddy", "prometheus", "grafana"):
        assert compose["services"][name]["networks"] == ["outside"]
    assert all("inside" in compose["services"][role]["networks"] for role in Role)


def test_no_container_has_rights_or_processes_without_end(compose: dict[str, Any]) -> None:
    assert set(HARDENED) == set(compose["services"])
    for name in HARDENED:
        service = compose["services"][name]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["read_only"]
        assert service["pids_limit"]
        assert all("size=" in mount for mount in service.get("tmpfs", ()))
    assert {name for name in HARDENED if "cap_add" in compose["services"][name]} == {"caddy"}


def test_no_port_is_one_of_those_that_frigate_has(compose: dict[str, Any]) -> None:
    published = [_default(port) for service in compose["services"].values() for port in service.get("ports", ())]
    numbers = [int(port.split("/")[0].split(":")[-2]) for port in published]
    assert len(numbers) == len(set(numbers))
    assert not OTHERS_PORTS & set(numbers)


def test_images_of_others_are_named_by_digest(compose: dict[str, Any]) -> None:
    images = {service["image"] for service in compose["services"].values() if "build" not in service}
    assert len(images) == 5
    assert all(DIGEST.search(image) for image in images)
    assert DIGEST.search(re.findall(r"^ARG BASE=(.*)$", DOCKERFILE, re.M)[0])


def test_each_role_has_the_image_that_holds_it(compose: dict[str, Any]) -> None:
    stages = dict(re.findall(r"^FROM runtime AS (\w+)\n((?:(?!FROM ).*\n)*)", DOCKERFILE, re.M))
    healthy = {name: re.findall(r'"alive", "(\w+)"', stage) for name, stage in stages.items()}
    assert healthy == {"service": ["service"], "ingest": ["ingest"], "inference": ["inference"], "all": ["service"]}
    assert re.findall(r"^FROM .* AS (\w+)$", DOCKERFILE, re.M)[-1] == "all", "the default is the last"
    for role in Role:
        own = {"delivery": "service", "enrolment": "inference"}.get(role.value, role.value)
        assert compose["services"][role]["build"]["target"] == own
        assert f"/{own}:" in compose["services"][role]["image"]


def test_one_of_the_two_kinds_of_analysis_is_chosen_by_profile(compose: dict[str, Any]) -> None:
    for role in ("inference", "enrolment"):
        cpu, gpu = (compose["services"][name] for name in (role, f"{role}-gpu"))
        assert (cpu["profiles"], gpu["profiles"]) == (["cpu"], ["gpu"])
        assert (cpu["build"]["args"], gpu["build"]["args"]) == ({"VARIANT": "cpu"}, {"VARIANT": "cuda"})
        assert cpu["command"] == gpu["command"]
        assert "deploy" not in cpu
    assert re.search(r"^COMPOSE_PROFILES=cpu$", (ROOT / "deploy" / ".env.example").read_text(), re.M)


@pytest.mark.parametrize("profiles", ["cpu", "gpu,tls,monitoring,mediamtx"])
def test_compose_itself_accepts_the_file(tmp_path: Path, profiles: str) -> None:
    command = _compose_command()
    if command is None:
        pytest.skip("Docker's Compose 2 is not on this machine")
    for name in ("docker-compose.yml", "Dockerfile"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copy(ROOT / "deploy" / ".env.example", tmp_path / ".env")
    environment = {"PATH": "/usr/bin:/bin", "COMPOSE_PROFILES": profiles}
    done = subprocess.run(
        [*command, "config", "--format", "json"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "no warning either"
    suffix = "-gpu" if "gpu" in profiles else ""
    assert {f"inference{suffix}", f"enrolment{suffix}", "redis", "service"} <= json.loads(done.stdout)[
        "services"
    ].keys()


def test_what_must_be_set_is_in_the_example(compose: dict[str, Any]) -> None:
    example = (ROOT / "deploy" / ".env.example").read_text()
    for name in re.findall(r"\$\{([A-Z_]+)", COMPOSE.read_text()):
        assert re.search(rf"^{name}=", example, re.M), name


def test_what_the_image_copies_exists_and_is_not_ignored() -> None:
    admitted = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", (ROOT / "Dockerfile").read_text(), re.M)
    names = {name.rstrip("/") for line in copied for name in line.split()}
    assert {name.removesuffix("/images") for name in names} == admitted
    assert all((ROOT / name).exists() for name in names)


def _compose_command() -> list[str] | None:
    """Compose 2, as a program of its own or as a plugin; its first edition reads another file format."""
    for command in (["docker-compose"], ["docker", "compose"]):
        program = parts.which(command[0])
        if program is None:
            continue
        asked = [program, *command[1:]]
        version = subprocess.run([*asked, "version", "--short"], capture_output=True, text=True, check=False).stdout
        if version.lstrip("v").startswith(("2.", "3.", "4.", "5.")):
            return asked
    return None


def _setting(variable: str, value: str) -> tuple[str, str]:
    """What a variable of Compose sets, and to what; of a secret, the variable names the file."""
    name = variable.removeprefix("PATCHWATCH_").lower()
    if name.removesuffix("_file") not in SECRETS:
        return name, _default(value)
    name = name.removesuffix("_file")
    return name, "redis://:given@redis:6379/0" if name == "redis_url" else "given"


def _default(value: str) -> str:
    """What Compose would put in: the default of ``${NAME:-default}``, and some text for ``${NAME:?reason}``."""
    value = re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", value)
    return re.sub(r"\$\{[A-Z_]+:\?[^}]*\}", "given", value)
