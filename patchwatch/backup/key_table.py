"""All kinds of keys: those that a backup holds, and why it leaves out the others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from patchwatch.backup import readers
from patchwatch.backup.key_kind import KeyKind, Part, Reader, RedisType, pattern_of
from patchwatch.backup.readers import anything, by_field, count, message
from patchwatch.bus import keys
from patchwatch.bus.keys import CameraKeys, ChannelKeys, LeaseKeys, WebhookKeys
from patchwatch.messages.access.api_token import ApiToken
from patchwatch.messages.access.audit_entry import AuditEntry
from patchwatch.messages.access.user import User
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.alerts.channel import Channel, ChannelProgress, ChannelRecord
from patchwatch.messages.alerts.evidence import EvidenceRecord
from patchwatch.messages.alerts.explanation import Explanation
from patchwatch.messages.alerts.mqtt_progress import MqttProgress
from patchwatch.messages.alerts.mute import Mute
from patchwatch.messages.alerts.sentence import Sentence, SentenceProgress
from patchwatch.messages.alerts.verdict import (
    ALERT_FIELD,
    CORRECTION_FIELD,
    VERDICT_FIELD,
    AlertVerdicts,
    VerdictChange,
)
from patchwatch.messages.alerts.webhook import DeadLetter, Progress, Webhook
from patchwatch.messages.banks.enrolment import Enrolment
from patchwatch.messages.cameras.activity import Absence
from patchwatch.messages.cameras.budget import SiteBudget
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.capture_status import CaptureStatus
from patchwatch.messages.cameras.correction import CameraCorrections, CorrectionChange
from patchwatch.messages.cameras.drift import Drift
from patchwatch.messages.cameras.lasting_change import PendingChange
from patchwatch.messages.cameras.shadow import ShadowStatus

_CAMERA, _WEBHOOK, _CHANNEL = CameraKeys("CAMERA", 0), WebhookKeys("WEBHOOK"), ChannelKeys("CHANNEL")
_ALERT = "ALERT"
_CHANGES = by_field(
    {ALERT_FIELD: Alert.decode, VERDICT_FIELD: VerdictChange.decode, CORRECTION_FIELD: CorrectionChange.decode}
)


def _settings(template: str, type: RedisType, read: Reader) -> KeyKind:
    return KeyKind(template, type, Part.SETTINGS, read)


_STRING, _HASH, _SET, _SORTED_SET = RedisType.STRING, RedisType.HASH, RedisType.SET, RedisType.SORTED_SET
KEPT: tuple[KeyKind, ...] = (
    _settings(keys.CAMERAS, _HASH, message(Camera)),
    _settings(keys.CAMERAS_REVISION, _STRING, count),
    _settings(keys.CORRECTIONS, _HASH, message(CameraCorrections)),
    _settings(keys.CORRECTIONS_REVISION, _STRING, count),
    _settings(keys.SITE_BUDGET, _STRING, message(SiteBudget)),
    _settings(keys.alert_verdicts(_ALERT), _STRING, message(AlertVerdicts)),
    *(_settings(name, _SORTED_SET, count) for name in _CAMERA.reviewed.values()),
    _settings(keys.WEBHOOKS, _HASH, message(Webhook)),
    _settings(keys.WEBHOOKS_REVISION, _STRING, count),
    _settings(_WEBHOOK.progress, _STRING, message(Progress)),
    _settings(keys.CHANNELS, _HASH, message(Channel)),
    _settings(keys.CHANNELS_REVISION, _STRING, count),
    _settings(_CHANNEL.progress, _STRING, message(ChannelProgress)),
    _settings(keys.MUTES, _HASH, message(Mute)),
    _settings(keys.MQTT_PROGRESS, _STRING, message(MqttProgress)),
    _settings(keys.USERS, _HASH, message(User)),
    _settings(keys.TOKENS, _HASH, message(ApiToken)),
    _settings(keys.TOKENS_USED, _HASH, count),
    _settings(keys.SENTENCES_PROGRESS, _STRING, message(SentenceProgress)),
    _settings(keys.LINK_SECRET, _STRING, anything),
    _settings(keys.PUSH_KEY, _STRING, anything),
    _settings(keys.ENROLMENT_RECORDS, _HASH, message(Enrolment)),
    _settings(keys.ENROLMENTS_LATEST, _HASH, anything),
    _settings(keys.ENROLMENTS_PENDING, _SET, anything),
    _settings(keys.DRIFTS, _HASH, message(Drift)),
    _settings(keys.LASTING_CHANGES, _HASH, message(PendingChange)),
    _settings(keys.ABSENCES, _HASH, message(Absence)),
    _settings(keys.EVIDENCE_POSITION, _STRING, anything),
    _settings(keys.EVIDENCE_RECORDING, _SET, anything),
    _settings(keys.EVIDENCE_COUNTS, _HASH, count),
    KeyKind(
        _CAMERA.state, _HASH, Part.CAMERAS,
        by_field({b"books": readers.gaps, b"explanation": Explanation.decode, b"shadow": ShadowStatus.decode}),
    ),
    KeyKind(_CAMERA.capture, _STRING, Part.CAMERAS, message(CaptureStatus)),  # a recording that ended has ended
    KeyKind(_CAMERA.counters, _HASH, Part.CAMERAS, count),
    KeyKind(_CAMERA.activity, _HASH, Part.CAMERAS, readers.week),
    KeyKind(_CAMERA.frames, RedisType.STREAM, Part.CAMERAS, anything, holds_entries=False),
    KeyKind(keys.ALERTS_BY_TIME, _SORTED_SET, Part.ALERTS, count),
    KeyKind(keys.ALERTS_BY_RECEIPT, _SORTED_SET, Part.ALERTS, count),
    KeyKind(keys.alert(_ALERT), _STRING, Part.ALERTS, message(Alert)),
    KeyKind(keys.alert_picture(_ALERT), _STRING, Part.ALERTS, anything),
    KeyKind(keys.alert_explanation(_ALERT), _STRING, Part.ALERTS, message(Explanation)),
    KeyKind(keys.alert_sentence(_ALERT), _STRING, Part.ALERTS, message(Sentence)),
    KeyKind(keys.alert_evidence(_ALERT), _STRING, Part.ALERTS, message(EvidenceRecord)),
    KeyKind(keys.ALERTS, RedisType.STREAM, Part.STREAMS, _CHANGES),
    KeyKind(_WEBHOOK.dead, RedisType.STREAM, Part.STREAMS, by_field({b"d": DeadLetter.decode})),
    KeyKind(_WEBHOOK.asked, RedisType.STREAM, Part.STREAMS, by_field({b"d": DeadLetter.decode})),
    KeyKind(_CHANNEL.log, RedisType.STREAM, Part.STREAMS, by_field({b"r": ChannelRecord.decode})),
    KeyKind(keys.AUDIT, RedisType.STREAM, Part.STREAMS, by_field({b"a": AuditEntry.decode})),
    KeyKind(_CAMERA.hours, RedisType.STREAM, Part.STREAMS, readers.hour),
    KeyKind(_CAMERA.scores, RedisType.STREAM, Part.SCORES, readers.score),
    KeyKind(_CAMERA.high_scores, RedisType.STREAM, Part.SCORES, readers.score),
    KeyKind(_CAMERA.minutes, RedisType.STREAM, Part.SCORES, readers.minute),
    KeyKind(_CAMERA.shadow, RedisType.STREAM, Part.SCORES, by_field({ALERT_FIELD: Alert.decode})),
)  # fmt: skip

_OWNERSHIP = "ownership: workers agree on it anew"
_MOMENTARY = "of the moment: workers write it anew"
_LOGINS = "logins: all have ended after a restore"
_ORDERS = "orders that wait, and their answers: whoever asked is gone"
_UNITS = (
    LeaseKeys.for_partition(0), LeaseKeys.for_capture("CAMERA", 1),
    LeaseKeys.for_webhook("WEBHOOK"), LeaseKeys.for_channel("CHANNEL"), LeaseKeys.for_mqtt(),
    LeaseKeys.for_sentences(), LeaseKeys.for_enrolment("ENROLMENT"), LeaseKeys.for_evidence(), LeaseKeys.for_upkeep(),
)  # fmt: skip
LEFT_OUT: dict[str, str] = {
    keys.PARTITIONS: "the number of partitions: it may be another one after a restore",
    keys.RESTORING: "of the moment: a restore that has not ended",
    keys.BANKS: "listed anew from the files of banks",
    keys.MEMORIES: "found anew in the files of the memory",
    keys.PROFILES: _MOMENTARY,
    keys.EVIDENCE_STATUS: _MOMENTARY,
    _CAMERA.analysis: _MOMENTARY,
    keys.members("ROLE"): _OWNERSHIP,
    keys.worker("ROLE", "WORKER"): _MOMENTARY,
    keys.SESSIONS: _LOGINS,
    keys.SESSIONS_USED: _LOGINS,
    keys.SETUP_CODES: _LOGINS,
    keys.login_attempts("TOKEN"): _LOGINS,
    keys.BANK_ORDERS: _ORDERS,
    keys.bank_answer("TOKEN"): _ORDERS,
    keys.WHAT_IF_ORDERS: _ORDERS,
    keys.what_if_answer("TOKEN"): _ORDERS,
    keys.SOURCE_TEST_ORDERS: _ORDERS,
    keys.source_test_answer("TOKEN"): _ORDERS,
    _WEBHOOK.answer("TOKEN"): _ORDERS,
    _CHANNEL.asked: _ORDERS,
    _CHANNEL.answer("TOKEN"): _ORDERS,
    **{name: _OWNERSHIP for unit in _UNITS for name in (unit.lease, unit.fence, unit.request)},
}
FENCES = tuple(pattern_of(unit.fence) for unit in _UNITS)  # they must never begin anew while a worker may be alive


@dataclass(frozen=True)
class KnownKey:
    """A key of a kind that is kept."""

    kind: KeyKind
    key: str
    names: dict[str, str]


def known_key(key: str) -> KnownKey | None:
    """None for a key that a backup leaves out, or that is of no kind known here: see `is_left_out`."""
    for kind in KEPT:
        if (names := kind.names_in(key)) is not None:
            return KnownKey(kind, key, names)
    return None


def is_left_out(key: str) -> bool:
    """Whether a key is of a kind that is left out on purpose."""
    return any(pattern.fullmatch(key) for pattern in _left_out_patterns())


@cache
def kinds_by_template() -> dict[str, KeyKind]:
    """The kinds that are kept."""
    return {kind.template: kind for kind in KEPT}


@cache
def _left_out_patterns() -> tuple[re.Pattern[str], ...]:
    return tuple(pattern_of(template) for template in LEFT_OUT)


def templates() -> Iterator[str]:
    """Of all kinds, kept or not."""
    yield from (kind.template for kind in KEPT)
    yield from LEFT_OUT
