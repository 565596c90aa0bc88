"""Which sources a request may name."""

from __future__ import annotations

from patchwatch.errors import SourceRejectedError
from patchwatch.messages.source import Source, SourceKind
from patchwatch.settings import Settings
from service.problem import FieldProblem, InvalidFieldsError

_MASK = "***"


def check_source(text: str, settings: Settings, location: str, *, files_only: bool = False) -> None:
    """Raises `InvalidFieldsError`: unknown scheme, a file outside the media folders, or a masked password."""
    try:
        source = Source.parse(text)
        if source.kind is SourceKind.FILE:
            source.within(settings.allowed_media_dirs)
        elif files_only:
            raise SourceRejectedError("name recorded files (file:/PATH)", reason="unsupported_scheme")
        if _MASK in text:
            raise SourceRejectedError("it holds *** in place of a secret: send the real address", reason="bad_url")
    except SourceRejectedError as error:
        raise InvalidFieldsError([FieldProblem(location=location, message=str(error))]) from None
