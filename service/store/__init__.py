"""All access of the service to Redis."""

from __future__ import annotations

from dataclasses import dataclass

from redis.asyncio import Redis

from patchwatch.contract.settings import Settings
from service.store.alerts import AlertStore
from service.store.banks import BankStore
from service.store.cameras import CameraStore
from service.store.corrections import CorrectionStore
from service.store.enrolments import EnrolmentStore
from service.store.explanations import ExplanationStore
from service.store.frames import FrameStore
from service.store.hours import HourStore
from service.store.scores import ScoreStore
from service.store.shadows import ShadowStore
from service.store.site_budget import SiteBudgetStore
from service.store.statuses import StatusStore
from service.store.streams import StreamStore
from service.store.verdicts import VerdictStore
from service.store.webhooks import WebhookStore
from service.store.what_ifs import WhatIfStore


@dataclass(frozen=True)
class Store:
    """One store per noun, all with one Redis client."""

    bus: Redis
    cameras: CameraStore
    scores: ScoreStore
    statuses: StatusStore
    frames: FrameStore
    alerts: AlertStore
    enrolments: EnrolmentStore
    banks: BankStore
    explanations: ExplanationStore
    streams: StreamStore
    webhooks: WebhookStore
    verdicts: VerdictStore
    corrections: CorrectionStore
    site_budget: SiteBudgetStore
    hours: HourStore
    what_ifs: WhatIfStore
    shadows: ShadowStore

    @classmethod
    def from_redis(cls, bus: Redis, settings: Settings) -> Store:
        partitions, alerts = settings.partitions, AlertStore(bus)
        return cls(
            bus,
            CameraStore(bus, partitions),
            ScoreStore(bus, partitions),
            StatusStore(bus, partitions),
            FrameStore(bus, partitions),
            alerts,
            EnrolmentStore(bus),
            BankStore(bus),
            ExplanationStore(bus, partitions),
            StreamStore(bus, partitions),
            WebhookStore(bus, alerts),
            VerdictStore(bus, settings),
            CorrectionStore(bus),
            SiteBudgetStore(bus),
            HourStore(bus, partitions),
            WhatIfStore(bus),
            ShadowStore(bus, partitions),
        )
