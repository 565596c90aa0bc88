"""The settings of ingest: a part of `patchwatch.contract.settings.Settings`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

Adoption = Literal["loopback", "password", "anyone", "off"]


class IngestSettings(BaseSettings):
    """How cameras are read, and who may publish."""

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

    @field_validator("reconnect_max_s")
    @classmethod
    def _check_longest_reconnect_wait(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("reconnect_min_s", 0.0):
            raise ValueError("is less than PATCHWATCH_RECONNECT_MIN_S")
        return value

    @field_validator("publish_password")
    @classmethod
    def _check_publisher(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        # Nobody would be asked for a password without a user name, and the endpoint would be open.
        if bool(info.data.get("publish_username")) != bool(value and value.get_secret_value()):
            raise ValueError("goes with PATCHWATCH_PUBLISH_USERNAME: set both or neither")
        return value
