"""A source to try, and what came of it, as the API takes and shows them."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field

from patchwatch.messages.cameras.camera import Transport
from patchwatch.messages.cameras.source_test import SourceTestAnswer
from service.schemas.request import Address, RequestBody


class SourceToTest(RequestBody):
    """A source as a camera would have it."""

    source: Address = Field(examples=["rtsp://camera.example/stream1"])
    transport: Transport = Transport.TCP
    tls_verify: bool = True


class SourceTestView(BaseModel):
    """Whether a source delivers pictures."""

    works: bool
    text: str = Field(
        description="What it delivers; or why it does not, and what to do.", examples=["It works: 1920x1080, h264."]
    )
    reason: str | None = Field(description="Why not, in one word, as in the status of a camera.", examples=[None])
    codec: str = Field(examples=["h264"])
    width: int = Field(description="Of the source, in pixels.", examples=[1920])
    height: int = Field(examples=[1080])
    picture: str = Field(description="Its first picture, a JPEG in base64; empty where there is none.")

    @classmethod
    def from_answer(cls, answer: SourceTestAnswer) -> Self:
        return cls(**answer.model_dump(include=set(cls.model_fields)))
