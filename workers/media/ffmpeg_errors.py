"""FFmpeg's errors in our words. FFmpeg puts the whole URL, password included, into its messages: none passes here."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import av.error

from patchwatch.contract.errors import PatchwatchError, SourceRejectedError, SourceUnavailableError
from patchwatch.contract.redaction import redact
from patchwatch.messages.status import Reason

_UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EIO, errno.EADDRNOTAVAIL}
_TIMED_OUT = (av.error.TimeoutError, av.error.ExitError)


@contextmanager
def translated(source: str, live: bool) -> Iterator[None]:
    """Raises `SourceUnavailableError` or `SourceRejectedError` in place of FFmpeg's errors, without credentials."""
    try:
        yield
    except av.error.FFmpegError as error:
        if error.errno == errno.ENOMEM:
            raise _no_memory(redact(source)) from None
        raise (_live(redact(source), error) if live else _file(redact(source), error)) from None
    except MemoryError:
        raise _no_memory(redact(source)) from None
    except OverflowError as error:  # PyAV reads some of FFmpeg's codes so
        raise SourceUnavailableError(f"{redact(source)}: {redact(str(error))}", Reason.DISCONNECTED) from None


def _no_memory(name: str) -> SourceUnavailableError:
    return SourceUnavailableError(
        f"{name} needs more memory than a capture may have: lower the camera's resolution, "
        "or raise PATCHWATCH_CAPTURE_MEMORY_MB",
        Reason.MEMORY,
    )


def _live(name: str, error: av.error.FFmpegError) -> PatchwatchError:
    if isinstance(error, av.error.HTTPUnauthorizedError | av.error.HTTPForbiddenError):
        return SourceRejectedError(
            f"{name} refuses user or password: correct them in the camera's source (not tried again until then)",
            Reason.AUTH,
        )
    if isinstance(error, av.error.HTTPNotFoundError):
        return SourceUnavailableError(f"{name} answers, but has no such stream: check the path", Reason.NOT_FOUND)
    if isinstance(error, av.error.ConnectionRefusedError):
        return SourceUnavailableError(
            f"{name}: nothing listens on that port: check the port and that the camera's RTSP is on", Reason.REFUSED
        )
    if isinstance(error, av.error.HTTPServerError):
        return SourceUnavailableError(
            f"{name} reports a fault of its own ({error.strerror}): restart the camera or lower its load",
            Reason.REFUSED,
        )
    if isinstance(error, av.error.HTTPError):
        return SourceUnavailableError(
            f"{name} refuses ({error.strerror}): try the other transport, tcp or udp", Reason.REFUSED
        )
    if isinstance(error, _TIMED_OUT):
        return SourceUnavailableError(
            f"{name} does not answer in time: check the address and the network", Reason.TIMEOUT
        )
    if error.errno in _UNREACHABLE:
        return SourceUnavailableError(
            f"{name} cannot be reached ({error.strerror}): check the host name and the network", Reason.UNREACHABLE
        )
    if isinstance(error, av.error.InvalidDataError):
        return SourceUnavailableError(
            f"{name} does not answer as an RTSP camera does: check address and port", Reason.UNREACHABLE
        )
    return SourceUnavailableError(f"{name}: the connection was lost ({error.strerror})", Reason.DISCONNECTED)


def _file(name: str, error: av.error.FFmpegError) -> PatchwatchError:
    if isinstance(error, av.error.FileNotFoundError):
        return SourceRejectedError(f"{name} does not exist: check the path", Reason.NOT_FOUND)
    if isinstance(error, av.error.PermissionError):
        return SourceRejectedError(f"{name} may not be read: check its permissions", Reason.FORBIDDEN_PATH)
    if isinstance(error, av.error.IsADirectoryError):
        return SourceRejectedError(f"{name} is a folder: name a video file in it", Reason.NOT_FOUND)
    if isinstance(error, av.error.ArgumentError):  # the format is not among those asked for
        return SourceRejectedError(
            f"{name} is a list of other files or addresses, or of a format that is not read: name a video file, "
            "or convert it to MP4 or Matroska",
            Reason.CODEC,
        )
    if isinstance(error, av.error.DecoderNotFoundError):
        return SourceRejectedError(f"{name}: no decoder for its codec: convert it to H.264", Reason.CODEC)
    return SourceRejectedError(
        f"{name} is not a video, or is cut off before its index ({error.strerror}): "
        "check it with `ffprobe`, or record it again",
        Reason.CORRUPT,
    )
