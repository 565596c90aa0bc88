"""Explanations as the API shows them."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field

from patchwatch.contract.timestamps import Time
from patchwatch.messages.alerts.explanation import Explanation, NearestNormal, RelativeRegion, StreamExplanation
from patchwatch.messages.frames.score import Region


class NearestNormalView(BaseModel):
    """One of the moments of normal footage that are most similar to the explained frame."""

    distance: float = Field(
        description="Distance from the explained frame, in the unit of the stream.", examples=[0.31]
    )
    source: str = Field(description="The footage that holds this moment.", examples=["gate-monday.mp4"])
    time_s: float = Field(description="Seconds from the beginning of that footage.", examples=[312.4])
    captured: Time | None = Field(description="When it was captured; null for recordings.")
    region: RelativeRegion = Field(description="Where in its picture the similarity lies.")
    thumbnail: str | None = Field(
        description="Small JPEG of the whole picture, in base64; null: none was kept (PATCHWATCH_BANK_THUMBNAILS_MB), "
        "or it is the explanation of a camera's last frame, which has none.",
        json_schema_extra={"contentEncoding": "base64", "contentMediaType": "image/jpeg"},
    )

    @classmethod
    def from_message(cls, nearest: NearestNormal) -> Self:
        return cls(**nearest.model_dump(include=set(cls.model_fields)), captured=nearest.captured_at_ms)


class StreamExplanationView(BaseModel):
    """How much one stream of the profile contributes to the score, and where."""

    name: str = Field(examples=["motion"])
    weight: float = Field(description="The weight of the stream in its profile.", examples=[0.5])
    contribution: float = Field(
        ge=0, le=1, description="Share of the fused value. The shares of all streams add up to 1.", examples=[0.83]
    )
    rarity: float | None = Field(
        description="-log10 of the share of normal frames that are as far from normal as this one; "
        "null: the stream has no value for this frame.",
        examples=[4.2],
    )
    distance: float | None = Field(
        description="Distance to the nearest normal moment, in the unit of the stream.", examples=[0.58]
    )
    region: Region | None = Field(description="Where this stream is farthest from normal.")
    nearest: list[NearestNormalView] = Field(
        description="The normal moments most similar to that region, each from a different frame."
    )

    @classmethod
    def from_message(cls, stream: StreamExplanation) -> Self:
        shared = stream.model_dump(include={"name", "weight", "contribution", "rarity", "distance"})
        nearest = [NearestNormalView.from_message(moment) for moment in stream.nearest]
        return cls(**shared, region=stream.region, nearest=nearest)


class ExplanationView(BaseModel):
    """Why a frame has its score: each stream's contribution, its region, and the most similar normal moments."""

    camera_id: str = Field(examples=["gate"])
    t: Time = Field(description="When the explained frame was captured.")
    seq: int | None = Field(description="The sequence number of the explained frame.", examples=[4711])
    width: int = Field(
        description="Width of the camera's own picture in pixels. Regions are in its pixels.", examples=[1920]
    )
    height: int = Field(examples=[1080])
    score: float = Field(ge=0, le=1, description="Calibrated and causally smoothed.", examples=[0.71])
    raw: float = Field(description="Fused, before smoothing.", examples=[5.1])
    profile: str = Field(examples=["motion"])
    bank_id: str = Field(description="The bank that the frame was compared with.", examples=["5c0ffee0ddba"])
    random_weights: bool
    context: str | None = Field(
        None,
        description="The context that the picture shows, as `infrared` or `dark`: it was compared with what is normal "
        "in that alone. Null: with all that is normal, because the bank has no contexts or the picture lies between.",
        examples=["infrared"],
    )
    streams: list[StreamExplanationView]

    @classmethod
    def from_message(cls, explanation: Explanation) -> Self:
        shared = explanation.model_dump(include=set(cls.model_fields) - {"streams"})
        streams = [StreamExplanationView.from_message(stream) for stream in explanation.streams]
        return cls(**shared, t=explanation.at_ms, streams=streams)
