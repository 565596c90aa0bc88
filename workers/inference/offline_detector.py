"""Whether a camera is offline, judged by the status that the ingest worker keeps of its capture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from patchwatch.contract.bounds import TimeMs
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.capture_status import CaptureState, CaptureStatus
from patchwatch.messages.cameras.source import Source, SourceKind

_STALE_S = 5.0  # the ingest worker renews its record about once a second
_UNOBSERVED_S = 10.0  # since the last observation: what happened meanwhile is not known
_MOST_LEAD_S = 15.0  # of silence before the record reported it
_OVER = (CaptureState.ENDED, CaptureState.DISABLED)  # no frames are to be expected


@dataclass(frozen=True)
class CaptureObservation:
    """The status of a camera's capture (None: there is none), and when it was read, on the monotonic and wall clock."""

    capture: CaptureStatus | None
    at_s: float
    at_ms: int


_TIME_MS: TypeAdapter[int] = TypeAdapter(TimeMs)


@dataclass(frozen=True)
class Offline:
    """No frames since ``started_ms``; ``ended_ms`` is None while it lasts. ``detail`` is for people."""

    started_ms: int
    opened_ms: int
    detail: str
    ended_ms: int | None = None


class OfflineDetector:
    """Follows one camera. The grace time counts only while this worker keeps observing: neither the worker's own start
    nor a lost Redis makes a camera offline."""

    def __init__(self) -> None:
        self.open: Offline | None = None
        self._ended_ms = 0  # of the last event: the next one begins no earlier
        self._observed_s = float("-inf")
        self._record: tuple[int, float] | None = None  # its time, and when it was first seen with that
        self._frame_s: float | None = None  # monotonic time of the last known frame
        self._quiet: tuple[float, int] | None = None  # since when no frames come, on both clocks
        self._reason = ""  # the latest since then: while the capture tries again, its status has none

    def observe(self, camera: Camera, observation: CaptureObservation, after_s: float) -> Offline | None:
        """Judge one observation; returns the event when it opened or closed."""
        if observation.at_s - self._observed_s > _UNOBSERVED_S:
            self._record = self._frame_s = self._quiet = None
        self._observed_s = observation.at_s
        stale = self._is_stale(observation)
        capture = observation.capture
        if _delivers(capture) and not stale:
            return self._delivered(observation)
        if not _expected(camera, capture):
            return self._close(observation.at_ms)
        return self._missed(observation, stale, after_s)

    def close(self, at_ms: int) -> Offline | None:
        """The camera is not watched any more."""
        return self._close(at_ms)

    def _is_stale(self, observation: CaptureObservation) -> bool:
        if observation.capture is None:
            return False
        if self._record is None or self._record[0] != observation.capture.updated_at_ms:
            self._record = observation.capture.updated_at_ms, observation.at_s
        return observation.at_s - self._record[1] > _STALE_S

    def _delivered(self, observation: CaptureObservation) -> Offline | None:
        capture = observation.capture
        last_ms = capture.last_frame_at_ms if capture else None
        age_s = (capture.updated_at_ms - last_ms) / 1000 if capture and last_ms is not None else 0.0
        self._frame_s = observation.at_s - max(0.0, age_s)
        return self._close(last_ms or observation.at_ms)

    def _missed(self, observation: CaptureObservation, stale: bool, after_s: float) -> Offline | None:
        if self._quiet is None:
            known_s = observation.at_s if self._frame_s is None else self._frame_s
            self._quiet, self._reason = (max(known_s, observation.at_s - _MOST_LEAD_S), observation.at_ms), ""
        if observation.capture is not None and observation.capture.reason is not None:
            self._reason = _describe(observation.capture)
        if self.open is not None or observation.at_s - self._quiet[0] < after_s:
            return None
        last_ms = observation.capture.last_frame_at_ms if observation.capture else None
        # A time in the future comes from a clock that has been set back since.
        believed = last_ms is not None and last_ms <= observation.at_ms
        since_ms = last_ms if believed and last_ms is not None else min(self._quiet[1], observation.at_ms)
        started_ms = max(since_ms, self._ended_ms if self._ended_ms <= observation.at_ms else 0)
        self.open = Offline(
            started_ms, max(started_ms, observation.at_ms), _detail(observation.capture, self._reason, stale)
        )
        return self.open

    def _close(self, at_ms: int) -> Offline | None:
        self._quiet = None
        before, self.open = self.open, None
        if before is None:
            return None
        self._ended_ms = max(before.started_ms + 1, at_ms)
        return Offline(before.started_ms, before.opened_ms, before.detail, self._ended_ms)

    def state(self) -> dict[str, Any]:
        """JSON values that `restore` takes."""
        opened = self.open
        return {
            "open": [opened.started_ms, opened.opened_ms, opened.detail] if opened else None,
            "ended": self._ended_ms,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a stored state. Raises `ValueError`, `KeyError` or `TypeError` for what is none."""
        opened = state["open"]
        if opened is not None:
            started_ms, opened_ms, detail = opened
            opened = Offline(_TIME_MS.validate_python(started_ms), _TIME_MS.validate_python(opened_ms), str(detail))
        self._ended_ms, self.open = _TIME_MS.validate_python(state["ended"]), opened


def _delivers(capture: CaptureStatus | None) -> bool:
    return capture is not None and capture.state is CaptureState.LIVE


def _expected(camera: Camera, capture: CaptureStatus | None) -> bool:
    if capture is not None and capture.state in _OVER:
        return False
    if Source.parse(camera.source).kind is SourceKind.PUSH:  # its publisher may be yet to be set up
        return capture is not None and capture.last_frame_at_ms is not None
    return True


def _describe(capture: CaptureStatus) -> str:
    return ": ".join(part for part in (capture.reason, capture.detail) if part) or capture.state.value


def _detail(capture: CaptureStatus | None, reason: str, stale: bool) -> str:
    if capture is None:
        return "no ingest worker has taken this camera: is `patchwatch run ingest` up?"
    description = reason or _describe(capture)
    return (
        f"the ingest worker has stopped reporting: is `patchwatch run ingest` up? Last: {description}"
        if stale
        else description
    )
