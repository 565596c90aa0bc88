"""Which sources a request may name."""

from __future__ import annotations

import anyio

from patchwatch.contract.errors import RetryableError, SourceRejectedError
from patchwatch.contract.redaction import MASK
from patchwatch.contract.settings import Settings
from patchwatch.messages.source import Source, SourceKind
from service.problem import FieldProblem, InvalidFieldsError

_DISK_WITHIN_S = 5.0


def check_source(text: str, settings: Settings, location: str, *, files_only: bool = False) -> None:
    """Raises `InvalidFieldsError`: unknown scheme, a file outside the media folders, or a masked password."""
    try:
        source = Source.parse(text)
        if source.kind is SourceKind.FILE:
            source.within(settings.allowed_media_dirs)
        elif files_only:
            raise SourceRejectedError("name recorded files (file:/PATH)", reason="unsupported_scheme")
        if MASK in text:
            raise SourceRejectedError("it holds *** in place of a secret: send the real address", reason="bad_url")
    except SourceRejectedError as error:
        raise InvalidFieldsError([FieldProblem(location=location, message=str(error))]) from None


async def check_recordings(texts: list[str], settings: Settings, limiter: anyio.CapacityLimiter) -> None:
    """As `check_source`, of an enrolment's files, in threads: a share that hangs holds up nobody else.

    Raises `RetryableError` when the disk does not answer.
    """

    def check() -> None:
        for number, text in enumerate(texts):
            check_source(text, settings, f"body.sources.{number}", files_only=True)

    try:
        with anyio.fail_after(_DISK_WITHIN_S):
            await anyio.to_thread.run_sync(check, abandon_on_cancel=True, limiter=limiter)
    except TimeoutError:
        raise RetryableError(
            f"the media folders did not answer for {_DISK_WITHIN_S:.0f} s: are they on a network share that hangs?"
        ) from None
