"""All settings; the only reader of the environment.

Every field is an environment variable with the prefix ``PATCHWATCH_`` (``PATCHWATCH_REDIS_URL`` ...), or a key of the
TOML file that ``PATCHWATCH_CONFIG_FILE`` names (``redis_url``). A secret may also stand in a file of its own, which
``PATCHWATCH_REDIS_URL_FILE`` names. An option of a command comes before the environment, that before a file of a
secret, that before the TOML file, and that before the default.
"""

from __future__ import annotations

import os
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, InitSettingsSource, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from patchwatch.contract import bounds
from patchwatch.contract.errors import ConfigurationError
from patchwatch.contract.setting_parts import setting_values
from patchwatch.contract.setting_parts.evidence_settings import EvidenceSettings
from patchwatch.contract.setting_parts.mqtt_settings import MqttSettings
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

_NOT_OURS = ("PATCHWATCH_EXTRA", "PATCHWATCH_REQUIRE", "PATCHWATCH_TEST_DATA")  # of Compose and the tests
Device = Literal["auto", "cpu", "cuda", "openvino"]
ENVIRONMENT = "environment"
Adoption = Literal["loopback", "password", "anyone", "off"]
WebhookReach = Literal["public", "private", "loopback"]


@lru_cache(maxsize=4096)
def _bank_file(banks_dir: Path, camera_id: str, profile: str) -> Path:
    """Kept, because workers look at the files of all cameras twice a second: a new `Path` each time would fill the
    interpreter's table of interned strings with its parts."""
    return banks_dir / camera_id / f"{profile}.safetensors"


class Settings(EvidenceSettings, MqttSettings):
    """Values that differ between installations. Frozen; pass it down, do not read it globally."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", allow_inf_nan=False)

    # Queue
    redis_url: SecretStr | None = Field(
        None,
        description="redis://, rediss:// or unix://. Unset: Patchwatch runs its own, with data in DATA_DIR/queue.",
    )
    queue_memory_mb: int | None = Field(
        None,
        ge=32,
        description="Memory of that own server, in MiB. Default: a quarter of the machine's, to 4096.",
    )
    partitions: int = Field(16, ge=1, le=1024, description="Units of ownership; all keys of a camera share one.")
    queue_frames: int = Field(
        64, ge=4, le=10_000, description="Unscored frames kept per camera before new ones are dropped or wait."
    )

    # Where things live
    data_dir: Annotated[Path, AfterValidator(setting_values.check_data_dir)] = Field(
        default_factory=setting_values.default_data_dir,
        validate_default=True,
        description="The queue, banks and private state.",
    )
    media_dirs: Annotated[tuple[Path, ...], NoDecode] = Field(
        (), description="Folders that file: sources may come from, separated by ':'. Default: DATA_DIR/media."
    )
    default_profile: str = Field(
        "scene", pattern=bounds.PROFILE_PATTERN, description="Profile of cameras that are added without one."
    )
    profiles_file: Path | None = Field(None, description="TOML file with profiles of your own.")

    # Ingest
    analysis_fps: float = Field(5.0, gt=0, le=120, description="Frames per second analysed, per camera.")
    overload_fps: float = Field(
        2.5, gt=1, le=120, description="Lowest rate that an overloaded machine goes down to before it drops frames."
    )
    max_side_px: int = Field(640, ge=64, le=4096, description="Longest side of an analysed frame.")
    jpeg_quality: int = Field(85, ge=30, le=100, description="JPEG quality of frames in the queue and of snapshots.")
    rtsp_host: str = Field("127.0.0.1", description="Address of the RTSP endpoint that cameras publish to.")
    rtsp_port: int = Field(8554, ge=0, le=65535, description="Its port; 0: any free one.")
    adopt_publishers: Adoption = Field(
        "loopback",
        description="Which publishers with an unknown id become cameras: those on this machine (`loopback`), others "
        "too if they give the publish user and password (`password`), all (`anyone`), or none (`off`).",
    )
    adopted_cameras: int = Field(
        32, ge=1, le=1000, description="Cameras that came by themselves and that nobody has looked at yet, at most."
    )
    publish_username: str | None = Field(None, description="Required from every publisher when set.")
    publish_password: SecretStr | None = Field(
        None, validate_default=True, description="Password to PATCHWATCH_PUBLISH_USERNAME."
    )
    source_timeout_s: float = Field(
        10.0, gt=0, description="Seconds without data after which a source counts as stalled."
    )
    reconnect_min_s: float = Field(5.0, gt=0, description="First wait before reconnecting.")
    reconnect_max_s: float = Field(60.0, gt=0, description="Longest wait before reconnecting.")
    capture_memory_mb: int = Field(
        1536, ge=256, description="Memory, in MiB, beyond which a camera's capture process is restarted."
    )
    allow_link_local_sources: bool = Field(
        False, description="Whether cameras may be at link-local, multicast and cloud metadata addresses."
    )
    source_ca_file: Path | None = Field(
        None, description="PEM file of authorities trusted for rtsps:// cameras, in addition to the system's."
    )
    max_picture_px: int = Field(7680 * 4320, ge=4096, description="Pixels of a picture; larger ones are refused.")

    # Inference
    device: Device = Field("auto", description="Where the networks run.")
    threads: int | None = Field(None, ge=1, description="CPU threads of the networks. Default: all cores.")
    cuda_fused: bool = Field(
        False,
        description="On CUDA, fuse the backbone's activations into its convolutions. Off: not measured on a GPU.",
    )
    still_tolerance: float = Field(
        0.0,
        ge=0,
        le=50,
        description="Grey levels by which a frame may differ from the last that the networks saw and still count as "
        "still; they see still frames once a second. 0: they see all frames.",
    )
    batch_frames: int = Field(16, ge=1, le=1024, description="Most frames, of all cameras, scored in one batch.")
    batch_wait_ms: float = Field(30.0, ge=0, le=5000, description="Longest wait for a batch to fill.")
    max_age_s: float = Field(5.0, gt=0, description="Age beyond which frames of live sources are dropped, and counted.")
    offline_after_s: float = Field(
        30.0, ge=1, le=86_400, description="Time without frames after which a camera's `offline` alert opens."
    )
    clip_weights: Path | None = Field(None, description="Your own CLIP RN101 weights.")
    detector_weights: Path | None = Field(None, description="Your own detector weights: any ultralytics checkpoint.")
    weights_dir: Path = Field(
        default_factory=setting_values.default_weights_dir,
        description="Where `patchwatch weights pull` puts files.",
    )
    random_clip_weights: bool = Field(
        False,
        description="For tests and benchmarks only: random CLIP weights, which every bank and score then mentions.",
    )

    # Enrolment
    false_alarms_per_day: float = Field(
        4.0,
        ge=0.001,
        le=1000,
        description="False alarms accepted per camera, unless it has its own budget: sets the alert thresholds.",
    )
    bank_thumbnails_mb: float = Field(
        4.0, ge=0, le=1000, description="MB of pictures of normal kept in each bank, to explain scores with; 0: none."
    )
    bank_versions: int = Field(
        10,
        ge=2,
        le=1000,
        description="Banks kept per camera and profile; the active one and pinned ones are always kept.",
    )
    enrolment_processes: int = Field(
        2,
        ge=1,
        le=64,
        description="Banks that one enrolment worker learns at once, while it also records live cameras.",
    )
    enrolment_timeout_s: float = Field(
        60.0,
        gt=0,
        le=3600,
        description="Seconds without frames from a recording or a live camera after which its enrolment fails.",
    )

    # Memory of normal
    memory_mb: int = Field(
        256, ge=0, le=1_000_000, description="MB of normal, as features and small pictures, kept per camera; 0: none."
    )
    store_url: Annotated[str, AfterValidator(setting_values.check_storage_url)] | None = Field(
        None,
        max_length=500,
        description="Where hosts share banks and memory: s3://, gs:// or az:// with bucket and path (needs the extra "
        "`storage`), or a folder as file:///PATH. Default: nowhere; each host has what is in its DATA_DIR.",
    )
    self_arm: bool = Field(True, description="Whether cameras learn by themselves what is normal.")
    self_arm_after_s: float = Field(
        60.0, ge=10, le=3600, description="Seconds of remembered footage that a camera's first bank takes."
    )

    # Retention
    score_retention_hours: float = Field(
        6.0, gt=0, description="How long per-frame scores are kept; after that, scores by the minute remain."
    )
    minute_retention_days: float = Field(31.0, gt=0, description="How long scores by the minute are kept.")
    alert_retention_days: float = Field(31.0, gt=0, description="How long alerts and their pictures are kept.")

    # Delivery
    webhook_reach: WebhookReach = Field(
        "private", description="Which addresses webhooks may be sent to; each choice includes those before it."
    )
    webhook_timeout_s: float = Field(
        10.0, gt=0, le=bounds.LONGEST_DELIVERY_S, description="Limit of one delivery, from connecting to the answer."
    )
    webhook_retry_min_s: float = Field(1.0, gt=0, description="First wait before a delivery is tried again.")
    webhook_retry_max_s: float = Field(300.0, gt=0, description="Longest such wait; a receiver may ask for up to 1 h.")
    webhook_attempts: int = Field(
        8, ge=1, le=100, description="Attempts that a receiver may answer with an error before the alert is given up."
    )
    webhook_max_age_hours: float = Field(
        24.0, gt=0, description="Age at which an alert is given up when its receiver cannot be reached."
    )

    # Service
    host: str = Field("127.0.0.1", description="Address of the REST and WebSocket service.")
    port: int = Field(8080, ge=0, le=65535, description="Its port; 0: any free one.")
    api_token: SecretStr | None = Field(None, description="Bearer token of an admin; named ones: `patchwatch tokens`.")
    session_hours: float = Field(168.0, ge=0.1, le=720, description="Hours without use after which a login ends.")
    public_url: Annotated[str, AfterValidator(setting_values.check_page_address)] | None = Field(
        None,
        max_length=500,
        description="Address that browsers use, such as https://home.example/cams, with the path under which a proxy "
        "serves Patchwatch; webhooks link to it.",
    )
    trusted_proxies: Annotated[str, AfterValidator(setting_values.check_networks)] = Field(
        "127.0.0.0/8,::1", description="Networks, separated by ',', whose X-Forwarded-Prefix and -For are trusted."
    )
    websocket_heartbeat_s: float = Field(15.0, gt=0, description="Most seconds without a message on a WebSocket.")

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severity that is logged, to stderr."
    )

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

    @field_validator("media_dirs", mode="before")
    @classmethod
    def _split_folders(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part for part in value.split(":") if part)
        return value

    @field_validator("redis_url")
    @classmethod
    def _check_redis_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            setting_values.check_redis_url(value.get_secret_value())
        return value

    @field_validator("reconnect_max_s")
    @classmethod
    def _check_longest_reconnect_wait(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("reconnect_min_s", 0.0):
            raise ValueError("is less than PATCHWATCH_RECONNECT_MIN_S")
        return value

    @field_validator("webhook_retry_max_s")
    @classmethod
    def _check_longest_retry_wait(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("webhook_retry_min_s", 0.0):
            raise ValueError("is less than PATCHWATCH_WEBHOOK_RETRY_MIN_S")
        return value

    @field_validator("publish_password")
    @classmethod
    def _check_publisher(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        # Nobody would be asked for a password without a user name, and the endpoint would be open.
        if bool(info.data.get("publish_username")) != bool(value and value.get_secret_value()):
            raise ValueError("goes with PATCHWATCH_PUBLISH_USERNAME: set both or neither")
        return value

    @cached_property
    def allowed_media_dirs(self) -> tuple[Path, ...]:
        """Folders that ``file:`` sources may come from, absolute. Links in them are not followed: one may hang."""
        return tuple(folder.expanduser().absolute() for folder in self.media_dirs or (self.data_dir / "media",))

    @cached_property
    def banks_dir(self) -> Path:
        """One folder per camera: the active bank as ``<profile>.safetensors``, all versions in ``<profile>/``."""
        return self.data_dir / "banks"

    def bank_path(self, camera_id: str, profile: str) -> Path:
        return _bank_file(self.banks_dir, camera_id, profile)

    @cached_property
    def memory_dir(self) -> Path:
        """What is remembered of the cameras' normal: one folder per camera, and in it one per profile."""
        return self.data_dir / "memory"

    def memory_path(self, camera_id: str, profile: str) -> Path:
        return self.memory_dir / camera_id / profile

    def changed(self, **values: object) -> Settings:
        """These settings with some values replaced. Raises `ConfigurationError`."""
        present = {name: getattr(self, name) for name in self.model_fields_set}
        return load_settings(**{**present, **values})

    @property
    def shared_redis_url(self) -> str:
        """Address of the Redis that all roles share, with its password. Raises `ConfigurationError` without one."""
        if self.redis_url is None:
            raise ConfigurationError(
                "no Redis is set that all roles share: set PATCHWATCH_REDIS_URL, or use `patchwatch serve`, which "
                "starts its own"
            )
        return self.redis_url.get_secret_value()

    @property
    def public_path(self) -> str:
        """Path that browsers' addresses of the service begin with; empty without a proxy's path."""
        return urlsplit(self.public_url or "").path

    def environment(self) -> dict[str, str]:
        """This process's environment with these settings in it, for a child process. Holds secrets: do not show.

        The child reads no files of settings: the variables that name them are left out.
        """
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        values = {name: getattr(self, name) for name in sorted(self.model_fields_set)}
        ours = {name: setting_values.as_text(value) for name, value in values.items() if value is not None}
        return inherited | {variable(name): text for name, text in ours.items()}


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
