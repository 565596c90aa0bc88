"""The base of control messages (JSON). Frames and scores have binary layouts of their own."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from patchwatch.errors import InvalidMessageError

CAMERA_ID_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"
CameraId = Annotated[str, StringConstraints(pattern=CAMERA_ID_PATTERN)]


class Message(BaseModel):
    """Frozen JSON message. ``version`` rises when a field changes its meaning or goes away."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="constants")

    version: int = 1

    def encode(self) -> bytes:
        return self.model_dump_json(exclude_none=True).encode()

    @classmethod
    def decode(cls, data: bytes | str) -> Self:
        """Raises `InvalidMessageError` for anything that is not this message in a version known here."""
        try:
            message = cls.model_validate_json(data)
        except ValidationError as error:
            raise InvalidMessageError(f"not a {cls.__name__}: {error.errors()[0]['msg']}") from None
        known = cls.model_fields["version"].default
        if message.version > known:
            raise InvalidMessageError(
                f"{cls.__name__} version {message.version} is newer than {known}: upgrade this worker"
            )
        return message
