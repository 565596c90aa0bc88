"""Who may publish."""

from __future__ import annotations

import pytest
from credentials import basic, digest
from growth import growth_of
from pydantic import SecretStr

from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.camera import Camera
from workers.ingest.rtsp.authentication import Authenticator, camera_id_of

URI = "rtsp://127.0.0.1:8554/cam"
OWN = Camera(id="cam", publish_username="änn", publish_password=SecretStr("pä:ss"))


def gate_of(camera: Camera, settings: Settings | None = None, nonce: str = "n1") -> Authenticator:
    return Authenticator.from_camera(camera, settings or Settings(), nonce)


def as_received(header: str) -> str:
    return header.encode().decode("latin-1")


def test_without_a_username_everybody_may_publish() -> None:
    assert gate_of(Camera(id="cam")).admits("ANNOUNCE", URI, None)


def test_a_cameras_own_credentials_replace_those_of_the_settings() -> None:
    settings = Settings(publish_username="all", publish_password=SecretStr("house"))
    assert gate_of(Camera(id="cam"), settings).admits("ANNOUNCE", URI, basic("all", "house"))
    assert not gate_of(OWN, settings).admits("ANNOUNCE", URI, basic("all", "house"))
    assert gate_of(OWN, settings).admits("ANNOUNCE", URI, basic("änn", "pä:ss"))


@pytest.mark.parametrize("qop", [False, True])
def test_digest_proves_the_password_without_sending_it(qop: bool) -> None:
    def admits(user: str, password: str, method: str = "ANNOUNCE") -> bool:
        header = as_received(digest(user, password, uri=URI, nonce="n1", qop=qop))
        return gate_of(OWN).admits(method, URI, header)

    assert admits("änn", "pä:ss")
    assert not admits("änn", "wrong")
    assert not admits("bob", "pä:ss")
    assert not admits("änn", "pä:ss", method="SETUP")


@pytest.mark.parametrize("uri", ["rtsp://127.0.0.1:8554/other", "rtsp://x/", "", "*", "rtsp://x/cam/../other"])
def test_a_digest_for_another_uri_is_worth_nothing(uri: str) -> None:
    assert not gate_of(OWN).admits("ANNOUNCE", URI, as_received(digest("änn", "pä:ss", uri=uri, nonce="n1")))


@pytest.mark.parametrize("uri", [URI + "/", "/cam", "rtsp://camera.example/cam?x=1"])
def test_a_digest_may_write_the_same_camera_otherwise(uri: str) -> None:
    assert gate_of(OWN).admits("ANNOUNCE", URI, as_received(digest("änn", "pä:ss", uri=uri, nonce="n1")))


@pytest.mark.parametrize("change", [str.upper, lambda text: text.replace(", ", " ,\t"), lambda text: text + ","])
def test_parameters_in_any_spacing(change: object) -> None:
    header = as_received(digest("änn", "pä:ss", uri=URI, nonce="n1"))
    scheme, _, rest = header.partition(" ")
    changed = rest if change is str.upper else change(rest)  # type: ignore[operator]
    assert gate_of(OWN).admits("ANNOUNCE", URI, f"{scheme.upper()} {changed}")


def test_a_comma_in_quotes_belongs_to_the_value() -> None:
    camera = Camera(id="cam", publish_username="a, b", publish_password=SecretStr("p"))
    assert gate_of(camera).admits("ANNOUNCE", URI, digest("a, b", "p", uri=URI, nonce="n1"))


def test_an_answer_overheard_on_another_connection_is_worth_nothing() -> None:
    header = as_received(digest("änn", "pä:ss", uri=URI, nonce="n1"))
    assert not gate_of(OWN, nonce="n2").admits("ANNOUNCE", URI, header)


MALFORMED = [
    "",
    "Basic",
    "Basic !!",
    "Basic \xff",
    "Digest",
    "Digest =",
    'Digest username="ann"',
    'Digest a="',
    "Any x",
]


@pytest.mark.parametrize("header", [None, *MALFORMED])
def test_malformed_headers_are_refused(header: str | None) -> None:
    assert not gate_of(OWN).admits("ANNOUNCE", URI, header)


def test_an_authenticator_that_rejects_all_admits_nobody() -> None:
    gate = Authenticator.rejecting_all("n1")
    assert not gate.admits("ANNOUNCE", URI, basic(gate.username or "", gate.password))


@pytest.mark.parametrize("sent", ["a", 'a="', "a=b,", '\\"', "=,", " "])
def test_a_header_takes_no_longer_the_longer_it_is(sent: str) -> None:
    gate = gate_of(OWN)

    def look(header: str) -> None:
        for _ in range(20):
            gate.admits("ANNOUNCE", URI, header)

    assert growth_of(look, lambda size: "Digest " + sent * size, size=2048) < 1.6


def test_the_password_is_not_in_its_repr() -> None:
    assert "pä:ss" not in repr(gate_of(OWN))


@pytest.mark.parametrize("sent", ["/", "%2f", "%", "[", "a", "-", "?", "//"])
def test_a_uri_takes_time_in_proportion(sent: str) -> None:
    assert growth_of(camera_id_of, lambda size: "rtsp://h/" + sent * size) < 3


@pytest.mark.parametrize("uri", ["rtsp://[::/gate", "rtsp://h]/gate", "", "//", "rtsp://h/%ff%00", "rtsp://h/../gate"])
def test_a_malformed_uri_names_no_camera(uri: str) -> None:
    assert camera_id_of(uri) is None
