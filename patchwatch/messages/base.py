"""The base of control messages (JSON). Frames and scores have binary layouts of their own."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError

from patchwatch.contract.errors import InvalidMessageError, NewerMessageError, RejectedError
from patchwatch.contract.redaction import one_line, redact

CAMERA_ID_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"
CameraId = Annotated[str, StringConstraints(pattern=CAMERA_ID_PATTERN)]
_LONGEST_WORDS = 1000  # characters
# Text for people about what a source, a receiver or a stranger did: hidden here, where every message passes, is
# whatever of a secret their writers forgot.
RedactedText = Annotated[str, AfterValidator(lambda text: redact(one_line(text, _LONGEST_WORDS)))]


def checked_camera_id(text: str) -> str:
    """The id itself. Raises `RejectedError` for one that no camera can have."""
    if not re.fullmatch(CAMERA_ID_PATTERN, text):
        raise RejectedError(
            f"{text!r} is not a camera id: use up to 63 of a-z, 0-9, '-' and '_', beginning with a letter or digit"
        )
    return text


class Message(BaseModel):
    """Frozen JSON message. ``version`` rises when a field changes its meaning or goes away."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

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
            raise NewerMessageError(
                f"{cls.__name__} version {message.version} is newer than {known}: upgrade this worker"
            )
        return message
