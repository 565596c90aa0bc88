"""Collects the frames of alerts, of all cameras: follows the stream of alerts, and reads queues while alerts last.

One enrolment worker does it, under a lease. What it has begun is in Redis and in the spool: a worker that takes over
goes on, from the frames that the killed one wrote and those that are still queued.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from patchwatch.bus import keys
from patchwatch.bus.clock import BusClock
from patchwatch.bus.keys import CameraKeys, LeaseKeys
from patchwatch.bus.stored_records import readable
from patchwatch.contract.errors import ContentionError, LeaseLostError, RejectedError, StorageError
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.alerts.evidence import EvidenceStatus
from patchwatch.messages.alerts.verdict import ALERT_FIELD
from patchwatch.messages.frames.frame import FrameMessage
from workers.enrolment.evidence.bundle import private_zones
from workers.enrolment.evidence.clip_window import LONGEST_WATCH_MS
from workers.enrolment.evidence.finisher import EvidenceFinisher
from workers.enrolment.evidence.frame_file import SpooledFrame
from workers.enrolment.evidence.outcome import note_missing, note_recording
from workers.enrolment.evidence.recording import Recording
from workers.enrolment.evidence.spool import Spool
from workers.enrolment.polling_thread import PollingThread
from workers.runtime.leases import Lease

UNIT = LeaseKeys.for_evidence()
MOST_AT_ONCE = 64  # recordings: all cameras of a site may alert together, in a thunderstorm
_POLL_S = 0.5
_PAGE = 500  # changes of alerts
_MOST_PAGES = 20  # at a look; the rest is read at the next
_FRAMES_PAGE = 64
_MOST_FRAMES = 2048  # of one camera at a look
_STATUS_EVERY_MS = 2000
# Kinds that are found in the memory or in the sums of hours, long after they began.
_WITHOUT_MOMENT = frozenset({"drift", "lasting_change", "absence"})
_NO_MOMENT = "it is seen over minutes or hours: there is no moment that a clip could show"

log = logging.getLogger(__name__)


class EvidenceRecorder:
    """Its ``thread`` runs beside the enrolments. ``tenure`` gives the lease's value while it is held."""

    def __init__(
        self,
        settings: Settings,
        client: Any,
        spool: Spool,
        finisher: EvidenceFinisher,
        tenure: Callable[[], bytes | None],
        clock: BusClock | None = None,
    ) -> None:
        self._settings = settings
        self._client = client
        self._spool = spool
        self._finisher = finisher
        self._tenure = tenure
        self._held: bytes | None = None
        self._clock = clock or BusClock()
        self._recordings: dict[str, Recording] = {}
        self._last_missing = ""
        self._status_at_ms = 0
        self.thread = PollingThread("evidence recorder", self.poll, _POLL_S, "evidence of alerts waits for it")

    def poll(self) -> None:
        """Do what is due, if the lease is held. Raises redis-py's errors."""
        value = self._tenure()
        if value is None:
            self._held, self._recordings = None, {}
            return
        lease = Lease(UNIT, value)
        self._clock.sync(self._client)
        try:
            if value != self._held:
                self._take_over()
                self._held = value
            self._follow_alerts(lease)
            self._collect()
            self._report(lease)
        except (LeaseLostError, ContentionError) as error:  # another worker does it, or it is tried again in a moment
            log.info("evidence: %s", error)

    def _take_over(self) -> None:
        """Go on with what was begun: here, or by a worker whose spool is not ours."""
        self._recordings = {}
        spooled = {folder.alert_id: folder for folder in self._spool.folders()}
        for folder in spooled.values():
            if folder.is_complete:
                continue
            with self._disk(folder.alert_id):
                recording = Recording.resumed(folder, self._settings)
                if recording is None:
                    folder.remove()
                else:
                    self._recordings[folder.alert_id] = recording
        begun = {name.decode(errors="replace") for name in self._client.smembers(keys.EVIDENCE_RECORDING)}
        self._begin_again(sorted(begun - spooled.keys()))

    def _begin_again(self, alert_ids: list[str]) -> None:
        """What a worker elsewhere had in hand and has not stored: begin anew with what is still queued."""
        for alert_id, alert in zip(alert_ids, self._records(alert_ids), strict=True):
            if alert is None:
                self._client.srem(keys.EVIDENCE_RECORDING, alert_id)
            elif self._clock.now_ms() - alert.opened_at_ms > 2 * LONGEST_WATCH_MS:
                self._give_up(alert_id, "the worker that recorded it has ended, and its spool is not on this machine")
            elif self._client.get(keys.alert_evidence(alert_id)) is not None:
                self._begin(alert, ("the worker that began to record it has ended",))

    def _follow_alerts(self, lease: Lease) -> None:
        position = self._client.get(keys.EVIDENCE_POSITION)
        if position is None:
            newest = self._client.xrevrange(keys.ALERTS, count=1)
            position = newest[0][0] if newest else b"0-0"
            self._move_to(lease, position)
        for _ in range(_MOST_PAGES):
            entries = self._client.xrange(keys.ALERTS, min=b"(" + position, count=_PAGE)
            if not entries:
                return
            changes = (readable(Alert.decode, fields.get(ALERT_FIELD), "a change of an alert") for _, fields in entries)
            self._begin_new([alert for alert in changes if alert is not None])
            position = entries[-1][0]
            self._move_to(lease, position)

    def _move_to(self, lease: Lease, position: bytes) -> None:
        lease.write(self._client, lambda pipe: pipe.set(keys.EVIDENCE_POSITION, position))

    def _begin_new(self, alerts: Iterable[Alert]) -> None:
        newest = {alert.id: alert for alert in alerts if alert.id not in self._recordings}
        if not newest:
            return
        known = self._client.mget([keys.alert_evidence(alert_id) for alert_id in newest])
        for alert, record in zip(newest.values(), known, strict=True):
            if record is None:
                self._begin(alert)

    def _begin(self, alert: Alert, notes: tuple[str, ...] = ()) -> None:
        folder = self._spool.of(alert.id)
        if folder is None:
            log.warning("alert %r has no name that a folder could have: no evidence is kept of it", alert.id[:100])
            return
        try:
            self._refuse_if_too_much(alert)
            hidden = private_zones(self._client, alert.camera_id)
        except (RejectedError, StorageError) as error:
            self._give_up(alert.id, str(error))
            return
        recording = Recording(alert, folder, self._settings, hidden, notes)
        with self._disk(alert.id):
            recording.begin()
            note_recording(self._client, self._settings, alert.id, self._clock.now_ms())
            self._recordings[alert.id] = recording

    def _refuse_if_too_much(self, alert: Alert) -> None:
        if alert.kind.value in _WITHOUT_MOMENT:
            raise RejectedError(_NO_MOMENT)
        if len(self._recordings) >= MOST_AT_ONCE:
            raise StorageError(f"{MOST_AT_ONCE} other alerts were being recorded at the same time")
        used = self._spool.bytes()
        if used >= self._spool.most_bytes:
            raise StorageError(
                f"the spool was full ({used / 1e6:.0f} MB): see why the store does not take it, or raise "
                "PATCHWATCH_EVIDENCE_SPOOL_MB"
            )

    def _collect(self) -> None:
        alert_ids = list(self._recordings)
        for alert_id, record in zip(alert_ids, self._records(alert_ids), strict=True):
            recording = self._recordings[alert_id]
            with self._disk(alert_id):
                self._follow(recording, record or recording.alert)

    def _follow(self, recording: Recording, alert: Alert) -> None:
        of = CameraKeys.for_camera(alert.camera_id, self._settings.partitions)
        after = 0 if recording.needs_whole_queue(alert) else recording.after_seq
        frames = list(self._frames(of, after))
        recording.take(alert, frames)
        if recording.window.is_over(recording.seen_ms, self._clock.now_ms()):
            recording.complete()
            del self._recordings[alert.id]

    def _frames(self, of: CameraKeys, after_seq: int) -> Iterator[SpooledFrame]:
        for _ in range(_MOST_FRAMES // _FRAMES_PAGE):
            entries = self._client.xrange(of.frames, min=f"{after_seq + 1}-0", count=_FRAMES_PAGE)
            for entry_id, fields in entries:
                after_seq = int(entry_id.split(b"-")[0])
                try:
                    yield SpooledFrame.of_message(FrameMessage.decode(entry_id, fields))
                except RejectedError:
                    continue  # the inference worker counts it
            if len(entries) < _FRAMES_PAGE:
                return

    def _records(self, alert_ids: list[str]) -> list[Alert | None]:
        stored = self._client.mget([keys.alert(alert_id) for alert_id in alert_ids]) if alert_ids else []
        return [readable(Alert.decode, data, "an alert") for data in stored]

    @contextmanager
    def _disk(self, alert_id: str) -> Iterator[None]:
        """A disk that is full costs the evidence of this alert, and nothing else."""
        try:
            yield
        except OSError as error:
            self._give_up(alert_id, f"PATCHWATCH_DATA_DIR takes no files ({error.strerror or error}): make room there")

    def _give_up(self, alert_id: str, reason: str) -> None:
        self._recordings.pop(alert_id, None)
        folder = self._spool.of(alert_id)
        if folder is not None:
            folder.remove()
        self._last_missing = reason
        note_missing(self._client, self._settings, alert_id, reason, self._clock.now_ms())

    def _report(self, lease: Lease) -> None:
        now_ms = self._clock.now_ms()
        if abs(now_ms - self._status_at_ms) < _STATUS_EVERY_MS:
            return
        self._status_at_ms = now_ms
        status = EvidenceStatus(
            updated_at_ms=now_ms,
            recording=len(self._recordings),
            spool_bytes=self._spool.bytes(),
            last_missing=self._last_missing,
            **self._finisher.facts(),
        )
        lease.write(self._client, lambda pipe: pipe.set(keys.EVIDENCE_STATUS, status.encode()))
