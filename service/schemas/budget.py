"""The site's alarm budget, and what each camera may spend of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, Field

from patchwatch.messages.cameras.budget import LEAST_PER_DAY, MOST_PER_DAY
from patchwatch.messages.cameras.camera import Camera
from service.schemas.request import RequestBody


class BudgetSource(StrEnum):
    """Where a camera's budget comes from."""

    CAMERA = "camera"  # its own, which an operator set
    SITE = "site"  # its part of the site's
    INSTALLATION = "installation"  # the setting PATCHWATCH_FALSE_ALARMS_PER_DAY


class BudgetView(BaseModel):
    """The alarm budget of one camera."""

    per_day: float = Field(description="False alarms a day that are accepted.", examples=[1.4])
    source: BudgetSource
    share: float | None = Field(
        description="What each camera without a budget of its own would have of the site's, if all had the same; null "
        "where the budget is not the site's.",
        examples=[1.0],
    )
    text: str = Field(
        description="The same in words.",
        examples=[
            "budget 1.4 a day: its share of the site's budget is 1 a day, and 0.4 is lent by cameras that were calm"
        ],
    )

    @classmethod
    def from_camera(cls, camera: Camera, by_default: float) -> Self:
        """``by_default``: the installation's."""
        per_day, share = by_default, None  # not the level's, which is lower where it alerts too often
        source, why = BudgetSource.INSTALLATION, "PATCHWATCH_FALSE_ALARMS_PER_DAY"
        if camera.false_alarms_per_day is not None:
            per_day, source, why = camera.false_alarms_per_day, BudgetSource.CAMERA, "its own, whatever the site's is"
        elif camera.allotment is not None:
            per_day, share = camera.allotment.per_day, camera.allotment.share
            source, why = BudgetSource.SITE, camera.allotment.in_words
        return cls(per_day=per_day, source=source, share=share, text=f"budget {per_day:.2g} a day: {why}")


class SiteBudgetChange(RequestBody):
    """A budget for all cameras together."""

    false_alarms_per_day: float | None = Field(
        ge=LEAST_PER_DAY,
        le=MOST_PER_DAY,
        description="False alarms a day that are accepted of all cameras together; null: no such budget, each camera "
        "has the installation's.",
        examples=[6.0],
    )


class CameraBudget(BudgetView):
    """The alarm budget of a camera that is switched on."""

    camera_id: str = Field(examples=["gate"])


class SiteBudgetView(BaseModel):
    """The site's alarm budget. Cameras with a budget of their own keep it; what these leave, and at least a tenth, is
    shared by the others."""

    false_alarms_per_day: float | None = Field(examples=[6.0])
    cameras: list[CameraBudget]
    text: str = Field(description="What holds, in words.", examples=["6 false alarms a day, shared by 4 cameras"])
