"""All settings; the only reader of the environment.

Every field is an environment variable with the prefix ``PATCHWATCH_`` (``PATCHWATCH_REDIS_URL`` ...), or a key of the
TOML file that ``PATCHWATCH_CONFIG_FILE`` names (``redis_url``). A secret may also stand in a file of its own, which
``PATCHWATCH_REDIS_URL_FILE`` names. An option of a command comes before the environment, that before a file of a
secret, that before the TOML file, and that before the default.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from patchwatch.contract.errors import ConfigurationError
from patchwatch.contract.setting_parts import setting_values
from patchwatch.contract.setting_parts.delivery_settings import DeliverySettings
from patchwatch.contract.setting_parts.enrolment_settings import EnrolmentSettings
from patchwatch.contract.setting_parts.evidence_settings import EvidenceSettings
from patchwatch.contract.setting_parts.inference_settings import InferenceSettings
from patchwatch.contract.setting_parts.ingest_settings import IngestSettings
from patchwatch.contract.setting_parts.installation_settings import InstallationSettings
from patchwatch.contract.setting_parts.mqtt_settings import MqttSettings
from patchwatch.contract.setting_parts.oidc_settings import OidcSettings
from patchwatch.contract.setting_parts.sentence_settings import SentenceSettings
from patchwatch.contract.setting_parts.service_settings import ServiceSettings
from patchwatch.contract.setting_parts.setting_sources import (
    CONFIG_FILE,
    PREFIX,
    config_path,
    is_set,
    read_config,
    read_secrets,
    secret_file_variable,
    variable,
)
from patchwatch.contract.setting_parts.trace_settings import TraceSettings

_NOT_OURS = ("PATCHWATCH_EXTRA", "PATCHWATCH_REQUIRE", "PATCHWATCH_TEST_DATA")  # of Compose and the tests
ENVIRONMENT = "environment"


# In the documentation, the settings of the last part come first.
class Settings(
    TraceSettings,
    SentenceSettings,
    MqttSettings,
    EvidenceSettings,
    OidcSettings,
    ServiceSettings,
    DeliverySettings,
    EnrolmentSettings,
    InferenceSettings,
    IngestSettings,
    InstallationSettings,
):
    """Values that differ between installations. Frozen; pass it down, do not read it globally."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The first source that has a value decides."""
        secrets = InitSettingsSource(settings_cls, dict(read_secrets(os.environ, secret_names())))
        config = InitSettingsSource(settings_cls, read_config(os.environ))
        return init_settings, env_settings, secrets, config

    def changed(self, **values: object) -> Settings:
        """These settings with some values replaced. Raises `ConfigurationError`."""
        present = {name: getattr(self, name) for name in self.model_fields_set}
        return load_settings(**{**present, **values})

    def environment(self) -> dict[str, str]:
        """This process's environment with these settings in it, for a child process. Holds secrets: do not show.

        The child reads no files of settings: the variables that name them are left out.
        """
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        return inherited | self.variables(self.model_fields_set)

    def variables(self, names: Iterable[str]) -> dict[str, str]:
        """Of these settings, those that are not at their defaults, as variables of an environment."""
        values = {name: getattr(self, name) for name in sorted(self.model_fields_set & set(names))}
        return {variable(name): setting_values.as_text(value) for name, value in values.items() if value is not None}


def secret_names() -> list[str]:
    """The settings that are secrets, each of which may stand in a file of its own."""
    return [name for name, field in Settings.model_fields.items() if SecretStr in (field.annotation, *_parts(field))]


def _parts(field: FieldInfo) -> tuple[Any, ...]:
    return getattr(field.annotation, "__args__", ())


def known_variables() -> set[str]:
    """Every environment variable that Patchwatch reads, in capitals."""
    files = {secret_file_variable(name) for name in secret_names()}
    return {variable(name) for name in Settings.model_fields} | files | {CONFIG_FILE}


def origins() -> dict[str, str]:
    """Where each setting that is not at its default comes from: `ENVIRONMENT`, or the path of a file."""
    in_config = dict.fromkeys(read_config(os.environ), str(config_path(os.environ)))
    in_secret_files = {name: path for name in secret_names() if (path := os.environ.get(secret_file_variable(name)))}
    in_environment = {name: ENVIRONMENT for name in Settings.model_fields if is_set(name, os.environ)}
    return in_config | in_secret_files | in_environment


def unknown_variables() -> dict[str, str | None]:
    """Variables of the environment with our prefix that are not settings, each with the one that was probably meant."""
    known = known_variables()
    ours = (name for name in os.environ if name.upper().startswith(PREFIX) and name not in _NOT_OURS)
    return {name: _probably_meant(name) for name in sorted(ours) if name.upper() not in known}


def _probably_meant(name: str) -> str | None:
    """The variable of the setting that has all words of ``name``, or whose name is spelt nearly the same."""
    nearest = setting_values.nearest_name(name[:100].upper().removeprefix(PREFIX).lower(), list(Settings.model_fields))
    return variable(nearest) if nearest else None


def load_settings(**overrides: object) -> Settings:
    """Read the environment and the files it names. Raises `ConfigurationError` naming the setting that is wrong."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        message = first["msg"].removeprefix("Value error, ")
        raise ConfigurationError(_explain(name, message, first["type"], overridden=name in overrides)) from None


def _explain(name: str, message: str, kind: str, *, overridden: bool) -> str:
    """What is wrong with a setting, and where to correct it."""
    config = config_path(os.environ)
    origin = None if overridden else origins().get(name)
    if origin is not None and origin == str(config):
        if kind == "extra_forbidden":
            nearest = _probably_meant(name)
            advice = f"did you mean {nearest.removeprefix(PREFIX).lower()}?" if nearest else "remove it"
            return f"{config}: {name} is not a setting: {advice}"
        return f"{variable(name)}: {message}. Correct or remove {name} in {config}."
    place = variable(name) if origin in (None, ENVIRONMENT) else secret_file_variable(name)
    return f"{variable(name)}: {message}. Correct or unset {place}."
