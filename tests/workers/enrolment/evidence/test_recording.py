"""From an alert to its stored evidence: what the clip shows, and what becomes of it when something goes wrong."""

from __future__ import annotations

import hashlib
from pathlib import Path

import av
import pytest
from evidence_site import BEGIN_MS, HEIGHT, STEP_MS, WIDTH, EvidenceSite

from patchwatch.bus import keys
from patchwatch.bus.keys import CameraKeys
from patchwatch.contract.errors import StorageError
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import AlertKind, AlertState
from patchwatch.messages.alerts.evidence import EvidenceRecord, EvidenceState, EvidenceStatus
from patchwatch.messages.frames.score import Score, StreamReading
from workers.enrolment.evidence import clip_window, recorder

FRAME_S = STEP_MS / 1000


def times_in(path: Path) -> tuple[list[float], float]:
    """When each frame of a clip is shown, and how long the clip is; decodes all of it."""
    with av.open(str(path)) as container:
        (stream,) = container.streams.video
        frames = list(container.decode(stream))
        assert all((frame.width, frame.height) == (WIDTH, HEIGHT) for frame in frames)
        assert frames[0].key_frame
        assert stream.codec_context.name == "h264"
        return [float(frame.time or 0.0) for frame in frames], (container.duration or 0) / 1e6


def test_a_clip_shows_the_alert_with_its_pre_roll_and_post_roll(site: EvidenceSite, tmp_path: Path) -> None:
    alert = site.recorded(lasts_s=3.0)
    assert site.record(alert).state is EvidenceState.READY
    clip = site.manifest(alert).clip
    assert clip is not None
    assert (clip.missing_frames, len(clip.segments)) == (0, 1)
    times, seconds = times_in(site.clip_file(alert, tmp_path))
    assert seconds == pytest.approx(5 + 3 + 5, abs=FRAME_S)
    assert clip.seconds == pytest.approx(seconds, abs=0.001)
    assert times == pytest.approx([number * FRAME_S for number in range(len(times))], abs=0.002)
    begins_s = (alert.started_at_ms - clip.segments[0].from_ms) / 1000
    assert begins_s == pytest.approx(site.settings.evidence_pre_roll_s, abs=FRAME_S)


def test_a_clip_plays_before_all_of_it_has_come(site: EvidenceSite) -> None:
    data = site.part(site.recorded(), "clip.mp4")
    assert data.index(b"moov") < data.index(b"mdat")


def test_the_manifest_names_every_part_with_its_hash(site: EvidenceSite) -> None:
    of = CameraKeys.for_camera("gate", site.settings.partitions)
    for number in range(80):
        at_ms = BEGIN_MS + number * STEP_MS
        score = Score(number, at_ms * 10**6, at_ms * 10**6, 0.5, 0.5, (StreamReading("motion", 0.5),), "motion", None)
        site.client.xadd(of.scores, dict(score.encode()), id=f"{at_ms}-0")
    alert = site.recorded()
    manifest = site.manifest(alert)
    assert {part.name for part in manifest.parts} == {"clip.mp4", "peak.jpg", "scores.json"}
    for part in manifest.parts:
        data = site.part(alert, part.name)
        assert (len(data), hashlib.sha256(data).hexdigest()) == (part.bytes, part.sha256)
    assert manifest.alert == alert
    assert site.scores(alert)[0][0] >= alert.started_at_ms - 5000


def test_of_a_long_alert_the_beginning_and_the_peak_are_shown(site: EvidenceSite, tmp_path: Path) -> None:
    site.settings = site.settings.changed(evidence_max_s=20.0)
    site.restart()
    site.film(8)
    alert = site.alert()
    site.film(40)
    alert = site.change(alert, peak_at_ms=site.clock.at_ms, peak_score=0.99, told=False)
    site.film(30)
    alert = site.close(alert)
    site.film(6)
    site.finish()
    clip = site.manifest(alert).clip
    assert clip is not None
    first, peak = clip.segments
    assert first.from_ms == pytest.approx(alert.started_at_ms - 5000, abs=STEP_MS)
    assert first.to_ms == pytest.approx(alert.started_at_ms + 5000, abs=STEP_MS)
    assert (peak.from_ms, peak.to_ms) == pytest.approx((alert.peak_at_ms - 5000, alert.peak_at_ms + 5000), abs=STEP_MS)
    _, seconds = times_in(site.clip_file(alert, tmp_path))
    assert seconds == pytest.approx(20, abs=2 * FRAME_S)


def test_an_alert_that_does_not_end_is_recorded_as_it_is_after_ten_minutes(site: EvidenceSite) -> None:
    site.film(8)
    alert = site.alert()
    site.film(2)
    site.clock.at_ms += clip_window.LONGEST_WATCH_MS
    site.finish()
    assert "still open" in site.record(alert).reason


def test_a_camera_that_goes_offline_shows_what_came_before(site: EvidenceSite) -> None:
    site.film(8)
    last_ms = site.clock.at_ms
    site.clock.at_ms += 30_000
    alert = site.alert(started_ms=last_ms, kind=AlertKind.OFFLINE)
    site.finish()
    clip = site.manifest(alert).clip
    assert clip is not None
    assert clip.seconds == pytest.approx(5, abs=2 * FRAME_S)


def test_frames_that_were_dropped_are_told_of(site: EvidenceSite) -> None:
    site.film(8)
    alert = site.alert()
    site.film(1)
    site.seq += 5  # a second that the capture could not publish
    site.film(2)
    alert = site.close(alert)
    site.film(6)
    site.finish()
    clip = site.manifest(alert).clip
    assert clip is not None
    assert clip.missing_frames == 5
    assert clip.seconds == pytest.approx(5 + 4 + 5, abs=FRAME_S)


def test_a_worker_that_is_killed_while_it_records_loses_no_frame_that_it_wrote(site: EvidenceSite) -> None:
    site.film(8)
    alert = site.alert()
    site.film(10)
    (folder,) = site.spool.folders()
    with (folder.path / "first.frames").open("ab") as file:
        file.write(b"half a frame")
    site.restart()
    site.film(2)
    alert = site.close(alert)
    site.film(6)
    site.finish()
    clip = site.manifest(alert).clip
    assert clip is not None
    assert clip.seconds == pytest.approx(5 + 12 + 5, abs=FRAME_S)
    assert clip.missing_frames == 0


def test_a_worker_elsewhere_that_ended_is_followed_by_one_that_records_what_is_left(site: EvidenceSite) -> None:
    site.film(8)
    alert = site.alert()
    site.film(20)
    (folder,) = site.spool.folders()
    folder.remove()  # its spool is on a machine that is gone
    site.restart()
    site.film(2)
    alert = site.close(alert)
    site.film(6)
    site.finish()
    record = site.record(alert)
    assert record.state is EvidenceState.READY
    assert "the worker that began to record it has ended" in record.reason
    assert "begins" in record.reason


def test_a_worker_that_is_killed_while_it_stores_leaves_nothing_half(site: EvidenceSite) -> None:
    class Killed(BaseException):
        pass

    put, calls = site.storage.put, []

    def dies(path: str, file: Path) -> None:
        calls.append(path)
        if len(calls) == 2:
            raise Killed
        put(path, file)

    site.storage.put = dies  # type: ignore[method-assign]
    with pytest.raises(Killed):
        site.recorded()
    site.storage.put = put  # type: ignore[method-assign]
    assert not [file for file in site.storage.files() if file.path.endswith("manifest.json")]
    alert_id = calls[0].split("/")[1]
    site.restart()
    site.finish()
    assert EvidenceRecord.decode(site.client.get(keys.alert_evidence(alert_id))).state is EvidenceState.READY
    assert site.spool.folders() == []


def test_evidence_waits_while_the_store_is_away(site: EvidenceSite) -> None:
    put = site.storage.put

    def away(path: str, file: Path) -> None:
        raise StorageError("the store does not answer")

    site.storage.put = away  # type: ignore[method-assign]
    alert = site.recorded()
    site.clock.at_ms += 3000
    site.finish()
    status = EvidenceStatus.decode(site.client.get(keys.EVIDENCE_STATUS))
    assert (status.waiting, status.last_error) == (1, "the store does not answer")
    assert status.failing_since_ms is not None
    assert site.record(alert).state is EvidenceState.RECORDING
    assert int(site.client.hget(keys.EVIDENCE_COUNTS, "failed")) == 1, "tried again only after a pause"

    site.storage.put = put  # type: ignore[method-assign]
    site.restart()
    site.finish()
    assert site.record(alert).state is EvidenceState.READY
    assert site.spool.folders() == []


def test_a_full_spool_refuses_the_next_alert_and_says_so(site: EvidenceSite) -> None:
    site.spool.most_bytes = 1
    site.spool.path.mkdir(parents=True, exist_ok=True)
    (site.spool.path / "other").mkdir()
    (site.spool.path / "other" / "first.frames").write_bytes(b"12")
    site.film(2)
    alert = site.alert()
    site.recorder.poll()
    assert (site.record(alert).state, site.record(alert).reason[:18]) == (EvidenceState.MISSING, "the spool was full")


def test_a_full_disk_costs_the_evidence_and_is_told_of(site: EvidenceSite, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    site.film(8)
    alert = site.alert()
    site.recorder.poll()
    monkeypatch.setattr("workers.enrolment.evidence.frame_file.append", full)
    site.film(2)
    record = site.record(alert)
    assert (record.state, "No space left" in record.reason) == (EvidenceState.MISSING, True)
    assert site.spool.folders() == []
    assert int(site.client.hget(keys.EVIDENCE_COUNTS, "missing")) == 1


def test_a_drift_has_no_clip(site: EvidenceSite) -> None:
    alert = site.alert(kind=AlertKind.DRIFT)
    site.recorder.poll()
    assert site.record(alert).state is EvidenceState.MISSING


def test_no_more_alerts_are_recorded_at_once_than_a_limit(site: EvidenceSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "MOST_AT_ONCE", 2)
    alerts = [site.alert(started_ms=site.clock.at_ms - number) for number in range(3)]
    site.recorder.poll()
    states = [site.record(alert).state for alert in alerts]
    assert states == [EvidenceState.RECORDING, EvidenceState.RECORDING, EvidenceState.MISSING]


def test_alerts_before_the_first_start_are_not_recorded(evidence_settings: Settings) -> None:
    site = EvidenceSite(evidence_settings)
    site.client.delete(keys.EVIDENCE_POSITION)
    alert = site.alert()
    site.restart()
    site.recorder.poll()
    assert site.client.get(keys.alert_evidence(alert.id)) is None
    assert alert.state is AlertState.OPEN
    site.client.close()
