"""How many workers the cameras of now need."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class RoleDemandView(BaseModel):
    """The demand for workers of one role."""

    model_config = ConfigDict(from_attributes=True)

    workers: int = Field(description="How many workers to run: what a scaler asks for.", examples=[3])
    load: float = Field(
        description="What the cameras take at their configured rates, in workers that are always busy.", examples=[1.9]
    )
    limit: int = Field(
        description="The most workers that can share the work: of ingest one a camera, of inference one a partition "
        "that has cameras.",
        examples=[16],
    )
    full: bool = Field(
        description="Whether the limit is not enough: lower rates, choose a cheaper profile, or for inference use "
        "quicker processors; PATCHWATCH_PARTITIONS sets the number of partitions of a new installation.",
        examples=[False],
    )
    alive: int = Field(description="Workers that are alive at present.", examples=[2])
    cameras: int = Field(description="Cameras that should be captured and analysed.", examples=[40])
    unmeasured: int = Field(
        description="Cameras of these that were never measured: they count as what the others take on average.",
        examples=[0],
    )


class DemandView(BaseModel):
    """The demand for workers, by role."""

    ingest: RoleDemandView
    inference: RoleDemandView
