"""Corrections of a camera's normal: listed, made of a stretch of time, undone."""

from __future__ import annotations

import secrets
from contextlib import suppress

from patchwatch.contract.errors import ConflictError, OverloadedError, RejectedError
from patchwatch.messages.banks.enrolment import Enrolment
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.correction import LONGEST_SPAN_MS, Correction, CorrectionKind, Span
from service.context import Context, ContextDep
from service.presentation.correction_effect import effect_of, effect_of_undoing
from service.problems.errors import InvalidFieldsError
from service.problems.responses import documented
from service.routes.api_router import api_router
from service.rules.time_range import milliseconds
from service.schemas.cameras.correction import CorrectionAnswer, CorrectionList, NewCorrection

router = api_router("/cameras/{camera_id}/corrections", tag="corrections")


@router.get("", summary="List what operators said of a camera's normal", responses=documented(404, 409))
async def index(camera_id: str, context: ContextDep) -> CorrectionList:
    """Verdicts on alerts are among them. How many change scores by now is part of the camera's status."""
    await context.store.cameras.get(camera_id)
    return CorrectionList.from_record(await context.store.corrections.of(camera_id))


@router.post("", status_code=201, summary="Learn or forget a stretch of time", responses=documented(404, 409, 422))
async def create(camera_id: str, body: NewCorrection, context: ContextDep) -> CorrectionAnswer:
    """Takes effect within seconds, from what is remembered of the camera; no footage is read. `forget` also queues an
    enrolment from memory."""
    camera = await context.store.cameras.get(camera_id)
    kind = CorrectionKind(body.kind.value)
    correction = Correction(
        id=secrets.token_hex(8), kind=kind, spans=(_span(body),), by=context.caller.by, at_ms=await context.now_ms(),
        note=body.note,
    )  # fmt: skip
    await context.store.corrections.add(camera_id, correction)
    effect = await effect_of(context, camera_id, correction)
    return CorrectionAnswer.of(correction, effect + await _learn_without(context, camera, correction))


@router.delete("", status_code=204, summary="Discard corrections that cannot be read", responses=documented(404, 409))
async def discard(camera_id: str, context: ContextDep) -> None:
    """Until then nothing is learnt or corrected, and the last that could be read go on to count. Any others are undone
    one by one: 409."""
    await context.store.corrections.discard_unreadable(camera_id)


@router.delete("/{correction_id}", summary="Undo a correction", responses=documented(404, 409))
async def undo(camera_id: str, correction_id: str, context: ContextDep) -> CorrectionAnswer:
    """Scores are then what they would be had it never been said, to the bit. A verdict that made it stays as it is."""
    camera = await context.store.cameras.get(camera_id)
    now_ms = await context.now_ms()
    undone = await context.store.corrections.undo(camera_id, correction_id, context.caller.by, now_ms)
    return CorrectionAnswer.of(undone, effect_of_undoing(undone) + await _learn_without(context, camera, undone))


async def _learn_without(context: Context, camera: Camera, correction: Correction) -> str:
    """Have a new bank learnt where it would differ; says what comes of that."""
    if correction.kind is not CorrectionKind.FORGET or context.settings.memory_mb == 0:
        return ""
    now_ms = await context.now_ms()
    enrolment = Enrolment(
        id=secrets.token_hex(8), camera_id=camera.id, profile=camera.profile, from_memory=True,
        analysis_fps=camera.analysis_fps, false_alarms_per_day=camera.false_alarms_per_day,
        created_at_ms=now_ms, updated_at_ms=now_ms,
    )  # fmt: skip
    with suppress(ConflictError, OverloadedError, RejectedError):
        await context.store.enrolments.create(enrolment)
        return f"; a new bank is being learnt (enrolment {enrolment.id})"
    return "; another enrolment waits or runs: learn again from memory once it is done"


def _span(body: NewCorrection) -> Span:
    from_ms, until_ms = milliseconds(body.from_), milliseconds(body.to)
    if not 0 <= from_ms <= until_ms <= from_ms + LONGEST_SPAN_MS:
        raise InvalidFieldsError.from_field("body.to", "lies before `from`, or more than a day after it")
    return Span(from_ms=from_ms, until_ms=until_ms)
