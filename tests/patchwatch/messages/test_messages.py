"""What travels between processes keeps its bytes, survives the way, and refuses what is not itself."""

from __future__ import annotations

import json
import math
import struct
from contextlib import suppress

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from patchwatch.contract.errors import InvalidMessageError
from patchwatch.messages.alerts.alert import Alert, AlertKind, AlertState
from patchwatch.messages.alerts.channel import Channel, ChannelProgress, ChannelRecord, NoticeKind, NoticeOutcome
from patchwatch.messages.alerts.explanation import Explanation, NearestNormal, RelativeRegion, StreamExplanation
from patchwatch.messages.alerts.mqtt_progress import MqttProgress
from patchwatch.messages.alerts.mute import Mute
from patchwatch.messages.alerts.webhook import DeadLetter, Progress, Webhook, new_secret
from patchwatch.messages.banks.bank_version import (
    BankAction,
    BankAnswer,
    BankOrder,
    BankOrigin,
    BankVersion,
    CameraBanks,
)
from patchwatch.messages.banks.enrolment import Enrolment
from patchwatch.messages.base import Message, RedactedText
from patchwatch.messages.cameras.analysis_status import AnalysisState, AnalysisStatus
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.capture_status import CaptureState, CaptureStatus, Gap, Reason
from patchwatch.messages.frames.frame import FrameFlag, FrameMessage, PrecedingPicture
from patchwatch.messages.frames.score import Region, Score, ScoreMinute, StreamReading
from patchwatch.messages.heartbeat import Heartbeat

FRAME = FrameMessage(
    seq=42, captured_at_ns=1_700_000_000_123_456_789, media_time_ns=200_000_000, width=640, height=360,
    source_width=1920, source_height=1080, flags=FrameFlag.LIVE | FrameFlag.DISCONTINUITY, jpeg=b"\xff\xd8\xff\xd9",
)  # fmt: skip
FRAME_HEADER = "0103800268018007380415cd853dfe9c971700c2eb0b00000000"

SCORE = Score(
    seq=42, captured_at_ns=1_700_000_000_123_456_789, scored_at_ns=1_700_000_000_200_000_000, raw=0.75, score=0.5,
    streams=(StreamReading("local", None), StreamReading("motion", 0.25)), driver="motion",
    region=Region(10, 20, 300, 400), random_weights=True,
)  # fmt: skip
SCORE_BYTES = (
    "01012a0000000000000015cd853dfe9c971700c21542fe9c9717000000000000e83f000000000000e03f"
    "010a0014002c0190010000c07f0000803e"
)

CONTROL: list[Message] = [
    Camera(id="door", source="rtsp://u:p@h/x", publish_username="u", publish_password="s"),
    CaptureStatus(camera_id="door", state=CaptureState.OFFLINE, reason=Reason.TIMEOUT, since_ms=1, updated_at_ms=2,
                  last_gap=Gap(from_ms=1, to_ms=2)),
    AnalysisStatus(camera_id="door", state=AnalysisState.SCORING, profile="motion", streams=("motion",),
                   threshold_on=0.9, updated_at_ms=3),
    Alert(id="a", camera_id="door", state=AlertState.OPEN, started_at_ms=1, opened_at_ms=2, peak_at_ms=2,
          peak_score=0.9, threshold=0.8, region=Region(x1=1, y1=2, x2=3, y2=4), profile="motion", bank_id="b"),
    Alert(id="o", camera_id="door", kind=AlertKind.OFFLINE, state=AlertState.CLOSED, started_at_ms=1, opened_at_ms=2,
          peak_at_ms=2, ended_at_ms=3, profile="motion", detail="auth: refused"),
    Explanation(
        camera_id="door", at_ms=1, width=64, height=48, raw=2.0, score=0.5, profile="clip", bank_id="b", streams=(
            StreamExplanation(name="motion", weight=1, contribution=1, rarity=2, distance=0.1, nearest=(
                NearestNormal(distance=0.1, source="a", time_s=1, captured_at_ms=3, thumbnail="/9g=",
                              region=RelativeRegion(x1=0, y1=0.1, x2=0.2, y2=1)),)),
            StreamExplanation(name="local", weight=1, contribution=0),
        )),
    Enrolment(id="e", camera_id="door", profile="motion", sources=("file:/a",), created_at_ms=1, updated_at_ms=1),
    CameraBanks(camera_id="door", active={"motion": "0a1b2c3d4e5f"}, versions=(BankVersion(
        id="0a1b2c3d4e5f", camera_id="door", profile="motion", format=2, created_at="2026-11-28T05:00:00+00:00",
        stored_at_ms=1, origin=BankOrigin(by="e", live_seconds=60.0), seconds=60.0, frames=300, pinned=True),)),
    BankOrder(token="t", camera_id="door", bank_id="0a1b2c3d4e5f", action=BankAction.ACTIVATE, asked_at_ms=1),
    BankAnswer(code="conflict", detail="it is active"),
    Webhook(id="home", url="https://u:p@h/x?key=k", secret=new_secret(), cameras=("door",), kinds=("anomaly",)),
    Progress(position="1-0", passed=3, delivered=2, last_error="HTTP 500"),
    DeadLetter(entry_id="1-0", attempts=1, reason="HTTP 404", died_at_ms=2, alert=Alert(
        id="a", camera_id="door", state=AlertState.OPEN, started_at_ms=1, opened_at_ms=2, peak_at_ms=2,
        peak_score=0.9, threshold=0.8, profile="motion", bank_id="b")),
    Channel(id="phone", url="ntfy://u:p@h/t", cameras=("door",), hours={"begin": "22:00", "end": "06:00"}),
    ChannelProgress(position="1-0", passed=3, silenced=1),
    ChannelRecord(at_ms=1, notice=NoticeKind.ALERT, outcome=NoticeOutcome.SENT, attempt=1, alert_ids=("a",)),
    Mute(id="*", until_ms=1),
    MqttProgress(position="1-0", announced=("door",)),
    Heartbeat(role="ingest", host="h", pid=1, started_at_ms=1, updated_at_ms=2),
]  # fmt: skip


def test_the_bytes_of_a_frame_stay_as_they_are() -> None:
    assert FRAME.encode()[b"h"].hex() == FRAME_HEADER
    assert FRAME.encode()[b"j"] == b"\xff\xd8\xff\xd9"
    assert FRAME.entry_id == "42-0"


def test_the_bytes_of_a_score_stay_as_they_are() -> None:
    assert SCORE.encode() == {b"s": bytes.fromhex(SCORE_BYTES), b"n": b"local,motion"}


def test_the_status_of_a_capture_stays_as_it_is_and_one_of_before_is_read() -> None:
    status = CaptureStatus(camera_id="door", state=CaptureState.LIVE, since_ms=1, updated_at_ms=2, analysis_fps=2.5,
                           configured_fps=5.0)  # fmt: skip
    assert status.encode() == (
        b'{"version":1,"camera_id":"door","camera_revision":0,"state":"live","detail":"","since_ms":1,"updated_at_ms":2,'
        b'"analysis_fps":2.5,"configured_fps":5.0,"captured":0,"unpublished":0,"decode_errors":0,"reconnects":0}'
    )
    assert status.overloaded
    before = b'{"version":1,"camera_id":"door","state":"live","since_ms":1,"updated_at_ms":2}'
    assert not CaptureStatus.decode(before).overloaded


def test_a_frame_survives_the_way() -> None:
    assert FrameMessage.decode(b"42-0", FRAME.encode()) == FRAME


def test_a_score_survives_the_way_with_streams_that_had_nothing_to_say() -> None:
    assert Score.decode(SCORE.encode()) == SCORE
    silent = Score(1, 2, 3, 0.0, 0.0, (), None, None)
    assert Score.decode(silent.encode()) == silent


def test_a_minute_survives_the_way() -> None:
    minute = ScoreMinute(60_000, 300, 30.0, 0.9)
    assert ScoreMinute.decode(60_000, minute.encode()) == minute
    assert minute.mean == pytest.approx(0.1)
    assert ScoreMinute(0, 0, 0.0, 0.0).mean == 0


@pytest.mark.parametrize("message", CONTROL, ids=lambda message: type(message).__name__)
def test_control_messages_survive_the_way(message: Message) -> None:
    assert type(message).decode(message.encode()) == message


@pytest.mark.parametrize("message", CONTROL, ids=lambda message: type(message).__name__)
def test_a_newer_version_says_to_upgrade(message: Message) -> None:
    newer = message.model_copy(update={"version": 99}).encode()
    with pytest.raises(InvalidMessageError, match="upgrade"):
        type(message).decode(newer)


def test_an_unknown_version_of_a_frame_or_score_is_refused() -> None:
    frame, score = FRAME.encode(), SCORE.encode()
    with pytest.raises(InvalidMessageError, match="version 9"):
        FrameMessage.decode(b"1-0", frame | {b"h": b"\x09" + frame[b"h"][1:]})
    with pytest.raises(InvalidMessageError, match="version 9"):
        Score.decode(score | {b"s": b"\x09" + score[b"s"][1:]})


fields = st.dictionaries(st.sampled_from([b"h", b"j", b"s", b"n", b"m", b"x"]), st.binary(max_size=120), max_size=6)


@given(entry_id=st.binary(max_size=20), entry=fields)
def test_bytes_that_are_no_message_are_refused_in_one_way(entry_id: bytes, entry: dict[bytes, bytes]) -> None:
    for decode in (lambda: FrameMessage.decode(entry_id, entry), lambda: Score.decode(entry),
                   lambda: ScoreMinute.decode(0, entry)):  # fmt: skip
        with suppress(InvalidMessageError):
            decode()


@given(position=st.integers(0, len(SCORE.encode()[b"s"]) - 1), value=st.integers(0, 255), names=st.binary(max_size=20))
def test_a_damaged_score_is_refused_or_still_a_score(position: int, value: int, names: bytes) -> None:
    damaged = bytearray(SCORE.encode()[b"s"])
    damaged[position] = value
    for entry in ({b"s": bytes(damaged), b"n": b"local,motion"}, {b"s": bytes(damaged), b"n": names}):
        with suppress(InvalidMessageError):
            assert isinstance(Score.decode(entry), Score)


def _is_object(data: bytes | str) -> bool:
    try:
        return isinstance(json.loads(data), dict)
    except ValueError:
        return False


@given(data=st.one_of(st.binary(max_size=200), st.text(max_size=200)))
@example(data=b"[]")
@example(data="null")
@pytest.mark.parametrize("kind", dict.fromkeys(type(message) for message in CONTROL), ids=lambda kind: kind.__name__)
def test_text_that_is_no_control_message_is_refused_in_one_way(kind: type[Message], data: bytes | str) -> None:
    assume(not _is_object(data))  # of some kinds `{}` is one
    with pytest.raises(InvalidMessageError):
        kind.decode(data)


@given(
    seq=st.integers(1, 2**63), captured=st.integers(0, 2**62), media=st.integers(-(2**40), 2**62),
    size=st.tuples(*[st.integers(1, 65535)] * 4), flags=st.integers(0, 7), jpeg=st.binary(max_size=50),
    preceding=st.none() | st.builds(PrecedingPicture, st.integers(1, 2**62), st.binary(min_size=1, max_size=50)),
)  # fmt: skip
def test_any_frame_survives_the_way(
    seq: int, captured: int, media: int, size: tuple[int, int, int, int], flags: int, jpeg: bytes,
    preceding: PrecedingPicture | None,
) -> None:  # fmt: skip
    frame = FrameMessage(seq, captured, media, *size, FrameFlag(flags), jpeg, preceding=preceding)
    assert FrameMessage.decode(frame.entry_id.encode(), frame.encode()) == frame


@given(rarities=st.lists(st.one_of(st.none(), st.floats(0, 1, width=32)), max_size=6), raw=st.floats(0, 1e9))
def test_any_score_survives_the_way(rarities: list[float | None], raw: float) -> None:
    streams = tuple(StreamReading(f"s{n}", rarity) for n, rarity in enumerate(rarities))
    score = Score(1, 2, 3, raw, 0.5, streams, streams[-1].name if streams else None, None)
    assert Score.decode(score.encode()) == score


@pytest.mark.parametrize(
    ("preceding", "words"),
    [(b"", "truncated"), (struct.pack("<q", 5), "truncated"), (struct.pack("<q", 0) + b"x", "not before")],
)
def test_a_preceding_picture_that_is_none_is_refused(preceding: bytes, words: str) -> None:
    with pytest.raises(InvalidMessageError, match=words):
        FrameMessage.decode(b"42-0", FRAME.encode() | {b"e": preceding})


def test_the_layouts_have_the_documented_sizes() -> None:
    assert len(FRAME.encode()[b"h"]) == struct.calcsize("<BBHHHHqq") == 26
    assert math.isnan(struct.unpack("<f", SCORE.encode()[b"s"][-8:-4])[0])


def test_half_of_a_publishers_credentials_is_refused() -> None:
    for half in (
        {"publish_username": "cam"},
        {"publish_password": "p4ss"},
        {"publish_username": "", "publish_password": "p"},
    ):
        with pytest.raises(ValueError, match="go together"):
            Camera.model_validate({"id": "door", **half})


OLD_ALERT = (
    b'{"version":1,"id":"door-1","camera_id":"door","kind":"anomaly","state":"open","started_at_ms":1,'
    b'"opened_at_ms":2,"peak_at_ms":2,"ended_at_ms":null,"peak_score":0.9,"threshold":0.8,"stream":null,'
    b'"region":null,"profile":"motion","bank_id":"b","random_weights":false}'
)


def test_an_alert_of_before_the_other_kinds_is_understood() -> None:
    alert = Alert.decode(OLD_ALERT)
    assert (alert.kind, alert.peak_score, alert.threshold, alert.detail) == (AlertKind.ANOMALY, 0.9, 0.8, "")


def test_an_anomaly_without_score_is_refused_and_a_condition_without_is_not() -> None:
    bare = OLD_ALERT.replace(b'"peak_score":0.9', b'"peak_score":null')
    with pytest.raises(InvalidMessageError, match="peak_score"):
        Alert.decode(bare)
    assert Alert.decode(bare.replace(b"anomaly", b"covered")).kind is AlertKind.COVERED


@pytest.mark.parametrize("kind", [CaptureStatus, AnalysisStatus, Alert, Enrolment, DeadLetter, Progress])
def test_words_for_people_hold_no_secret_whoever_wrote_them(kind: type[Message]) -> None:
    fields = [name for name, field in kind.model_fields.items() if name in ("detail", "reason", "last_error")]
    shown = [name for name in fields if kind.model_fields[name].metadata]
    assert shown, "no field of this message hides secrets"
    validate = TypeAdapter(RedactedText).validate_python
    assert validate("no: rtsp://h/l?u=v&psw=hunter2: nothing\nlistens") == "no: rtsp://h/***: nothing\\nlistens"
    assert len(validate("x" * 10_000)) < 1100
