"""Makes the bundle of an alert in its spool folder: the parts first, and the manifest that names them last."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchwatch import __version__
from patchwatch.bus import keys
from patchwatch.bus.keys import CameraKeys
from patchwatch.bus.stored_records import readable
from patchwatch.contract.errors import InvalidMessageError, RejectedError
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import Alert, AlertKind, AlertState
from patchwatch.messages.alerts.evidence import (
    CLIP,
    MANIFEST,
    MEDIA_TYPES,
    NORMAL,
    PEAK,
    SCORES,
    ClipFacts,
    EvidenceManifest,
    EvidencePart,
)
from patchwatch.messages.alerts.explanation import Explanation
from patchwatch.messages.cameras.camera import readable_zones
from patchwatch.messages.cameras.zones.polygon import Polygon
from patchwatch.messages.cameras.zones.zone import ZoneKind, polygons
from workers.enrolment.evidence.clip import write_clip
from workers.enrolment.evidence.clip_window import ClipWindow
from workers.enrolment.evidence.frame_file import SpooledFrame
from workers.enrolment.evidence.pictures import nearest_normal, peak_picture
from workers.enrolment.evidence.score_curve import score_curve
from workers.enrolment.evidence.spool import SpooledAlert, SpoolFolder

_SHORT_S = 1.0  # by so much a pre-roll may be short before somebody is told


@dataclass(frozen=True)
class _Footage:
    window: ClipWindow
    frames: list[SpooledFrame]
    hidden: tuple[Polygon, ...]


def private_zones(client: Any, camera_id: str) -> tuple[Polygon, ...]:
    """What is private in a camera's picture now. Raises `RejectedError` where that cannot be read, and redis-py's
    errors."""
    return polygons(readable_zones(client.hget(keys.CAMERAS, camera_id)), ZoneKind.PRIVACY)


class BundleMaker:
    """Reads Redis for what the frames do not show."""

    def __init__(self, client: Any, settings: Settings) -> None:
        self._client = client
        self._settings = settings

    def make(self, folder: SpoolFolder, known: SpooledAlert, now_ms: int) -> EvidenceManifest:
        """Make the bundle, or find the one that was made before. Raises `OSError`, `RejectedError` where nobody can
        say what is private in the picture, and redis-py's errors."""
        made = _made(folder.bundle / MANIFEST)
        if made is not None:
            return made
        folder.bundle.mkdir(exist_ok=True, mode=0o700)
        alert = readable(Alert.decode, self._client.get(keys.alert(known.alert.id)), "an alert") or known.alert
        footage = self._footage(folder, alert, known)
        clip, failure = _clip(folder.bundle / CLIP, footage, known.gone_frames)
        seen = self._pictures(folder.bundle, alert, footage)
        self._scores(folder.bundle, alert, footage)
        manifest = EvidenceManifest(
            alert=alert,
            patchwatch=__version__,
            recorded_at_ms=now_ms,
            clip=clip,
            nearest_normal=seen,
            notes=(*known.notes, *([failure] if clip is None else _notes(footage, clip))),
            parts=_parts(folder.bundle),
        )
        _write(folder.bundle / MANIFEST, manifest.model_dump_json(indent=2, exclude_none=True).encode())
        return manifest

    def _footage(self, folder: SpoolFolder, alert: Alert, known: SpooledAlert) -> _Footage:
        """The frames that the clip shows. What was private when they were filmed is hidden, and what is now."""
        hidden = private_zones(self._client, alert.camera_id)
        window = ClipWindow.of(alert, self._settings)
        spans = [(window.from_ms, window.first_until_ms), *([window.peak_ms] if window.peak_ms else [])]
        found = {frame.seq: frame for frame in (*folder.first(), *folder.peak())}
        frames = [found[seq] for seq in sorted(found) if any(a <= found[seq].captured_at_ms < b for a, b in spans)]
        return _Footage(window, frames, tuple(dict.fromkeys((*known.hidden, *hidden))))

    def _pictures(self, bundle: Path, alert: Alert, footage: _Footage) -> str:
        """Returns where the normal moment was seen."""
        explanation = readable(
            Explanation.decode, self._client.get(keys.alert_explanation(alert.id)), f"explanation of {alert.id!r}"
        )
        size = (explanation.width, explanation.height) if explanation else None
        jpeg = self._client.get(keys.alert_picture(alert.id))
        if footage.frames:
            nearest = min(footage.frames, key=lambda frame: abs(frame.captured_at_ms - alert.peak_at_ms))
            size, jpeg = size or nearest.source_size, jpeg or nearest.jpeg
        peak = peak_picture(jpeg, footage.hidden, alert.region, size) if jpeg else None
        if peak is not None:
            _write(bundle / PEAK, peak)
        normal = nearest_normal(explanation, footage.hidden) if explanation else None
        if normal is not None:
            _write(bundle / NORMAL, normal.jpeg)
        return normal.seen if normal else ""

    def _scores(self, bundle: Path, alert: Alert, footage: _Footage) -> None:
        of = CameraKeys.for_camera(alert.camera_id, self._settings.partitions)
        window = footage.window
        until_ms = max(window.first_until_ms, window.peak_ms[1] if window.peak_ms else 0)
        curve = score_curve(self._client, of, alert, window.from_ms, until_ms)
        if curve is not None:
            _write(bundle / SCORES, curve)


def _clip(path: Path, footage: _Footage, gone_frames: int) -> tuple[ClipFacts | None, str]:
    """The clip, or why there is none."""
    try:
        clip = write_clip(path, footage.frames, footage.hidden, gone_frames) if footage.frames else None
    except RejectedError as error:
        return None, f"there is no clip: {error}"
    return clip, "there is no clip: no frame of that time was left in the queue"


def _notes(footage: _Footage, clip: ClipFacts) -> list[str]:
    window = footage.window
    begins_ms = clip.segments[0].from_ms
    notes: list[str] = []
    if begins_ms > window.anchor_ms:
        notes.append(f"the clip begins {(begins_ms - window.anchor_ms) / 1000:.1f} s after the alert did")
    elif begins_ms - window.from_ms > 1000 * _SHORT_S:
        notes.append(f"the pre-roll is {(window.anchor_ms - begins_ms) / 1000:.1f} s, as no earlier frame was queued")
    if window.alert.state is AlertState.OPEN and window.alert.kind is not AlertKind.OFFLINE:
        notes.append("the alert was still open when its evidence was recorded")
    if clip.missing_frames:
        notes.append(f"{clip.missing_frames} frames left the queue before they could be recorded")
    return notes


def _parts(bundle: Path) -> tuple[EvidencePart, ...]:
    return tuple(_part(bundle / name) for name in MEDIA_TYPES if name != MANIFEST and (bundle / name).exists())


def _part(path: Path) -> EvidencePart:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return EvidencePart(name=path.name, media_type=MEDIA_TYPES[path.name], bytes=path.stat().st_size, sha256=digest)


def _made(path: Path) -> EvidenceManifest | None:
    try:
        return EvidenceManifest.decode(path.read_bytes())
    except (FileNotFoundError, InvalidMessageError):
        return None


def _write(path: Path, data: bytes) -> None:
    part = path.with_suffix(".part")
    part.write_bytes(data)
    os.replace(part, path)
