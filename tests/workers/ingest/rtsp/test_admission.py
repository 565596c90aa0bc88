"""Who may publish to which camera, and what those who may not learn."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from credentials import basic, digest
from pydantic import SecretStr
from rtsp_peer import Peer, StandIn, endpoint

from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.capture_status import Reason
from workers.ingest.rtsp.admission import Admission
from workers.ingest.rtsp.peer_limits import PeerLimits
from workers.ingest.rtsp.refusal import Refusal
from workers.ingest.rtsp.server import RtspServer
from workers.rtsp.headers import Headers
from workers.rtsp.message import Request


def camera(name: str, user: str = "", **changes: object) -> Camera:
    password = SecretStr(f"p{user}") if user else None
    return Camera(id=name, publish_username=user or None, publish_password=password, **changes)


@pytest.fixture
def cameras() -> StandIn:
    known = [
        camera("a", "ann"), camera("b", "bob"), camera("open"), camera("off", enabled=False),
        camera("pulled", source="rtsp://127.0.0.1:9/x"),
        camera("blurred", zones_fault="?"),
    ]  # fmt: skip
    return StandIn({camera.id: camera for camera in known})


@pytest.fixture
async def rtsp_server(cameras: StandIn) -> AsyncIterator[RtspServer]:
    async with endpoint(cameras) as opened:
        yield opened


LEFT = "a publisher at 127.0.0.1 left after the answer: Unauthorized - user and password are needed"
ANN, BOB = basic("ann", "pann"), basic("bob", "pbob")


async def test_a_password_opens_its_own_camera_alone_also_on_one_connection(rtsp_server: RtspServer) -> None:
    peer = await Peer.to(rtsp_server.port, "a")
    assert (await peer.announce()).status == 401
    peer.uri = "rtsp://127.0.0.1/b"
    assert (await peer.announce(Authorization=ANN)).status == 401
    peer.uri = "rtsp://127.0.0.1/a"
    assert (await peer.announce(Authorization=ANN)).status == 200
    peer.uri = "rtsp://127.0.0.1/b"
    assert (await peer.announce()).status == 401
    assert (await peer.announce(Authorization=BOB)).status == 200


async def test_the_installations_password_opens_no_camera_that_has_its_own(cameras: StandIn) -> None:
    async with endpoint(cameras, publish_username="all", publish_password="house") as rtsp_server:
        peer = await Peer.to(rtsp_server.port, "open")
        assert (await peer.announce()).status == 401
        house = basic("all", "house")
        peer.uri = "rtsp://127.0.0.1/b"
        assert (await peer.announce(Authorization=house)).status == 401
        peer.uri = "rtsp://127.0.0.1/open"
        assert (await peer.announce(Authorization=house)).status == 200


async def test_an_admitted_publisher_is_checked_again_at_record(rtsp_server: RtspServer, cameras: StandIn) -> None:
    peer = await Peer.to(rtsp_server.port, "a")
    await peer.announce(Authorization=ANN)
    await peer.ask("SETUP", "/streamid=0", Transport="RTP/AVP/TCP;interleaved=0-1")
    cameras.cameras["a"] = camera("a", "new")
    answer = await peer.ask("RECORD")
    assert (answer.status, answer.reason) == (403, "Camera a was changed meanwhile - publish again")
    assert cameras.slots == []


async def test_a_digest_counts_for_the_camera_in_its_uri_alone(rtsp_server: RtspServer) -> None:
    peer = await Peer.to(rtsp_server.port, "a")
    nonce = (await peer.announce()).headers["www-authenticate"].split('nonce="')[1].split('"')[0]
    for uri in ("rtsp://x/", "", "rtsp://127.0.0.1:8554/b"):
        peer = await Peer.to(rtsp_server.port, "a")
        nonce = (await peer.announce()).headers["www-authenticate"].split('nonce="')[1].split('"')[0]
        answer = await peer.announce(Authorization=digest("ann", "pann", uri=uri, nonce=nonce))
        assert answer.status == 401
    assert (await peer.announce(Authorization=digest("ann", "pann", uri=peer.uri, nonce=nonce))).status == 200


@pytest.mark.parametrize("name", ["a", "open", "off", "pulled", "nobody"])
async def test_options_reveal_nothing_about_cameras(rtsp_server: RtspServer, name: str) -> None:
    answers = [await (await Peer.to(rtsp_server.port, which)).ask("OPTIONS") for which in ("a", name)]
    assert answers[0] == answers[1]
    assert answers[0].status == 200


async def test_without_a_password_nobody_can_tell_which_cameras_exist(cameras: StandIn) -> None:
    async with endpoint(cameras, publish_username="all", publish_password="house") as rtsp_server:
        for given in ({}, {"Authorization": basic("x", "y")}):
            answers = set()
            for name in ("a", "open", "off", "pulled", "nobody"):
                answer = await (await Peer.to(rtsp_server.port, name)).announce(**given)
                answers.add((answer.status, answer.reason))
            assert len(answers) == 1


async def test_a_camera_that_is_not_there_looks_like_one_with_a_password(
    rtsp_server: RtspServer, cameras: StandIn
) -> None:
    for given in ({}, {"Authorization": ANN}):
        answers = [await (await Peer.to(rtsp_server.port, name)).announce(**given) for name in ("b", "nobody")]
        assert len({(answer.status, answer.reason) for answer in answers}) == 1
    assert cameras.refreshed == 1


async def test_without_secrets_the_refusal_of_an_unknown_camera_says_how_to_add_it() -> None:
    async with endpoint(StandIn({"yard": Camera(id="yard")})) as rtsp_server:
        answer = await (await Peer.to(rtsp_server.port, "yrad")).announce()
        assert (answer.status, answer.reason) == (404, "No camera yrad - add it with: patchwatch cameras add yrad")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("off", "Camera off is disabled"),
        ("pulled", "Camera pulled does not have the source push:"),
        ("blurred", "Camera blurred has zones that cannot be read - set them again"),
    ],
)
async def test_a_camera_that_takes_no_publisher_says_why(rtsp_server: RtspServer, name: str, why: str) -> None:
    answer = await (await Peer.to(rtsp_server.port, name)).announce()
    assert (answer.status, answer.reason) == (403, why)


async def test_the_cameras_status_reports_wrong_and_missing_passwords(
    rtsp_server: RtspServer, cameras: StandIn
) -> None:
    peer = await Peer.to(rtsp_server.port, "a")
    for _ in range(3):
        answer = await peer.announce(Authorization=BOB)
    assert (answer.status, await peer.end()) == (403, b"")
    why = "Unauthorized - no such camera, or wrong user or password"
    assert cameras.refused == [("a", Reason.AUTH, f"a publisher at 127.0.0.1 was refused: {why}")]
    peer = await Peer.to(rtsp_server.port, "a")
    await peer.announce()
    peer.writer.write_eof()
    assert await peer.end() == b""
    assert cameras.refused[1:] == [("a", Reason.AUTH, LEFT)]


async def test_passwords_are_not_guessed_in_bulk(rtsp_server: RtspServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="patchwatch.ingest")
    statuses = []
    for _ in range(20):
        peer = await Peer.to(rtsp_server.port, "a", host="127.0.0.7")
        statuses.append((await peer.announce(Authorization=BOB)).status)
        peer.close()
    assert statuses == [401] * 10 + [403] * 10
    peer = await Peer.to(rtsp_server.port, "a", host="127.0.0.7")
    answer = await peer.announce(Authorization=ANN)
    assert answer.reason == "Too many wrong passwords from this address - wait a minute"
    other = await Peer.to(rtsp_server.port, "a", host="127.0.0.8")
    assert (await other.announce(Authorization=ANN)).status == 200
    rtsp_server._refusals.close()
    assert [record.getMessage() for record in caplog.records if "127.0.0.7" in record.getMessage()] == [
        "a publisher at 127.0.0.7 was refused: Too many wrong passwords from this address - wait a minute",
        "publishers at 127.0.0.7 were refused 10 more times within 60 s, the last: "
        "Too many wrong passwords from this address - wait a minute",
    ]


@pytest.mark.parametrize("header", ["Digest " + "a" * 7_900, "Digest " + 'a="' * 2_600, "Basic " + "a" * 7_900])
async def test_a_long_header_of_a_stranger_delays_nobody(rtsp_server: RtspServer, header: str) -> None:
    loop = asyncio.get_running_loop()
    peers = [await Peer.to(rtsp_server.port, "a", host=f"127.0.0.{2 + n}") for n in range(15)]
    began_s = loop.time()
    answers = await asyncio.gather(*(peer.announce(Authorization=header) for peer in peers))
    assert loop.time() - began_s < 2.0  # A quadratic parser takes 5 s.
    assert {answer.status for answer in answers} == {401}


async def test_unknown_publishers_are_adopted_up_to_a_limit_and_only_once_they_can_publish(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="patchwatch.ingest")
    seen = {f"c{n}": camera(f"c{n}") for n in range(40)}
    cameras = StandIn(seen | {"c0": camera("c0", adopted=True)})
    async with endpoint(cameras, adopt_publishers="loopback", adopted_cameras=2) as rtsp_server:
        new = await Peer.to(rtsp_server.port, "new")
        await new.announce()
        assert "new" not in cameras.cameras
        await new.ask("SETUP", "/streamid=0", Transport="RTP/AVP/TCP;interleaved=0-1")
        assert (await new.ask("RECORD")).status == 200
        assert cameras.cameras["new"] == camera("new", adopted=True)
        assert "`patchwatch cameras acknowledge new`" in caplog.text
        late = await Peer.to(rtsp_server.port, "late")
        answer = await late.publish()
        assert (answer.status, answer.reason.partition(" - ")[0]) == (
            403, "2 cameras came by themselves and nobody has looked at them yet",
        )  # fmt: skip
        assert "late" not in cameras.cameras
        cameras.cameras["c0"] = camera("c0")
        assert (await (await Peer.to(rtsp_server.port, "late")).publish()).status == 200, "one was looked at"
        new.close()
        assert await cameras.players[0].end() == b""


_LAN, _HERE = "192.0.2.7", "127.0.0.1"


@pytest.mark.parametrize(
    ("adopts", "host", "password", "admitted"),
    [
        ("off", _HERE, False, False), ("off", _HERE, True, False),
        ("loopback", _HERE, False, True), ("loopback", _HERE, True, True), ("loopback", "::1", False, True),
        ("loopback", _LAN, False, False), ("loopback", _LAN, True, False),
        ("password", _HERE, False, True), ("password", _LAN, False, False), ("password", _LAN, True, True),
        ("anyone", _LAN, False, True), ("anyone", _LAN, True, True),
    ],
)  # fmt: skip
async def test_who_becomes_a_camera_by_publishing(adopts: str, host: str, password: bool, admitted: bool) -> None:
    secrets = {"publish_username": "all", "publish_password": "house"} if password else {}
    settings = Settings(adopt_publishers=adopts, redis_url="redis://127.0.0.1:1/0", **secrets)  # type: ignore[arg-type]
    admission = Admission(settings, StandIn({}), PeerLimits())
    headers = Headers((("Authorization", basic("all", "house")),) if password else ())
    request = Request("ANNOUNCE", "rtsp://127.0.0.1/new", headers)
    if admitted:
        assert await admission.camera_for(request, host, "nonce") == camera("new", adopted=True)
    else:
        with pytest.raises(Refusal, match="No camera new - add it with: patchwatch cameras add new"):
            await admission.camera_for(request, host, "nonce")


async def test_beyond_this_machine_the_password_is_asked_for() -> None:
    secrets = {"publish_username": "all", "publish_password": SecretStr("house")}
    settings = Settings(adopt_publishers="password", **secrets)  # type: ignore[arg-type]
    admission = Admission(settings, StandIn({}), PeerLimits())
    for authorization in ((), (("Authorization", basic("all", "wrong")),)):
        request = Request("ANNOUNCE", "rtsp://127.0.0.1/new", Headers(authorization))
        with pytest.raises(Refusal, match="Unauthorized"):
            await admission.camera_for(request, _LAN, "nonce")
