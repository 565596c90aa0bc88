"""A file that cannot be written is reported before the work begins, in one line that names the option."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from patchwatch.cli.app import app
from patchwatch.cli.output import check_output, write_output
from patchwatch.contract.errors import RejectedError


@pytest.fixture
def video(tmp_path: Path) -> Path:
    (tmp_path / "video.mp4").write_bytes(b"never read")
    return tmp_path / "video.mp4"


@pytest.mark.parametrize("place", ["{}/none/x.csv", "{}", "{}/video.mp4/x.csv", "{}/" + "n" * 300 + ".csv"])
@pytest.mark.parametrize("command", ["score", "explain"])
def test_the_engine_is_not_loaded_for_a_file_that_cannot_be(
    command: str, place: str, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loaded(*_: object) -> None:
        raise AssertionError("the engine was loaded first")

    monkeypatch.setattr("workers.analysis.engine_loader.load_engine", loaded)
    out = place.replace("{}", str(tmp_path))
    words = ["banks", command, str(video), "--camera", "door", "--out", out + (".json" if command == "explain" else "")]
    result = CliRunner().invoke(app, [*words, *(["--at", "1"] if command == "explain" else [])])
    if command == "explain" and place == "{}":
        return  # names a new file beside the folder
    assert isinstance(result.exception, RejectedError), result.output
    assert str(result.exception).startswith("--out ")


@pytest.mark.parametrize("option", ["--json", "--html", "--csv"])
def test_an_evaluation_reports_it_first(option: str, video: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.json"
    labels.write_text("{}")
    words = ["evaluate", "run", "--train", str(tmp_path), "--test", str(tmp_path), "--labels", str(labels)]
    result = CliRunner().invoke(app, [*words, option, f"{video}/x"])
    assert isinstance(result.exception, RejectedError)
    assert str(result.exception).startswith(f"{option} {video}/x cannot be written")


def test_a_report_is_not_read_for_a_page_that_cannot_be(video: Path) -> None:
    result = CliRunner().invoke(app, ["evaluate", "report", str(video), "--html", f"{video}/x.html"])
    assert isinstance(result.exception, RejectedError)
    assert "--html" in str(result.exception)


def test_a_table_is_not_written_into_what_is_not_there(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["settings", "--into", str(tmp_path / "none.md")])
    assert isinstance(result.exception, RejectedError)


def test_checking_leaves_nothing_behind(tmp_path: Path) -> None:
    check_output("--out", tmp_path / "new.csv")
    check_output("--out", None)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_plain_file_may_be_written_to(tmp_path: Path) -> None:
    check_output("--out", Path(os.devnull))
    write_output("--out", Path(os.devnull), "text")


def test_a_full_disk_is_reported_in_one_line() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(RejectedError, match="--out /dev/full cannot be written: No space left"):
        write_output("--out", full, "text")
