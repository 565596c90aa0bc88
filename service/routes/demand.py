"""How many workers the cameras of now need: what an autoscaler asks."""

from __future__ import annotations

import asyncio

from service.context import ContextDep
from service.presentation.demand import CameraWork, demands
from service.routes.api_router import api_router
from service.schemas.demand import DemandView, RoleDemandView

router = api_router(tag="health")


@router.get("/demand", summary="How many workers are needed?")
async def demand(context: ContextDep) -> DemandView:
    """What the cameras take at their configured rates, as the workers measured it, over what PATCHWATCH_TARGET_LOAD
    leaves of a worker. It does not wait: a scaler should let a lower number last for some minutes before it follows."""
    cameras = await context.store.cameras.all()
    records = await context.store.statuses.work([camera.id for camera in cameras])
    heartbeats = await context.store.statuses.heartbeats()
    works = [CameraWork(camera, *record) for camera, record in zip(cameras, records, strict=True)]
    wanted = await asyncio.to_thread(demands, works, heartbeats, context.settings)
    return DemandView(**{entry.role.value: RoleDemandView.model_validate(entry) for entry in wanted})
