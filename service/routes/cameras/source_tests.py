"""Trying a source before a camera is added."""

from __future__ import annotations

from patchwatch.messages.cameras.source import Source, SourceKind
from patchwatch.messages.cameras.source_test import SourceTestAnswer
from service.context import ContextDep
from service.problems.responses import documented
from service.routes.api_router import api_router
from service.rules.video_source import check_source
from service.schemas.cameras.source_test import SourceTestView, SourceToTest

router = api_router("/source-tests", tag="cameras")
_PUSHED = SourceTestAnswer(
    works=True,
    text="There is nothing to try: the camera publishes to Patchwatch once it is added, and its page says where.",
)


@router.post("", summary="Try a source", responses=documented(422, 429))
async def create(body: SourceToTest, context: ContextDep) -> SourceTestView:
    """An ingest worker opens it, within about 15 s, and answers in words and with its first picture. Nothing is stored,
    no camera is added."""
    await check_source(body.source, context.settings, context.disk)
    if Source.parse(body.source).kind is SourceKind.PUSH:
        return SourceTestView.from_answer(_PUSHED)
    return SourceTestView.from_answer(
        await context.store.source_tests.tried(body.source, body.transport, tls_verify=body.tls_verify)
    )
