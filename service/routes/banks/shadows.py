"""A bank in the shadow of the active one: scored beside it for a time, compared, and then swapped or left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Body

from patchwatch.contract.errors import ConflictError, NotFoundError
from patchwatch.messages.alerts.alert import Alert, AlertKind
from patchwatch.messages.banks.bank_version import BankAction, CameraBanks
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.shadow import DEFAULT_DAYS, BankShadow, ShadowStatus
from service.context import Context, ContextDep
from service.presentation.shadow_comparison import sentence, without_counterpart
from service.problems.responses import documented
from service.routes.api_router import api_router
from service.routes.banks.banks import BankId
from service.schemas.banks.shadow import MAX_LISTED, ShadowAlertView, ShadowStart, ShadowView
from service.store.alerts.alerts import AlertQuery

router = api_router("/cameras/{camera_id}/banks/{bank_id}/shadow", tag="banks")
_DAY_MS = 86_400_000
_MOST_ALERTS = 1000  # of the camera, that are compared


@router.post("", summary="Score a bank in the shadow", responses=documented(404, 409, 422, 429))
async def start(
    camera_id: str, bank_id: BankId, context: ContextDep, body: Annotated[ShadowStart | None, Body()] = None
) -> ShadowView:
    """From now on each frame is scored with this bank too, from the same features. Nobody is told of its alerts. It
    ends by itself after some days, and when the bank is removed or activated. A camera has one such bank at a time."""
    camera = await context.store.cameras.get(camera_id)
    banks = await context.store.banks.order(camera_id, bank_id, BankAction.SHADOW)
    _check_profile(camera, banks, bank_id)
    days = (body or ShadowStart()).days
    shadow = await _shadow(context, bank_id, days)
    return await _view(await context.store.cameras.change(camera_id, {"shadow": shadow}), shadow, context)


@router.get("", summary="Compare with a bank in the shadow", responses=documented(404))
async def compare(camera_id: str, bank_id: BankId, context: ContextDep) -> ShadowView:
    """The alerts of the camera and those that the bank would have raised, since it is scored."""
    camera = await context.store.cameras.get(camera_id)
    return await _view(camera, _of(camera, bank_id), context)


@router.delete("", status_code=204, summary="End a shadow", responses=documented(404))
async def end(camera_id: str, bank_id: BankId, context: ContextDep) -> None:
    """The bank stays as it is."""
    _of(await context.store.cameras.get(camera_id), bank_id)
    await context.store.cameras.change(camera_id, {"shadow": None})


@router.post("/swap", summary="Swap a bank with the active one", responses=documented(404, 409, 422, 429))
async def swap(camera_id: str, bank_id: BankId, context: ContextDep) -> ShadowView:
    """The bank becomes the active one, and the one before goes on in its shadow: so a swap can be taken back."""
    camera = await context.store.cameras.get(camera_id)
    _of(camera, bank_id)
    before = (await context.store.banks.get(camera_id)).active.get(camera.profile)
    await context.store.banks.order(camera_id, bank_id, BankAction.ACTIVATE)
    if before is None or before == bank_id:
        await context.store.cameras.change(camera_id, {"shadow": None})
        raise ConflictError(f"bank {bank_id} is active, and there is none to go on in its shadow")
    shadow = await _shadow(context, before, DEFAULT_DAYS)
    return await _view(await context.store.cameras.change(camera_id, {"shadow": shadow}), shadow, context)


async def _shadow(context: Context, bank_id: str, days: float) -> BankShadow:
    now_ms = await context.now_ms()
    return BankShadow(bank_id=bank_id, since_ms=now_ms, until_ms=now_ms + round(days * _DAY_MS))


def _check_profile(camera: Camera, banks: CameraBanks, bank_id: str) -> None:
    profile = next((version.profile for version in banks.versions if version.id == bank_id), None)
    if profile != camera.profile:
        raise ConflictError(f"bank {bank_id} is of profile {profile}, and camera {camera.id} uses {camera.profile}")


def _of(camera: Camera, bank_id: str) -> BankShadow:
    if camera.shadow is None or camera.shadow.bank_id != bank_id:
        raise NotFoundError(
            f"bank {bank_id} is not in the shadow of camera {camera.id}: see `patchwatch banks shadow start --help`"
        )
    return camera.shadow


async def _view(camera: Camera, shadow: BankShadow, context: Context) -> ShadowView:
    store, now_ms = context.store, await context.now_ms()
    status = await store.shadows.status(camera.id, shadow)
    kinds = frozenset({AlertKind.ANOMALY})
    query = AlertQuery(
        from_ms=shadow.since_ms, to_ms=min(now_ms, shadow.until_ms), camera_ids=frozenset({camera.id}), kinds=kinds
    )
    active, _ = await store.alerts.find(query, _MOST_ALERTS, None)
    shadowed = list(reversed(await store.shadows.alerts(camera.id, shadow)))
    only_active, only_shadow = without_counterpart(active, shadowed), without_counterpart(shadowed, active)
    reason = _reason(status, over=now_ms >= shadow.until_ms)
    return ShadowView(
        camera_id=camera.id, bank_id=shadow.bank_id,
        active_bank_id=(await store.banks.get(camera.id)).active.get(camera.profile),
        sentence=sentence(len(active), len(shadowed), len(only_active), len(only_shadow)),
        since=shadow.since_ms, until=shadow.until_ms, scoring=not reason, reason=reason,
        frames=status.frames if status else 0, ms_per_frame=status.ms_per_frame if status else None,
        alerts=len(active), shadow_alerts=len(shadowed), active=_listed(active), shadow=_listed(shadowed),
        only_active=_listed(only_active), only_shadow=_listed(only_shadow),
    )  # fmt: skip


def _reason(status: ShadowStatus | None, *, over: bool) -> str:
    """Why no frame is scored with it at present; empty where they are."""
    if over:
        return "its time is over: start it again to go on"
    if status is None:
        return "no frame has been scored with it yet"
    return status.refused


def _listed(alerts: Sequence[Alert]) -> list[ShadowAlertView]:
    return [ShadowAlertView.from_alert(alert) for alert in alerts[:MAX_LISTED]]
