"""What the API says of the evidence of an alert."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, Field

from patchwatch.contract.timestamps import Time
from patchwatch.messages.alerts.evidence import ClipFacts, EvidenceManifest, EvidencePart, EvidenceState, EvidenceStatus


class EvidenceLinks(BaseModel):
    """Signed addresses, which work without a token until `expires`."""

    picture: str = Field(description="The picture so far, from when the alert opened; later the one at the peak.")
    clip: str | None = Field(description="Null where there is no clip.")
    archive: str | None
    expires: Time


class EvidenceView(BaseModel):
    """What there is of the evidence of an alert, and how far it is."""

    alert_id: str = Field(examples=["gate-1795422600250"])
    state: EvidenceState = Field(
        description="`recording`: the clip is still filmed or stored. `ready`: the bundle is complete. `missing`: "
        "there is none; `reason` says why."
    )
    reason: str = Field(description="Why it is missing; of ready evidence, what to know of it.", examples=[""])
    keep: bool = Field(description="Whether it stays whatever its age.")
    clip: ClipFacts | None = Field(description="What the clip shows, and when.")
    nearest_normal: str = Field("", description="Where and when the normal moment was seen that `normal.jpg` shows.")
    parts: list[EvidencePart] = Field(description="The files of the bundle, each with its SHA-256.")
    manifest_sha256: str | None = Field(
        description="Of the manifest in `evidence.zip`: compare it to know that an archive is the one recorded."
    )
    links: EvidenceLinks

    @staticmethod
    def notes(manifest: EvidenceManifest) -> str:
        return "; ".join(manifest.notes)


class EvidenceStatusView(BaseModel):
    """How the recording and storing of all evidence goes."""

    enabled: bool
    place: str = Field(description="Where it is stored.", examples=["/data/evidence"])
    recording: int = Field(description="Alerts whose evidence is being recorded.")
    waiting: int = Field(description="Bundles that wait for the store.")
    spool_bytes: int
    stored_bytes: int = Field(description="At the last look at the store.")
    kept_bytes: int = Field(description="Of them, what is marked to be kept.")
    ready: int = Field(description="Alerts whose evidence was stored, since the beginning.")
    missing: int = Field(description="Alerts of which there is none.")
    removed: int = Field(description="Removed by age or size.")
    failed: int = Field(description="Attempts to store that failed.")
    failing_since: Time | None = Field(description="Null while the store takes what is recorded.")
    last_error: str
    last_missing: str = Field(description="Why there is none of the last alert without evidence.")

    @classmethod
    def from_status(cls, status: EvidenceStatus | None, counts: Mapping[str, int], *, enabled: bool) -> Self:
        """``status``: None where nothing was ever recorded."""
        known = status or EvidenceStatus(updated_at_ms=0)
        names = ("place", "recording", "waiting", "spool_bytes", "stored_bytes", "kept_bytes")
        return cls(
            enabled=enabled,
            failing_since=known.failing_since_ms,
            last_error=known.last_error,
            last_missing=known.last_missing,
            **{name: getattr(known, name) for name in names},
            **{name: counts.get(name, 0) for name in ("ready", "missing", "removed", "failed")},
        )
