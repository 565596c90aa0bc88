"""FFmpeg's errors as advice: it fits the kind of source, says what to do, and contains no password."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import av.error
import pytest

from patchwatch.contract.errors import PatchwatchError, SourceRejectedError, SourceUnavailableError
from patchwatch.messages.cameras.capture_status import Reason
from patchwatch.messages.cameras.source import SourceKind
from workers.media.ffmpeg_errors import translated
from workers.media.video import Video

NAMES = {
    SourceKind.FILE: "/media/yard.mp4",
    SourceKind.PULL: "rtsp://ann:geheim@cam/live",
    SourceKind.PUSH: "rtsp://127.0.0.1:41233/geheim",
}
CLASSES = cast("Mapping[int, type[av.error.FFmpegError]]", av.error.classes)  # PyAV declares instances
# The remedy of these is the same for all kinds.
CODES = sorted({*errno.errorcode, *CLASSES} - {errno.ENOMEM, errno.EMFILE, errno.ENFILE})
[OTHER_4XX] = [code for code, error in CLASSES.items() if error is av.error.HTTPOtherClientError]
OF_A_NETWORK = ("host name", "address and", "port", "password", "RTSP", "network and", "transport")
OF_A_DISK = ("disk", "share", "ffprobe", "permissions", "folder", "record it again")
OF_A_PULL = ("host name", "address", "check the port", "password", "check the path", "transport", "127.0.0.1")


def translation(kind: SourceKind, code: int) -> SourceRejectedError | SourceUnavailableError:
    error = CLASSES.get(code, av.error.FFmpegError)(code, "the error's words", NAMES[kind])
    with pytest.raises(PatchwatchError) as caught, translated(NAMES[kind], kind):
        raise error
    assert isinstance(caught.value, SourceRejectedError | SourceUnavailableError)
    assert "geheim" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("code", CODES)
def test_the_advice_on_each_code_fits_the_kind_of_source(code: int) -> None:
    assert not [word for word in OF_A_NETWORK if word in str(translation(SourceKind.FILE, code))]
    assert not [word for word in OF_A_DISK if word in str(translation(SourceKind.PULL, code))]
    assert not [word for word in (*OF_A_DISK, *OF_A_PULL) if word in str(translation(SourceKind.PUSH, code))]


@pytest.mark.parametrize(
    ("kind", "code", "retried", "reason"),
    [
        (SourceKind.FILE, errno.EIO, True, Reason.UNREACHABLE),
        (SourceKind.FILE, errno.ESTALE, True, Reason.UNREACHABLE),
        (SourceKind.FILE, errno.ETIMEDOUT, True, Reason.UNREACHABLE),
        (SourceKind.FILE, errno.EHOSTDOWN, True, Reason.UNREACHABLE),
        (SourceKind.FILE, errno.EMFILE, True, Reason.UNREACHABLE),
        (SourceKind.FILE, errno.ENOTDIR, False, Reason.NOT_FOUND),
        (SourceKind.FILE, errno.ELOOP, False, Reason.NOT_FOUND),
        (SourceKind.FILE, errno.EACCES, False, Reason.FORBIDDEN_PATH),
        (SourceKind.PULL, errno.EIO, True, Reason.DISCONNECTED),
        (SourceKind.PULL, errno.ECONNRESET, True, Reason.DISCONNECTED),
        (SourceKind.PULL, errno.EHOSTUNREACH, True, Reason.UNREACHABLE),
        (SourceKind.PULL, errno.EMFILE, True, Reason.UNREACHABLE),
        (SourceKind.PULL, OTHER_4XX, True, Reason.REFUSED),
        (SourceKind.PUSH, errno.EIO, True, Reason.DISCONNECTED),
        (SourceKind.PUSH, errno.ECONNREFUSED, True, Reason.DISCONNECTED),
        (SourceKind.PUSH, errno.ETIMEDOUT, True, Reason.TIMEOUT),
    ],
)
def test_temporary_errors_are_retried(kind: SourceKind, code: int, retried: bool, reason: Reason) -> None:
    error = translation(kind, code)
    assert (isinstance(error, SourceUnavailableError), error.reason) == (retried, reason)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file that cannot be read")
def test_a_disk_that_does_not_answer_is_named_and_no_network() -> None:
    with pytest.raises(SourceUnavailableError, match="check the disk or the network share") as caught:
        Video.open(Path("/proc/self/mem"))  # a regular file whose first bytes are an I/O error
    assert "host" not in str(caught.value)


def test_a_pipe_is_refused_before_anybody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(SourceRejectedError, match="name a recording"):
        Video.open(tmp_path / "pipe.mp4")
