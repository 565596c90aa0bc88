"""Looking for cameras that others know."""

from __future__ import annotations

from service.context import ContextDep
from service.problems.responses import documented
from service.routes.api_router import api_router
from service.schemas.cameras.camera_search import FoundCameras, FoundCameraView, NewSearch

router = api_router("/camera-searches", tag="cameras")


@router.post("", summary="Look for cameras", responses=documented(422, 429))
async def create(body: NewSearch, context: ContextDep) -> FoundCameras:
    """ONVIF cameras of the local network with the smallest of their streams that is enough, or those that a Frigate or
    go2rtc knows. Nothing is added: `POST /cameras` does. One search at a time."""
    found = await context.camera_search.found(body.order())
    there = set(await context.store.cameras.ids())
    return FoundCameras(cameras=[FoundCameraView.from_found(one, known=one.id in there) for one in found])
