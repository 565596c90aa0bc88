"""What may be a secret is hidden by its shape, in whatever form it comes, in time that grows with the text."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from growth import growth_of
from hypothesis import given
from hypothesis import strategies as st

from patchwatch.contract.errors import SourceRejectedError
from patchwatch.contract.redaction import redact
from patchwatch.messages.cameras.source import Source

S = "hunter2SEKRET"


@pytest.mark.parametrize(
    "text",
    [
        "rtsp://admin:{}@10.0.0.7/x", "cannot open 'rtsp://admin:{}@cam/x': refused", "RTSPS://{}@h",
        "redis://:{}@redis:6379/0", "two rtsp://a:{}@h/x, rtsp://b:{}@h/y", "rtsp://admin:p@{}@10.0.0.7/x",
        "rtsp://admin:{}/with?odd#signs@10.0.0.7/x", "rtsp://admin:a#{}@10.0.0.7/x", "rtsp://u:it's;{}@h/x",
        "rtsp://10.0.0.7/x?user=admin&password={}", "rtsp://10.0.0.7/user=admin_password={}_channel=1",
        "rtsp://h/x?psw={}", "rtsp://h/x?pw={}", "rtsp://h/x?key={}", "rtsp://h/x?secret={}", "rtsp://h/x?auth={}",
        "rtsp://h/x?signature={}", "rtsp://h/x?api_key={}", "rtsp://h/x?pass%77ord={}", "rtsp://h/x?password:{}",
        "rtsp://h/x?a=b;c='{}'&d", "rtsp://h/x?{}", "rtsp://h/x#{}", "no: rtsp://h:1/l?u=v&psw={}: nothing listens",
        "u:{}@HOST/x", "rtsp:/u:{}@h", "rtsp:u:{}@h/x", "rtsp://u:{}", "rtsp://u:{},", "(rtsp://u:{})", "://u:{}@h",
        "rtsps://10.0.0.7:7441/{}", "rtsps://10.0.0.7:7441/{}?enableSrtp", "rtmp://h/live/{}",
        "srt://h:9/?streamid={}",
        "rtsp://h/live/a1b2c3{}", "GET /stream?token={} 200", "(?token={})", "http://h/x?sig={}", "password={}",
        "pwd={};x", "Token={}", "api_key={}", "ws://h/api/v1/ws/alerts?token={}", "x=rtsp://a:{}@h/x",
        "{'source': 'rtsp://u:{}@h/x'}", "rtsp://u:{}@", "rtsp://u:{}@[fe80::1]:554/x", "rtsp://h/a,rtsp://u:{}@k/b",
    ],
)  # fmt: skip
def test_no_secret_is_left_in_a_text(text: str) -> None:
    shown = redact(text.replace("{}", S))
    assert S not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    "text",
    [
        "rtsp://10.0.0.7:554/x", "mail a@b.example", "12:00 frame 7", "file:/media/a@b.mp4", "file:/m/what?.mp4",
        "rtsp://10.0.0.7/Streaming/Channels/101", "rtsp://h/h264Preview_01_main", "rtsp://h/cam/realmonitor",
        "rtsp://h/axis-media/media.amp", "rtsp://[fe80::1]:554/stream1", "rtsp://h", "rtsp://h/", "why?",
        "use rtsp://HOST[:PORT]/PATH, and", "cameras may publish to rtsp://127.0.0.1:8554/CAMERA_ID",
        "http://127.0.0.1:8080/api/v1/cameras", "redis://redis:6379/0", "set PATCHWATCH_CLIP_WEIGHTS=/a/b.pt", "a=b",
        "rtsp://..., rtsps://..., file:/PATH", "add ?ssl_ca_certs=/PATH/CA.pem to it",
    ],
)  # fmt: skip
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://u:p@10.0.0.7:554/live/ch1?x=y", "rtsp://***@10.0.0.7:554/live/ch1?***"),
        ("rtsps://10.0.0.7:7441/AbCdEfGh?enableSrtp", "rtsps://10.0.0.7:7441/***"),
        ("'rtsp://u:p@h/x': refused", "'rtsp://***@h/x': refused"),
    ],
)
def test_what_helps_to_tell_cameras_apart_is_kept(text: str, shown: str) -> None:
    assert redact(text) == shown


ROOT = Path(__file__).parents[3]
NOT_REDACTED = ("help", "description", "examples")  # what the command line and the documentation of the API show


def is_documentation(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id.endswith("_HELP")
    return isinstance(node, ast.Expr) or (isinstance(node, ast.keyword) and node.arg in NOT_REDACTED)


def advice() -> Iterator[tuple[str, str]]:
    """Texts of the product that name an address within a sentence, with where they stand."""
    rooms = ("patchwatch", "service", "workers", "models")
    for path in sorted(path for room in rooms for path in (ROOT / room).rglob("*.py")):
        source = path.read_text()
        if "://" not in source:
            continue
        tree = ast.parse(source)
        shown_whole = {id(part) for node in ast.walk(tree) if is_documentation(node) for part in ast.walk(node)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in shown_whole:
                text = node.value.replace("%s", "HOST").replace("%d", "80")
                if "://" in text and " " in text:
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", text


def test_our_own_advice_is_shown_as_it_was_written() -> None:
    texts = list(advice())
    assert len(texts) > 20
    assert [(where, redact(text)) for where, text in texts if redact(text) != text] == []


def test_a_password_beside_a_placeholder_is_hidden() -> None:
    for user in (f"USER:{S}", f"{S}:PASSWORD", f"USER:PASSWORD:{S}", f"USER:PASSWORD@{S}"):
        assert S not in redact(f"rtsp://{user}@HOST/PATH")


_secret = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8).map(lambda text: "Q" + text + "Q")


@given(user=_secret, password=_secret)
def test_no_password_is_left_whatever_its_characters(user: str, password: str) -> None:
    shown = redact(f"[in#0] Error opening input rtsp://{user}:{password}@10.0.0.7:554/x: refused")
    assert password not in shown
    assert user not in shown
    assert shown.endswith("10.0.0.7:554/x: refused")


@given(user=_secret, password=_secret)
def test_a_refused_source_does_not_tell_its_password(user: str, password: str) -> None:
    for form in ("rtsp://{}:{}@10.0.0.7/x", "http://{}:{}@h/x", "rtsp:/{}:{}@h", "{}:{}@h/x", "rtsp://{}:{}", "{}{}"):
        text = form.format(user, password)
        try:
            shown = str(Source.parse(text))
        except SourceRejectedError as error:
            shown = str(error)
        assert password not in shown


@given(st.text(st.sampled_from(string.printable + "ä\u00a0\u2028"), max_size=200))
def test_any_text_can_be_looked_at_twice(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@pytest.mark.parametrize(
    "part",
    ["a", "A1", "a://", "://", "@", ":", "@:", "?", "?a", "=", "pass=", "token", " a@b:c@", '"', "/", "/a=", "#"],
)
def test_the_time_grows_with_the_text(part: str) -> None:
    assert growth_of(redact, lambda size: part * (size // len(part)) + "@?=://") < 3.2
