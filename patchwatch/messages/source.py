"""Where a camera's video comes from, as one string, checked and free of secrets when shown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from patchwatch.errors import SourceRejectedError
from patchwatch.redaction import redact as redact


class SourceKind(StrEnum):
    """How the video reaches Patchwatch."""

    PULL = "pull"  # rtsp:// or rtsps://, we connect
    PUSH = "push"  # the camera publishes to our RTSP endpoint
    FILE = "file"  # file:/path


@dataclass(frozen=True)
class Source:
    """A parsed source. ``url`` may hold credentials: show ``str(source)`` instead."""

    kind: SourceKind
    url: str

    @classmethod
    def parse(cls, text: str) -> Source:
        """Accepts ``push:``, ``rtsp://``, ``rtsps://``, ``file:PATH``. Raises `SourceRejectedError` otherwise."""
        if text in ("push", "push:"):
            return cls(SourceKind.PUSH, "push:")
        try:
            parts = urlsplit(text)
        except ValueError:  # an unescaped [ or ]; its own words would tell the password
            raise _bad_url(text) from None
        if parts.scheme in ("rtsp", "rtsps"):
            return cls(SourceKind.PULL, _checked_rtsp(text))
        if parts.scheme == "file" and parts.path:
            return cls(SourceKind.FILE, _checked_file(text))
        raise SourceRejectedError(
            f"source {redact(text)!r} has a scheme Patchwatch does not take: "
            "use rtsp://HOST/PATH, rtsps://HOST/PATH, file:/PATH, or push: (the camera publishes to us)",
            reason="unsupported_scheme",
        )

    @property
    def path(self) -> Path:
        """The file of a ``file:`` source."""
        return Path(unquote(urlsplit(self.url).path))

    def within(self, folders: tuple[Path, ...]) -> Path:
        """The resolved file. Raises `SourceRejectedError` when it lies outside ``folders``, by ``..`` or a link too."""
        path = self.path.resolve()
        if not any(path.is_relative_to(folder) for folder in folders):
            allowed = ", ".join(str(folder) for folder in folders)
            raise SourceRejectedError(
                f"{self.path} is outside the media folders ({allowed}): "
                "move it there or add its folder to PATCHWATCH_MEDIA_DIRS",
                reason="forbidden_path",
            )
        return path

    def __str__(self) -> str:
        return redact(self.url)

    __repr__ = __str__


def _checked_rtsp(text: str) -> str:
    parts = urlsplit(text)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if not parts.hostname or port == -1 or re.search(r"[\s\x00-\x1f]", text):
        raise _bad_url(text)
    return urlunsplit(parts)


def _checked_file(text: str) -> str:
    if "\x00" in unquote(text):  # no file name holds one; asking the system for it raises
        raise SourceRejectedError(f"{text!r} is not a file's address: use file:/PATH", reason="bad_url")
    return text


def _bad_url(text: str) -> SourceRejectedError:
    return SourceRejectedError(
        f"{redact(text)!r} is not an RTSP address: use rtsp://HOST[:PORT]/PATH, "
        "and write / ? # @ [ ] % in a password as %2F %3F %23 %40 %5B %5D %25",
        reason="bad_url",
    )
