"""The recording of one alert: takes the frames of its camera that its clip is to show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.cameras.zones.polygon import Polygon
from workers.enrolment.evidence.clip_window import ClipWindow
from workers.enrolment.evidence.frame_file import SpooledFrame
from workers.enrolment.evidence.spool import SpooledAlert, SpoolFolder


@dataclass
class Recording:
    """``after_seq``: the last frame of the camera that was looked at. Methods raise `OSError`, as the spool does."""

    alert: Alert
    folder: SpoolFolder
    settings: Settings
    hidden: tuple[Polygon, ...] = ()
    notes: tuple[str, ...] = ()
    after_seq: int = 0
    seen_ms: int = 0
    peak_at_ms: int | None = None  # of the peak whose part is being recorded
    gone_frames: int = field(default=0)  # that left the queue before they could be taken

    @property
    def window(self) -> ClipWindow:
        return ClipWindow.of(self.alert, self.settings)

    def begin(self) -> None:
        self.folder.begin(self._known())

    @classmethod
    def resumed(cls, folder: SpoolFolder, settings: Settings) -> Recording | None:
        """Goes on where a worker ended; None where nothing readable was begun."""
        known = folder.known()
        if known is None:
            return None
        first, peak = folder.resume()
        recording = cls(known.alert, folder, settings, known.hidden, known.notes)
        last = max([*first, *peak], key=lambda frame: frame.seq, default=None)
        if last is not None:
            recording.after_seq, recording.seen_ms = last.seq, last.captured_at_ms
        return recording

    def needs_whole_queue(self, alert: Alert) -> bool:
        """Whether the peak of the alert, as it is now, needs frames that were looked at already."""
        return ClipWindow.of(alert, self.settings).peak_ms is not None and alert.peak_at_ms != self.peak_at_ms

    def take(self, alert: Alert, frames: Sequence[SpooledFrame]) -> None:
        """``frames``: those after `after_seq`, or all in the queue where `needs_whole_queue`."""
        anew = self.needs_whole_queue(alert)
        self.alert = alert
        window = self.window
        fresh = [frame for frame in frames if frame.seq > self.after_seq]
        if fresh and self.after_seq:
            self.gone_frames += fresh[0].seq - self.after_seq - 1
        self.folder.add_first([f for f in fresh if window.from_ms <= f.captured_at_ms < window.kept_until_ms])
        if window.peak_ms is not None:
            self._take_peak(window.peak_ms, frames if anew else fresh, anew=anew)
            self.peak_at_ms = alert.peak_at_ms
        if fresh:
            self.after_seq, self.seen_ms = fresh[-1].seq, fresh[-1].captured_at_ms

    def _take_peak(self, between_ms: tuple[int, int], frames: Sequence[SpooledFrame], *, anew: bool) -> None:
        chosen = {frame.seq: frame for frame in frames if between_ms[0] <= frame.captured_at_ms < between_ms[1]}
        if anew:  # some of the frames may have left the queue meanwhile
            kept = [frame for frame in self.folder.peak() if between_ms[0] <= frame.captured_at_ms < between_ms[1]]
            chosen = {frame.seq: frame for frame in kept} | chosen
        self.folder.add_peak([chosen[seq] for seq in sorted(chosen)], anew=anew)

    def complete(self) -> None:
        self.folder.complete(self._known())

    def _known(self) -> SpooledAlert:
        return SpooledAlert(alert=self.alert, hidden=self.hidden, notes=self.notes, gone_frames=self.gone_frames)
