"""The upkeep of all cameras: sums up their hours, judges their drift, and shares the site's budget.

One enrolment worker does it, under a lease. It keeps nothing of its own that Redis could not give back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from models.profiles.profile import load_profiles
from patchwatch.bus import keys
from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import translated
from patchwatch.bus.keys import CameraKeys, LeaseKeys
from patchwatch.bus.stored_records import readable, readable_by_id
from patchwatch.contract.errors import ContentionError, LeaseLostError
from patchwatch.contract.settings import Settings
from patchwatch.messages.banks.arming import MemoryStatus
from patchwatch.messages.cameras.analysis_status import AnalysisStatus
from patchwatch.messages.cameras.camera import Camera, is_over
from patchwatch.messages.cameras.drift import Drift
from workers.enrolment.polling_thread import PollingThread
from workers.enrolment.upkeep.absence_watch import AbsenceWatch
from workers.enrolment.upkeep.allotter import Allotter, changed, is_due
from workers.enrolment.upkeep.drift_judge import Judged, judge
from workers.enrolment.upkeep.drift_watch import DriftWatch
from workers.enrolment.upkeep.hours import HourReader, last_over_ms, stored_hours
from workers.enrolment.upkeep.recent_alerts import RecentAlerts
from workers.runtime.leases import Lease

UNIT = LeaseKeys.for_upkeep()
_POLL_S = 2.0
_HOURS_EVERY_S = 20.0  # hours are over at the same time for all cameras: they are read some cameras at a time
_CAMERAS_AT_ONCE = 20

log = logging.getLogger(__name__)


class Upkeep:
    """Its ``thread`` runs beside the enrolments. ``tenure`` gives the lease's value while it is held."""

    def __init__(
        self, settings: Settings, client: Any, tenure: Callable[[], bytes | None], clock: BusClock | None = None
    ) -> None:
        self._settings = settings
        self._client = client
        self._tenure = tenure
        self._clock = clock or BusClock()
        self._allotter = Allotter(client, settings)
        self._drifts = DriftWatch(client, settings)
        self._absences = AbsenceWatch(client, settings)
        self._profiles = load_profiles(settings.profiles_file)
        self._hours_read_s = float("-inf")
        self._summed_up: dict[str, int] = {}  # up to when, by camera id
        self.thread = PollingThread("upkeep", self.poll, _POLL_S, "drift and the site's budget wait for it")

    def poll(self) -> None:
        """Do what is due, if the lease is held."""
        value = self._tenure()
        if value is None:
            return
        lease = Lease(UNIT, value)
        self._clock.sync(self._client)
        now_ms = self._clock.now_ms()
        try:
            self.share_budget(lease, now_ms)
            if time.monotonic() - self._hours_read_s >= _HOURS_EVERY_S:
                self._hours_read_s = time.monotonic()
                self.sum_up(lease, now_ms)
                self._absences.follow(lease, self._cameras(self._client), now_ms, _is_there)
        except (LeaseLostError, ContentionError) as error:  # another worker does it, or it is tried again in a moment
            log.info("upkeep: %s", error)

    def _cameras(self, source: Any) -> list[Camera]:
        return list(readable_by_id(Camera.decode, source.hgetall(keys.CAMERAS), "camera").values())

    def share_budget(self, lease: Lease, now_ms: int) -> None:
        """Follow the site's budget, and once a day what the cameras have spent. Raises `LeaseLostError`."""
        budget = self._allotter.budget()
        if budget is None:
            return
        cameras = self._cameras(self._client)
        alerts = RecentAlerts(self._client, now_ms)
        spent = self._allotter.records(cameras, alerts, now_ms) if budget.per_day and is_due(cameras, now_ms) else {}
        if not changed(budget, cameras, now_ms, spent):
            return
        found: list[Camera] = []

        def still_differ(pipe: Any) -> bool:
            pipe.watch(keys.CAMERAS)
            found[:] = changed(budget, self._cameras(pipe), now_ms, spent)
            return bool(found)

        def queue(pipe: Any) -> None:
            pipe.hset(keys.CAMERAS, mapping={camera.id: camera.encode() for camera in found})
            pipe.incr(keys.CAMERAS_REVISION)

        with translated():
            lease.write(self._client, queue, still_differ)
        log.info("the site's budget is shared anew: %d cameras changed", len(found))

    def sum_up(self, lease: Lease, now_ms: int) -> None:
        """Sum up the hours that are over of some cameras, and judge these. Raises `LeaseLostError`."""
        cameras, alerts, known = self._cameras(self._client), RecentAlerts(self._client, now_ms), self._drifts.known()
        ids = {camera.id for camera in cameras}
        gone = {camera_id: drift for camera_id, drift in known.items() if camera_id not in ids}
        if gone:
            lease.write(self._client, lambda pipe: self._drifts.queue_end(pipe, gone, now_ms))
        over_ms = last_over_ms(now_ms)
        behind = [camera for camera in cameras if self._summed_up.get(camera.id) != over_ms]
        for camera in behind[:_CAMERAS_AT_ONCE]:
            self._sum_up(lease, camera, alerts, now_ms)
            self._judge(lease, camera, known.get(camera.id), now_ms)
            self._summed_up[camera.id] = over_ms
        self._summed_up = {camera_id: at_ms for camera_id, at_ms in self._summed_up.items() if camera_id in ids}

    def _sum_up(self, lease: Lease, camera: Camera, alerts: RecentAlerts, now_ms: int) -> None:
        reader = HourReader(self._client, CameraKeys.for_camera(camera.id, self._settings.partitions))
        analysis, restless = self._analysis(camera), alerts.restless(camera.id)
        if analysis is not None and analysis.condition is not None:  # its alert may be older than those that are read
            restless.append((analysis.condition.since_ms, now_ms))
        for hour_ms in reader.due(now_ms, self._settings.score_retention_hours):
            hour = reader.read(hour_ms, restless, analysis)
            if not (reader.has_begun or hour.minutes):  # it may not have been there yet
                continue
            reader.has_begun = True

            def queue(pipe: Any, hour: Any = hour) -> None:
                reader.write(pipe, hour)

            lease.write(self._client, queue, _is_there(camera))

    def _judge(self, lease: Lease, camera: Camera, before: Drift | None, now_ms: int) -> None:
        profile = self._profiles.get(camera.profile)
        if profile is None:  # the status of its analysis says so
            return
        memory = readable(MemoryStatus.decode, self._client.hget(keys.MEMORIES, camera.id), "what is remembered")
        self_arms = camera.self_arms(self._settings.self_arm) and self._settings.memory_mb > 0
        analysis = self._analysis(camera)
        judged = Judged(camera, profile, analysis.bank_id if analysis else None, memory, self_arms)
        of = CameraKeys.for_camera(camera.id, self._settings.partitions)
        drift = judge(judged, stored_hours(self._client, of))
        lease.write(
            self._client, lambda pipe: self._drifts.queue(pipe, camera, drift, before, now_ms), _is_there(camera)
        )

    def _analysis(self, camera: Camera) -> AnalysisStatus | None:
        of = CameraKeys.for_camera(camera.id, self._settings.partitions)
        return readable(AnalysisStatus.decode, self._client.get(of.analysis), "an analysis' status")


def _is_there(camera: Camera) -> Callable[[Any], bool]:
    """Whether the camera was not removed meanwhile: what is written of it then would stay for good."""

    def check(pipe: Any) -> bool:
        pipe.watch(keys.CAMERAS)
        return not is_over(pipe.hget(keys.CAMERAS, camera.id), camera.incarnation)

    return check
