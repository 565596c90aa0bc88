"""Which sources a request may name."""

from __future__ import annotations

from collections.abc import Mapping

from patchwatch.contract.errors import SourceRejectedError
from patchwatch.contract.redaction import MASK
from patchwatch.contract.settings import Settings
from patchwatch.messages.source import Source, SourceKind
from service.problem import FieldProblem, InvalidFieldsError
from service.rules.disk import Disk


async def check_source(text: str, settings: Settings, disk: Disk) -> None:
    """Raises `InvalidFieldsError`: unknown scheme, a file outside the media folders, or a masked password; and
    `RetryableError` when the disk does not answer."""
    await _check({"body.source": text}, settings, disk, files_only=False)


async def check_recordings(texts: list[str], settings: Settings, disk: Disk) -> None:
    """As `check_source`, of an enrolment's files."""
    named = {f"body.sources.{number}": text for number, text in enumerate(texts)}
    await _check(named, settings, disk, files_only=True)


async def _check(named: Mapping[str, str], settings: Settings, disk: Disk, *, files_only: bool) -> None:
    files = {location: _parsed(text, location, files_only) for location, text in named.items()}

    def follow() -> None:
        for location, source in files.items():
            if source.kind is SourceKind.FILE:
                _check_place(source, settings, location)

    if any(source.kind is SourceKind.FILE for source in files.values()):
        await disk.ask(follow)


def _parsed(text: str, location: str, files_only: bool) -> Source:
    """Without a look at any file."""
    try:
        source = Source.parse(text)
        if files_only and source.kind is not SourceKind.FILE:
            raise SourceRejectedError("name recorded files (file:/PATH)", reason="unsupported_scheme")
        if MASK in text:
            raise SourceRejectedError("it holds *** in place of a secret: send the real address", reason="bad_url")
    except SourceRejectedError as error:
        raise _refused(error, location) from None
    return source


def _check_place(source: Source, settings: Settings, location: str) -> None:
    try:
        source.within(settings.allowed_media_dirs)
    except SourceRejectedError as error:
        raise _refused(error, location) from None


def _refused(error: SourceRejectedError, location: str) -> InvalidFieldsError:
    return InvalidFieldsError([FieldProblem(location=location, message=str(error))])
