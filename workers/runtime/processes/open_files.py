"""The limit of open files that a process runs into."""

from __future__ import annotations

from patchwatch.contract.errors import SourceUnavailableError
from patchwatch.messages.cameras.capture_status import Reason


def no_more_files(name: str) -> SourceUnavailableError:
    """The error of a process that may open no further file or connection."""
    return SourceUnavailableError(
        f"{name} cannot be opened, as this process has as many files open as it may: raise the limit "
        "(`ulimit -n`, or LimitNOFILE of the unit) and restart it",
        Reason.UNREACHABLE,
    )
