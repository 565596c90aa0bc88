"""A bundle of evidence as the enrolment worker stores it, without one."""

from __future__ import annotations

import hashlib
from pathlib import Path

from evidence_site import BEGIN_MS, STEP_MS, picture
from service_world import World

from patchwatch.bus import keys
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.alerts.evidence import (
    CLIP,
    MANIFEST,
    MEDIA_TYPES,
    PEAK,
    EvidenceManifest,
    EvidencePart,
    EvidenceRecord,
    EvidenceState,
    stored_name,
)
from workers.enrolment.evidence.clip import write_clip
from workers.enrolment.evidence.frame_file import SpooledFrame
from workers.media import jpeg_codec

CLIP_BYTES = bytes(range(256)) * 4000  # more than one chunk of an answer


def store_evidence(world: World, folder: Path, alert_id: str) -> EvidenceManifest:
    """``folder``: of the settings. The alert is one of the world's."""
    data = {CLIP: CLIP_BYTES, PEAK: world.picture}
    parts = tuple(
        EvidencePart(
            name=name, media_type=MEDIA_TYPES[name], bytes=len(content), sha256=hashlib.sha256(content).hexdigest()
        )
        for name, content in data.items()
    )
    alert = Alert.decode(world.value(keys.alert(alert_id)))
    manifest = EvidenceManifest(
        alert=alert, patchwatch="1", recorded_at_ms=1_800_000_000_000, notes=("a note",), parts=parts
    )
    for name, content in {**data, MANIFEST: manifest.encode()}.items():
        path = folder / stored_name(alert_id, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    note_evidence(world, alert_id, EvidenceState.READY)
    return manifest


def note_evidence(world: World, alert_id: str, state: EvidenceState, reason: str = "") -> None:
    record = EvidenceRecord(alert_id=alert_id, state=state, updated_at_ms=1, reason=reason)
    world.bus.set(keys.alert_evidence(alert_id), record.encode())


def store_clip(world: World, folder: Path, alert_id: str) -> None:
    """A clip of eight seconds that can be played, with its manifest."""
    frames = [
        SpooledFrame(n, BEGIN_MS + n * STEP_MS, (160, 96), jpeg_codec.encode(picture(n), 85)) for n in range(1, 41)
    ]
    clip = folder / stored_name(alert_id, "clip.mp4")
    clip.parent.mkdir(parents=True)
    facts = write_clip(clip, frames, ())
    data = clip.read_bytes()
    part = EvidencePart(
        name="clip.mp4", media_type="video/mp4", bytes=len(data), sha256=hashlib.sha256(data).hexdigest()
    )
    alert = Alert.decode(world.value(keys.alert(alert_id)))
    manifest = EvidenceManifest(alert=alert, patchwatch="1", recorded_at_ms=BEGIN_MS, clip=facts, parts=(part,))
    clip.with_name("manifest.json").write_bytes(manifest.encode())
