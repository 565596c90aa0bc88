"""All access of the service to Redis."""

from __future__ import annotations

from dataclasses import dataclass, replace

from redis.asyncio import Redis

from patchwatch.contract.settings import Settings
from service.store.access import AccessStore
from service.store.alerts.alerts import AlertStore
from service.store.alerts.channels import ChannelStore
from service.store.alerts.devices import DeviceStore
from service.store.alerts.evidence import EvidenceStore
from service.store.alerts.mutes import MuteStore
from service.store.alerts.sentences import SentenceStore
from service.store.alerts.verdicts import VerdictStore
from service.store.alerts.webhooks import WebhookStore
from service.store.banks.banks import BankStore
from service.store.banks.enrolments import EnrolmentStore
from service.store.banks.shadows import ShadowStore
from service.store.banks.what_ifs import WhatIfStore
from service.store.cameras.absences import AbsenceStore
from service.store.cameras.cameras import CameraStore
from service.store.cameras.corrections import CorrectionStore
from service.store.cameras.explanations import ExplanationStore
from service.store.cameras.frames import FrameStore
from service.store.cameras.hours import HourStore
from service.store.cameras.scores import ScoreStore
from service.store.cameras.source_tests import SourceTestStore
from service.store.cameras.statuses import StatusStore
from service.store.site_budget import SiteBudgetStore
from service.store.streams import StreamStore


@dataclass(frozen=True)
class Store:
    """One store per noun, all with one Redis client."""

    bus: Redis
    cameras: CameraStore
    scores: ScoreStore
    statuses: StatusStore
    frames: FrameStore
    source_tests: SourceTestStore
    alerts: AlertStore
    enrolments: EnrolmentStore
    banks: BankStore
    explanations: ExplanationStore
    streams: StreamStore
    webhooks: WebhookStore
    channels: ChannelStore
    devices: DeviceStore
    mutes: MuteStore
    verdicts: VerdictStore
    corrections: CorrectionStore
    site_budget: SiteBudgetStore
    hours: HourStore
    what_ifs: WhatIfStore
    shadows: ShadowStore
    access: AccessStore
    evidence: EvidenceStore
    absences: AbsenceStore
    sentences: SentenceStore

    def limited(self, seen: frozenset[str] | None) -> Store:
        """The same, for a caller for whom only some cameras exist; None: all. Stores that are asked about one camera at
        a time are as they were: `service.access.authorization` sees to that camera."""
        if seen is None:
            return self
        return replace(
            self,
            cameras=self.cameras.limited(seen),
            alerts=self.alerts.limited(seen),
            enrolments=self.enrolments.limited(seen),
            webhooks=self.webhooks.limited(),
            channels=self.channels.limited(),
        )

    @classmethod
    def from_redis(cls, bus: Redis, settings: Settings) -> Store:
        partitions, alerts = settings.partitions, AlertStore(bus)
        return cls(
            bus,
            CameraStore(bus, partitions),
            ScoreStore(bus, partitions),
            StatusStore(bus, partitions),
            FrameStore(bus, partitions),
            SourceTestStore(bus),
            alerts,
            EnrolmentStore(bus),
            BankStore(bus),
            ExplanationStore(bus, partitions),
            StreamStore(bus, partitions),
            WebhookStore(bus, alerts),
            ChannelStore(bus, alerts),
            DeviceStore(bus, alerts),
            MuteStore(bus),
            VerdictStore(bus, settings),
            CorrectionStore(bus),
            SiteBudgetStore(bus),
            HourStore(bus, partitions),
            WhatIfStore(bus),
            ShadowStore(bus, partitions),
            AccessStore.from_redis(bus, settings.session_hours),
            EvidenceStore(bus, settings),
            AbsenceStore(bus, partitions),
            SentenceStore(bus),
        )
