"""Whether the frames of a camera fail to come, as the ingest worker's record of it tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from patchwatch.messages.camera import Camera
from patchwatch.messages.capture_status import CaptureState, CaptureStatus
from patchwatch.messages.source import Source, SourceKind

_STALE_S = 5.0  # the ingest worker renews its record about once a second
_INATTENTIVE_S = 10.0  # since the last look: what happened meanwhile is not known
_MOST_LEAD_S = 15.0  # of silence from before the record said so
_OVER = (CaptureState.ENDED, CaptureState.DISABLED)  # no frames are to be expected


@dataclass(frozen=True)
class CaptureObservation:
    """A camera's record (None: there is none) and when it was read, on the monotonic and on the wall clock."""

    capture: CaptureStatus | None
    at_s: float
    at_ms: int


@dataclass(frozen=True)
class Offline:
    """No frames since ``started_ms``; ``ended_ms`` is None while it lasts. ``why`` is for people."""

    started_ms: int
    opened_ms: int
    why: str
    ended_ms: int | None = None


class OfflineDetector:
    """Follows one camera. The grace time counts only while this worker itself keeps looking: neither its own start
    nor a Redis that was away makes a camera offline."""

    def __init__(self) -> None:
        self.open: Offline | None = None
        self._ended_ms = 0  # of the last event: the next one begins no earlier
        self._looked_s = float("-inf")
        self._record: tuple[int, float] | None = None  # its time, and when it was first seen with that
        self._frame_s: float | None = None  # monotonic time of the last frame that was heard of
        self._quiet: tuple[float, int] | None = None  # since when, on both clocks
        self._reason = ""  # the latest since then: while it is tried again, the record has none

    def hear(self, camera: Camera, heard: CaptureObservation, after_s: float) -> Offline | None:
        """Take a look; returns the event when it opened or closed."""
        if heard.at_s - self._looked_s > _INATTENTIVE_S:
            self._record = self._frame_s = self._quiet = None
        self._looked_s = heard.at_s
        stale = self._is_stale(heard)
        capture = heard.capture
        if _delivers(capture) and not stale:
            return self._delivered(heard)
        if not _expected(camera, capture):
            return self._close(heard.at_ms)
        return self._missed(heard, stale, after_s)

    def close(self, at_ms: int) -> Offline | None:
        """The camera is watched no more."""
        return self._close(at_ms)

    def _is_stale(self, heard: CaptureObservation) -> bool:
        if heard.capture is None:
            return False
        if self._record is None or self._record[0] != heard.capture.updated_at_ms:
            self._record = heard.capture.updated_at_ms, heard.at_s
        return heard.at_s - self._record[1] > _STALE_S

    def _delivered(self, heard: CaptureObservation) -> Offline | None:
        capture = heard.capture
        last_ms = capture.last_frame_at_ms if capture else None
        age_s = (capture.updated_at_ms - last_ms) / 1000 if capture and last_ms is not None else 0.0
        self._frame_s = heard.at_s - max(0.0, age_s)
        return self._close(last_ms or heard.at_ms)

    def _missed(self, heard: CaptureObservation, stale: bool, after_s: float) -> Offline | None:
        if self._quiet is None:
            known_s = heard.at_s if self._frame_s is None else self._frame_s
            self._quiet, self._reason = (max(known_s, heard.at_s - _MOST_LEAD_S), heard.at_ms), ""
        if heard.capture is not None and heard.capture.reason is not None:
            self._reason = _told(heard.capture)
        if self.open is not None or heard.at_s - self._quiet[0] < after_s:
            return None
        last_ms = heard.capture.last_frame_at_ms if heard.capture else None
        # What lies in the future was told by a clock that has been set back since.
        since_ms = last_ms if last_ms is not None and last_ms <= heard.at_ms else min(self._quiet[1], heard.at_ms)
        started_ms = max(since_ms, self._ended_ms if self._ended_ms <= heard.at_ms else 0)
        self.open = Offline(started_ms, max(started_ms, heard.at_ms), _why(heard.capture, self._reason, stale))
        return self.open

    def _close(self, at_ms: int) -> Offline | None:
        self._quiet = None
        before, self.open = self.open, None
        if before is None:
            return None
        self._ended_ms = max(before.started_ms + 1, at_ms)
        return Offline(before.started_ms, before.opened_ms, before.why, self._ended_ms)

    def state(self) -> dict[str, Any]:
        """JSON values that `restore` takes."""
        opened = self.open
        return {"open": [opened.started_ms, opened.opened_ms, opened.why] if opened else None, "ended": self._ended_ms}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a stored state."""
        if state["open"] is not None:
            started_ms, opened_ms, why = state["open"]
            self.open = Offline(int(started_ms), int(opened_ms), str(why))
        self._ended_ms = int(state["ended"])


def _delivers(capture: CaptureStatus | None) -> bool:
    return capture is not None and capture.state is CaptureState.LIVE


def _expected(camera: Camera, capture: CaptureStatus | None) -> bool:
    if capture is not None and capture.state in _OVER:
        return False
    if Source.parse(camera.source).kind is SourceKind.PUSH:  # its publisher may be yet to be set up
        return capture is not None and capture.last_frame_at_ms is not None
    return True


def _told(capture: CaptureStatus) -> str:
    return ": ".join(part for part in (capture.reason, capture.detail) if part) or capture.state.value


def _why(capture: CaptureStatus | None, reason: str, stale: bool) -> str:
    if capture is None:
        return "no ingest worker has taken this camera: is `patchwatch run ingest` up?"
    told = reason or _told(capture)
    return f"the ingest worker says nothing more: is `patchwatch run ingest` up? Last: {told}" if stale else told
