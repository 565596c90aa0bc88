"""Explanations as the API shows them."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field

from patchwatch.contract.timestamps import Time
from patchwatch.messages.alert import RegionView
from patchwatch.messages.explanation import Explanation, NearestNormal, StreamExplanation


class RelativeRegionView(BaseModel):
    """A box in parts of the picture's width and height, 0 to 1."""

    x1: float = Field(examples=[0.61])
    y1: float = Field(examples=[0.29])
    x2: float = Field(examples=[0.69])
    y2: float = Field(examples=[0.41])


class NearestNormalView(BaseModel):
    """A moment of the footage the bank was learnt from that came near to what the stream saw now."""

    distance: float = Field(description="From what the stream saw now, in its own unit.", examples=[0.31])
    source: str = Field(description="The footage it comes from.", examples=["gate-monday.mp4"])
    time_s: float = Field(description="Seconds since that footage began.", examples=[312.4])
    captured: Time | None = Field(description="When it was captured; known of live footage only.")
    region: RelativeRegionView = Field(description="Where in its picture it was seen.")
    thumbnail: str | None = Field(
        description="Small JPEG of the whole picture, in base64; null: none was kept (PATCHWATCH_BANK_THUMBNAILS_MB), "
        "or explanations of this kind come without.",
        json_schema_extra={"contentEncoding": "base64", "contentMediaType": "image/jpeg"},
    )

    @classmethod
    def of(cls, nearest: NearestNormal) -> Self:
        same = nearest.model_dump(include=set(cls.model_fields))
        return cls(**same, captured=nearest.captured_at_ms)


class StreamExplanationView(BaseModel):
    """What one stream of the profile adds to the score."""

    name: str = Field(examples=["motion"])
    weight: float = Field(description="Of the stream in its profile.", examples=[0.5])
    contribution: float = Field(
        ge=0, le=1, description="Share of the fused value. All streams together make 1.", examples=[0.83]
    )
    rarity: float | None = Field(
        description="-log10 of the share of normal frames that are as far from normal as this one; "
        "null: the stream has nothing to say.",
        examples=[4.2],
    )
    distance: float | None = Field(description="To the nearest normal, in the stream's own unit.", examples=[0.58])
    region: RegionView | None = Field(description="Where this stream is farthest from normal.")
    nearest: list[NearestNormalView] = Field(description="Nearest normal to that region, each of another frame.")

    @classmethod
    def of(cls, stream: StreamExplanation) -> Self:
        same = stream.model_dump(include={"name", "weight", "contribution", "rarity", "distance"})
        region = stream.region and RegionView(**stream.region.model_dump(include=set(RegionView.model_fields)))
        return cls(**same, region=region, nearest=[NearestNormalView.of(one) for one in stream.nearest])


class ExplanationView(BaseModel):
    """Why a frame scores what it does: how much each stream adds, where it looks, and the nearest normal it knows."""

    camera_id: str = Field(examples=["gate"])
    t: Time = Field(description="When the explained frame was captured.")
    seq: int | None = Field(description="Its sequence number.", examples=[4711])
    width: int = Field(description="Of the camera's own picture, whose pixels regions are in.", examples=[1920])
    height: int = Field(examples=[1080])
    score: float = Field(ge=0, le=1, description="Calibrated and causally smoothed.", examples=[0.71])
    raw: float = Field(description="Fused, before smoothing.", examples=[5.1])
    profile: str = Field(examples=["motion"])
    bank_id: str = Field(description="The bank it was compared with.", examples=["5c0ffee0ddba"])
    random_weights: bool
    streams: list[StreamExplanationView]

    @classmethod
    def of(cls, explanation: Explanation) -> Self:
        same = explanation.model_dump(include=set(cls.model_fields) - {"streams"})
        streams = [StreamExplanationView.of(one) for one in explanation.streams]
        return cls(**same, t=explanation.at_ms, streams=streams)
