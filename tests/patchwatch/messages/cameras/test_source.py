"""A source is checked when it is given, keeps to the media folders, and shows no credential."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from patchwatch.contract.errors import SourceRejectedError
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.source import MAX_SOURCE_LENGTH, Source, SourceKind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("push:", SourceKind.PUSH), ("push", SourceKind.PUSH), ("rtsp://10.0.0.7/stream1", SourceKind.PULL),
        ("rtsps://u:p@cam.example:322/a?b=c", SourceKind.PULL), ("rtsp://[fe80::1]:554/x", SourceKind.PULL),
        ("file:/media/a b.mp4", SourceKind.FILE), ("file:///media/a.mp4", SourceKind.FILE),
    ],
)  # fmt: skip
def test_the_kinds_of_source(text: str, kind: SourceKind) -> None:
    assert Source.parse(text).kind is kind


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("http://host/x", "unsupported_scheme"), ("/media/a.mp4", "unsupported_scheme"), ("", "unsupported_scheme"),
        ("concat:/a|/b", "unsupported_scheme"), ("file:", "unsupported_scheme"), ("rtsp:///x", "bad_url"),
        ("rtsp://host:99999/x", "bad_url"), ("rtsp://ho st/x", "bad_url"), ("file:/media/a%00.mp4", "bad_url"),
        ("file:/media/a\x00.mp4", "bad_url"), ("rtsp:/u:hunter2@h/x", "bad_url"), ("rtsp://u:hunter2", "bad_url"),
        ("u:hunter2@host/x", "unsupported_scheme"), ("rtsp://h/\x7fx", "bad_url"), ("rtsp://h:0/x", "bad_url"),
        ("file://nas/media/a.mp4", "bad_url"), ("http://u:hunter2@host/x", "unsupported_scheme"),
    ],
)  # fmt: skip
def test_what_is_no_source_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(SourceRejectedError) as caught:
        Source.parse(text)
    assert caught.value.reason == reason
    assert "hunter2" not in str(caught.value)


def test_a_file_must_lie_in_a_media_folder(tmp_path: Path) -> None:
    media, secret = tmp_path / "media", tmp_path / "secret"
    media.mkdir()
    secret.mkdir()
    (secret / "a.mp4").touch()
    (media / "a.mp4").touch()
    (media / "link.mp4").symlink_to(secret / "a.mp4")
    (media / "folder").symlink_to(secret)
    folders = (media.resolve(),)
    assert Source.parse(f"file:{media}/a.mp4").within(folders) == (media / "a.mp4").resolve()
    for form, outside in (
        ("file:", "../secret/a.mp4"), ("file://", "%2e%2e/secret/a.mp4"), ("file:", "link.mp4"),
        ("file:", "folder/a.mp4"), ("file:", "../media-too/a.mp4"),
    ):  # fmt: skip
        with pytest.raises(SourceRejectedError, match="PATCHWATCH_MEDIA_DIRS") as caught:
            Source.parse(f"{form}{media}/{outside}").within(folders)
        assert caught.value.reason == "forbidden_path"


def test_a_media_folder_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "media").symlink_to(tmp_path / "disk")
    result = Source.parse(f"file:{tmp_path}/media/a.mp4").within((tmp_path / "media",))
    assert result == (tmp_path / "disk" / "a.mp4").resolve()


def test_a_media_folder_that_hangs_holds_up_its_own_files_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung, sound = tmp_path / "hung", tmp_path / "sound"
    resolve = Path.resolve

    def followed(path: Path, strict: bool = False) -> Path:
        assert not path.is_relative_to(hung), "waited for a share that hangs"
        return resolve(path, strict)

    monkeypatch.setattr(Path, "resolve", followed)
    assert Source.parse(f"file:{sound}/a.mp4").within((hung, sound)) == sound / "a.mp4"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("file:/m/cam#1.mp4", "/m/cam#1.mp4"), ("file:/m/what?.mp4", "/m/what?.mp4"),
        ("file:/m/100%25 full.mp4", "/m/100%25 full.mp4"), ("file:/m/a%20b.mp4", "/m/a%20b.mp4"),
        ("file:/m/a;b:c@d&e=f.mp4", "/m/a;b:c@d&e=f.mp4"), ("file:m/ä.mp4", "m/ä.mp4"),
        ("file:///m/a%20b%23.mp4", "/m/a b#.mp4"), ("file://localhost/m/a.mp4", "/m/a.mp4"),
        ("file:///m/cam#1?.mp4", "/m/cam#1?.mp4"), ("FILE:/m/a.mp4", "/m/a.mp4"),
    ],
)  # fmt: skip
def test_a_files_name_is_taken_as_written(text: str, path: str) -> None:
    source = Source.parse(text)
    assert source.path == Path(path)
    assert Source.parse(source.url) == source


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(SourceRejectedError, match="leads back to itself") as caught:
        Source.parse(f"file:{tmp_path}/a/video.mp4").within((tmp_path,))
    assert caught.value.reason == "forbidden_path"


@pytest.mark.parametrize("odd", ["12#34", "12/34", "12?34", "a/b@c", "x#y@z", "@/"])
def test_a_raw_password_that_would_be_taken_for_a_path_is_refused(odd: str) -> None:
    with pytest.raises(SourceRejectedError, match=r" as %2F %3F %23 %40") as caught:
        Source.parse(f"rtsp://ann:{odd}@10.0.0.7/cam")
    assert odd not in str(caught.value)
    assert Source.parse(f"rtsp://ann:{quote(odd, safe='')}@10.0.0.7/cam").kind is SourceKind.PULL


def test_a_source_that_is_too_long_is_not_looked_at() -> None:
    with pytest.raises(SourceRejectedError, match="at most 2048 characters"):
        Source.parse("rtsp://h/" + "x" * MAX_SOURCE_LENGTH)


def test_a_camera_shows_no_secret_but_keeps_it_in_the_store() -> None:
    camera = Camera(id="door", source="rtsp://u:hunter2@h/x", publish_username="cam", publish_password="hunter3")
    assert "hunter" not in repr(camera) + str(camera.public())
    assert Camera.decode(camera.encode()) == camera
    assert b"hunter2" in camera.encode()


@pytest.mark.parametrize("camera_id", ["", "Door", "-door", "a b", "a/b", "..", "ä", "a" * 64, "door\n"])
def test_a_malformed_camera_id_is_refused(camera_id: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        Camera(id=camera_id)
