"""The settings of an installation: a part of `patchwatch.contract.settings.Settings`."""

from __future__ import annotations

from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode

from patchwatch.contract import bounds
from patchwatch.contract.errors import ConfigurationError
from patchwatch.contract.setting_parts import setting_values


@lru_cache(maxsize=4096)
def _bank_file(banks_dir: Path, camera_id: str, profile: str) -> Path:
    """Kept, because workers look at the files of all cameras twice a second: a new `Path` each time would fill the
    interpreter's table of interned strings with its parts."""
    return banks_dir / camera_id / f"{profile}.safetensors"


class InstallationSettings(BaseSettings):
    """Where an installation keeps its data, and for how long."""

    # Queue
    redis_url: SecretStr | None = Field(
        None,
        description="redis://, rediss://, unix://, or redis+sentinel://HOST,HOST/NAME for a primary that Sentinels "
        "know. Unset: Patchwatch runs its own, with data in DATA_DIR/queue.",
    )
    queue_memory_mb: int | None = Field(
        None,
        ge=32,
        description="Memory of that own server, in MiB. Default: a quarter of the machine's, to 4096.",
    )
    partitions: int = Field(16, ge=1, le=1024, description="Units of ownership; all keys of a camera share one.")
    queue_frames: int = Field(
        64,
        ge=4,
        le=10_000,
        description="Unscored frames kept per camera: a live camera then loses its oldest one, a recording waits.",
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

    # Retention
    score_retention_hours: float = Field(
        6.0, gt=0, description="How long per-frame scores are kept; after that, scores by the minute remain."
    )
    minute_retention_days: float = Field(31.0, gt=0, description="How long scores by the minute are kept.")
    alert_retention_days: float = Field(31.0, gt=0, description="How long alerts and their pictures are kept.")

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severity that is logged, to stderr."
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="Lines for people, or JSON objects for programs, with the camera and frame they are about."
    )

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

    @property
    def shared_redis_url(self) -> str:
        """Address of the Redis that all roles share, with its password. Raises `ConfigurationError` without one."""
        if self.redis_url is None:
            raise ConfigurationError(
                "no Redis is set that all roles share: set PATCHWATCH_REDIS_URL, or use `patchwatch serve`, which "
                "starts its own"
            )
        return self.redis_url.get_secret_value()
