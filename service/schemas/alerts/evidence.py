"""What the API says of the evidence of an alert."""

from __future__ import annotations

from pydantic import BaseModel, Field

from patchwatch.contract.timestamps import Time
from patchwatch.messages.alerts.evidence import ClipFacts, EvidenceManifest, EvidencePart, EvidenceState


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
