"""The enrolment worker learns from files and from live cameras, several at once, and says why when it cannot."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from models.banks.bank_file import load_bank
from patchwatch.bus import keys
from patchwatch.bus.keys import LeaseKeys
from patchwatch.messages.banks.enrolment import EnrolmentState
from patchwatch.messages.banks.enrolment_report import Sufficiency
from patchwatch.messages.heartbeat import Heartbeat
from workers.analysis.threshold_message import to_message
from workers.enrolment import job as job_module
from workers.enrolment.banks.bank_versions import BankVersions
from workers.enrolment.learning.process import learn_in_process


def versions(site: Any, camera_id: str = "cam") -> BankVersions:
    return BankVersions(site.settings.banks_dir, camera_id, "motion")


def test_a_bank_is_learnt_from_files_and_is_a_version(site: Any) -> None:
    site.ask("job", "cam", "normal.mp4")
    with site.running():
        result = site.finished()
    assert (result.state, result.progress, result.detail) == (EnrolmentState.DONE, 1.0, "")
    bank = load_bank(site.settings.bank_path("cam", "motion"))
    assert (bank.id, bank.footage.sources, result.activated) == (result.bank_id, ("normal.mp4",), True)
    assert result.threshold == to_message(bank.threshold.at(site.settings.false_alarms_per_day))
    [version] = versions(site).all()
    assert (version.id, version.origin.enrolment_id, version.origin.by) == (bank.id, "job", "enrolment job of the API")


def test_ten_seconds_are_learnt_and_the_report_says_how_little_that_is(site: Any) -> None:
    site.ask("job", "cam", "short.mp4")
    with site.running():
        report = site.finished().report
    assert (report.verdict, report.frames, report.segments) == (Sufficiency.TOO_SHORT, 50, 2)
    assert "patchwatch banks enrol --camera cam --profile motion" in report.next_step
    assert report.streams[0].regions is not None


def test_a_worse_bank_is_kept_but_scores_only_when_asked_to(site: Any) -> None:
    site.ask("first", "cam", "normal.mp4")
    with site.running():
        first = site.finished("first")
        site.ask("second", "cam", "short.mp4", at_ms=2)
        second = site.finished("second")
        assert (second.state, second.activated) == (EnrolmentState.DONE, False)
        assert f"kept the present bank {first.bank_id}, because the new one was learnt from 10 s" in second.outcome
        assert versions(site).active_id == first.bank_id
        site.ask("third", "cam", "short.mp4", at_ms=3, activate=True)
        third = site.finished("third")
    assert (third.activated, versions(site).active_id) == (True, third.bank_id)
    assert f"patchwatch banks activate cam {first.bank_id}" in third.outcome
    assert [one.id for one in versions(site).all()] == [third.bank_id, second.bank_id, first.bank_id]


def test_a_refusal_says_why_and_the_next_is_done(site: Any, tmp_path: Path) -> None:
    """Security M9: a pipe in the media folder stopped all enrolment for ever."""
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "folder").mkdir()
    refused = {
        site.media / "tiny.mp4": "too little to learn from",
        "/etc/passwd": "outside the media folders",
        tmp_path / "pipe.mp4": "is a pipe, a socket or a device: copy the recording to a file",
        tmp_path / "folder": "is a folder: name a video",
    }
    for number, source in enumerate(refused):
        site.ask(f"job-{number}", "cam", sources=(f"file:{source}",), at_ms=number)
    site.ask("next", "door", "short.mp4", at_ms=len(refused))
    with site.running(enrolment_processes=1):
        results = [site.finished(f"job-{number}") for number in range(len(refused))]
        assert site.finished("next").state is EnrolmentState.DONE
    for result, complaint in zip(results, refused.values(), strict=True):
        assert result.state is EnrolmentState.FAILED
        assert complaint in result.detail
    assert not site.settings.bank_path("cam", "motion").exists()


def test_live_cameras_are_learnt_at_once_beside_a_recording(site: Any) -> None:
    for number, camera_id in enumerate(("cam", "door", "yard")):
        site.ask(camera_id, camera_id, at_ms=number, live_seconds=12.0)
    site.ask("file", "gate", "normal.mp4", at_ms=9)

    def deliver() -> None:
        site.deliver("cam", "door", "yard")

    with site.running(enrolment_processes=1):
        site.until(lambda: all(site.record(one).detail.startswith("recording") for one in ("cam", "door", "yard")))
        assert site.finished("file").state is EnrolmentState.DONE, "it is not held up by those that wait for footage"
        for camera_id in ("cam", "door", "yard"):
            result = site.finished(camera_id, meanwhile=deliver)
            assert result.state is EnrolmentState.DONE, result.detail
    bank = load_bank(site.settings.bank_path("yard", "motion"))
    assert bank.footage.seconds == pytest.approx(12, abs=7)
    first = bank.moments.moments[0]
    assert first.captured_at_s == pytest.approx(1_800_000_000 + first.time_s, abs=30)
    assert versions(site, "yard").all()[0].origin.live_seconds == 12.0


def test_a_silent_camera_fails_and_holds_up_nobody(site: Any) -> None:
    site.ask("silent", "cam", live_seconds=600.0)
    site.ask("file", "door", "short.mp4", at_ms=2)
    with site.running(enrolment_timeout_s=1.0):
        result = site.finished("silent")
        assert site.finished("file").state is EnrolmentState.DONE
    assert result.state is EnrolmentState.FAILED
    assert "cam delivered no frame for 1 s: see why with GET /api/v1/cameras/cam/status" in result.detail


@pytest.mark.parametrize("live", [True, False])
def test_a_running_job_ends_when_it_is_cancelled_and_no_bank_comes_of_it(site: Any, live: bool) -> None:
    footage: dict[str, Any] = {"live_seconds": 600.0} if live else {"sources": (f"file:{site.media}/normal.mp4",) * 50}
    site.ask("job", "cam", **footage)
    site.ask("next", "door", "short.mp4", at_ms=2)
    with site.running(enrolment_processes=1, enrolment_timeout_s=60.0):
        site.until(lambda: site.record().detail.startswith(("recording", "reading")))
        site.change("job", state=EnrolmentState.CANCELLED, detail="cancelled")
        assert site.finished("next").state is EnrolmentState.DONE
    assert (site.record().state, site.record().detail) == (EnrolmentState.CANCELLED, "cancelled")
    assert not site.settings.bank_path("cam", "motion").exists()
    assert versions(site).all() == []


def test_a_job_whose_camera_is_removed_ends(site: Any) -> None:
    site.ask("job", "cam", live_seconds=600.0)
    site.ask("next", "cam", "short.mp4", at_ms=2)
    with site.running(enrolment_timeout_s=60.0) as worker:
        site.until(lambda: site.record().detail.startswith("recording"))
        site.client.hdel(keys.ENROLMENT_RECORDS, "job")
        assert site.finished("next").state is EnrolmentState.DONE
        site.until(lambda: not worker._running)
    assert site.client.hget(keys.ENROLMENT_RECORDS, "job") is None


def test_a_job_left_by_a_worker_that_ended_is_begun_again(site: Any) -> None:
    site.ask("job", "cam", "normal.mp4", state=EnrolmentState.RUNNING, progress=0.4, attempts=1)
    with site.running():
        result = site.finished()
    assert (result.state, result.attempts) == (EnrolmentState.DONE, 2)


def test_a_stopped_worker_leaves_its_job_to_the_next_and_does_not_count_it(site: Any) -> None:
    site.ask("job", "cam", sources=(f"file:{site.media}/normal.mp4",) * 50)
    with site.running():
        site.until(lambda: site.record().detail.startswith("reading"))
    left = site.record()
    assert (left.state, left.attempts) == (EnrolmentState.RUNNING, 0)
    site.change("job", sources=(f"file:{site.media}/short.mp4",))
    with site.running():
        assert site.finished().state is EnrolmentState.DONE


def test_a_job_that_ends_its_worker_each_time_is_given_up(site: Any) -> None:
    site.ask("job", "cam", "normal.mp4", state=EnrolmentState.RUNNING, attempts=5)
    with site.running():
        result = site.finished()
    assert result.state is EnrolmentState.FAILED
    assert "started 5 times" in result.detail


def test_a_job_that_fails_by_a_defect_ends_and_the_next_is_done(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    honest, broken = learn_in_process, threading.Event()

    def once_broken(*arguments: Any, **options: Any) -> None:
        if not broken.is_set():
            broken.set()
            raise ZeroDivisionError
        honest(*arguments, **options)

    monkeypatch.setattr(job_module, "learn_in_process", once_broken)
    site.ask("job", "cam", "short.mp4")
    site.ask("second", "cam", "short.mp4", at_ms=2)
    with site.running(enrolment_processes=1):
        assert "ZeroDivisionError" in site.finished().detail
        assert site.finished("second").state is EnrolmentState.DONE
    assert site.record().state is EnrolmentState.FAILED


def test_several_workers_share_the_jobs_and_do_none_twice(site: Any) -> None:
    names = [f"job{n}" for n in range(4)]
    with site.running(enrolment_processes=1), site.running(enrolment_processes=1):
        site.until(lambda: site.client.zcard(keys.members("enrolment")) == 2)
        for number, name in enumerate(names):
            site.ask(name, f"cam{number}", "short.mp4", at_ms=number)
        states = {site.finished(name).state for name in names}
        units = [LeaseKeys.for_enrolment(name) for name in names]
        site.until(lambda: not any(site.client.exists(unit.lease) for unit in units))
        site.until(lambda: all(site.client.ttl(unit.fence) > 0 for unit in units))
    assert states == {EnrolmentState.DONE}
    assert [len(versions(site, f"cam{n}").all()) for n in range(4)] == [1] * 4
    assert {site.record(name).attempts for name in names} == {1}


def test_the_profiles_that_can_be_learnt_are_reported(site: Any) -> None:
    with site.running():
        site.until(lambda: b"motion" in (site.client.get(keys.PROFILES) or b""))


@pytest.mark.parametrize("wrong_s", [3600.0, -400 * 86_400.0])
def test_the_clock_of_its_host_has_no_say(site: Any, monkeypatch: pytest.MonkeyPatch, wrong_s: float) -> None:
    site.ask("job", "cam", "none.mp4")
    honest = time.time_ns
    monkeypatch.setattr("time.time_ns", lambda: honest() + round(wrong_s * 1e9))
    with site.running():
        result = site.finished()
        [name] = site.client.scan_iter(keys.worker("enrolment", "*"))
        beat = Heartbeat.decode(site.client.get(name))
    now_ms = honest() // 1_000_000
    assert abs(now_ms - result.updated_at_ms) < 60_000
    assert abs(now_ms - beat.updated_at_ms) < 60_000


def test_nothing_is_learnt_while_the_zones_of_the_camera_cannot_be_read(site: Any) -> None:
    record = b'{"id":"cam","zones":[{"name":"window","kind":"privacy","points":[[7,0],[1,0],[1,1]]}]}'
    site.client.hset(keys.CAMERAS, "cam", record)
    site.ask("job", "cam", "short.mp4")
    with site.running():
        result = site.finished()
    assert result.state is EnrolmentState.FAILED
    assert "set them again" in result.detail
    assert not site.settings.bank_path("cam", "motion").exists()
