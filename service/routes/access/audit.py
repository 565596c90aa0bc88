"""The audit log, newest first."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from service.context import ContextDep
from service.middleware.proxy import LinkPrefix
from service.problems.responses import documented
from service.routes.api_router import api_router
from service.schemas.access.audit import AuditEntryView, AuditList
from service.schemas.request import ENTRY_ID

router = api_router("/audit", tag="access")


@router.get("", summary="List what was changed by whom", responses=documented(403, 422))
async def index(
    context: ContextDep,
    prefix: LinkPrefix,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Annotated[str | None, Query(pattern=f"^{ENTRY_ID}$", description="Part of the address in `next`.")] = None,
) -> AuditList:
    """Every change over the API, whoever made it, and every attempt to log in. The last 10,000 are kept."""
    entries, last = await context.store.access.audit.find(limit, before)
    views = [AuditEntryView.from_record(entry_id, entry) for entry_id, entry in entries]
    next_page = f"{prefix}/api/v1/audit?limit={limit}&before={last}" if last else None
    return AuditList(entries=views, next=next_page)
