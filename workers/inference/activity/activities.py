"""Follows which cameras of this worker watch for absence, and writes their activity."""

from __future__ import annotations

from typing import Any

from patchwatch.bus.keys import LeaseKeys
from patchwatch.contract.errors import BusUnavailableError
from patchwatch.messages.cameras.activity import decoded_weeks
from workers.analysis.anomaly_kinds import streams_of
from workers.analysis.camera_activity import CameraActivity, with_changes
from workers.inference.camera_state import CameraState
from workers.runtime.leases import Lease


class Activities:
    """Belongs to the scoring thread. A camera that does not watch for absence costs a look at its configuration once a
    second, and a comparison with None a frame."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def follow(self, state: CameraState) -> None:
        """Begin, go on or end. Raises `BusUnavailableError`, `LeaseLostError` and redis-py's errors."""
        engine = state.bank.engine
        if state.camera.absence_chance is None or engine is None:
            state.activity = None
            return
        if state.activity is None:
            state.activity = CameraActivity(engine.profile)
        stream = state.activity.stream
        state.activity.muted = stream is not None and stream[1] in streams_of(state.camera.muted)
        changes = state.activity.take_changes()
        if changes:
            self._write(state, state.activity, changes)

    def _write(self, state: CameraState, activity: CameraActivity, changes: dict[int, int]) -> None:
        lease = Lease(LeaseKeys.for_partition(state.keys.partition), state.lease)
        try:
            weeks = with_changes(decoded_weeks(self._client.hgetall(state.keys.activity)), changes)
            rows = {str(week): row for week, row in weeks.items()}
            lease.write(self._client, lambda pipe: pipe.hset(state.keys.activity, mapping=rows))
        except BusUnavailableError:
            activity.put_back(changes)
            raise
