"""Metrics for Prometheus, read from Redis at each scrape."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from service.context import ContextDep
from service.presentation import metrics as families
from service.presentation.camera_status import enrolment_notices, statuses_from_records
from service.presentation.channel_status import channel_views
from service.presentation.demand import CameraWork, demands
from service.presentation.webhook_status import webhook_views

router = APIRouter(tags=["health"])


@router.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
async def metrics(context: ContextDep) -> PlainTextResponse:
    cameras = await context.store.cameras.all()
    ids = [camera.id for camera in cameras]
    records, notices = await context.store.statuses.read(ids), await enrolment_notices(context, ids)
    heartbeats = await context.store.statuses.heartbeats()
    alert_counts = await context.store.alerts.open_by_camera()
    webhooks = await webhook_views(context, await context.store.webhooks.all())
    channels = await channel_views(context, await context.store.channels.all())
    evidence = await context.store.evidence.status()
    sentences = await context.store.sentences.progress()
    now_ms = await context.now_ms()
    works: list[CameraWork] | None = None  # whoever sees some of the cameras would take their demand for that of all
    if context.caller.sees_all:
        works = [CameraWork(camera, of.capture, of.analysis) for camera, of in zip(cameras, records, strict=True)]

    def text() -> bytes:
        statuses = statuses_from_records(context, cameras, records, notices, now_ms)
        return families.render(
            [
                *families.camera_metrics(statuses),
                families.dropped_frames(dict(zip(ids, records, strict=True))),
                *families.verdicts_on_alerts(dict(zip(ids, records, strict=True))),
                families.open_alerts(ids, alert_counts),
                *families.webhook_metrics(webhooks),
                *families.channel_metrics(channels),
                *families.evidence_metrics(*evidence),
                *families.sentence_metrics(sentences),
                families.websocket_clients(context.hub.clients_by_topic()),
                *families.worker_metrics(heartbeats),
                *(families.demand_metrics(demands(works, heartbeats, context.settings)) if works is not None else ()),
            ]
        )

    # With a thousand cameras this takes a second. In a thread it does not delay other requests.
    return PlainTextResponse(await asyncio.to_thread(text), media_type=CONTENT_TYPE_PLAIN_0_0_4)
