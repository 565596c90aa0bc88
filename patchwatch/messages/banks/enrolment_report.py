"""The report of an enrolment: how complete its bank is, and what to do next."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from patchwatch.contract.learning_advice import LEAST_MINUTES, how_to_learn
from patchwatch.messages.anomaly_kind import AnomalyKind
from patchwatch.messages.banks.bank_context import ContextSplit

_MOST_MINUTES = 24 * 60  # that one live enrolment takes


class Sufficiency(StrEnum):
    """Whether a bank knows what is normal, as far as its footage can tell."""

    COMPLETE = "complete"
    STILL_LEARNING = "still_learning"
    TOO_SHORT = "too_short"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class LearningPoint(_Part):
    """Distances of held-out footage to a bank of a ``share`` of all, in parts of those to a bank of nearly all."""

    share: float = Field(examples=[0.6])
    typical: float = Field(description="Ratio of the means.", examples=[1.08])
    far: float = Field(description="Ratio of the 95 % quantiles.", examples=[1.21])


class StreamReport(_Part):
    """One stream of the bank."""

    name: str = Field(examples=["motion"])
    spoke: int = Field(description="Frames in which it had something to say.", examples=[2998])
    vectors: int = Field(examples=[1199200])
    exemplars: int = Field(description="Kept of them, per seed.", examples=[40000])
    radius: float | None = Field(None, description="Covering radius, in the stream's own unit.", examples=[0.0066])
    spread: float | None = Field(
        None, description="Root mean square distance of its vectors to their mean.", examples=[0.021]
    )
    covered: float | None = Field(
        None, description="Share of what stands out in held-out footage that is near the bank.", examples=[0.991]
    )
    regions: tuple[tuple[float | None, ...], ...] | None = Field(
        None,
        description="`covered` by image region, rows from the top; null where nothing ever stood out.",
        examples=[[[0.99, 1.0, None, None], [0.98, 0.97, 0.99, 1.0]]],
    )
    curve: tuple[LearningPoint, ...] = Field((), description="What more footage bought; empty when it is too short.")
    fall: float | None = Field(
        None, description="By what share distances fall with another fifth of the footage.", examples=[0.03]
    )
    complete: bool | None = Field(None, description="null where there is too little to tell.", examples=[True])
    anomaly: AnomalyKind | None = Field(None, description="The kind of anomaly that it looks for.", examples=["place"])


class EnrolmentReport(_Part):
    """How complete a bank is, and what to do about it."""

    seconds: float = Field(description="Footage learnt from.", examples=[600.0])
    frames: int = Field(description="Analysed frames of it.", examples=[3000])
    cuts: int = Field(
        0, description="Jumps found within the footage, over which nothing was learnt: it was joined.", examples=[0]
    )
    segments: int = Field(description="Runs of footage that were held out in turn.", examples=[5])
    verdict: Sufficiency
    next_step: str = Field(examples=["nothing needs to be done: the footage kept showing what it had shown before"])
    streams: tuple[StreamReport, ...]
    contexts: ContextSplit | None = Field(
        None, description="Contexts with a normal of their own, as infrared and colour; null where none would help."
    )

    @classmethod
    def from_facts(cls, facts: dict[str, Any], camera_id: str, profile: str) -> Self:
        """From the facts of a coverage (all fields but ``next_step``). Raises pydantic's ValidationError."""
        report = cls.model_validate(facts | {"next_step": ""})
        return report.model_copy(update={"next_step": next_step(report, camera_id, profile)})

    def enough_for(self, *, enough: bool) -> tuple[AnomalyKind, ...]:
        """The kinds of anomaly for which the footage suffices: all of whose streams are complete. Or the others."""
        kinds = dict.fromkeys(stream.anomaly for stream in self.streams if stream.anomaly is not None)
        complete = {kind: all(part.complete for part in self.streams if part.anomaly is kind) for kind in kinds}
        return tuple(kind for kind, suffices in complete.items() if suffices is enough)

    @property
    def silent(self) -> tuple[StreamReport, ...]:
        """Streams that had no evidence anywhere in the footage."""
        return tuple(stream for stream in self.streams if stream.spoke == 0)


def next_step(report: EnrolmentReport, camera_id: str, profile: str) -> str:
    """In plain words, what the verdict means and what to do, with the command or request that does it."""
    minutes = min(max(LEAST_MINUTES, round(2 * report.seconds / 60)), _MOST_MINUTES)
    if report.verdict is Sufficiency.TOO_SHORT:
        return (
            f"learn from more footage: {report.seconds:.0f} s are too little to tell whether all that is normal was "
            f"seen; give {minutes} minutes or more that show it, " + how_to_learn(camera_id, profile, minutes)
        )
    if report.verdict is Sufficiency.STILL_LEARNING:
        reasons = "; ".join(_reason(stream) for stream in report.streams if stream.complete is False)
        return (
            f"learn from more footage: parts of it still showed normal that the others had not ({reasons}); "
            f"give {minutes} minutes or more, at other times of day too, " + how_to_learn(camera_id, profile, minutes)
        )
    return (
        "nothing needs to be done: the footage kept showing what it had shown before. Of hours that it does not hold "
        "nothing is known: learn again with other times of day, or when the scene changes, "
        + how_to_learn(camera_id, profile, minutes)
    )


def _reason(stream: StreamReport) -> str:
    reasons = []
    if stream.fall is not None and stream.fall > 0:
        reasons.append(f"another fifth of it made the rest {stream.fall:.0%} more familiar")
    if stream.covered is not None:
        reasons.append(f"{stream.covered:.0%} of what stands out was familiar from the rest")
    return f"{stream.name}: {' and '.join(reasons)}"
