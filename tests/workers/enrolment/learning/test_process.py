"""A source that does not answer ends its own enrolment within the time allowed, and nothing else."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patchwatch.contract.errors import InsufficientFootageError, RejectedError, RetryableError, SourceUnavailableError
from patchwatch.contract.settings import Settings, secret_names
from workers.enrolment.learning import process as process_module
from workers.enrolment.learning.process import LearningStoppedError, learn_in_process
from workers.enrolment.learning.protocol import LearningOrder, LearningReport, ReportKind, defect_text


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path, source_timeout_s=300.0, enrolment_timeout_s=1.0, allow_link_local_sources=True,
        api_token="a" * 32, publish_username="u", publish_password="p4ss-word",
    )  # fmt: skip


@pytest.fixture
def silent_server() -> Iterator[str]:
    """Takes connections and never says a word, as a share or a camera that hangs."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"rtsp://user:hunter2@127.0.0.1:{server.getsockname()[1]}/x"


def order(tmp_path: Path, *sources: object, **changes: Any) -> LearningOrder:
    known = {"camera_id": "cam", "profile": "motion", "false_alarms_per_day": 4.0, "staged": tmp_path / "b.staged"}
    return LearningOrder.model_validate(known | {"sources": tuple(map(str, sources))} | changes)


def test_the_process_gets_no_secret_and_nothing_of_the_cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"AWS_SECRET_ACCESS_KEY": "hunter2", "HTTPS_PROXY": "http://hunter2@p", "CUDA_VISIBLE_DEVICES": "1"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = Settings(
        data_dir=tmp_path, threads=3, redis_url="redis://:hunter2@localhost/0", api_token="hunter2" * 4,
        publish_username="u", publish_password="hunter2hunter2", mqtt_username="u", mqtt_password="hunter2",
        oidc_issuer="https://login.example", oidc_client_id="c", oidc_client_secret="hunter2",
        oidc_default_role="viewer", sentence_url="http://127.0.0.1:1/v1", sentence_model="m", sentence_key="hunter2",
    )  # fmt: skip
    assert set(secret_names()) <= settings.model_fields_set
    kept = process_module._environment(settings)
    assert not [name for name, value in kept.items() if "hunter2" in value]
    assert (kept["CUDA_VISIBLE_DEVICES"], kept["PATCHWATCH_DATA_DIR"], kept["PATCHWATCH_THREADS"]) == (
        "1",
        str(tmp_path),
        "3",
    )
    code = "from patchwatch.contract.settings import load_settings; print(load_settings().threads)"
    done = subprocess.run([sys.executable, "-c", code], env=kept, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "3"


def test_a_source_that_never_answers_is_given_up(tmp_path: Path, settings: Settings, silent_server: str) -> None:
    with pytest.raises(SourceUnavailableError, match="did not answer for 1 s: is it on a network share") as raised:
        learn_in_process(order(tmp_path, silent_server, limit_s=10.0), settings)
    assert "hunter2" not in str(raised.value)


def test_what_learning_fails_with_comes_out_as_the_same_error(tmp_path: Path, media: Path, settings: Settings) -> None:
    with pytest.raises(InsufficientFootageError, match="too little to learn from"):
        learn_in_process(order(tmp_path, media / "tiny.mp4"), settings)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RejectedError, match="is a pipe, a socket or a device"):
        learn_in_process(order(tmp_path, tmp_path / "pipe"), settings)
    with pytest.raises(RejectedError, match="nowhere"):
        learn_in_process(order(tmp_path, tmp_path / "nowhere.mp4"), settings)
    with pytest.raises(RejectedError, match="outside the media folders"):
        learn_in_process(order(tmp_path, "file:/etc/passwd"), settings)
    assert not (tmp_path / "b.staged").exists()


def test_progress_is_reported_and_the_bank_is_staged(tmp_path: Path, media: Path, settings: Settings) -> None:
    told: list[tuple[float, str]] = []
    roomy = settings.changed(enrolment_timeout_s=60.0)
    learn_in_process(order(tmp_path, media / "normal.mp4"), roomy, progress=lambda *said: told.append(said))
    assert (tmp_path / "b.staged").is_file()
    assert any(what == "reading normal.mp4" for _, what in told)
    assert [share for share, _ in told] == sorted(share for share, _ in told)


def test_whoever_wants_it_no_more_stops_it_at_once(tmp_path: Path, settings: Settings, silent_server: str) -> None:
    roomy, began_s = settings.changed(enrolment_timeout_s=600.0), time.monotonic()
    with pytest.raises(LearningStoppedError):
        learn_in_process(order(tmp_path, silent_server, limit_s=10.0), roomy, stopping=lambda: True)
    assert time.monotonic() - began_s < 30


def test_a_process_that_stands_still_while_it_computes_is_ended(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reports nothing and uses no processor time."""
    _replaced_by(monkeypatch, "sleep", "600")
    monkeypatch.setattr(process_module, "_STALLED_AFTER_S", 0.2)
    with pytest.raises(RetryableError, match="made no progress"):
        learn_in_process(order(tmp_path, "x"), settings)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 3", r"ended \(exit code 3\) without a message.* doctor"),
        (
            "echo first >&2; echo 'OSError: no rtsp://u:hunter2@cam/x' >&2; echo >&2; exit 1",
            r"OSError: no rtsp://\*\*\*@",
        ),
        ("kill -9 $$", "was killed: is the memory of this machine .* enrol again"),
        ("kill -15 $$", r"ended from outside \(SIGTERM\): enrol again"),
        ("kill -11 $$", r"crashed \(signal SIGSEGV: .* memory\).* H.264"),
    ],
)
def test_a_process_that_dies_says_the_cause_and_the_remedy_and_points_to_no_log(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, script: str, words: str
) -> None:
    _replaced_by(monkeypatch, "sh", "-c", script)
    with pytest.raises(RetryableError, match=words) as raised:
        learn_in_process(order(tmp_path, "x"), settings)
    assert "hunter2" not in str(raised.value)
    assert "the log" not in str(raised.value)


def test_what_a_process_says_on_its_standard_error_is_passed_on_however_much_it_is(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = "head -c 300000 /dev/zero | tr '\\0' x >&2; echo >&2; echo the end >&2; exit 1"
    _replaced_by(monkeypatch, "sh", "-c", script)
    with pytest.raises(RetryableError, match="the end"):
        learn_in_process(order(tmp_path, "x"), settings)
    assert len(capsys.readouterr().err) > 300_000


def test_a_defect_is_reported_with_its_words_and_without_secrets() -> None:
    assert "KeyError: 'colour'" in defect_text(KeyError("colour"))
    told = defect_text(ValueError("rtsp://ann:geheim@cam/x\nis odd"))
    assert "geheim" not in told
    assert "\n" not in told


def test_noise_among_the_reports_is_left_out_and_no_line_is_endless(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = LearningReport(kind=ReportKind.DONE).encode().decode()
    script = f"head -c 1000000 /dev/zero; echo; echo noise; echo '{done}'; sleep 600"
    _replaced_by(monkeypatch, "sh", "-c", script)
    learn_in_process(order(tmp_path, "x"), settings)


def test_it_gets_no_secret_that_it_does_not_need(settings: Settings) -> None:
    given = process_module._environment(settings.changed(redis_url="redis://:s3cret@127.0.0.1/0"))
    assert not [value for value in given.values() if value in ("a" * 32, "p4ss-word") or "s3cret" in value]
    assert given["PATCHWATCH_DATA_DIR"] == str(settings.data_dir)


def _replaced_by(monkeypatch: pytest.MonkeyPatch, *command: str) -> None:
    honest = subprocess.Popen

    def start(_: object, **options: Any) -> Any:
        return honest(list(command), **options)

    monkeypatch.setattr(subprocess, "Popen", start)
