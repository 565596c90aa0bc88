"""The enrolment worker learns from files and from the live camera, and says why when it cannot."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import pytest
from moving_scene import FPS, HEIGHT, WIDTH, scene

from models.bankfile import load_bank
from patchwatch import keys
from patchwatch.bus import connect
from patchwatch.keys import CameraKeys
from patchwatch.messages.enrolment_report import Verdict
from patchwatch.messages.frame import FrameFlag, FrameMessage
from patchwatch.messages.status import Enrolment, EnrolmentState
from patchwatch.settings import Settings
from workers.enrolment import worker as worker_module
from workers.enrolment.worker import EnrolmentWorker
from workers.ingest import picture
from workers.thresholds import told


@pytest.fixture
def settings(bus_url: str, tmp_path: Path) -> Settings:
    (tmp_path / "media").mkdir()
    return Settings(redis_url=bus_url, data_dir=tmp_path / "data", media_dirs=(tmp_path / "media",))


@pytest.fixture
def client(bus_url: str) -> Iterator[Any]:
    with connect(bus_url) as client:
        yield client


@contextmanager
def running(settings: Settings) -> Iterator[None]:
    worker = EnrolmentWorker(settings)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join(timeout=120)
        assert not thread.is_alive()


def ask(client: Any, **changes: Any) -> str:
    job = Enrolment(id="job", camera_id="cam", profile="motion", created_at_ms=1, updated_at_ms=1, **changes)
    client.hset(keys.ENROLMENT_RECORDS, job.id, job.encode())
    return job.id


def record(client: Any, job_id: str = "job") -> Enrolment:
    return Enrolment.decode(client.hget(keys.ENROLMENT_RECORDS, job_id))


def finished(
    client: Any, meanwhile: Callable[[], None] = lambda: None, within_s: float = 120.0, job_id: str = "job"
) -> Enrolment:
    deadline_s = time.monotonic() + within_s
    while (found := record(client, job_id)).state not in (EnrolmentState.DONE, EnrolmentState.FAILED):
        assert time.monotonic() < deadline_s, found
        meanwhile()
        time.sleep(0.02)
    return found


def film(path: Path, seconds: int) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for n in range(seconds * FPS):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(scene(n / FPS))))
        container.mux(stream.encode())


def test_a_bank_is_learnt_from_files(client: Any, settings: Settings) -> None:
    path = settings.allowed_media_dirs[0] / "normal.mp4"
    film(path, 40)
    ask(client, sources=(f"file:{path}",))
    with running(settings):
        found = finished(client)
    assert (found.state, found.progress, found.detail) == (EnrolmentState.DONE, 1.0, "")
    bank = load_bank(settings.bank_path("cam", "motion"))
    assert (bank.id, bank.footage.sources) == (found.bank_id, ("normal.mp4",))
    assert found.threshold == told(bank.threshold.at(settings.false_alarms_per_day))


def test_ten_seconds_are_learnt_and_the_report_says_how_little_that_is(client: Any, settings: Settings) -> None:
    path = settings.allowed_media_dirs[0] / "short.mp4"
    film(path, 10)
    ask(client, sources=(f"file:{path}",))
    with running(settings):
        report = finished(client).report
    assert report is not None
    assert (report.verdict, report.frames, report.segments) == (Verdict.TOO_SHORT, 50, 2)
    assert "patchwatch enroll --camera cam --profile motion" in report.next_step
    assert report.streams[0].regions is not None


@pytest.mark.parametrize(
    ("seconds", "folder", "complaint"),
    [(4, "media", "too little to learn from"), (40, "elsewhere", "outside the media folders")],
)
def test_a_refusal_says_why(
    client: Any, settings: Settings, tmp_path: Path, seconds: int, folder: str, complaint: str
) -> None:
    (tmp_path / folder).mkdir(exist_ok=True)
    film(tmp_path / folder / "a.mp4", seconds)
    ask(client, sources=(f"file:{tmp_path / folder / 'a.mp4'}",))
    with running(settings):
        found = finished(client)
    assert found.state is EnrolmentState.FAILED
    assert complaint in found.detail
    assert not settings.bank_path("cam", "motion").exists()


def test_a_bank_is_learnt_from_the_live_camera(client: Any, settings: Settings) -> None:
    of = CameraKeys.of("cam", settings.partitions)
    numbers = itertools.count()

    def deliver() -> None:
        n = next(numbers)
        jpeg = picture.encode(scene(n / FPS), 85)
        at_ns = 1_800_000_000 * 10**9 + n * 10**9 // FPS
        message = FrameMessage(n + 1, at_ns, 0, WIDTH, HEIGHT, WIDTH, HEIGHT, FrameFlag.LIVE, jpeg)
        client.xadd(of.frames, message.encode(), id=message.entry_id, maxlen=64)

    ask(client, live_seconds=35.0)
    with running(settings):
        found = finished(client, meanwhile=deliver)
    assert found.state is EnrolmentState.DONE
    bank = load_bank(settings.bank_path("cam", "motion"))
    assert bank.footage.seconds == pytest.approx(35, abs=7)
    first = bank.moments.moments[0]
    assert first.captured_at_s == pytest.approx(1_800_000_000 + first.time_s, abs=7)
    assert 0 <= first.time_s < bank.footage.seconds


def test_a_job_left_by_a_stopped_worker_is_taken_up_again(client: Any, settings: Settings) -> None:
    path = settings.allowed_media_dirs[0] / "normal.mp4"
    film(path, 40)
    ask(client, sources=(f"file:{path}",), state=EnrolmentState.RUNNING, progress=0.4)
    with running(settings):
        assert finished(client).state is EnrolmentState.DONE


def test_a_job_that_fails_by_a_defect_ends_and_the_next_is_done(
    client: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = settings.allowed_media_dirs[0] / "normal.mp4"
    film(path, 40)
    ask(client, sources=(f"file:{path}",))
    second = Enrolment(
        id="second", camera_id="cam", profile="motion", sources=(f"file:{path}",), created_at_ms=2, updated_at_ms=2
    )
    client.hset(keys.ENROLMENT_RECORDS, second.id, second.encode())
    honest, calls = worker_module.learn, itertools.count()

    def once_broken(*arguments: Any, **options: Any) -> Any:
        if next(calls) == 0:
            raise ZeroDivisionError
        return honest(*arguments, **options)

    monkeypatch.setattr(worker_module, "learn", once_broken)
    with running(settings):
        assert "ZeroDivisionError" in finished(client).detail
        assert finished(client, job_id="second").state is EnrolmentState.DONE
    assert record(client).state is EnrolmentState.FAILED


def test_a_job_that_another_worker_finished_meanwhile_is_not_done_again(client: Any, settings: Settings) -> None:
    """The list of jobs is older than the last job took."""
    taken: list[str] = []
    worker = EnrolmentWorker(settings)

    def work(job: Enrolment) -> None:
        taken.append(job.id)
        for other in ("job", "second"):
            done = Enrolment.decode(client.hget(keys.ENROLMENT_RECORDS, other))
            changed = done.model_copy(update={"state": EnrolmentState.DONE})
            client.hset(keys.ENROLMENT_RECORDS, other, changed.encode())

    worker._work = work  # type: ignore[method-assign]
    ask(client, live_seconds=60.0)
    second = Enrolment(id="second", camera_id="door", profile="motion", created_at_ms=2, updated_at_ms=2)
    client.hset(keys.ENROLMENT_RECORDS, second.id, second.encode())
    worker._turn()
    worker._turn()
    assert taken == ["job"]


def test_a_folder_of_pictures_is_refused_for_it_does_not_say_its_rate(client: Any, settings: Settings) -> None:
    folder = settings.allowed_media_dirs[0] / "pictures"
    folder.mkdir(parents=True)
    ask(client, sources=(f"file:{folder}",))
    with running(settings):
        found = finished(client)
    assert found.state is EnrolmentState.FAILED
    assert "is a folder: name a video" in found.detail
