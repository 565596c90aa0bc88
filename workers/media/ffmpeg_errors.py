"""FFmpeg's errors, translated. FFmpeg's own messages are never passed on: they contain the whole URL with its password.

What an error means depends on the source: an I/O error of a file is its disk, of a camera its connection.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import av.error
import av.logging

from patchwatch.contract.errors import PatchwatchError, SourceRejectedError, SourceUnavailableError
from patchwatch.contract.redaction import redact
from patchwatch.messages.cameras.capture_status import Reason
from patchwatch.messages.cameras.source import SourceKind
from workers.runtime.processes.open_files import no_more_files

_OPEN_FILES = frozenset({errno.EMFILE, errno.ENFILE})
_UNREACHABLE = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EADDRNOTAVAIL})
# The storage of a file does not answer, but may do so later.
_STORAGE = _UNREACHABLE | {
    errno.EIO, errno.ENXIO, errno.ENODEV, errno.ESTALE, errno.ENOTCONN, errno.ECONNREFUSED, errno.ECONNRESET,
    errno.ECONNABORTED, errno.EPIPE, errno.ESHUTDOWN, errno.EREMOTEIO, errno.EAGAIN, errno.EBUSY, errno.EINTR,
}  # fmt: skip
_PATH = frozenset({errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP})
_TIMED_OUT = (av.error.TimeoutError, av.error.ExitError)
_RESPONSES = (av.error.HTTPError, av.error.HTTPClientError)
# FFmpeg's HEVC decoder replaces a missing reference picture by an invented one, without an error or a corrupt flag: it
# only logs it. All pictures that follow are smeared until the next key frame.
_MISSING_REFERENCE = {"hevc": ("Could not find ref with POC", "Error constructing the frame RPS")}
_logging = threading.Lock()  # FFmpeg has one log level for the whole process.


@contextmanager
def translated(source: str, kind: SourceKind) -> Iterator[None]:
    """Raises `SourceUnavailableError` or `SourceRejectedError` in place of FFmpeg's errors, without credentials."""
    name = redact(source)
    try:
        yield
    except av.error.FFmpegError as error:
        raise _translate(name, kind, error) from None
    except MemoryError:
        raise _no_memory(name) from None
    except OverflowError as error:  # PyAV overflows on some of FFmpeg's error codes.
        raise SourceUnavailableError(f"{name}: {redact(str(error))}", Reason.DISCONNECTED) from None


def conceals_missing_references(codec: str) -> bool:
    """Whether the decoder invents pictures that never arrived without saying so: see `missing_references`."""
    return codec in _MISSING_REFERENCE


@contextmanager
def missing_references(codec: str) -> Iterator[list[str]]:
    """While decoding one packet of a codec whose decoder conceals them, collects its messages about reference pictures
    that never arrived."""
    messages: list[str] = []
    with _logging:
        before = av.logging.get_level()
        av.logging.set_level(av.logging.ERROR)
        try:
            with av.logging.Capture() as lines:
                yield messages
        finally:
            # Logging is off at all other times: what FFmpeg logs about connections contains credentials.
            av.logging.set_level(before)
            messages += [text for _, _, text in lines if text.startswith(_MISSING_REFERENCE[codec])]


def _translate(name: str, kind: SourceKind, error: av.error.FFmpegError) -> PatchwatchError:
    if error.errno == errno.ENOMEM:
        return _no_memory(name)
    if error.errno in _OPEN_FILES:
        return no_more_files(name)
    return {SourceKind.FILE: _file, SourceKind.PULL: _pulled, SourceKind.PUSH: _published}[kind](name, error)


def _no_memory(name: str) -> SourceUnavailableError:
    return SourceUnavailableError(
        f"{name} needs more memory than a capture may have: lower the camera's resolution, "
        "or raise PATCHWATCH_CAPTURE_MEMORY_MB",
        Reason.MEMORY,
    )


def _pulled(name: str, error: av.error.FFmpegError) -> PatchwatchError:
    if isinstance(error, _RESPONSES):
        return _refused(name, error)
    if isinstance(error, av.error.ConnectionRefusedError):
        return SourceUnavailableError(
            f"{name}: nothing listens on that port: check the port and that the camera's RTSP is on", Reason.REFUSED
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
    return SourceUnavailableError(
        f"{name}: the connection was lost ({error.strerror}) and is retried; if that persists, check the network and "
        "how many clients the camera accepts",
        Reason.DISCONNECTED,
    )


def _refused(name: str, error: av.error.FFmpegError) -> PatchwatchError:
    """An RTSP response other than 200; FFmpeg maps them to HTTP errors."""
    if isinstance(error, av.error.HTTPUnauthorizedError | av.error.HTTPForbiddenError):
        return SourceRejectedError(
            f"{name} refuses user or password: correct them in the camera's source (not tried again until then)",
            Reason.AUTH,
        )
    if isinstance(error, av.error.HTTPNotFoundError):
        return SourceUnavailableError(f"{name} answers, but has no such stream: check the path", Reason.NOT_FOUND)
    if isinstance(error, av.error.HTTPServerError):
        return SourceUnavailableError(
            f"{name} reports a fault of its own ({error.strerror}): restart the camera or lower its load",
            Reason.REFUSED,
        )
    if isinstance(error, av.error.HTTPTooManyRequestsError):
        return SourceUnavailableError(
            f"{name} is asked too often ({error.strerror}): close other clients of the camera", Reason.REFUSED
        )
    return SourceUnavailableError(
        f"{name} refuses ({error.strerror}): try the other transport, tcp or udp", Reason.REFUSED
    )


def _published(_name: str, error: av.error.FFmpegError) -> PatchwatchError:
    """FFmpeg reads from our own server, so the user's host, port and password are not at fault."""
    if isinstance(error, _TIMED_OUT):
        return SourceUnavailableError(
            "what is published brings no key frame to begin with in time: set a shorter I-frame (key frame) interval "
            "in the camera or encoder",
            Reason.TIMEOUT,
        )
    if isinstance(error, av.error.InvalidDataError | av.error.DecoderNotFoundError | av.error.PatchWelcomeError):
        return SourceUnavailableError(
            "what is published cannot be read as video: set the camera or encoder to H.264 or H.265", Reason.CODEC
        )
    return SourceUnavailableError(
        f"the published stream broke off ({error.strerror}): it resumes when the camera or encoder publishes again",
        Reason.DISCONNECTED,
    )


def _file(name: str, error: av.error.FFmpegError) -> PatchwatchError:
    if isinstance(error, av.error.FileNotFoundError):
        return SourceRejectedError(f"{name} does not exist: check the path", Reason.NOT_FOUND)
    if error.errno in _PATH:
        return SourceRejectedError(f"{name} is no path to a file ({error.strerror}): check the path", Reason.NOT_FOUND)
    if isinstance(error, av.error.PermissionError):
        return SourceRejectedError(f"{name} may not be read: check its permissions", Reason.FORBIDDEN_PATH)
    if isinstance(error, av.error.IsADirectoryError):
        return SourceRejectedError(f"{name} is a folder: name a video file in it", Reason.NOT_FOUND)
    if error.errno in _STORAGE or isinstance(error, _TIMED_OUT):
        return SourceUnavailableError(
            f"{name} cannot be read ({error.strerror}): check the disk or the network share that it is on, "
            "or copy it to another",
            Reason.UNREACHABLE,
        )
    return _format(name, error)


def _format(name: str, error: av.error.FFmpegError) -> SourceRejectedError:
    """A file that can be read but is not a supported video."""
    if isinstance(error, av.error.ArgumentError):  # The format is not on the list of allowed ones.
        return SourceRejectedError(
            f"{name} is a list of other files or addresses, or of a format that is not read: name a video file, "
            "or convert it to MP4 or Matroska",
            Reason.CODEC,
        )
    if isinstance(error, av.error.DecoderNotFoundError | av.error.PatchWelcomeError):
        return SourceRejectedError(f"{name}: no decoder for its codec: convert it to H.264", Reason.CODEC)
    return SourceRejectedError(
        f"{name} is not a video, or is cut off before its index ({error.strerror}): "
        "check it with `ffprobe`, or record it again",
        Reason.CORRUPT,
    )
