"""Who may publish."""

from __future__ import annotations

import base64
import hashlib

import pytest
from pydantic import SecretStr

from patchwatch.messages.camera import Camera
from patchwatch.settings import Settings
from workers.ingest.credentials import REALM, Gate

URI = "rtsp://127.0.0.1:8554/cam"
OWN = Camera(id="cam", publish_username="ann", publish_password=SecretStr("pä:ss"))


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def digest(gate: Gate, user: str, password: str, *, uri: str = URI, nonce: str | None = None, qop: bool = False) -> str:
    nonce = nonce or gate.nonce
    middle = f"{nonce}:00000001:abc:auth" if qop else nonce
    proof = md5(f"{md5(f'{user}:{REALM}:{password}')}:{middle}:{md5(f'ANNOUNCE:{uri}')}")
    more = ', qop=auth, nc=00000001, cnonce="abc"' if qop else ""
    return f'Digest username="{user}", realm="{REALM}", nonce="{nonce}", uri="{uri}", response="{proof}"{more}'


def test_without_a_username_everybody_may_publish() -> None:
    assert Gate.of(Camera(id="cam"), Settings()).admits("ANNOUNCE", URI, None)


def test_a_cameras_own_credentials_take_the_place_of_the_installations() -> None:
    settings = Settings(publish_username="all", publish_password=SecretStr("house"))
    assert Gate.of(Camera(id="cam"), settings).admits("ANNOUNCE", URI, basic("all", "house"))
    assert not Gate.of(OWN, settings).admits("ANNOUNCE", URI, basic("all", "house"))
    assert Gate.of(OWN, settings).admits("ANNOUNCE", URI, basic("ann", "pä:ss"))


@pytest.mark.parametrize("qop", [False, True])
def test_digest_proves_the_password_without_sending_it(qop: bool) -> None:
    gate = Gate.of(OWN, Settings())
    assert gate.admits("ANNOUNCE", URI, digest(gate, "ann", "pä:ss", qop=qop))
    assert not gate.admits("ANNOUNCE", URI, digest(gate, "ann", "wrong", qop=qop))
    assert not gate.admits("ANNOUNCE", URI, digest(gate, "bob", "pä:ss", qop=qop))
    assert not gate.admits("SETUP", URI, digest(gate, "ann", "pä:ss", qop=qop))
    assert not gate.admits("ANNOUNCE", URI, digest(gate, "ann", "pä:ss", uri="rtsp://127.0.0.1:8554/other", qop=qop))


def test_an_answer_overheard_on_another_connection_is_worth_nothing() -> None:
    first, second = Gate.of(OWN, Settings()), Gate.of(OWN, Settings())
    assert not second.admits("ANNOUNCE", URI, digest(first, "ann", "pä:ss"))


@pytest.mark.parametrize(
    "header", [None, "", "Basic", "Basic !!", "Digest", 'Digest username="ann"', "Bearer x", "Digest ="]
)
def test_malformed_headers_are_refused(header: str | None) -> None:
    assert not Gate.of(OWN, Settings()).admits("ANNOUNCE", URI, header)


def test_the_password_is_not_in_its_repr() -> None:
    assert "pä:ss" not in repr(Gate.of(OWN, Settings()))
