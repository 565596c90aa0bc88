"""A context of a camera's normal, which its pictures are recognised to show."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

ContextName = Annotated[str, Field(max_length=40, examples=["infrared"])]


class BankContext(BaseModel):
    """One context of a bank, as infrared or colour, dark or bright. Pictures that show it are compared with what was
    normal in it alone."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    name: ContextName
    seconds: float = Field(description="Footage that showed it.", examples=[16200.0])


class ContextSplit(BaseModel):
    """Why a bank has contexts: what they found more of, at the same false alarms, in footage that was held out."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    contexts: tuple[BankContext, ...]
    together: float = Field(description="Found of what was planted, without contexts: a share.", examples=[0.42])
    apart: float = Field(description="Found with them.", examples=[0.55])
    low: float = Field(description="90 % interval of the difference, from ...", examples=[0.06])
    high: float = Field(description="... to.", examples=[0.19])

    @property
    def in_words(self) -> str:
        """For people."""
        parts = " and ".join(f"{context.name} ({_hours(context.seconds)})" for context in self.contexts)
        return (
            f"compared apart: {parts}; in held-out footage that finds {self.apart:.0%} instead of {self.together:.0%} "
            "of what was planted there "
            f"(difference {100 * self.low:+.0f} to {100 * self.high:+.0f} points, 90 % interval)"
        )


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"
