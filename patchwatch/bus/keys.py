"""Every Redis key, in one place.

All keys of a camera share the hash tag of its partition (``{7}``). Alerts are written in the same transaction, to keys
that all cameras share, so a node of a Redis Cluster is refused (docs/decisions/071).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property

PARTITIONS = "pw:partitions"  # string: number of partitions, set by the first worker of the installation
RESTORING = "pw:restoring"  # string: what `patchwatch restore` is at; there only until it has ended well
CAMERAS = "pw:cameras"  # hash: camera id -> Camera (JSON)
CAMERAS_REVISION = "pw:cameras:revision"  # counter: rises with each change of CAMERAS
CORRECTIONS = "pw:corrections"  # hash: camera id -> CameraCorrections (JSON), what operators said of its normal
CORRECTIONS_REVISION = "pw:corrections:revision"  # counter: rises with each change of CORRECTIONS
ALERTS = "pw:alerts"  # stream: every change of every alert, field "a" = Alert (JSON); or "v" = VerdictChange (JSON)
ALERTS_BY_TIME = "pw:alerts:by-time"  # sorted set: alert id by started_at_ms
ALERTS_BY_RECEIPT = (
    "pw:alerts:by-receipt"  # sorted set: alert id by the time (Redis's clock, ms) of its first publication
)
WEBHOOKS = "pw:webhooks"  # hash: webhook id -> Webhook (JSON)
WEBHOOKS_REVISION = "pw:webhooks:revision"  # counter: rises with each change of WEBHOOKS
CHANNELS = "pw:channels"  # hash: channel id -> Channel (JSON)
CHANNELS_REVISION = "pw:channels:revision"  # counter: rises with each change of CHANNELS
MUTES = "pw:mutes"  # hash: camera id, or "*" for all -> Mute (JSON)
MQTT_PROGRESS = "pw:mqtt:progress"  # string: MqttProgress (JSON), written by the delivery worker that holds the lease
SENTENCES_PROGRESS = "pw:sentences:progress"  # string: SentenceProgress (JSON), written as MQTT_PROGRESS
ENROLMENT_RECORDS = "pw:enrolments:records"  # hash: enrolment id -> Enrolment (JSON)
ENROLMENTS_LATEST = "pw:enrolments:latest"  # hash: camera id -> id of its newest enrolment
ENROLMENTS_PENDING = "pw:enrolments:pending"  # set: ids of enrolments that may be pending
BANKS = "pw:banks"  # hash: camera id -> CameraBanks (JSON), the banks that the enrolment worker has on disk
BANK_ORDERS = "pw:banks:orders"  # list: BankOrder (JSON), oldest first
WHAT_IF_ORDERS = "pw:what-if:orders"  # list: WhatIfOrder (JSON), oldest first
SOURCE_TEST_ORDERS = "pw:source-test:orders"  # list: SourceTestOrder (JSON), oldest first
MEMORIES = "pw:memories"  # hash: camera id -> MemoryStatus (JSON), what the enrolment worker finds remembered of it
SITE_BUDGET = "pw:site-budget"  # string: SiteBudget (JSON), written by the service
DRIFTS = "pw:drifts"  # hash: camera id -> Drift (JSON), written by an enrolment worker
USERS = "pw:users"  # hash: user name -> User (JSON), written by the service and `patchwatch users`
SESSIONS = "pw:sessions"  # hash: digest of the cookie -> LoginSession (JSON)
SESSIONS_USED = "pw:sessions:used"  # hash: digest of the cookie -> time of its last use (ms)
TOKENS = "pw:tokens"  # hash: token id -> ApiToken (JSON)
TOKENS_USED = "pw:tokens:used"  # hash: token id -> time of its last use (ms)
SETUP_CODES = "pw:setup-codes"  # sorted set: digests of set-up codes by when they expire (ms)
AUDIT = "pw:audit"  # stream: what was changed by whom, field "a" = AuditEntry (JSON)
LINK_SECRET = "pw:link-secret"  # noqa: S105 (its name) - string: 32 random bytes that links are signed with
PUSH_KEY = "pw:push-key"  # string: 32 bytes, the private key that push services know this installation by
EVIDENCE_POSITION = "pw:evidence:position"  # string: id of the last entry of ALERTS that evidence was begun for
EVIDENCE_RECORDING = "pw:evidence:recording"  # set: ids of the alerts whose evidence is being recorded or stored
EVIDENCE_COUNTS = "pw:evidence:counts"  # hash of integers: ready, missing, removed (by age or size), failed (attempts)
EVIDENCE_STATUS = "pw:evidence:status"  # string: EvidenceStatus (JSON), written by an enrolment worker
LASTING_CHANGES = "pw:lasting-changes"  # hash: camera id -> PendingChange (JSON), written by an enrolment worker
ABSENCES = "pw:absences"  # hash: camera id -> Absence (JSON), written by an enrolment worker
PROFILES = "pw:profiles"  # string: names of the profiles that the enrolment worker knows (JSON list)


def partition_of(camera_id: str, partitions: int) -> int:
    """The partition that owns a camera. Stable over hosts and versions (CRC-32)."""
    return zlib.crc32(camera_id.encode()) % partitions


@dataclass(frozen=True)
class CameraKeys:
    """Keys of one camera. Those that each of its frames needs are made once."""

    camera_id: str
    partition: int

    @classmethod
    def for_camera(cls, camera_id: str, partitions: int) -> CameraKeys:
        return cls(camera_id, partition_of(camera_id, partitions))

    def _key(self, noun: str) -> str:
        return f"pw:{{{self.partition}}}:{noun}:{self.camera_id}"

    @cached_property
    def frames(self) -> str:
        """Stream of `FrameMessage` with its `FrameGaps`; the entry id is the sequence number. Holds the unscored frames
        and a few scored ones."""
        return self._key("frames")

    @cached_property
    def scores(self) -> str:
        """Stream of `Score`; the entry id is the camera's own time (see `patchwatch.messages.frames.camera_time`)."""
        return self._key("scores")

    @cached_property
    def high_scores(self) -> str:
        """As `scores`, but only those that an event can hang on, for days (`workers.analysis.high_scores`)."""
        return self._key("high-scores")

    @property
    def shadow(self) -> str:
        """Stream of the changes of alerts that a bank in the shadow would have raised, field "a" = `Alert` (JSON)."""
        return self._key("shadow")

    @cached_property
    def minutes(self) -> str:
        """Stream of `ScoreMinute`; the entry id is that of the last score in it."""
        return self._key("minutes")

    @property
    def hours(self) -> str:
        """Stream of `QuietHour`, written by an enrolment worker; the entry id is the start of the hour (ms)."""
        return self._key("hours")

    @cached_property
    def activity(self) -> str:
        """Hash, of a camera that watches for absence: number of the week -> 672 bytes, one for each quarter of an hour
        (see `patchwatch.messages.cameras.activity`)."""
        return self._key("activity")

    @cached_property
    def state(self) -> str:
        """Hash of the inference worker: ``seq`` (last committed frame), ``books`` (`FrameGaps` up to it), ``worker``
        (smoothing, event and minute state, JSON), ``eras`` (`Eras` of the camera's own time), ``conditions`` (those of
        its picture and feed, JSON), ``boxes`` (JSON list of [x1, y1, x2, y2, label, confidence] in pixels of the
        camera's own picture), ``explanation`` (`Explanation` of a frame of the last second, JSON, no thumbnails),
        ``shadow`` (`ShadowStatus` of a bank in the shadow, JSON)."""
        return self._key("state")

    @cached_property
    def counters(self) -> str:
        """Hash of integers: ``scored``, ``dropped:<reason>``, ``lost`` (see `patchwatch.bus.accounting`)."""
        return self._key("counters")

    @property
    def capture(self) -> str:
        """`CaptureStatus` (JSON string), written by the ingest worker."""
        return self._key("capture")

    @property
    def analysis(self) -> str:
        """`AnalysisStatus` (JSON string), written by the inference worker."""
        return self._key("analysis")

    @property
    def reviewed_normal(self) -> str:
        """Sorted set, written by the service: ids of the camera's alerts with the verdict ``normal``, by when they
        expire (Redis's clock, ms). Each alert with a verdict is in one of three such sets."""
        return self._key("reviewed-normal")

    @property
    def reviewed_anomaly(self) -> str:
        """As `reviewed_normal`, of the verdict ``anomaly``."""
        return self._key("reviewed-anomaly")

    @property
    def reviewed_unsure(self) -> str:
        """As `reviewed_normal`, of the verdict ``unsure``."""
        return self._key("reviewed-unsure")

    @property
    def reviewed(self) -> dict[str, str]:
        """The three of them, by verdict."""
        return {"normal": self.reviewed_normal, "anomaly": self.reviewed_anomaly, "unsure": self.reviewed_unsure}

    @property
    def of_inference(self) -> tuple[str, ...]:
        """What the inference worker writes."""
        return (
            self.scores,
            self.minutes,
            self.state,
            self.counters,
            self.analysis,
            self.shadow,
            self.high_scores,
            self.activity,
        )

    @property
    def all(self) -> tuple[str, ...]:
        """Everything to delete with the camera."""
        return (self.frames, self.capture, self.hours, *self.reviewed.values(), *self.of_inference)


def lease(partition: int) -> str:
    """Owner of a partition: expiring string ``<worker id>:<fencing token>``."""
    return f"pw:{{{partition}}}:lease"


def fence(partition: int) -> str:
    """Fencing token of a partition's latest lease."""
    return f"pw:{{{partition}}}:fence"


@dataclass(frozen=True)
class LeaseKeys:
    """Keys of the ownership of one thing: the scoring of a partition, the capture of a camera, the deliveries of a
    webhook or a channel, what is said over MQTT, the sentences about alerts, the work on an enrolment, the evidence of
    alerts, or the upkeep of all cameras.

    ``name`` is the partition's number or the camera's, webhook's, channel's or enrolment's id. ``lease`` and ``fence``
    as above; ``request`` is an expiring string: id of the worker that asks the owner to hand over.
    """

    name: str
    lease: str
    fence: str
    request: str

    @classmethod
    def for_partition(cls, partition: int) -> LeaseKeys:
        return cls(str(partition), lease(partition), fence(partition), f"pw:{{{partition}}}:lease-request")

    @classmethod
    def for_capture(cls, camera_id: str, partitions: int) -> LeaseKeys:
        camera_keys = CameraKeys.for_camera(camera_id, partitions)
        return cls(camera_id, *(camera_keys._key(f"capture-{noun}") for noun in ("lease", "fence", "lease-request")))

    @classmethod
    def for_webhook(cls, webhook_id: str) -> LeaseKeys:
        webhook_keys = WebhookKeys(webhook_id)
        return cls(webhook_id, *(webhook_keys._key(noun) for noun in ("lease", "fence", "lease-request")))

    @classmethod
    def for_channel(cls, channel_id: str) -> LeaseKeys:
        channel_keys = ChannelKeys(channel_id)
        return cls(channel_id, *(channel_keys._key(noun) for noun in ("lease", "fence", "lease-request")))

    @classmethod
    def for_mqtt(cls) -> LeaseKeys:
        return cls("mqtt", *(f"pw:mqtt:{noun}" for noun in ("lease", "fence", "lease-request")))

    @classmethod
    def for_sentences(cls) -> LeaseKeys:
        return cls("sentences", *(f"pw:sentences:{noun}" for noun in ("lease", "fence", "lease-request")))

    @classmethod
    def for_enrolment(cls, enrolment_id: str) -> LeaseKeys:
        nouns = ("lease", "fence", "lease-request")
        return cls(enrolment_id, *(f"pw:enrolment:{enrolment_id}:{noun}" for noun in nouns))

    @classmethod
    def for_evidence(cls) -> LeaseKeys:
        return cls("evidence", *(f"pw:evidence:{noun}" for noun in ("lease", "fence", "lease-request")))

    @classmethod
    def for_upkeep(cls) -> LeaseKeys:
        return cls("upkeep", *(f"pw:upkeep:{noun}" for noun in ("lease", "fence", "lease-request")))


def members(role: str) -> str:
    """Sorted set: ids of the workers that share a role's leases, by the time (Redis's clock, ms) last seen."""
    return f"pw:members:{role}"


def alert(alert_id: str) -> str:
    """Expiring string: the latest `Alert` (JSON)."""
    return f"pw:alert:{alert_id}"


def alert_picture(alert_id: str) -> str:
    """Expiring string: JPEG of the frame at the alert's peak, or at its opening where the peak was before."""
    return f"pw:alert:{alert_id}:jpeg"


def alert_explanation(alert_id: str) -> str:
    """Expiring string: `Explanation` (JSON) of the frame on the alert's picture."""
    return f"pw:alert:{alert_id}:explanation"


def alert_verdicts(alert_id: str) -> str:
    """Expiring string: `AlertVerdicts` (JSON), written by the service; expires with the alert."""
    return f"pw:alert:{alert_id}:verdicts"


def alert_sentence(alert_id: str) -> str:
    """Expiring string: `Sentence` (JSON), written by a delivery worker; expires with the alert."""
    return f"pw:alert:{alert_id}:sentence"


def alert_evidence(alert_id: str) -> str:
    """Expiring string: `EvidenceRecord` (JSON), written by an enrolment worker."""
    return f"pw:alert:{alert_id}:evidence"


def bank_answer(token: str) -> str:
    """Expiring list of one: how a `BankOrder` ended (`BankAnswer`, JSON)."""
    return f"pw:banks:answer:{token}"


def login_attempts(token: str) -> str:
    """Expiring sorted set: attempts to log in that failed or have not ended, by their time (ms). ``token``: a digest of
    the address or the user's name."""
    return f"pw:login:{token}"


def source_test_answer(token: str) -> str:
    """Expiring list of one: the answer to a `SourceTestOrder` (`SourceTestAnswer`, JSON)."""
    return f"pw:source-test:answer:{token}"


def what_if_answer(token: str) -> str:
    """Expiring list of one: the answer to a `WhatIfOrder` (`WhatIfAnswer`, JSON)."""
    return f"pw:what-if:answer:{token}"


@dataclass(frozen=True)
class WebhookKeys:
    """Keys of one webhook."""

    webhook_id: str

    def _key(self, noun: str) -> str:
        return f"pw:webhook:{self.webhook_id}:{noun}"

    @property
    def progress(self) -> str:
        """`Progress` (JSON string), written by the delivery worker that holds the lease."""
        return self._key("progress")

    @property
    def dead(self) -> str:
        """Stream of the alert changes that were given up, field "d" = `DeadLetter` (JSON)."""
        return self._key("dead")

    @property
    def asked(self) -> str:
        """Stream of requests of operators: field "d" = `DeadLetter` to send again, or "t" = token of a test."""
        return self._key("asked")

    def answer(self, token: str) -> str:
        """Expiring list of one: how a test ended (JSON)."""
        return self._key(f"answer:{token}")

    @property
    def all(self) -> tuple[str, ...]:
        """Everything to delete with the webhook; its lease expires by itself, and its fencing token must stay."""
        return (self.progress, self.dead, self.asked)


@dataclass(frozen=True)
class ChannelKeys:
    """Keys of one channel."""

    channel_id: str

    def _key(self, noun: str) -> str:
        return f"pw:channel:{self.channel_id}:{noun}"

    @property
    def progress(self) -> str:
        """`ChannelProgress` (JSON string), written by the delivery worker that holds the lease."""
        return self._key("progress")

    @property
    def log(self) -> str:
        """Stream of the last attempts, field "r" = `ChannelRecord` (JSON)."""
        return self._key("log")

    @property
    def asked(self) -> str:
        """Stream of requests of operators: field "t" = token of a test."""
        return self._key("asked")

    def answer(self, token: str) -> str:
        """Expiring list of one: how a test ended (JSON)."""
        return self._key(f"answer:{token}")

    @property
    def all(self) -> tuple[str, ...]:
        """Everything to delete with the channel; its lease expires by itself, and its fencing token must stay."""
        return (self.progress, self.log, self.asked)


def worker(role: str, worker_id: str) -> str:
    """Expiring string: `Heartbeat` (JSON) of a worker."""
    return f"pw:worker:{role}:{worker_id}"
