"""Banks: the versions that are kept of each camera, and which of them is active."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from patchwatch.contract.errors import NotFoundError
from patchwatch.messages.banks.bank_version import BANK_ID_PATTERN, BankAction, CameraBanks
from service.context import Context, ContextDep
from service.problems.responses import documented
from service.routes.api_router import api_router
from service.schemas.banks.bank import BankChange, BankDetail, BankList

router = api_router("/cameras/{camera_id}/banks", tag="banks")
BankId = Annotated[str, Path(pattern=BANK_ID_PATTERN, examples=["0a1b2c3d4e5f"])]


@router.get("", summary="List a camera's banks", responses=documented(404))
async def index(camera_id: str, context: ContextDep) -> BankList:
    """Every enrolment adds one. When there are too many, the oldest are removed, except active and pinned ones."""
    await context.store.cameras.get(camera_id)
    return BankList.from_banks(await context.store.banks.get(camera_id))


@router.get("/{bank_id}", summary="Describe a bank", responses=documented(404))
async def get(camera_id: str, bank_id: BankId, context: ContextDep) -> BankDetail:
    await context.store.cameras.get(camera_id)
    return _detail(await context.store.banks.get(camera_id), bank_id)


@router.post("/{bank_id}/activate", summary="Activate a bank", responses=documented(404, 409, 422, 429))
async def activate(camera_id: str, bank_id: BankId, context: ContextDep) -> BankDetail:
    """The camera is scored with this bank within a second or two. Activate an earlier bank to undo an enrolment."""
    return await _order(context, camera_id, bank_id, BankAction.ACTIVATE)


@router.patch("/{bank_id}", summary="Pin or unpin a bank", responses=documented(404, 409, 429))
async def change(camera_id: str, bank_id: BankId, body: BankChange, context: ContextDep) -> BankDetail:
    """A pinned bank is kept, however many newer banks there are."""
    action = BankAction.PIN if body.pinned else BankAction.UNPIN
    return await _order(context, camera_id, bank_id, action)


@router.delete("/{bank_id}", status_code=204, summary="Remove a bank", responses=documented(404, 409, 429))
async def delete(camera_id: str, bank_id: BankId, context: ContextDep) -> None:
    """The bank is deleted for good. An active or pinned bank cannot be removed."""
    await context.store.cameras.get(camera_id)
    await context.store.banks.order(camera_id, bank_id, BankAction.REMOVE)


async def _order(context: Context, camera_id: str, bank_id: str, action: BankAction) -> BankDetail:
    await context.store.cameras.get(camera_id)
    return _detail(await context.store.banks.order(camera_id, bank_id, action), bank_id)


def _detail(banks: CameraBanks, bank_id: str) -> BankDetail:
    for version in banks.versions:
        if version.id == bank_id:
            return BankDetail.from_version(version, banks)
    raise NotFoundError(
        f"there is no bank {bank_id!r} of camera {banks.camera_id}: see GET /api/v1/cameras/{banks.camera_id}/banks"
    )
