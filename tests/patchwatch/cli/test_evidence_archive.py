"""An archive of evidence is compared with its manifest: what was changed, what is missing, what was added."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from patchwatch.cli import evidence_archive
from patchwatch.cli.commands.alerts.evidence import app
from patchwatch.cli.evidence_archive import verify
from patchwatch.contract.errors import RejectedError
from patchwatch.messages.alerts.evidence import MANIFEST, EvidenceManifest

ALERT = {
    "id": "gate-1", "camera_id": "gate", "state": "closed", "started_at_ms": 1, "opened_at_ms": 2, "peak_at_ms": 3,
    "ended_at_ms": 4, "peak_score": 0.9, "threshold": 0.6, "profile": "motion",
}  # fmt: skip


def write_archive(path: Path, recorded: dict[str, bytes], found: dict[str, bytes]) -> Path:
    parts = [
        {"name": n, "media_type": "x/y", "bytes": len(d), "sha256": hashlib.sha256(d).hexdigest()}
        for n, d in recorded.items()
    ]
    fields: dict[str, Any] = {"alert": ALERT, "patchwatch": "1", "recorded_at_ms": 5, "parts": parts}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", EvidenceManifest.model_validate(fields).encode())
        for name, data in found.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize(
    ("found", "changed", "missing", "added"),
    [
        ({"clip.mp4": b"clip", "peak.jpg": b"peak"}, [], [], []),
        ({"clip.mp4": b"cliq", "peak.jpg": b"peak"}, ["clip.mp4"], [], []),
        ({"clip.mp4": b"clip!", "peak.jpg": b"peak"}, ["clip.mp4"], [], []),
        ({"clip.mp4": b"clip"}, [], ["peak.jpg"], []),
        ({"clip.mp4": b"clip", "peak.jpg": b"peak", "more.txt": b""}, [], [], ["more.txt"]),
    ],
)
def test_what_differs_is_named(
    tmp_path: Path, found: dict[str, bytes], changed: list[str], missing: list[str], added: list[str]
) -> None:
    result = verify(write_archive(tmp_path / "e.zip", {"clip.mp4": b"clip", "peak.jpg": b"peak"}, found))
    assert (result.changed, result.missing, result.added) == (changed, missing, added)


def test_any_flipped_byte_is_found(tmp_path: Path) -> None:
    recorded = {"clip.mp4": bytes(range(200)), "peak.jpg": b"peak" * 20}
    whole = write_archive(tmp_path / "whole.zip", recorded, recorded).read_bytes()
    assert verify(tmp_path / "whole.zip").is_whole
    begin = whole.index(recorded["clip.mp4"])
    for position in range(begin, begin + 200, 7):
        flipped = bytearray(whole)
        flipped[position] ^= 0x40
        (tmp_path / "flipped.zip").write_bytes(flipped)
        assert verify(tmp_path / "flipped.zip").changed == ["clip.mp4"]


@pytest.mark.parametrize("data", [b"", b"no archive", b"PK\x03\x04" + bytes(50)])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "e.zip").write_bytes(data)
    with pytest.raises(RejectedError, match="ZIP"):
        verify(tmp_path / "e.zip")
    with pytest.raises(RejectedError, match="no file"):
        verify(tmp_path / "nowhere.zip")


def test_the_command_says_what_was_changed(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "e.zip", {"clip.mp4": b"clip"}, {"clip.mp4": b"clip"})
    assert "as they were recorded" in CliRunner().invoke(app, ["verify", str(path)]).output
    write_archive(path, {"clip.mp4": b"clip"}, {"clip.mp4": b"cliq"})
    answer = CliRunner().invoke(app, ["verify", str(path)])
    assert isinstance(answer.exception, RejectedError)
    assert "changed: clip.mp4" in str(answer.exception)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_that_unpacks_into_gigabytes_is_not_unpacked(tmp_path: Path, method: int) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr(MANIFEST, bytes(4_000_000))
    with pytest.raises(RejectedError, match="packed in another way"):
        verify(path)


def test_what_says_that_it_is_huge_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence_archive, "_LIMITS", replace(evidence_archive._LIMITS, bytes=1000))
    path = tmp_path / "large.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, bytes(2000))
    with pytest.raises(RejectedError, match="unpacked"):
        verify(path)
