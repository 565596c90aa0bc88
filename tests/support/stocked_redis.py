"""A Redis as it is after minutes of work: what the workers and the service themselves wrote there."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

import redis
from moving_scene import FPS, HEIGHT, WIDTH, scene
from pydantic import SecretStr
from waiting import wait_until

from models.banks.bank import Bank
from models.banks.bank_builder import BankBuilder
from models.banks.bank_file import save_bank
from models.engine.engine import Engine
from models.frames.frame import CameraContext, Frame
from models.profiles.profile import load_profile
from patchwatch.bus import keys
from patchwatch.bus.corrections import change_corrections
from patchwatch.bus.keys import CameraKeys, ChannelKeys, LeaseKeys, WebhookKeys
from patchwatch.contract.settings import Settings
from patchwatch.messages.access.api_token import ApiToken, Scope, new_token
from patchwatch.messages.access.audit_entry import AuditEntry
from patchwatch.messages.access.login_session import LoginSession
from patchwatch.messages.alerts.alert import Alert, AlertKind, AlertState
from patchwatch.messages.alerts.channel import Channel, ChannelProgress, ChannelRecord, NoticeKind, NoticeOutcome
from patchwatch.messages.alerts.evidence import EvidenceRecord, EvidenceState, EvidenceStatus
from patchwatch.messages.alerts.frigate import FrigateCreation, FrigateEvent, FrigateProgress
from patchwatch.messages.alerts.incident import Incident, IncidentAlert
from patchwatch.messages.alerts.mqtt_progress import MqttProgress, OpenAlert
from patchwatch.messages.alerts.mute import Mute
from patchwatch.messages.alerts.sentence import Sentence, SentenceProgress
from patchwatch.messages.alerts.verdict import AlertVerdicts, Statement, Verdict, VerdictChange
from patchwatch.messages.alerts.webhook import DeadLetter, Progress, TrialResult, Webhook, new_secret
from patchwatch.messages.banks.arming import MemoryExtent, MemoryStatus
from patchwatch.messages.banks.bank_version import BankAction, BankAnswer, BankOrder
from patchwatch.messages.banks.enrolment import Enrolment, EnrolmentState
from patchwatch.messages.cameras.activity import QUARTERS, Absence, AbsenceState, place_of
from patchwatch.messages.cameras.budget import SiteBudget
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.capture_status import CaptureState, CaptureStatus, Gap, Reason
from patchwatch.messages.cameras.correction import Correction, CorrectionHours, CorrectionKind, Span
from patchwatch.messages.cameras.drift import Drift, DriftingStream
from patchwatch.messages.cameras.lasting_change import PendingChange
from patchwatch.messages.cameras.quiet_hour import HOUR_MS, QuietHour
from patchwatch.messages.cameras.source_test import SourceTestAnswer, SourceTestOrder
from patchwatch.messages.frames.frame import FrameFlag, FrameMessage
from patchwatch.messages.heartbeat import Heartbeat
from patchwatch.messages.what_if import BudgetChange, WhatIfAnswer, WhatIfOrder
from workers.analysis.bank_report import enrolment_report
from workers.analysis.threshold_message import to_message
from workers.enrolment.banks.bank_orders import BankOrderHandler
from workers.inference.worker import InferenceWorker
from workers.media import jpeg_codec

CAMERA, WEBHOOK, CHANNEL, TOKEN = "cam", "home", "phone", "0" * 32
_NORMAL_S, _SCORED_S = 60, 75  # the latter more than a minute, so that there is one in the minutes' stream
_RUSH_S = 60


def learn_bank(settings: Settings) -> Bank:
    """Learn and keep the bank of the camera's motion profile, of one minute of its scene."""
    engine = Engine(load_profile("motion"))
    learner, view = BankBuilder(engine.profile, engine.streams, engine.identity), CameraContext()
    frames = [Frame(jpeg_codec.decode(jpeg_codec.encode(scene(n / FPS), 85)), n / FPS) for n in range(_NORMAL_S * FPS)]
    for frame, features in zip(frames, engine.extract(frames, [view] * len(frames)), strict=True):
        learner.add(frame.at_s, features, frame.rgb)
    bank = learner.build(["scene"])
    save_bank(bank, settings.bank_path(CAMERA, "motion"))
    return bank


def frame_message(seq: int, at_ns: int, *, rush: bool = False) -> FrameMessage:
    """One frame of the scene, at any age."""
    flags = FrameFlag.DISCONTINUITY if seq == 1 else FrameFlag(0)
    jpeg = jpeg_codec.encode(scene(seq / FPS, rush=rush), 85)
    return FrameMessage(seq, at_ns, seq * 10**9 // FPS, WIDTH, HEIGHT, 2 * WIDTH, 2 * HEIGHT, flags, jpeg)


def stock(client: Any, settings: Settings, bank: Bank) -> None:
    """One camera: enrolled, scored, with an open alert, and every record that there can be."""
    now_ms = time.time_ns() // 1_000_000
    names = CameraKeys.for_camera(CAMERA, settings.partitions)
    camera = Camera(id=CAMERA, source="rtsp://user:secret@camera.example/1", false_alarms_per_day=2.0)
    client.hset(keys.CAMERAS, CAMERA, camera.encode())
    client.incr(keys.CAMERAS_REVISION)
    capture = CaptureStatus(
        camera_id=CAMERA, state=CaptureState.LIVE, reason=Reason.TIMEOUT, detail="late", since_ms=now_ms - 90_000,
        updated_at_ms=now_ms, last_frame_at_ms=now_ms, fps=5.0, width=640, height=480, codec="h264",
        captured=_SCORED_S * FPS, decode_errors=2, reconnects=1, last_gap=Gap(from_ms=now_ms - 9000, to_ms=now_ms),
    )  # fmt: skip
    client.set(names.capture, capture.encode())
    enrolment = Enrolment(
        id="e1", camera_id=CAMERA, profile="motion", sources=("file:/nowhere/a.mp4",), analysis_fps=5.0,
        false_alarms_per_day=2.0, state=EnrolmentState.DONE, progress=1.0, bank_id=bank.id,
        report=enrolment_report(bank, CAMERA), threshold=to_message(bank.threshold.at(2.0)),
        created_at_ms=now_ms, updated_at_ms=now_ms,
    )  # fmt: skip
    client.hset(keys.ENROLMENT_RECORDS, enrolment.id, enrolment.encode())
    waiting = enrolment.model_copy(
        update={"id": "e2", "state": EnrolmentState.RUNNING, "bank_id": None, "report": None}
    )
    client.hset(keys.ENROLMENT_RECORDS, waiting.id, waiting.encode())
    client.hset(keys.ENROLMENTS_LATEST, CAMERA, waiting.id)
    client.sadd(keys.ENROLMENTS_PENDING, waiting.id)
    _remember(client, names, bank, now_ms)
    client.set(keys.PROFILES, '["motion", "objects"]')
    client.set(keys.PARTITIONS, settings.partitions)
    _order_banks(client, settings, bank)
    _ask_what_if(client)
    _score(client, names, settings)
    _configure_webhook(client)
    _configure_channel(client)
    _review(client, names)
    _keep_evidence(client, now_ms)
    _correct(client)
    _own(client, settings)
    _let_in(client, now_ms)
    _beat(client, now_ms)


def _beat(client: Any, now_ms: int) -> None:
    for role in ("ingest", "inference"):
        beat = Heartbeat(role=role, host="here", pid=1, started_at_ms=now_ms, updated_at_ms=now_ms)
        client.set(keys.worker(role, "w"), beat.encode())


def _let_in(client: Any, now_ms: int) -> None:
    """A token, a login that is void, a code, an attempt, an entry; and no user, so that this machine is let in."""
    _, token_id, stored = new_token()
    token = ApiToken(id=token_id, name="home", scope=Scope.READ, digest=stored, created_at_ms=now_ms)
    client.hset(keys.TOKENS, token_id, token.encode())
    client.hset(keys.TOKENS_USED, token_id, now_ms)
    session = LoginSession(id="s1", user="ada", incarnation="i1", created_at_ms=now_ms, address="10.0.0.7")
    client.hset(keys.SESSIONS, stored, session.encode())
    client.hset(keys.SESSIONS_USED, stored, now_ms)
    client.zadd(keys.SETUP_CODES, {stored: now_ms + 3_600_000})
    client.zadd(keys.login_attempts(TOKEN), {"a1": now_ms})
    entry = AuditEntry(
        at_ms=now_ms, who="local", via="local", action="POST /api/v1/cameras", changes={"id": (None, "x")}
    )
    client.xadd(keys.AUDIT, {b"a": entry.encode()})


def _order_banks(client: Any, settings: Settings, bank: Bank) -> None:
    """All banks are listed, an answer was given, and another order waits."""
    client.rpush(keys.bank_answer(TOKEN), BankAnswer(detail="done").encode())
    BankOrderHandler(settings, client).poll()
    order = BankOrder(token=TOKEN, camera_id=CAMERA, bank_id=bank.id, action=BankAction.PIN, asked_at_ms=1)
    client.rpush(keys.BANK_ORDERS, order.encode())


def _ask_what_if(client: Any) -> None:
    """A question that no worker took, and the answer to another one."""
    change = BudgetChange(change="budget", false_alarms_per_day=2.0)
    question = WhatIfOrder(token=TOKEN, camera_id=CAMERA, change=change, from_ms=0, to_ms=1, asked_at_ms=1)
    tried = SourceTestOrder(token=TOKEN, source="rtsp://camera.example/1", asked_at_ms=1)
    client.rpush(keys.SOURCE_TEST_ORDERS, tried.encode())
    client.rpush(keys.source_test_answer(TOKEN), SourceTestAnswer(works=False, text="nothing listens there").encode())
    client.rpush(keys.WHAT_IF_ORDERS, question.encode())
    client.rpush(keys.what_if_answer(TOKEN), WhatIfAnswer(code="not-found", detail="no scores are stored").encode())


def _remember(client: Any, names: CameraKeys, bank: Bank, now_ms: int) -> None:
    """What an enrolment worker says of the camera's memory, and of its last days."""
    _keep_up(client, names, bank, now_ms)
    _watch(client, names, now_ms)
    extent = MemoryExtent(seconds=95.0, stretches=4, from_ms=1, until_ms=99_000, identity="0123456789abcdef")
    remembered = MemoryStatus(camera_id=CAMERA, profile="motion", extent=extent, first_bank_s=60.0)
    client.hset(keys.MEMORIES, CAMERA, remembered.encode())


def _keep_up(client: Any, names: CameraKeys, bank: Bank, now_ms: int) -> None:
    """What an enrolment worker says of the camera's hours and of its drift, and what an operator wants of the site."""
    hour_ms = now_ms // HOUR_MS * HOUR_MS - 2 * HOUR_MS
    hour = QuietHour(hour_ms=hour_ms, minutes=60, samples=350, rare={"motion": 40}, bank_id=bank.id, level_per_day=2.0)
    client.xadd(names.hours, hour.fields(), id=hour.entry_id)
    streams = (DriftingStream(name="motion", since_ms=hour_ms, share=0.8),)
    alert = Alert(
        id=f"{CAMERA}-drift-{hour_ms}", camera_id=CAMERA, kind=AlertKind.DRIFT, state=AlertState.OPEN,
        started_at_ms=hour_ms, opened_at_ms=now_ms, peak_at_ms=now_ms, profile="motion", detail="look at the camera",
    )  # fmt: skip
    drift = Drift(camera_id=CAMERA, bank_id=bank.id, hours=9, streams=streams, text=alert.detail, alert=alert)
    client.hset(keys.DRIFTS, CAMERA, drift.encode())
    client.set(keys.SITE_BUDGET, SiteBudget(per_day=6.0, updated_at_ms=now_ms).encode())


def _correct(client: Any) -> None:
    """A time that is normal at its hour, of which nothing is remembered."""
    correction = Correction(
        id="00000000000000aa", kind=CorrectionKind.NORMAL_AT_THIS_TIME, spans=(Span(from_ms=1000, until_ms=2000),),
        hours=CorrectionHours(from_minute=0, minutes=60), alert_ids=("gate-1",), by="operator", at_ms=3000,
    )  # fmt: skip
    change_corrections(client, CAMERA, lambda before: before.with_one(correction))


def _configure_webhook(client: Any) -> None:
    """One that has delivered, failed, and been asked for a test."""
    of = WebhookKeys(WEBHOOK)
    webhook = Webhook(id=WEBHOOK, url="https://home.example/hook", secret=SecretStr(new_secret()), cameras=(CAMERA,))
    client.hset(keys.WEBHOOKS, WEBHOOK, webhook.encode())
    client.incr(keys.WEBHOOKS_REVISION)
    [(entry_id, fields)] = client.xrevrange(keys.ALERTS, count=1)
    progress = Progress(position=entry_id.decode(), passed=1, delivered=1, failed=2, dead=1, last_error="HTTP 503")
    client.set(of.progress, progress.encode())
    alert = Alert.decode(fields[b"a"])
    letter = DeadLetter(entry_id=entry_id.decode(), alert=alert, attempts=2, reason="HTTP 404", died_at_ms=1)
    client.xadd(of.dead, {b"d": letter.encode()})
    client.xadd(of.asked, {b"d": letter.encode()})
    client.xadd(of.asked, {b"t": TOKEN})
    client.rpush(of.answer(TOKEN), TrialResult(delivered=False, detail="HTTP 404").encode())


def _configure_channel(client: Any) -> None:
    """One that has an incident to tell of, beside what was told over MQTT and what is muted."""
    of = ChannelKeys(CHANNEL)
    client.hset(keys.CHANNELS, CHANNEL, Channel(id=CHANNEL, url=SecretStr("ntfy://h/t"), cameras=(CAMERA,)).encode())
    client.incr(keys.CHANNELS_REVISION)
    [(entry_id, fields)] = client.xrevrange(keys.ALERTS, count=1)
    alert, name = Alert.decode(fields[b"a"]), entry_id.decode()
    incident = Incident(id=name, begun_at_ms=1, alerts=(IncidentAlert(alert=alert),))
    event = FrigateEvent(alert_id=alert.id, camera_id=CAMERA, event_id="1.5-abc", created_at_ms=1)
    frigate = FrigateProgress(events=(event,), creation=FrigateCreation(alert_id=alert.id), done=(alert.id,))
    client.set(of.progress, ChannelProgress(position=name, passed=1, incidents=(incident,), frigate=frigate).encode())
    record = ChannelRecord(at_ms=1, notice=NoticeKind.ALERT, outcome=NoticeOutcome.FAILED, attempt=1, answer="HTTP 503")
    client.xadd(of.log, {b"r": record.encode()})
    client.xadd(of.asked, {b"t": TOKEN})
    client.rpush(of.answer(TOKEN), TrialResult(delivered=False, detail="HTTP 404").encode())
    client.hset(keys.MUTES, CAMERA, Mute(id=CAMERA, until_ms=10**14).encode())
    opened = OpenAlert(id=alert.id, camera_id=CAMERA, kind=alert.kind)
    client.set(keys.MQTT_PROGRESS, MqttProgress(position=name, open=(opened,), announced=(CAMERA,)).encode())
    client.set(keys.SENTENCES_PROGRESS, SentenceProgress(position=name, streak=1, last_error="HTTP 401").encode())
    sentence = Sentence(text="A person lies there.", model="seer", at_ms=2, peak_at_ms=1)
    client.set(keys.alert_sentence(alert.id), sentence.encode())


def _review(client: Any, names: CameraKeys) -> None:
    """An operator has called the camera's alert normal, and two that have expired."""
    [(_, fields)] = client.xrevrange(keys.ALERTS, count=1)
    alert = Alert.decode(fields[b"a"])
    statement = Statement(verdict=Verdict.NORMAL, note="the cleaner", by="operator", at_ms=alert.started_at_ms)
    client.xadd(names.shadow, fields)
    client.set(keys.alert_verdicts(alert.id), AlertVerdicts(statements=(statement, statement)).encode())
    client.xadd(keys.ALERTS, {b"v": VerdictChange(alert=alert, statement=statement).encode()})
    for verdict, name in names.reviewed.items():
        client.zadd(name, {alert.id if verdict == Verdict.NORMAL else f"{CAMERA}-{verdict}": time.time() * 1000})


def _keep_evidence(client: Any, now_ms: int) -> None:
    """Evidence of the camera's alert that is ready, of one that is being recorded, and what is counted of all."""
    [(entry_id, fields)] = client.xrevrange(keys.ALERTS, count=1)
    alert = Alert.decode(fields[b"a"]) if b"a" in fields else VerdictChange.decode(fields[b"v"]).alert
    record = EvidenceRecord(alert_id=alert.id, state=EvidenceState.READY, updated_at_ms=now_ms)
    client.set(keys.alert_evidence(alert.id), record.encode())
    client.set(keys.EVIDENCE_POSITION, entry_id)
    client.sadd(keys.EVIDENCE_RECORDING, f"{CAMERA}-9")
    client.hset(keys.EVIDENCE_COUNTS, mapping={"ready": 1, "failed": 2})
    client.set(keys.EVIDENCE_STATUS, EvidenceStatus(updated_at_ms=now_ms, stored_bytes=1000).encode())
    client.set(keys.LINK_SECRET, b"s" * 32)
    client.set(keys.PUSH_KEY, bytes(31) + b"k")


def _watch(client: Any, names: CameraKeys, now_ms: int) -> None:
    """A camera that watches for absence, and a change of its scene that lasts."""
    absence = Absence(camera_id=CAMERA, state=AbsenceState.LEARNING, text="too few weeks", updated_at_ms=now_ms)
    client.hset(keys.ABSENCES, CAMERA, absence.encode())
    client.hset(names.activity, place_of(now_ms)[0], bytes(QUARTERS))
    client.hset(keys.LASTING_CHANGES, CAMERA, PendingChange(camera_id=CAMERA, since_ms=now_ms - 900_000).encode())


def _own(client: Any, settings: Settings) -> None:
    """Leases, their fencing tokens and requests, and who shares them."""
    partition = keys.partition_of(CAMERA, settings.partitions)
    for unit in (
        LeaseKeys.for_partition(partition), LeaseKeys.for_capture(CAMERA, settings.partitions),
        LeaseKeys.for_webhook(WEBHOOK), LeaseKeys.for_enrolment("e1"),
        LeaseKeys.for_evidence(), LeaseKeys.for_upkeep(), LeaseKeys.for_channel(CHANNEL), LeaseKeys.for_mqtt(),
        LeaseKeys.for_sentences(),
    ):  # fmt: skip
        client.set(unit.lease, "host-1-w:1")
        client.set(unit.fence, "1")
        client.set(unit.request, "host-2-w")
    client.zadd(keys.members("inference"), {"host-1-w": time.time() * 1000})


def _score(client: Any, names: CameraKeys, settings: Settings) -> None:
    start_ns = time.time_ns() - (_SCORED_S + 5) * 10**9
    worker = InferenceWorker(settings)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        for seq in range(1, _SCORED_S * FPS + 1):
            at_ns = start_ns + seq * 10**9 // FPS
            rush = seq > _RUSH_S * FPS
            client.xadd(names.frames, dict(frame_message(seq, at_ns, rush=rush).encode()), id=f"{seq}-0")
        wait_until(lambda: int(client.hget(names.counters, "scored") or 0) >= _SCORED_S * FPS, within_s=240)
    finally:
        worker.stop()
        thread.join(timeout=120)


@dataclass(frozen=True)
class Snapshot:
    """All keys with their values, as Redis itself writes them down."""

    values: dict[bytes, bytes]

    @classmethod
    def take(cls, client: redis.Redis) -> Snapshot:
        names: Any = client.keys("*")
        return cls({name: client.dump(name) for name in sorted(names)})  # type: ignore[misc]

    def restore(self, client: redis.Redis) -> None:
        """Put everything back, and nothing else, in the place of what a running worker may write meanwhile."""
        with client.pipeline(transaction=False) as pipe:
            pipe.flushall()
            for name, value in self.values.items():
                pipe.restore(name, 0, value, replace=True)
            pipe.execute()
