"""A source is checked when it is given, keeps to the media folders, and shows no credential."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchwatch.errors import SourceRejectedError
from patchwatch.messages.camera import Camera
from patchwatch.messages.source import Source, SourceKind, redact


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
        ("file:/media/a\x00.mp4", "bad_url"),
    ],
)  # fmt: skip
def test_what_is_no_source_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(SourceRejectedError) as caught:
        Source.parse(text)
    assert caught.value.reason == reason


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
    for outside in ("../secret/a.mp4", "%2e%2e/secret/a.mp4", "link.mp4", "folder/a.mp4", "../media-too/a.mp4"):
        with pytest.raises(SourceRejectedError, match="PATCHWATCH_MEDIA_DIRS") as caught:
            Source.parse(f"file:{media}/{outside}").within(folders)
        assert caught.value.reason == "forbidden_path"


@pytest.mark.parametrize(
    "text",
    [
        "rtsp://admin:hunter2@10.0.0.7/x", "cannot open 'rtsp://admin:hunter2@cam/x': refused", "RTSPS://hunter2@h",
        "redis://:hunter2@redis:6379/0", "two rtsp://a:hunter2@h/x, rtsp://b:hunter2@h/y",
        "rtsp://admin:p@hunter2@10.0.0.7/x", "rtsp://admin:hunter2/with?odd#signs@10.0.0.7/x",
        "rtsp://10.0.0.7/x?user=admin&password=hunter2", "rtsp://10.0.0.7/user=admin_password=hunter2_channel=1",
    ],
)  # fmt: skip
def test_no_credential_is_left_in_a_text(text: str) -> None:
    shown = redact(text)
    assert "hunter2" not in shown
    assert "***" in shown


@pytest.mark.parametrize("text", ["rtsp://10.0.0.7:554/x", "mail a@b.example", "12:00 frame 7", "file:/media/a@b.mp4"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert redact(text) == text


_secret = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8).map(lambda text: "Q" + text + "Q")


@given(user=_secret, password=_secret)
def test_no_password_is_left_whatever_its_characters(user: str, password: str) -> None:
    shown = redact(f"[in#0] Error opening input rtsp://{user}:{password}@10.0.0.7:554/x: refused")
    assert password not in shown
    assert user not in shown
    assert shown.endswith("10.0.0.7:554/x: refused")


@given(user=_secret, password=_secret)
def test_a_refused_source_does_not_tell_its_password(user: str, password: str) -> None:
    for scheme in ("rtsp", "http"):
        try:
            shown = str(Source.parse(f"{scheme}://{user}:{password}@10.0.0.7/x"))
        except SourceRejectedError as error:
            shown = str(error)
        assert password not in shown


def test_a_camera_shows_no_secret_but_keeps_it_in_the_store() -> None:
    camera = Camera(id="door", source="rtsp://u:hunter2@h/x", publish_username="cam", publish_password="hunter3")
    assert "hunter" not in repr(camera) + str(camera.public())
    assert Camera.decode(camera.encode()) == camera
    assert b"hunter2" in camera.encode()


@pytest.mark.parametrize("camera_id", ["", "Door", "-door", "a b", "a/b", "..", "ä", "a" * 64, "door\n"])
def test_a_malformed_camera_id_is_refused(camera_id: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        Camera(id=camera_id)
