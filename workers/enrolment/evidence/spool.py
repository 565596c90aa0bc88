"""The folder where evidence is collected and waits for its store: one folder per alert, bounded together."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import Field

from patchwatch.contract.bounds import Count
from patchwatch.contract.errors import InvalidMessageError
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.base import Message, RedactedText
from patchwatch.messages.cameras.zones.polygon import Polygon
from workers.enrolment.evidence import frame_file
from workers.enrolment.evidence.frame_file import SpooledFrame

_ALERT_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,150}")
_FIRST, _PEAK, _BEGUN, _COMPLETE, BUNDLE = "first.frames", "peak.frames", "begun.json", "complete.json", "bundle"


class SpooledAlert(Message):
    """What is known of an alert in the spool. ``hidden``: what is private in its frames, in shares of the picture."""

    alert: Alert
    hidden: tuple[Polygon, ...] = ()
    notes: tuple[RedactedText, ...] = Field((), max_length=20)
    gone_frames: Count = 0


class SpoolFolder:
    """Of one alert. Methods raise `OSError` where the disk is full or does not take files."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def alert_id(self) -> str:
        return self.path.name

    @property
    def bundle(self) -> Path:
        return self.path / BUNDLE

    def begin(self, known: SpooledAlert) -> None:
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._write(_BEGUN, known)

    def add_first(self, frames: Sequence[SpooledFrame]) -> None:
        frame_file.append(self.path / _FIRST, frames)

    def add_peak(self, frames: Sequence[SpooledFrame], *, anew: bool) -> None:
        """Frames around the peak; ``anew``: in place of those of an earlier, lower one."""
        if anew:
            (self.path / _PEAK).unlink(missing_ok=True)
        frame_file.append(self.path / _PEAK, frames)

    def complete(self, known: SpooledAlert) -> None:
        """No more frames will come."""
        self._write(_COMPLETE, known)

    @property
    def is_complete(self) -> bool:
        return (self.path / _COMPLETE).exists()

    def known(self) -> SpooledAlert | None:
        """What the completed recording says, or the one that was begun; None where that cannot be read."""
        for name in (_COMPLETE, _BEGUN):
            with suppress(FileNotFoundError, InvalidMessageError):
                return SpooledAlert.decode((self.path / name).read_bytes())
        return None

    def first(self) -> list[SpooledFrame]:
        return list(frame_file.read(self.path / _FIRST))

    def peak(self) -> list[SpooledFrame]:
        return list(frame_file.read(self.path / _PEAK))

    def resume(self) -> tuple[list[SpooledFrame], list[SpooledFrame]]:
        """Both parts as a killed worker left them, with what it wrote in part removed."""
        return frame_file.cut_to_whole(self.path / _FIRST), frame_file.cut_to_whole(self.path / _PEAK)

    @property
    def touched_at_s(self) -> float:
        """When something was last added, by the clock of this host."""
        with suppress(FileNotFoundError):
            return max(entry.stat().st_mtime for entry in (self.path, *self.path.iterdir()))
        return 0.0

    def remove(self) -> None:
        """Never raises: what cannot be removed is tried again when it is next found."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _write(self, name: str, known: SpooledAlert) -> None:
        part = self.path / f".{name}.part"
        part.write_bytes(known.encode())
        os.replace(part, self.path / name)


class Spool:
    """All of them. Several workers may share the folder: `locked` says which one stores what is complete."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        self.path = path
        self.most_bytes = most_bytes

    def of(self, alert_id: str) -> SpoolFolder | None:
        """None for a name that no alert has."""
        return SpoolFolder(self.path / alert_id) if _ALERT_ID.fullmatch(alert_id) else None

    def folders(self) -> list[SpoolFolder]:
        """Oldest first."""
        with suppress(FileNotFoundError):
            found = [entry for entry in os.scandir(self.path) if entry.is_dir() and _ALERT_ID.fullmatch(entry.name)]
            return [
                SpoolFolder(Path(entry.path)) for entry in sorted(found, key=lambda entry: entry.stat().st_ctime_ns)
            ]
        return []

    def bytes(self) -> int:
        """On the disk, of all of them."""
        total = 0
        for folder, _, names in os.walk(self.path):
            for name in names:
                with suppress(FileNotFoundError):
                    total += os.stat(os.path.join(folder, name)).st_size
        return total

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Whether this process is the one that stores now; another one waits meanwhile. Raises `OSError`."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.path / ".lock").open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
