"""The evidence of an alert: a clip, pictures and scores in one bundle, what its manifest says of them, and how far the
recording is."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from patchwatch.contract.bounds import Count, TimeMs
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.base import Message, RedactedText

MANIFEST = "manifest.json"
KEEP = "keep"  # an empty file: this evidence is kept whatever its age
CLIP = "clip.mp4"
PEAK = "peak.jpg"
NORMAL = "normal.jpg"
SCORES = "scores.json"
MEDIA_TYPES = {
    CLIP: "video/mp4",
    PEAK: "image/jpeg",
    NORMAL: "image/jpeg",
    SCORES: "application/json",
    MANIFEST: "application/json",
}
MAX_MANIFEST_BYTES = 200_000
FOLDER = "alerts"  # of the store
_MAX_NOTES = 20


def stored_name(alert_id: str, part: str) -> str:
    """The name of a part of an alert's evidence in the store."""
    return f"{FOLDER}/{alert_id}/{part}"


class EvidenceState(StrEnum):
    """Evidence is recorded once, and then ready or missing for good."""

    RECORDING = "recording"
    READY = "ready"
    MISSING = "missing"


class EvidencePart(BaseModel):
    """One file of the bundle."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: Annotated[str, Field(max_length=100, examples=[CLIP])]
    media_type: Annotated[str, Field(max_length=100, examples=["video/mp4"])]
    bytes: Count
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ClipSegment(NamedTuple):
    """A part of the clip without a jump in time. ``at_s``: where it begins in the clip; the others are Unix time."""

    from_ms: TimeMs
    to_ms: TimeMs
    at_s: float
    frames: Count


class ClipFacts(BaseModel):
    """What the clip shows. ``missing_frames``: of the camera's numbered frames those that lie between two of the clip,
    within a segment, and were dropped before they could be recorded."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    width: Count
    height: Count
    seconds: float = Field(ge=0)
    segments: tuple[ClipSegment, ...]
    missing_frames: Count = 0
    privacy_zones: Count = 0  # that are black in it


class EvidenceManifest(Message):
    """What stands in the bundle beside its parts: the alert as it was when the recording ended, and a hash of each
    part. ``notes``: what somebody should know who relies on it, such as a pre-roll that is shorter than set."""

    alert: Alert
    patchwatch: str  # version of the program
    recorded_at_ms: TimeMs
    clip: ClipFacts | None = None
    nearest_normal: RedactedText = ""  # where the normal moment was seen that the picture beside the peak shows
    notes: tuple[RedactedText, ...] = Field((), max_length=_MAX_NOTES)
    parts: tuple[EvidencePart, ...] = ()

    def part(self, name: str) -> EvidencePart | None:
        return next((part for part in self.parts if part.name == name), None)


class EvidenceRecord(Message):
    """How far the evidence of an alert is. ``reason``: of missing evidence, why."""

    alert_id: str
    state: EvidenceState
    updated_at_ms: TimeMs
    reason: RedactedText = ""


class EvidenceStatus(Message):
    """Of all evidence, at present: written by the worker that records it. What it counts is in `keys.EVIDENCE_COUNTS`.

    ``waiting`` bundles of together ``spool_bytes`` are in the spool until the store takes them; ``failing_since_ms``
    is when that began to fail, with the ``last_error``. ``stored_bytes`` and ``kept_bytes`` are of the last look at the
    store.
    """

    updated_at_ms: TimeMs
    place: RedactedText = ""
    recording: Count = 0
    waiting: Count = 0
    spool_bytes: Count = 0
    stored_bytes: Count = 0
    kept_bytes: Count = 0
    failing_since_ms: TimeMs | None = None
    last_error: RedactedText = ""
    last_missing: RedactedText = ""  # why the last one is missing
