"""Which sources a request may name."""

from __future__ import annotations

from collections.abc import Mapping

from patchwatch.contract.errors import SourceRejectedError
from patchwatch.contract.redaction import MASK
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.source import Source, SourceKind
from service.problems.errors import InvalidFieldsError
from service.rules.disk import Disk


async def check_source(text: str, settings: Settings, disk: Disk) -> None:
    """Raises `InvalidFieldsError` for an unknown scheme, a file outside the media folders or a masked password, and
    `RetryableError` when the disk does not answer."""
    await _check({"body.source": text}, settings, disk, files_only=False)


async def check_recordings(texts: list[str], settings: Settings, disk: Disk) -> None:
    """As `check_source`, for the files of an enrolment."""
    texts_by_location = {f"body.sources.{index}": text for index, text in enumerate(texts)}
    await _check(texts_by_location, settings, disk, files_only=True)


async def _check(texts: Mapping[str, str], settings: Settings, disk: Disk, *, files_only: bool) -> None:
    """``texts``: sources by the field that names each."""
    sources = {location: _parsed(text, location, files_only) for location, text in texts.items()}

    def check_files() -> None:
        for location, source in sources.items():
            if source.kind is SourceKind.FILE:
                _check_folder(source, settings, location)

    if any(source.kind is SourceKind.FILE for source in sources.values()):
        await disk.run(check_files)


def _parsed(text: str, location: str, files_only: bool) -> Source:
    """Checks what can be checked without access to a file."""
    try:
        source = Source.parse(text)
        if files_only and source.kind is not SourceKind.FILE:
            raise SourceRejectedError("name recorded files (file:/PATH)", reason="unsupported_scheme")
        if MASK in text:
            raise SourceRejectedError("it holds *** in place of a secret: send the real address", reason="bad_url")
    except SourceRejectedError as error:
        raise InvalidFieldsError.from_field(location, str(error)) from None
    return source


def _check_folder(source: Source, settings: Settings, location: str) -> None:
    try:
        source.within(settings.allowed_media_dirs)
    except SourceRejectedError as error:
        raise InvalidFieldsError.from_field(location, str(error)) from None
