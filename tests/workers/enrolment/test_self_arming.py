"""Cameras queue enrolments from their memory by themselves: in time, one at once, and never against an operator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from remembered import BEGAN_MS, remember
from role_process import RoleProcess

from models.banks.bank_file import load_bank
from patchwatch.bus import keys
from patchwatch.messages.banks.arming import MemoryExtent, MemoryStatus
from patchwatch.messages.banks.enrolment import Enrolment, EnrolmentState
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.correction import (
    OUTDATED,
    CameraCorrections,
    Correction,
    CorrectionKind,
    Span,
)
from workers.enrolment.banks.bank_versions import BankVersions
from workers.enrolment.schedule import decide
from workers.enrolment.self_arming import SelfArming, changed_since

EXTENT = MemoryExtent(seconds=30.0, stretches=3, from_ms=BEGAN_MS, until_ms=BEGAN_MS + 30_000, identity="a")


@pytest.fixture
def site(site: Any) -> Any:
    """It has a camera, of which nothing is remembered yet, and learns from 20 s."""
    site.settings = site.settings.changed(self_arm_after_s=20.0)
    site.camera()
    return site


def remembered(site: Any, seconds: float, camera_id: str = "cam", **how: Any) -> None:
    remember(site.settings.memory_path(camera_id, "motion"), seconds, **how)


def add_camera(site: Any, camera_id: str, **fields: Any) -> None:
    site.client.hset(keys.CAMERAS, camera_id, Camera(id=camera_id, profile="motion", **fields).encode())


def jobs(site: Any, camera_id: str = "cam") -> list[Enrolment]:
    stored = site.client.hgetall(keys.ENROLMENT_RECORDS).values()
    own = [record for record in map(Enrolment.decode, stored) if record.camera_id == camera_id]
    return sorted(own, key=lambda record: record.created_at_ms)


def versions(site: Any, camera_id: str = "cam") -> BankVersions:
    return BankVersions(site.settings.banks_dir, camera_id, "motion")


def status(site: Any, camera_id: str = "cam") -> MemoryStatus:
    return MemoryStatus.decode(site.client.hget(keys.MEMORIES, camera_id))


def done(site: Any, camera_id: str = "cam", count: int = 1) -> list[Enrolment]:
    """The enrolments of the camera, once so many are over."""
    found: list[Enrolment] = site.until(
        lambda: [job for job in jobs(site, camera_id) if not job.state.pending][count - 1 :] and jobs(site, camera_id)
    )
    return found


def test_a_camera_learns_by_itself_once_enough_is_remembered(site: Any) -> None:
    remembered(site, 15)
    with site.running():
        site.until(lambda: site.client.hexists(keys.MEMORIES, "cam"))
        assert jobs(site) == []
        assert status(site).extent.seconds == pytest.approx(15, abs=1)
        assert status(site).next_step == "the first bank is learnt from 20 s, 15 s are remembered"
        remembered(site, 10, began_s=15.2, began_ms=BEGAN_MS + 15_200)
        [job] = done(site)
        assert (job.state, job.from_memory, job.by_itself, job.activated) == (EnrolmentState.DONE, True, True, True)
        site.until(lambda: status(site).next_step.startswith("it learns again from 3 min"))
        assert len(jobs(site)) == 1
    [version] = versions(site).all()
    assert (version.origin.by, version.origin.by_itself, version.chosen) == ("learnt by itself", True, False)
    assert version.origin.memory == job.memory
    assert load_bank(site.settings.bank_path("cam", "motion")).footage.sources[0].startswith("memory: ")


def test_after_a_restart_it_goes_on_and_learns_nothing_twice(site: Any) -> None:
    remembered(site, 22)
    with site.running():
        done(site)
    site.client.flushall()
    site.camera()
    with site.running():
        site.until(lambda: site.client.hexists(keys.MEMORIES, "cam"))
        site.until(lambda: status(site).next_step.startswith("it learns again from 3 min"))
        assert jobs(site) == [], "its banks on disk say what it has learnt, whatever Redis lost"


def test_two_workers_learn_it_once(site: Any) -> None:
    remembered(site, 22)
    with site.running(), site.running():
        done(site)
        site.until(lambda: status(site).next_step.startswith("it learns again"))
    [job] = jobs(site)
    assert (job.attempts, len(versions(site).all())) == (1, 1)


@pytest.mark.parametrize("off", ["camera", "installation", "memory", "disabled"])
def test_where_it_is_switched_off_nothing_is_learnt(site: Any, off: str) -> None:
    remembered(site, 22)
    add_camera(site, "cam", self_arm=False if off == "camera" else None, enabled=off != "disabled")
    changes: dict[str, dict[str, Any]] = {"installation": {"self_arm": False}, "memory": {"memory_mb": 0}}
    arming = SelfArming(site.settings.changed(**changes.get(off, {})), site.client)
    arming.poll()
    assert jobs(site) == []
    assert status(site).next_step == ""


@pytest.mark.parametrize("state", [EnrolmentState.QUEUED, EnrolmentState.RUNNING])
def test_while_an_operators_enrolment_waits_or_runs_none_begins(site: Any, state: EnrolmentState) -> None:
    remembered(site, 22)
    site.ask("asked", "cam", "normal.mp4", state=state)
    arming = SelfArming(site.settings, site.client)
    arming.poll()
    assert [job.id for job in jobs(site)] == ["asked"]
    site.change("asked", state=EnrolmentState.DONE)
    arming.poll()
    assert [job.by_itself for job in jobs(site)] == [False, True]
    arming.poll()
    assert len(jobs(site)) == 2


def test_cameras_wait_for_each_other_and_the_one_without_a_bank_comes_first(site: Any) -> None:
    for camera_id in ("cam", "door", "yard", "gate"):
        add_camera(site, camera_id)
        remembered(site, 22, camera_id)
    learnt = {
        "from_memory": True,
        "by_itself": True,
        "sources": (),
        "memory": EXTENT.model_copy(update={"seconds": 22.0}),
    }
    site.ask("before", "cam", state=EnrolmentState.DONE, **learnt)
    arming = SelfArming(site.settings.changed(enrolment_processes=2), site.client)
    arming.poll()
    arming.poll()
    queued = [camera_id for camera_id in ("cam", "door", "gate", "yard") if jobs(site, camera_id)[-1:]]
    waiting = [camera_id for camera_id in queued if jobs(site, camera_id)[-1].state is EnrolmentState.QUEUED]
    assert waiting == ["door", "gate"]


def test_after_a_failure_it_waits_for_more_to_be_remembered(site: Any) -> None:
    remembered(site, 22)
    arming = SelfArming(site.settings, site.client)
    arming.poll()
    [job] = jobs(site)
    site.change(job.id, state=EnrolmentState.FAILED, detail="nothing moved")
    arming.poll()
    assert len(jobs(site)) == 1
    assert status(site).next_step.startswith("it learns again from 3 min")


def test_a_failed_enrolment_of_an_operator_stays_the_latest(site: Any) -> None:
    remembered(site, 22)
    site.ask("asked", "cam", "gone.mp4", state=EnrolmentState.FAILED)
    site.client.hset(keys.ENROLMENTS_LATEST, "cam", "asked")
    SelfArming(site.settings, site.client).poll()
    assert len(jobs(site)) == 2
    assert site.client.hget(keys.ENROLMENTS_LATEST, "cam") == b"asked"


def test_records_of_what_nobody_asked_for_do_not_pile_up(site: Any) -> None:
    remembered(site, 22)
    for n in range(14):
        site.ask(f"old{n}", "cam", at_ms=n, by_itself=True, from_memory=True, state=EnrolmentState.CANCELLED)
    SelfArming(site.settings, site.client).poll()
    assert [job.id for job in jobs(site)][:-1] == [f"old{n}" for n in range(5, 14)]


def test_an_operators_choice_is_told_and_stays(site: Any) -> None:
    remembered(site, 22)
    with site.running():
        done(site)
        [first] = versions(site).all()
        site.ask("asked", "cam", "normal.mp4", at_ms=1)
        site.finished("asked")
        versions(site).activate(first.id, by_operator=True)
        versions(site).activate(site.record("asked").bank_id, by_operator=True)
        site.until(lambda: status(site).chosen == site.record("asked").bank_id)


def test_a_camera_that_is_gone_leaves_no_status(site: Any) -> None:
    arming = SelfArming(site.settings, site.client)
    arming.poll()
    assert site.client.hexists(keys.MEMORIES, "cam")
    site.client.hdel(keys.CAMERAS, "cam")
    arming.poll()
    assert not site.client.hexists(keys.MEMORIES, "cam")


def test_a_worker_killed_while_it_learns_is_followed_by_another(site: Any, tmp_path: Path) -> None:
    remembered(site, 22)
    process = RoleProcess("enrolment", site.settings.environment(), tmp_path / "enrolment.log")
    process.start()
    try:
        site.until(lambda: jobs(site) and jobs(site)[0].state is EnrolmentState.RUNNING)
        process.replace()
        [job] = done(site)
    finally:
        process.kill()
    assert (job.state, len(versions(site).all())) == (EnrolmentState.DONE, 1)


def test_a_lasting_change_and_its_undoing_have_a_bank_learnt_once_each() -> None:
    span = Span(from_ms=BEGAN_MS, until_ms=BEGAN_MS + 1000)
    one = Correction(id="0" * 16, kind=CorrectionKind.LASTING, spans=(span,), by=OUTDATED, at_ms=2000)
    said = CameraCorrections(camera_id="cam").with_one(one)
    before, asked = (_from_memory(at_ms) for at_ms in (1000, 2001))
    assert changed_since(said, [before])
    assert not changed_since(said, [before, asked])
    assert changed_since(said.undone(one.id, "operator", 3000), [before, asked])
    assert not changed_since(said.undone(one.id, OUTDATED, 3000), [before, asked]), "it is part of normal anyway"
    assert not changed_since(CameraCorrections(camera_id="cam"), [])


def _from_memory(at_ms: int) -> Enrolment:
    return Enrolment(
        id=f"{at_ms}", camera_id="cam", profile="motion", from_memory=True, created_at_ms=at_ms, updated_at_ms=at_ms
    )


def test_a_camera_is_judged_again_only_where_something_has_changed(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With thousands of cameras, all else would be done for each of them in every second."""
    judged = []

    def counted(extent: MemoryExtent, *args: Any, **kwargs: Any) -> Any:
        judged.append(extent.seconds)
        return decide(extent, *args, **kwargs)

    monkeypatch.setattr("workers.enrolment.self_arming.decide", counted)
    arming = SelfArming(site.settings, site.client)
    for _ in range(3):
        arming.poll()
    assert judged == [0.0]
    remembered(site, 15)
    add_camera(site, "other")
    for _ in range(3):
        arming.poll()
    assert sorted(judged) == [0.0, 0.0, pytest.approx(15, abs=1)]
    assert status(site).extent.seconds == pytest.approx(15, abs=1)
    job = Enrolment(id="job", camera_id="cam", profile="motion", from_memory=True, created_at_ms=1, updated_at_ms=1)
    site.client.hset(keys.ENROLMENT_RECORDS, job.id, job.encode())
    monkeypatch.setattr(BankVersions, "__init__", lambda *args: pytest.fail("nothing of a camera is new"))
    arming.poll()
    assert len(judged) == 4
