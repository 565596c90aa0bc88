"""The deployment files are right as text: they parse, and name only settings, roles and files that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from patchwatch.contract.roles import Role
from patchwatch.contract.settings import Settings, known_variables

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
COMPOSE_ONLY = {"PATCHWATCH_EXTRA"}  # chooses what the image holds; no setting of the program
SECRETS = {"api_token", "publish_password"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    known: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return known


@pytest.mark.parametrize("name", ["docker-compose.yml", "Dockerfile", "deploy/.env.example", "deploy/README.md"])
def test_every_variable_is_a_setting(name: str) -> None:
    named = set(re.findall(r"\bPATCHWATCH_[A-Z_]+\b", (ROOT / name).read_text()))
    assert named <= known_variables() | COMPOSE_ONLY


@pytest.mark.parametrize("name", ["prometheus.yml", "mediamtx.yml"])
def test_the_configuration_of_others_parses(name: str) -> None:
    assert isinstance(yaml.safe_load((ROOT / "deploy" / name).read_text()), dict)


def test_every_role_runs_with_a_shared_redis_that_refuses_rather_than_evicts(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for role in Role:
        assert services[role]["command"] == ["run", role.value]
        assert services[role]["environment"]["PATCHWATCH_REDIS_URL"] == "redis://redis:6379/0"
        assert services[role]["depends_on"]["redis"]["condition"] == "service_healthy"
    command = services["redis"]["command"]
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"
    assert command[command.index("--appendonly") + 1] == "yes"
    assert "ports" not in services["redis"]


def test_values_of_every_role_are_accepted_as_settings(compose: dict[str, Any]) -> None:
    for role in Role:
        environment = compose["services"][role]["environment"]
        Settings.model_validate({_field(name): _default(value) for name, value in environment.items()})


def test_whoever_listens_to_the_network_asks_for_a_secret(compose: dict[str, Any]) -> None:
    service, ingest = (compose["services"][name]["environment"] for name in ("service", "ingest"))
    assert service["PATCHWATCH_API_TOKEN_FILE"] == "/run/secrets/api_token"
    assert ingest["PATCHWATCH_PUBLISH_PASSWORD_FILE"] == "/run/secrets/publish_password"


def test_secrets_are_files_that_git_ignores_and_no_environment_holds_one(compose: dict[str, Any]) -> None:
    ignored = (ROOT / ".gitignore").read_text().split()
    assert compose["secrets"] == {name: {"file": f"./deploy/secrets/{name}"} for name in SECRETS}
    assert {"/deploy/secrets/", "/deploy/.env"} <= set(ignored)
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
            source = mount.split(":")[0]
            assert (ROOT / source).is_file() if source.startswith(".") else source in compose["volumes"]


def test_what_strangers_may_reach_does_not_share_a_network_with_redis(compose: dict[str, Any]) -> None:
    assert compose["services"]["redis"]["networks"] == ["inside"]
    assert compose["services"]["mediamtx"]["networks"] == ["outside"]
    assert all("inside" in compose["services"][role]["networks"] for role in Role)


def test_no_container_has_rights_or_processes_without_end(compose: dict[str, Any]) -> None:
    for name in ("redis", *Role):
        service = compose["services"][name]
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"]
        assert service["pids_limit"]
        assert all("size=" in mount for mount in service["tmpfs"])


def test_what_must_be_set_is_in_the_example(compose: dict[str, Any]) -> None:
    example = (ROOT / "deploy" / ".env.example").read_text()
    for name in re.findall(r"\$\{([A-Z_]+)", COMPOSE.read_text()):
        assert re.search(rf"^{name}=", example, re.M), name


def test_what_the_image_copies_exists_and_is_not_ignored() -> None:
    admitted = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", (ROOT / "Dockerfile").read_text(), re.M)
    names = {name.rstrip("/") for line in copied for name in line.split()}
    assert names == admitted
    assert all((ROOT / name).exists() for name in names)


def _field(variable: str) -> str:
    """The setting that a variable of Compose is for; of a secret, the variable names the file."""
    name = variable.removeprefix("PATCHWATCH_").lower()
    return name.removesuffix("_file") if name.removesuffix("_file") in SECRETS else name


def _default(value: str) -> str:
    """What Compose would put in: the default of ``${NAME:-default}``, and some text for ``${NAME:?reason}``."""
    value = re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", value)
    return re.sub(r"\$\{[A-Z_]+:\?[^}]*\}", "given", value)
