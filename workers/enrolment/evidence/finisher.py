"""Makes bundles of what was recorded, stores them, and removes what is too old: a thread of its own, as a store may be
slow or away. Meanwhile bundles wait in the spool."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from patchwatch.bus import keys
from patchwatch.bus.backoff import Backoff, even_jitter
from patchwatch.bus.clock import BusClock
from patchwatch.bus.stored_records import readable
from patchwatch.contract.errors import NotFoundError, RejectedError, StorageError
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.evidence import FOLDER, MANIFEST, EvidenceManifest, stored_name
from patchwatch.messages.alerts.verdict import AlertVerdicts, Verdict
from patchwatch.storage.storage import Storage
from workers.enrolment.evidence.bundle import BundleMaker
from workers.enrolment.evidence.clip_window import LONGEST_WATCH_MS
from workers.enrolment.evidence.outcome import note_missing, note_ready
from workers.enrolment.evidence.retention import SettledTime, StoredEvidence, beyond, grouped, outdated
from workers.enrolment.evidence.spool import Spool, SpoolFolder
from workers.enrolment.polling_thread import PollingThread

_POLL_S = 1.0
_LOOK_EVERY_S = 600.0  # at all that is stored
_DAY_S = 86_400
_ABANDONED_S = 4 * LONGEST_WATCH_MS / 1000
_BACKOFF = Backoff(2.0, 60.0, even_jitter)
_TOO_OLD = "its retention is over"
_TOO_MUCH = "it was removed to make room for newer evidence: see PATCHWATCH_EVIDENCE_MB"

log = logging.getLogger(__name__)


class EvidenceFinisher:
    """Its ``thread`` runs beside the recorder's. Of several workers with one spool folder, one does the work."""

    def __init__(
        self,
        settings: Settings,
        client: Any,
        spool: Spool,
        storage: Storage,
        monotonic_s: Callable[[], float] = time.monotonic,
        clock: BusClock | None = None,
    ) -> None:
        self._settings = settings
        self._client = client
        self._spool = spool
        self._storage = storage
        self._bundles = BundleMaker(client, settings)
        self._clock = clock or BusClock()
        self._monotonic_s = monotonic_s
        self._settled_time = SettledTime(monotonic_s)
        self._untouched: dict[str, tuple[float, float]] = {}  # by alert: when last added to; known since, monotonic
        self._waiting = 0
        self._failures = 0
        self._retry_at_s = float("-inf")  # monotonic
        self._failing_since_ms: int | None = None
        self._last_error = ""
        self._looked_at_s = float("-inf")
        self._stored_bytes = self._kept_bytes = 0
        self.thread = PollingThread("evidence", self.poll, _POLL_S, "evidence of alerts is not stored meanwhile")

    def facts(self) -> dict[str, Any]:
        """Fields of `EvidenceStatus`. May be called from any thread."""
        return {
            "place": self._storage.place,
            "waiting": self._waiting,
            "stored_bytes": self._stored_bytes,
            "kept_bytes": self._kept_bytes,
            "failing_since_ms": self._failing_since_ms,
            "last_error": self._last_error,
        }

    def poll(self) -> None:
        """Store what is complete, if no other process does, and keep the store within its limits. Raises redis-py's
        errors."""
        self._clock.sync(self._client)
        if self._monotonic_s() < self._retry_at_s:
            self._waiting = sum(folder.is_complete for folder in self._spool.folders())
            return
        try:
            with self._spool.locked() as ours:
                if ours:
                    self._work()
        except OSError as error:
            self._fail(f"PATCHWATCH_DATA_DIR takes no files ({error.strerror or error})")

    def _work(self) -> None:
        complete = self._complete()
        self._waiting = len(complete)
        try:
            for folder in complete:
                self._finish(folder)
                self._waiting -= 1
            if self._monotonic_s() - self._looked_at_s >= _LOOK_EVERY_S or self._stored_bytes > self._most_bytes:
                self._keep_within_limits()
        except StorageError as error:
            self._fail(str(error))

    def _complete(self) -> list[SpoolFolder]:
        """Also removes what a worker began and nobody goes on with."""
        found, untouched, now_s = [], {}, self._monotonic_s()
        for folder in self._spool.folders():
            if folder.is_complete:
                found.append(folder)
                continue
            touched_at_s = folder.touched_at_s
            known_at_s, since_s = self._untouched.get(folder.alert_id, (touched_at_s, now_s))
            untouched[folder.alert_id] = (touched_at_s, since_s if known_at_s == touched_at_s else now_s)
            if now_s - untouched[folder.alert_id][1] > _ABANDONED_S:
                folder.remove()
        self._untouched = untouched
        return found

    def _finish(self, folder: SpoolFolder) -> None:
        """Raises `StorageError`: the bundle waits."""
        known = folder.known()
        if known is None:
            self._give_up(folder, "what was recorded of it cannot be read")
            return
        try:
            manifest = self._bundles.make(folder, known, self._clock.now_ms())
        except OSError as error:
            raise StorageError(f"PATCHWATCH_DATA_DIR takes no files ({error.strerror or error}): make room") from None
        except RejectedError as error:  # nobody can say what is private in it
            self._give_up(folder, str(error))
            return
        if not manifest.parts:
            self._give_up(folder, "; ".join(manifest.notes))
            return
        self._store(folder, manifest)
        note_ready(self._client, self._settings, folder.alert_id, "; ".join(manifest.notes), self._clock.now_ms())
        folder.remove()
        self._succeeded()

    def _store(self, folder: SpoolFolder, manifest: EvidenceManifest) -> None:
        """The manifest last: where it is, all else is."""
        for part in manifest.parts:
            self._storage.put(stored_name(folder.alert_id, part.name), folder.bundle / part.name)
            self._stored_bytes += part.bytes
        self._storage.put(stored_name(folder.alert_id, MANIFEST), folder.bundle / MANIFEST)

    def _give_up(self, folder: SpoolFolder, reason: str) -> None:
        note_missing(self._client, self._settings, folder.alert_id, reason, self._clock.now_ms())
        folder.remove()

    def _fail(self, error: str) -> None:
        self._retry_at_s = self._monotonic_s() + _BACKOFF.delay_s(self._failures)
        self._failures += 1
        if self._failing_since_ms is None:
            self._failing_since_ms = self._clock.now_ms()
            log.warning("evidence waits in %s: %s", self._spool.path, error)
        self._last_error = error
        self._client.hincrby(keys.EVIDENCE_COUNTS, "failed", 1)

    def _succeeded(self) -> None:
        if self._failing_since_ms is not None:
            log.info("evidence is stored again")
        self._failures, self._failing_since_ms, self._last_error = 0, None, ""

    @property
    def _most_bytes(self) -> int:
        return self._settings.evidence_mb * 10**6

    def _keep_within_limits(self) -> None:
        stored = grouped(self._storage.files(FOLDER))
        self._looked_at_s = self._monotonic_s()
        now_s = self._settled_time.observe(min(self._clock.now_ms() / 1000, time.time()))
        old = [] if now_s is None else outdated(stored, now_s, self._settings.evidence_retention_days * _DAY_S)
        confirmed = self._confirmed([one.alert_id for one in stored])
        old = [one for one in old if one.alert_id not in confirmed]
        self._remove(old, _TOO_OLD)
        gone = {one.alert_id for one in old}
        stored = [one for one in stored if one.alert_id not in gone]
        too_many = beyond(stored, self._most_bytes, confirmed)
        self._remove(too_many, _TOO_MUCH)
        self._stored_bytes = sum(one.bytes for one in stored) - sum(one.bytes for one in too_many)
        self._kept_bytes = sum(one.bytes for one in stored if one.kept)
        self._succeeded()

    def _confirmed(self, alert_ids: list[str]) -> frozenset[str]:
        """Those that operators said were real, as long as their verdicts are kept, and those of which nobody can read
        what was said."""
        names = [keys.alert_verdicts(alert_id) for alert_id in alert_ids]
        stored = self._client.mget(names) if names else []
        return frozenset(
            alert_id for alert_id, data in zip(alert_ids, stored, strict=True) if data is not None and _is_real(data)
        )

    def _remove(self, evidence: list[StoredEvidence], reason: str) -> None:
        """The manifest first: without it, nobody takes the rest for whole."""
        for one in evidence:
            for part in sorted(one.parts, key=lambda part: not part.path.endswith(f"/{MANIFEST}")):
                try:
                    self._storage.delete(part.path)
                except NotFoundError:
                    continue
            note_missing(self._client, self._settings, one.alert_id, reason, self._clock.now_ms(), count="removed")


def _is_real(data: bytes) -> bool:
    verdicts = readable(AlertVerdicts.decode, data, "verdicts on an alert")
    return verdicts is None or verdicts.verdict is Verdict.ANOMALY
