"""The evidence of an alert: what there is, its clip and pictures, and the whole bundle as an archive."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from fastapi import Header
from fastapi.responses import Response, StreamingResponse

from patchwatch.bus.link_secret import link_secret_async
from patchwatch.bus.stored_records import required
from patchwatch.contract.errors import ConflictError, NotFoundError
from patchwatch.contract.signed_link import alert_link
from patchwatch.messages.alerts.evidence import (
    CLIP,
    MEDIA_TYPES,
    NORMAL,
    PEAK,
    SCORES,
    EvidenceManifest,
    EvidenceState,
)
from service.context import Context, ContextDep
from service.http.byte_range import file_response
from service.middleware.proxy import LinkPrefix
from service.presentation.evidence_archive import archive
from service.problems.responses import documented
from service.routes.api_router import api_router
from service.routes.cameras.snapshot import JPEG
from service.schemas.alerts.evidence import EvidenceLinks, EvidenceStatusView, EvidenceView

router = api_router(tag="evidence")
_LINK_S = 3600  # how long a link works that is asked for here: a page asks again
_ZIP: dict[int | str, dict[str, Any]] = {200: {"content": {"application/zip": {}}, "description": "A ZIP archive."}}
_VIDEO: dict[int | str, dict[str, Any]] = {
    200: {"content": {"video/mp4": {}}, "description": "The whole clip."},
    206: {"content": {"video/mp4": {}}, "description": "The part of it that `Range` asks for."},
    416: {"description": "The clip has no such part."},
}
Range = Annotated[str | None, Header(alias="range", description="One range of bytes, as players of video send it.")]


@router.get("/evidence", summary="How the recording of evidence goes")
async def status(context: ContextDep) -> EvidenceStatusView:
    """Of all alerts: what is recorded, waits, is stored, and why it may not be."""
    known, counts = await context.store.evidence.status()
    return EvidenceStatusView.from_status(known, counts, enabled=context.settings.evidence)


@router.get("/alerts/{alert_id}/evidence", summary="What evidence there is of an alert", responses=documented(404, 503))
async def get(alert_id: str, context: ContextDep, prefix: LinkPrefix) -> EvidenceView:
    """Frames are collected while the alert lasts, and until its post-roll is over: then the bundle is stored. It is
    found here as long as it is kept, also when the alert itself is not listed any more."""
    stored = await _stored(context, alert_id)
    if stored is None:
        await context.store.alerts.get(alert_id)
        return await _without_bundle(context, alert_id, prefix)
    manifest, data = stored
    return EvidenceView(
        alert_id=alert_id,
        state=EvidenceState.READY,
        reason=EvidenceView.notes(manifest),
        keep=await context.store.evidence.is_kept(alert_id),
        clip=manifest.clip,
        nearest_normal=manifest.nearest_normal,
        parts=list(manifest.parts),
        manifest_sha256=hashlib.sha256(data).hexdigest(),
        links=await _links(context, alert_id, prefix, manifest),
    )


@router.get(
    "/alerts/{alert_id}/clip.mp4",
    summary="Clip of an alert",
    response_class=Response,
    responses={**_VIDEO, **documented(404, 503)},
)
async def clip(alert_id: str, context: ContextDep, range_: Range = None) -> Response:
    """H.264, from the pre-roll to the post-roll. Give the header `Range` to get a part."""
    return await part_response(context, alert_id, CLIP, range_)


@router.get(
    "/alerts/{alert_id}/peak.jpg",
    summary="Picture at the peak, with its region",
    response_class=Response,
    responses={**JPEG, **documented(404, 503)},
)
async def peak(alert_id: str, context: ContextDep) -> Response:
    return await part_response(context, alert_id, PEAK, None)


@router.get(
    "/alerts/{alert_id}/normal.jpg",
    summary="The nearest normal moment",
    response_class=Response,
    responses={**JPEG, **documented(404, 503)},
)
async def normal(alert_id: str, context: ContextDep) -> Response:
    """A moment of the normal footage that the frame at the peak is most alike, where a picture of it was kept."""
    return await part_response(context, alert_id, NORMAL, None)


@router.get(
    "/alerts/{alert_id}/scores.json",
    summary="Scores around an alert",
    response_class=Response,
    responses=documented(404, 503),
)
async def scores(alert_id: str, context: ContextDep) -> Response:
    """`scores` is a list of [Unix time in milliseconds, score], over the time of the clip."""
    return await part_response(context, alert_id, SCORES, None)


@router.get(
    "/alerts/{alert_id}/evidence.zip",
    summary="All evidence as an archive",
    response_class=Response,
    responses={**_ZIP, **documented(404, 503)},
)
async def bundle(alert_id: str, context: ContextDep) -> Response:
    """Its `manifest.json` holds the alert and a SHA-256 of each part: `patchwatch evidence verify` compares them."""
    return await archive_response(context, alert_id)


@router.put(
    "/alerts/{alert_id}/evidence/keep", summary="Keep evidence whatever its age", responses=documented(404, 409, 503)
)
async def keep(alert_id: str, context: ContextDep, prefix: LinkPrefix) -> EvidenceView:
    """Neither its age nor the size of all evidence removes it from now on."""
    if await _stored(context, alert_id) is None:
        await context.store.alerts.get(alert_id)
        raise ConflictError(
            f"there is no evidence of alert {alert_id!r} to keep (yet): see GET /api/v1/alerts/{alert_id}/evidence"
        )
    await context.store.evidence.keep(alert_id)
    return await get(alert_id, context, prefix)


@router.delete(
    "/alerts/{alert_id}/evidence/keep", summary="Keep evidence no longer than other", responses=documented(404, 503)
)
async def let_go(alert_id: str, context: ContextDep, prefix: LinkPrefix) -> EvidenceView:
    await context.store.evidence.let_go(alert_id)
    return await get(alert_id, context, prefix)


async def part_response(context: Context, alert_id: str, part: str, range_: str | None) -> Response:
    """One file of the bundle. Raises `NotFoundError`."""
    manifest, _ = await _required(context, alert_id)
    known = manifest.part(part)
    if known is None:
        raise NotFoundError(
            f"the evidence of alert {alert_id!r} has no {part}: {EvidenceView.notes(manifest) or 'none was kept'}"
        )
    evidence = context.store.evidence
    size = await evidence.size(alert_id, part)

    async def read(start: int, length: int) -> bytes:
        return await evidence.read(alert_id, part, start, length)

    return await file_response(read, size, MEDIA_TYPES[part], known.sha256, range_)


async def archive_response(context: Context, alert_id: str) -> Response:
    """The bundle as a stream. Raises `NotFoundError`."""
    manifest, data = await _required(context, alert_id)

    async def read(part: str, start: int, length: int) -> bytes:
        return await context.store.evidence.read(alert_id, part, start, length)

    headers = {"Content-Disposition": f'attachment; filename="{alert_id}.zip"', "Cache-Control": "no-store"}
    return StreamingResponse(archive(manifest, data, read), media_type="application/zip", headers=headers)


async def _stored(context: Context, alert_id: str) -> tuple[EvidenceManifest, bytes] | None:
    try:
        data = await context.store.evidence.manifest_bytes(alert_id)
    except NotFoundError:
        return None
    return required(EvidenceManifest.decode, data, f"the manifest of alert {alert_id!r}"), data


async def _required(context: Context, alert_id: str) -> tuple[EvidenceManifest, bytes]:
    stored = await _stored(context, alert_id)
    if stored is None:
        await context.store.alerts.get(alert_id)
        raise NotFoundError(
            f"there is no evidence of alert {alert_id!r} (yet): see GET /api/v1/alerts/{alert_id}/evidence"
        )
    return stored


async def _without_bundle(context: Context, alert_id: str, prefix: str) -> EvidenceView:
    record = await context.store.evidence.record(alert_id)
    if record is not None and record.state is not EvidenceState.READY:
        state, reason = record.state, record.reason
    else:
        state, reason = EvidenceState.MISSING, _why_missing(context, was_ready=record is not None)
    return EvidenceView(
        alert_id=alert_id,
        state=state,
        reason=reason,
        keep=False,
        clip=None,
        parts=[],
        manifest_sha256=None,
        links=await _links(context, alert_id, prefix, None),
    )


def _why_missing(context: Context, *, was_ready: bool) -> str:
    if was_ready:
        return "it is not in the store any more: see PATCHWATCH_EVIDENCE_URL, and that all roles have the same"
    if not context.settings.evidence:
        return "PATCHWATCH_EVIDENCE is off"
    return "nothing was recorded: the enrolment worker, which records, may not have run; see /readyz"


async def _links(context: Context, alert_id: str, prefix: str, manifest: EvidenceManifest | None) -> EvidenceLinks:
    secret = await link_secret_async(context.store.bus)
    expires_s = await context.now_ms() // 1000 + _LINK_S
    has_clip = manifest is not None and manifest.part(CLIP) is not None
    return EvidenceLinks(
        picture=prefix + alert_link(secret, alert_id, "picture.jpg", expires_s),
        clip=prefix + alert_link(secret, alert_id, "clip.mp4", expires_s) if has_clip else None,
        archive=prefix + alert_link(secret, alert_id, "evidence.zip", expires_s) if manifest is not None else None,
        expires=expires_s * 1000,
    )
