"""Scores of frames, one by one or gathered into bins."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field

from patchwatch.contract.timestamps import Time
from patchwatch.messages.frames.score import Region, Score


class StreamReadingView(BaseModel):
    """One stream's evidence on a frame."""

    name: str = Field(
        examples=["motion"],
        description="Of the stream. `place:staying`: what stays at its place, where that is rarer than one in twenty.",
    )
    rarity: float | None = Field(description="Calibrated distance; null: the stream has no value for this frame.")


class ScorePoint(BaseModel):
    """One scored frame."""

    t: Time
    score: float = Field(ge=0, le=1, description="Calibrated and causally smoothed.", examples=[0.12])
    raw: float = Field(description="Fused, before smoothing.", examples=[0.09])
    seq: int = Field(examples=[4711])
    streams: list[StreamReadingView]
    driver: str | None = Field(description="The stream that contributed most.", examples=["motion"])
    region: Region | None = Field(description="Where that stream is farthest from normal.")
    zones: list[str] = Field(description="Names of the camera's zones that the region lies in.", examples=[["porch"]])
    random_weights: bool

    @classmethod
    def from_score(cls, score: Score) -> Self:
        return cls(
            t=score.captured_at_ns // 1_000_000,
            score=score.score,
            raw=score.raw,
            seq=score.seq,
            streams=[StreamReadingView(name=stream.name, rarity=stream.rarity) for stream in score.streams],
            driver=score.driver,
            region=score.region,
            zones=list(score.zones),
            random_weights=score.random_weights,
        )


class ScoreBin(BaseModel):
    """The scores from ``t`` to the next bin."""

    t: Time
    mean: float = Field(examples=[0.08])
    peak: float = Field(examples=[0.21])
    count: int = Field(examples=[50])


class ScoreSeries(BaseModel):
    """Scores of a camera, oldest first: single frames or bins."""

    camera_id: str = Field(examples=["gate"])
    resolution: str = Field(description="`raw`, or the width of a bin in seconds.", examples=["raw"])
    threshold: float | None = Field(description="The score above which an alert opens.", examples=[0.62])
    points: list[ScorePoint] | list[ScoreBin]
    next: str | None = Field(description="Where to GET the next page; null on the last one.")
