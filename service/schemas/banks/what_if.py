"""What the past of a camera would have been under a change, as the API shows the answer."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field

from patchwatch.contract.timestamps import Time
from patchwatch.messages.anomaly_kind import AnomalyKind
from patchwatch.messages.frames.score import Region
from patchwatch.messages.what_if import MAX_LISTED, Basis, WhatIf, WhatIfEvent


class WhatIfEventView(BaseModel):
    """An alert that would be gone, or that would be new."""

    started: Time
    opened: Time
    peaked: Time
    ended: Time | None = Field(description="null: it lasts.")
    peak_score: float = Field(examples=[0.71])
    stream: str | None = Field(examples=["motion"])
    anomaly: AnomalyKind | None
    region: Region | None = Field(description="In pixels of the camera's own picture; null where it is not known.")
    alert_id: str | None = Field(description="The stored alert that it is; null: there is none.")
    alert: str | None = Field(description="Where to GET that alert.")

    @classmethod
    def from_event(cls, event: WhatIfEvent, prefix: str) -> Self:
        return cls(
            started=event.started_at_ms, opened=event.opened_at_ms, peaked=event.peak_at_ms, ended=event.ended_at_ms,
            peak_score=event.peak_score, stream=event.stream, anomaly=event.anomaly, region=event.region,
            alert_id=event.alert_id, alert=event.alert_id and f"{prefix}/api/v1/alerts/{event.alert_id}",
        )  # fmt: skip


class WhatIfView(BaseModel):
    """What would have been. Alerts of both sides that overlap in time count as the same."""

    camera_id: str = Field(examples=["gate"])
    sentence: str = Field(examples=["3 alerts fewer and 1 alert more in 5.8 h of scores: 5 instead of 7."])
    before: int = Field(description="Alerts of this time under what is in force now.", examples=[7])
    after: int = Field(description="Alerts under the change.", examples=[5])
    fewer_count: int = Field(examples=[3])
    more_count: int = Field(examples=[1])
    fewer: list[WhatIfEventView] = Field(description=f"Would be gone; the newest {MAX_LISTED} at most.")
    more: list[WhatIfEventView] = Field(description=f"Would be new; the newest {MAX_LISTED} at most.")
    level_before: float | None = Field(description="Score at which an alert opens now.", examples=[0.62])
    level_after: float | None = Field(description="Under the change.", examples=[0.74])
    judged_from: Time
    judged_to: Time
    seconds: float = Field(description="How much of this time was judged.", examples=[20_880.0])
    frames: int = Field(examples=[104_400])
    basis: Basis = Field(description="`scores`: all that was scored. `memory`: what is remembered, a sample.")
    exact: bool = Field(description="Whether it would have been exactly so; `notes` say what is uncertain.")
    notes: list[str]

    @classmethod
    def from_answer(cls, camera_id: str, answer: WhatIf, prefix: str) -> Self:
        """``prefix``: of the addresses of the API, as this client sees it."""
        shared = answer.model_dump(
            include={
                "before", "after", "fewer_count", "more_count", "level_before", "level_after", "seconds", "frames",
                "basis", "exact",
            }
        )  # fmt: skip
        return cls(
            **shared, camera_id=camera_id, sentence=answer.sentence, judged_from=answer.from_ms,
            judged_to=answer.to_ms, notes=list(answer.notes),
            fewer=[WhatIfEventView.from_event(event, prefix) for event in answer.fewer],
            more=[WhatIfEventView.from_event(event, prefix) for event in answer.more],
        )  # fmt: skip
