"""Where a camera's video comes from, as one string, checked and free of secrets when shown.

``file:PATH`` names a file as it is written: ``#``, ``?`` and ``%`` stand for themselves. ``file:///PATH`` is an
address: ``%20`` stands for a space, ``%25`` for a percent sign.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote, urlsplit

from patchwatch.contract.errors import SourceRejectedError
from patchwatch.contract.redaction import redact as redact

MAX_SOURCE_LENGTH = 2048  # characters; checked before anything else looks at a source
_ENCODE = "write / ? # @ [ ] % in a user name or password as %2F %3F %23 %40 %5B %5D %25"


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
        """Accepts ``push:``, ``rtsp://``, ``rtsps://``, ``file:PATH``. Raises `SourceRejectedError` otherwise, whose
        text never repeats the source, because a malformed one may hold a password anywhere."""
        if len(text) > MAX_SOURCE_LENGTH:
            raise SourceRejectedError(f"a source is at most {MAX_SOURCE_LENGTH} characters long", reason="bad_url")
        if text in ("push", "push:"):
            return cls(SourceKind.PUSH, "push:")
        scheme, _, rest = text.partition(":")
        scheme = scheme.lower()
        if scheme in ("rtsp", "rtsps"):
            _check_rtsp(text)
            return cls(SourceKind.PULL, f"{scheme}:{rest}")
        if scheme == "file" and rest:
            _check_file(rest)
            return cls(SourceKind.FILE, f"file:{rest}")
        raise SourceRejectedError(
            "the source does not begin with a scheme that Patchwatch takes: "
            "use rtsp://HOST/PATH, rtsps://HOST/PATH, file:/PATH, or push: (the camera publishes to us)",
            reason="unsupported_scheme",
        )

    @property
    def path(self) -> Path:
        """The file of a ``file:`` source."""
        return Path(_file_name(self.url.removeprefix("file:")))

    def within(self, folders: tuple[Path, ...]) -> Path:
        """The resolved file. A network share may block the caller, but only for files that are on it.

        Raises `SourceRejectedError` when it lies outside ``folders``, also by ``..`` or a link.
        """
        try:
            path = _followed(self.path)
        except (OSError, RuntimeError):
            raise SourceRejectedError(
                "the file's path cannot be followed: a link in it leads back to itself; correct the link",
                reason="forbidden_path",
            ) from None
        likely_first = sorted(folders, key=lambda folder: not self.path.is_relative_to(folder))
        if not any(path.is_relative_to(_resolved(folder)) for folder in likely_first):
            allowed = ", ".join(str(folder) for folder in folders)
            raise SourceRejectedError(
                f"the file is outside the media folders ({allowed}): "
                "move it there or add its folder to PATCHWATCH_MEDIA_DIRS",
                reason="forbidden_path",
            )
        return path

    def __str__(self) -> str:
        return redact(self.url) if self.kind is SourceKind.PULL else self.url

    __repr__ = __str__


def _followed(path: Path) -> Path:
    """The path without links, as far as it exists. Raises `OSError` or `RuntimeError` for links that lead in a circle:
    of these, `Path.resolve` says nothing from Python 3.13 on unless it is strict."""
    try:
        return path.resolve(strict=True)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise
        return path.resolve()


def _resolved(folder: Path) -> Path:
    try:
        return folder.resolve()
    except (OSError, RuntimeError):  # as above: nothing can lie in it
        return folder


def _check_rtsp(text: str) -> None:
    try:
        parts = urlsplit(text)
        whole = bool(parts.hostname) and parts.port != 0  # both raise for an odd bracket or port
    except ValueError:
        whole = False
    if not whole or not text.isprintable() or " " in text:
        raise SourceRejectedError(
            f"the source is not an RTSP address: use rtsp://HOST[:PORT]/PATH, and {_ENCODE}", reason="bad_url"
        )
    if "@" in text[text.index("//") + 2 + len(parts.netloc) :]:
        raise SourceRejectedError(
            "the source has an @ after its host, so its user name or password holds a / ? or # as it is: "
            f"{_ENCODE}; an @ of the path too",
            reason="bad_url",
        )


def _check_file(rest: str) -> None:
    if rest.startswith("//") and not rest.lower().startswith(("///", "//localhost/")):
        raise SourceRejectedError(
            "the source names another machine's file: use file:/PATH of a file on this one", reason="bad_url"
        )
    if "\x00" in unquote(rest):  # no file name may hold one
        raise SourceRejectedError("the source is not a file's address: use file:/PATH", reason="bad_url")


def _file_name(rest: str) -> str:
    if rest.startswith("//"):
        return unquote(rest[2:].partition("/")[1] + rest[2:].partition("/")[2])
    return rest
