"""Backups that are damaged, foreign, of a later version or made to do harm are refused, each in one line."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from patchwatch.backup import archive_reader
from patchwatch.backup.archive_reader import opened
from patchwatch.backup.archive_writer import writing
from patchwatch.backup.key_kind import Part
from patchwatch.backup.manifest import NAME, Manifest
from patchwatch.backup.record_line import RecordLine
from patchwatch.contract.errors import ConflictError, RejectedError

CAMERA = {"id": "gate", "source": "rtsp://h/1"}
SETTINGS = "records/settings.jsonl"


def line(**fields: Any) -> bytes:
    return json.dumps({"kind": "pw:cameras", "rows": [["gate", json.dumps(CAMERA)]]} | fields).encode() + b"\n"


def write(path: Path, entries: dict[str, bytes], **facts: Any) -> Path:
    """A backup of these entries, whose hashes are right."""
    with writing(path) as archive:
        for name, data in entries.items():
            archive.add(name, [data], packed=True)
        given = {"patchwatch": "0.1.0", "made_at_ms": 1, "partitions": 16, "files": tuple(archive.files)} | facts
        archive.finish(Manifest.model_validate(given))
    return path


def test_a_backup_is_read_as_it_was_written(tmp_path: Path) -> None:
    bank = "files/banks/gate/motion/0123456789ab.safetensors"
    with opened(write(tmp_path / "b.zip", {SETTINGS: line(), bank: b"bank"})) as backup:
        [(kind, record, rows)] = backup.lines()
        assert (kind.template, kind.part, record.names) == ("pw:cameras", Part.SETTINGS, {})
        assert rows == [(b"gate", json.dumps(CAMERA).encode())]
        assert [(file.name, b"".join(backup.pieces(file.name))) for file in backup.files] == [(bank[6:], b"bank")]
    assert (tmp_path / "b.zip").stat().st_mode & 0o777 == 0o600


def test_any_changed_byte_is_found(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.zip", {SETTINGS: line() * 20}).read_bytes()
    for position in range(0, len(whole), 23):
        damaged = bytearray(whole)
        damaged[position] ^= 0x55
        (tmp_path / "damaged.zip").write_bytes(damaged)
        try:
            with opened(tmp_path / "damaged.zip") as backup:
                assert len(list(backup.lines())) == 20  # of a time or a flag that nothing depends on
        except RejectedError:
            continue
    for length in range(0, len(whole) - 1, 37):
        (tmp_path / "cut.zip").write_bytes(whole[:length])
        with pytest.raises(RejectedError, match="no whole backup"), opened(tmp_path / "cut.zip"):
            pass


HARMFUL: dict[str, tuple[dict[str, bytes], dict[str, Any], str]] = {
    "a path that leads out": ({"files/../../etc/passwd": b""}, {}, "nothing of ours"),
    "an absolute path": ({"/etc/passwd": b""}, {}, "nothing of ours"),
    "a file that is no bank": ({"files/banks/gate/run.sh": b""}, {}, "nothing of ours"),
    "a path out of the evidence": ({"files/alerts/../x/clip.mp4": b""}, {}, "nothing of ours"),
    "another program's archive": ({"readme.txt": b""}, {}, "nothing of ours"),
    "a key that is none of ours": ({SETTINGS: line(kind="pw:members:ROLE")}, {}, "no kind of key"),
    "a key of another part": ({SETTINGS: line(kind="pw:alerts")}, {}, "no kind of key"),
    "a name with a star": ({SETTINGS: line(kind="pw:webhook:WEBHOOK:progress", names={"WEBHOOK": "*"})}, {}, "names"),
    "a name too many": ({SETTINGS: line(names={"CAMERA": "gate"})}, {}, "names"),
    "no name": ({SETTINGS: line(kind="pw:webhook:WEBHOOK:progress")}, {}, "names"),
    "rows of another form": ({SETTINGS: line(rows=[["a", "b", "c"]])}, {}, "wrong form"),
    "no JSON": ({SETTINGS: b"{"}, {}, "no record"),
    "no base64": ({SETTINGS: line(rows=[["gate", "base64:***"]])}, {}, "no base64"),
    "a camera of a later version": (
        {SETTINGS: line(rows=[["gate", json.dumps(CAMERA | {"version": 99})]])}, {}, "Camera version 99 is newer",
    ),
    "a later program": ({SETTINGS: line()}, {"patchwatch": "99.1.0"}, "made by Patchwatch 99.1.0"),
    "a later format": ({SETTINGS: line()}, {"version": 2}, "later version"),
    "a list that is not its own": ({SETTINGS: line()}, {"files": ()}, "lists other files"),
}  # fmt: skip


@pytest.mark.parametrize("case", HARMFUL)
def test_what_is_harmful_or_foreign_is_refused(tmp_path: Path, case: str) -> None:
    entries, facts, words = HARMFUL[case]
    path = write(tmp_path / "b.zip", entries, **facts)
    with pytest.raises(RejectedError, match=words) as refused, opened(path):
        pass
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def _twice(archive: zipfile.ZipFile) -> None:
    for _ in range(2):
        archive.writestr(SETTINGS, line())


def _odd_packing(archive: zipfile.ZipFile) -> None:
    archive.writestr(SETTINGS, bytes(1000), zipfile.ZIP_LZMA)


def _long_manifest(archive: zipfile.ZipFile) -> None:
    archive.writestr(NAME, bytes(2000))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("make", "words"),
    [(_twice, "no manifest"), (_odd_packing, "packed in another way"), (_long_manifest, "unpacked")],
)
def test_archives_that_were_made_to_do_harm_are_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[zipfile.ZipFile], None], words: str
) -> None:
    monkeypatch.setattr(archive_reader, "_LEAST_LIMIT", 1000)
    monkeypatch.setattr(archive_reader, "_MOST_PACKED", 1)
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        make(archive)
    with pytest.raises(RejectedError, match=words), opened(tmp_path / "b.zip"):
        pass


def test_a_line_without_an_end_is_not_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_reader, "MAX_LINE_BYTES", 1000)
    path = write(tmp_path / "b.zip", {SETTINGS: b" " * 5000})
    with pytest.raises(RejectedError, match="line that is too long"), opened(path):
        pass


def test_nothing_is_written_over(tmp_path: Path) -> None:
    write(tmp_path / "b.zip", {SETTINGS: line()})
    before = (tmp_path / "b.zip").read_bytes()
    with pytest.raises(ConflictError, match="exists already"):
        write(tmp_path / "b.zip", {})
    with writing(tmp_path / "c.zip"), pytest.raises(ConflictError, match="another backup is being written"):
        write(tmp_path / "c.zip", {})
    assert (tmp_path / "b.zip").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.zip", "c.zip"]


@pytest.mark.parametrize("value", [b"plain", b"\xff\x00", b"base64:plain", b"", "ä\n".encode()])
def test_every_value_comes_back_to_the_bit(value: bytes) -> None:
    made = RecordLine.of(kind_of_cameras(), {}, [(b"gate", value)])
    assert RecordLine.decode(made.encode()).values() == [(b"gate", value)]


def kind_of_cameras() -> Any:
    from patchwatch.backup.key_table import kinds_by_template

    return kinds_by_template()["pw:cameras"]
