"""Answers of the health checks."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class WorkerView(BaseModel):
    """A worker that is alive."""

    role: str = Field(examples=["inference"])
    host: str
    pid: int
    device: str = Field(examples=["cpu"])
    cameras: int


class WebhookTrouble(BaseModel):
    """A webhook that does not deliver, and why."""

    id: str = Field(examples=["home"])
    health: str = Field(examples=["failing"])
    reason: str = Field(examples=["HTTP 503 (4 failed attempts in a row)"])


class ChannelTrouble(BaseModel):
    """A channel that does not get through, and why."""

    id: str = Field(examples=["phone"])
    health: str = Field(examples=["failing"])
    reason: str = Field(examples=["HTTP 401 (1 failed attempts in a row)"])


class Ready(BaseModel):
    """Ready for work. Webhooks and channels that fail are listed, but do not make the service unready: alerts are still
    kept."""

    status: Literal["ready"] = "ready"
    workers: list[WorkerView] = Field([], description="Workers that are alive; needs the token, if one is set.")
    webhooks: list[WebhookTrouble] = Field(
        [], description="Enabled webhooks that do not deliver; needs the token, if one is set."
    )
    channels: list[ChannelTrouble] = Field(
        [], description="Enabled channels that do not get through; needs the token, if one is set."
    )


class Alive(BaseModel):
    """The service answers."""

    status: Literal["alive"] = "alive"
    version: str
