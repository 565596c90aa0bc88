"""What a commit keeps of a camera beside its analyzer, checked when it is read: a defect there would fail every commit
that follows."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from patchwatch.contract.bounds import Count, TimeMs
from patchwatch.messages.alert import Alert

_CONDITIONS: TypeAdapter[dict[str, Any] | None] = TypeAdapter(dict[str, Any] | None)
_Score = Annotated[float, Field(ge=0, le=1)]


class StoredState(BaseModel):
    """See `CameraState.worker_state`. ``minute``: start, count, sum and peak of its scores."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    analyzer: dict[str, Any] | None
    last_score_ms: TimeMs
    minute: tuple[TimeMs, Annotated[int, Field(gt=0, lt=2**32)], Annotated[float, Field(ge=0)], _Score] | None
    alert: Alert | None
    told_peak: _Score
    recent: list[tuple[Count, Count]]
    time: tuple[Count, Count, int] | None = None  # of the last frame: own, captured, media; unknown to earlier versions
    conditions: dict[str, Any] | None = None  # here by earlier versions only
    cuts: dict[str, Any] | None = None  # unknown to earlier versions, as what follows
    cut_frames: list[Count] = []

    def with_conditions(self, stored: bytes | None) -> StoredState:
        """Beside it in a field of their own. Raises pydantic's `ValidationError`, a `ValueError`."""
        return self if stored is None else self.model_copy(update={"conditions": _CONDITIONS.validate_json(stored)})
