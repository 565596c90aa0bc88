"""What an alarm budget means for one camera: the threshold, and how sure it is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class AlarmThreshold(BaseModel):
    """The score above which alerts open when so many false alarms per day are accepted."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    false_alarms_per_day: float = Field(description="The budget.", examples=[4.0])
    on: float = Field(description="A score that stays at or above this opens an alert.", examples=[0.47])
    off: float = Field(description="It closes once the score stays below this.", examples=[0.35])
    on_low: float = Field(description="90 % interval of the level for this budget, from here ...", examples=[0.42])
    on_high: float = Field(description="... to here.", examples=[0.58])
    expected: float = Field(description="False alarms a day at `on`.", examples=[4.0])
    expected_low: float = Field(description="Their 90 % interval, from here ...", examples=[1.2])
    expected_high: float = Field(description="... to here.", examples=[11.0])
    footage_hours: float = Field(description="Normal footage that this was learnt from.", examples=[2.5])
    extrapolation: float = Field(
        description="How many times that footage fits between two alarms of the budget.", examples=[2.4]
    )
    supported: bool = Field(description="False: the footage is too short for this budget; `on` is a guess.")
    warning: str | None = Field(None, description="What is wrong, and how much footage fixes it.", examples=[None])
    provisional: bool = Field(
        False, description="`on` is lower than the budget asks for, until the camera has learnt from more footage."
    )

    def is_page_only(self, within_budgets: float) -> bool:
        """Whether so many false alarms are expected for now, more than ``within_budgets`` times the budget, that nobody
        wants to be notified of them. 0: never."""
        most = within_budgets * self.false_alarms_per_day
        return self.provisional and within_budgets > 0 and self.expected > most
