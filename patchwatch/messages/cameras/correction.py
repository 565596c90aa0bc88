"""Corrections of a camera's normal: what operators say of which time, who said it, and whether it was undone."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from patchwatch.contract.bounds import TimeMs
from patchwatch.contract.errors import ConflictError, NotFoundError
from patchwatch.messages.base import CameraId, Message, RedactedText

MOST_IN_FORCE = 64  # of those that change scores, and as many of those that change what is learnt
MOST_UNDONE = 64  # kept as history
MOST_SPANS = 8
MARGIN_MINUTES = 30  # what comes at an hour comes somewhat earlier or later
AROUND_EVENT_MS = 5_000  # the smoothed score began to rise before its event, and ends after it
LONGEST_SPAN_MS = 86_400_000
ID_PATTERN = r"^[0-9a-f]{16}$"
_AlertId = Annotated[str, StringConstraints(max_length=200)]
CorrectionId = Annotated[str, StringConstraints(pattern=ID_PATTERN)]


class CorrectionKind(StrEnum):
    """What a correction says of its time."""

    NORMAL = "normal"  # what alerted is normal here
    NORMAL_AT_THIS_TIME = "normal_at_this_time"  # it is normal at these hours
    LEARN = "learn"  # whatever is seen there is normal
    RECURRING = "recurring"  # it recurred so often that it counts as normal at these hours
    LASTING = "lasting"  # the scene has changed for good: banks learn how it looks now
    ANOMALY = "anomaly"  # what alerted was right to alert: no bank learns from it
    FORGET = "forget"  # no bank learns from it


ADDING = frozenset({CorrectionKind.NORMAL, CorrectionKind.NORMAL_AT_THIS_TIME, CorrectionKind.LEARN,
                    CorrectionKind.RECURRING})  # fmt: skip
REJECTING = frozenset({CorrectionKind.ANOMALY, CorrectionKind.FORGET})
OF_VERDICTS = frozenset({CorrectionKind.NORMAL, CorrectionKind.NORMAL_AT_THIS_TIME, CorrectionKind.ANOMALY})
BY_ITSELF = frozenset({CorrectionKind.RECURRING, CorrectionKind.LASTING})
OUTDATED = "lasting change"  # who admits lasting changes, and takes back what is part of normal anyway by now
REJECTED_BACK_MS = 8 * LONGEST_SPAN_MS  # of a lasting change that was taken back, what was learnt since is unlearnt


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Span(_Frozen):
    """A stretch of time, Unix time in milliseconds, both ends included."""

    from_ms: TimeMs
    until_ms: TimeMs

    @model_validator(mode="after")
    def _is_bounded(self) -> Self:
        if not 0 <= self.until_ms - self.from_ms <= LONGEST_SPAN_MS:
            raise ValueError("a correction is of a time that ends after it began, within a day")
        return self

    @classmethod
    def around(cls, from_ms: int, until_ms: int, margin_ms: int) -> Self:
        """With a margin on both sides, at most as long as a span may be."""
        start_ms = max(0, from_ms - margin_ms)
        return cls(from_ms=start_ms, until_ms=min(max(until_ms, from_ms) + margin_ms, start_ms + LONGEST_SPAN_MS))


class CorrectionHours(_Frozen):
    """Hours of the local time of the machines that score (see `models.banks.hours.Hours`)."""

    from_minute: Annotated[int, Field(ge=0, le=1439)]
    minutes: Annotated[int, Field(ge=1, le=1440)]
    weekday: Annotated[int, Field(ge=0, le=6)] | None = None

    @classmethod
    def around(cls, from_ms: int, until_ms: int, *, weekly: bool = False) -> Self:
        """Of an event, Unix time, with `MARGIN_MINUTES` on both sides; every day, or every week."""
        began = time.localtime(max(0, from_ms / 1000 - MARGIN_MINUTES * 60))
        minutes = -(-max(0, until_ms - from_ms) // 60_000) + 2 * MARGIN_MINUTES
        return cls(
            from_minute=began.tm_hour * 60 + began.tm_min,
            minutes=min(minutes, 1440),
            weekday=began.tm_wday if weekly else None,
        )


class Correction(_Frozen):
    """One correction. ``spans``: of which time. ``hours``: when it counts; None: always. ``alert_ids``: of the alerts
    that it is about. ``by``: who made it; ``undone_by``: who took it back, None while it is in force."""

    id: CorrectionId
    kind: CorrectionKind
    spans: Annotated[tuple[Span, ...], Field(min_length=1, max_length=MOST_SPANS)]
    hours: CorrectionHours | None = None
    alert_ids: Annotated[tuple[_AlertId, ...], Field(max_length=MOST_SPANS)] = ()
    by: RedactedText
    at_ms: TimeMs
    note: RedactedText = ""
    undone_by: RedactedText | None = None
    undone_at_ms: TimeMs | None = None

    @property
    def in_force(self) -> bool:
        return self.undone_by is None

    @property
    def adds(self) -> bool:
        """Whether it makes its time normal at once, as an addition to the bank."""
        return self.kind in ADDING

    @property
    def rejects(self) -> bool:
        """Whether it keeps its time from being learnt."""
        return self.kind in REJECTING

    @property
    def made_by_verdict(self) -> bool:
        return self.kind in OF_VERDICTS or (self.kind is CorrectionKind.LASTING and self.by != OUTDATED)

    @property
    def unlearnt_spans(self) -> tuple[Span, ...]:
        """Of a lasting change that somebody took back: the time since it began until then, which banks have learnt."""
        if self.kind is not CorrectionKind.LASTING or self.undone_at_ms is None or self.undone_by == OUTDATED:
            return ()
        first_ms = max(self.spans[0].from_ms, self.undone_at_ms - REJECTED_BACK_MS)
        begins = range(first_ms, self.undone_at_ms, LONGEST_SPAN_MS)
        return tuple(Span(from_ms=at_ms, until_ms=min(at_ms + LONGEST_SPAN_MS, self.undone_at_ms)) for at_ms in begins)

    def undone(self, by: str, at_ms: int) -> Self:
        return self.model_copy(update={"undone_by": by, "undone_at_ms": at_ms})


class CorrectionChange(Message):
    """An entry of the stream of alerts: a correction that was made, or taken back."""

    camera_id: CameraId
    correction: Correction


class CameraCorrections(Message):
    """All corrections of one camera, oldest first: those in force, and the last that were undone."""

    camera_id: CameraId
    corrections: Annotated[tuple[Correction, ...], Field(max_length=4 * MOST_IN_FORCE)] = ()

    @property
    def id(self) -> str:
        return self.camera_id

    def adding(self) -> tuple[Correction, ...]:
        """Those in force that change scores."""
        return tuple(one for one in self.corrections if one.in_force and one.adds)

    def rejecting(self) -> tuple[Correction, ...]:
        """Those in force that keep their time from being learnt."""
        return tuple(one for one in self.corrections if one.in_force and one.rejects)

    def lasting(self) -> tuple[Correction, ...]:
        """Those of lasting changes, in force or taken back."""
        return tuple(one for one in self.corrections if one.kind is CorrectionKind.LASTING)

    def rejected_spans(self) -> tuple[Span, ...]:
        """The time that no bank learns from, and no addition is made of."""
        unlearnt = tuple(span for one in self.lasting() for span in one.unlearnt_spans)
        return tuple(span for one in self.rejecting() for span in one.spans) + unlearnt

    def learnt_spans(self) -> tuple[Span, ...]:
        """The time that banks learn from although it alarmed."""
        return tuple(span for one in self.lasting() if one.in_force for span in one.spans)

    def with_one(self, correction: Correction) -> Self:
        """With a further one. Of verdicts `anomaly` only the newest are kept. Raises `ConflictError` when there are too
        many of other kinds."""
        peers = [one for one in self.corrections if one.in_force and _effect(one) == _effect(correction)]
        kept = self.corrections
        if len(peers) >= MOST_IN_FORCE:
            expendable = [one for one in peers if one.kind is CorrectionKind.ANOMALY]
            if not correction.rejects or not expendable:
                raise ConflictError(
                    f"camera {self.camera_id!r} has {MOST_IN_FORCE} corrections in force, and no more are possible: "
                    f"undo one (`patchwatch cameras corrections {self.camera_id}`), or learn a new bank without them"
                )
            kept = tuple(one for one in kept if one is not expendable[0])
        return self.model_copy(update={"corrections": (*kept, correction)})

    def undone(self, correction_id: str, by: str, at_ms: int) -> Self:
        """With this one taken back. Raises `NotFoundError`, and `ConflictError` when it was taken back before."""
        found = next((one for one in self.corrections if one.id == correction_id), None)
        if found is None:
            raise NotFoundError(
                f"camera {self.camera_id!r} has no correction {correction_id!r}: see "
                f"`patchwatch cameras corrections {self.camera_id}`"
            )
        if not found.in_force:
            raise ConflictError(f"correction {correction_id!r} was undone already: there is nothing to undo")
        return self._replaced({correction_id: found.undone(by, at_ms)})

    def without_verdict(self, alert_id: str, by: str, at_ms: int, *, rejected: bool) -> Self:
        """With the corrections taken back that an earlier verdict on this alert made. ``rejected``: also those that
        count it among what recurs or lasts."""
        gone = [
            one for one in self.corrections
            if one.in_force and alert_id in one.alert_ids
            and (one.made_by_verdict or (rejected and one.kind in BY_ITSELF))
        ]  # fmt: skip
        return self._replaced({one.id: one.undone(by, at_ms) for one in gone}) if gone else self

    def _replaced(self, changed: dict[str, Correction]) -> Self:
        """Where too many are undone, those go that were undone first."""
        after = [changed.get(one.id, one) for one in self.corrections]
        undone = sorted((one for one in after if not one.in_force), key=lambda one: one.undone_at_ms or 0)
        gone = {one.id for one in undone[: max(0, len(undone) - MOST_UNDONE)]}
        return self.model_copy(update={"corrections": tuple(one for one in after if one.id not in gone)})


def _effect(correction: Correction) -> tuple[bool, bool]:
    """Of corrections of the same effect, only so many are in force."""
    return correction.adds, correction.rejects
