"""What `patchwatch doctor` finds."""

from __future__ import annotations

from service.context import ContextDep
from service.problems.responses import documented
from service.routes.api_router import api_router
from service.schemas.examination import ExaminationView

router = api_router("/examination", tag="health")


@router.get("", summary="Examine the installation", responses=documented())
async def examine(context: ContextDep) -> ExaminationView:
    """The checks of `patchwatch doctor`, run beside the service and as seen from its machine; they only read. It takes
    some seconds. Whoever asks within half a minute of another gets the same answer."""
    return await context.examination.view(await context.now_ms())
