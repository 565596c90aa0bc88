"""Banks: every version that is kept of a camera's normal, and which of them scores."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from patchwatch.contract.errors import NotFoundError
from patchwatch.messages.bank_version import BANK_ID_PATTERN, BankAction, CameraBanks
from service.context import Context, In
from service.problem import documented
from service.schemas.bank import BankChange, BankDetail, BankList

router = APIRouter(prefix="/cameras/{camera_id}/banks", tags=["banks"])
BankId = Annotated[str, Path(pattern=BANK_ID_PATTERN, examples=["0a1b2c3d4e5f"])]


@router.get("", summary="List a camera's banks", responses=documented(404))
async def index(camera_id: str, context: In) -> BankList:
    """Every enrolment adds one; the oldest go when there are too many, but for the active and the pinned ones."""
    await context.store.cameras.get(camera_id)
    return BankList.of(await context.store.banks.of(camera_id))


@router.get("/{bank_id}", summary="Get a bank's facts", responses=documented(404))
async def get(camera_id: str, bank_id: BankId, context: In) -> BankDetail:
    await context.store.cameras.get(camera_id)
    return _detail(await context.store.banks.of(camera_id), bank_id)


@router.post("/{bank_id}/activate", summary="Let a bank score", responses=documented(404, 409, 422, 429))
async def activate(camera_id: str, bank_id: BankId, context: In) -> BankDetail:
    """Also one of before: this is how an enrolment is undone. The camera is scored with it within a second or two."""
    return await _ordered(context, camera_id, bank_id, BankAction.ACTIVATE)


@router.patch("/{bank_id}", summary="Pin or unpin a bank", responses=documented(404, 409, 429))
async def change(camera_id: str, bank_id: BankId, body: BankChange, context: In) -> BankDetail:
    action = BankAction.PIN if body.pinned else BankAction.UNPIN
    return await _ordered(context, camera_id, bank_id, action)


@router.delete("/{bank_id}", status_code=204, summary="Remove a bank", responses=documented(404, 409, 429))
async def delete(camera_id: str, bank_id: BankId, context: In) -> None:
    """For good. The active one and pinned ones are refused."""
    await context.store.cameras.get(camera_id)
    await context.store.banks.order(camera_id, bank_id, BankAction.REMOVE)


async def _ordered(context: Context, camera_id: str, bank_id: str, action: BankAction) -> BankDetail:
    await context.store.cameras.get(camera_id)
    return _detail(await context.store.banks.order(camera_id, bank_id, action), bank_id)


def _detail(banks: CameraBanks, bank_id: str) -> BankDetail:
    for one in banks.versions:
        if one.id == bank_id:
            return BankDetail.of(one, banks)
    raise NotFoundError(
        f"there is no bank {bank_id!r} of camera {banks.camera_id}: see GET /api/v1/cameras/{banks.camera_id}/banks"
    )
