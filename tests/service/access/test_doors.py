"""Ways around the limits of a caller that were found by attacking the service, and are closed."""

from __future__ import annotations

import httpx
import pytest
from people import PASSWORD, LogIn, People, log_in
from service_world import World

from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.channel import Channel
from service.access import passwords
from service.middleware.proxy import ProxyMiddleware, client_address


async def address_of(*forwarded: str, client: str = "127.0.0.1") -> str:
    seen: list[str] = []

    async def app(scope: dict[str, object], *_: object) -> None:
        seen.append(client_address(scope))

    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    scope = {"type": "http", "path": "/", "client": (client, 1), "headers": headers}
    await ProxyMiddleware(app, Settings())(scope, None, None)  # type: ignore[arg-type]
    return seen[0]


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (["9.9.9.1", "203.0.113.7"], "203.0.113.7"),  # the client's own line, then the proxy's
        (["9.9.9.1, 203.0.113.7"], "203.0.113.7"),
        (["203.0.113.7:4711"], "203.0.113.7"),
        (["[2001:db8::1]:4711"], "2001:db8::1"),
        (["2001:db8::1"], "2001:db8::1"),
        (["9.9.9.1, unknown"], "127.0.0.1"),
        (["9.9.9.1", "x" * 9000], "127.0.0.1"),
        (["9.9.9.1, "], "127.0.0.1"),
        ([], "127.0.0.1"),
    ],
)
async def test_the_address_is_what_the_last_proxy_saw(lines: list[str], address: str) -> None:
    assert await address_of(*lines) == address


async def test_a_stranger_names_no_other_address() -> None:
    assert await address_of("9.9.9.1", client="203.0.113.7") == "203.0.113.7"


async def test_wrong_passwords_count_whatever_a_client_claims(api: httpx.AsyncClient, people: People) -> None:
    people.user("ada")
    answers = []
    for number in range(12):
        lines = [("X-Forwarded-For", f"9.9.9.{number}"), ("X-Forwarded-For", "203.0.113.7")]
        body = {"name": f"ada{number}", "password": "wrong wrong wrong"}
        answers.append((await api.post("/api/v1/sessions", json=body, headers=lines)).status_code)
    assert answers[-1] == 429


async def test_a_token_of_a_users_name_has_none_of_his_logins(
    api: httpx.AsyncClient, browser: LogIn, people: People
) -> None:
    people.user("ada", "admin")
    ada = await browser("ada")
    api.headers["Authorization"] = f"Bearer {people.token(name='ada')}"
    assert (await api.get("/api/v1/sessions")).json() == {"sessions": []}
    assert (await api.get("/api/v1/sessions?user=ada")).status_code == 403
    [own] = (await ada.get("/api/v1/sessions")).json()["sessions"]
    assert (await api.delete(f"/api/v1/sessions/{own['id']}")).status_code == 404
    assert (await api.delete("/api/v1/sessions")).status_code == 204
    assert (await ada.get("/api/v1/me")).status_code == 200


async def test_recordings_are_learnt_by_those_who_see_all_cameras(
    api: httpx.AsyncClient, people: People, world: World
) -> None:
    world.camera("gate")
    people.user("root", "admin")
    body = {"sources": ["file:/media/other.mp4"]}
    api.headers["Authorization"] = f"Bearer {people.token('operate', ('gate',))}"
    assert (await api.post("/api/v1/cameras/gate/enrolments", json=body)).status_code == 403
    api.headers["Authorization"] = f"Bearer {people.token('operate')}"
    assert (await api.post("/api/v1/cameras/gate/enrolments", json=body)).status_code == 422  # there is no such file


async def test_only_admins_hear_which_channels_fail(api: httpx.AsyncClient, people: People, world: World) -> None:
    people.user("root", "admin")
    for role in ("ingest", "inference"):
        world.beat(role)
    api.headers["Authorization"] = f"Bearer {people.token('admin')}"
    world_hook = {"id": "home", "url": "https://10.0.0.7/hook"}
    assert (await api.post("/api/v1/webhooks", json=world_hook)).status_code == 201
    assert "webhooks" in (await api.get("/readyz")).json()
    api.headers["Authorization"] = f"Bearer {people.token()}"
    answer = (await api.get("/readyz")).json()
    assert answer["workers"]
    assert not answer.get("webhooks")
    assert not answer.get("channels")


def test_a_password_of_half_a_character_is_just_wrong(people: People) -> None:
    stored = passwords.hash_password(PASSWORD)
    assert passwords.is_right(stored, PASSWORD)
    assert not passwords.is_right(stored, "\ud800\ud800wrong wrong")
    assert not passwords.is_right(None, "\ud800\ud800wrong wrong")
    odd = passwords.hash_password("\ud800 and four words")
    assert passwords.is_right(odd, "\ud800 and four words")


async def test_a_login_with_such_a_password_is_refused(api: httpx.AsyncClient, people: People) -> None:
    people.user("ada")
    body = b'{"name": "ada", "password": "\\ud800\\ud800wrong wrong"}'
    answer = await api.post("/api/v1/sessions", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (401, 422)


async def test_before_the_first_entry_of_the_log_there_is_none(api: httpx.AsyncClient, people: People) -> None:
    people.user("root", "admin")
    await log_in(api, "root")
    for before in ("0-0", "0", "00-0"):
        answer = await api.get("/api/v1/audit", params={"before": before})
        assert answer.status_code in (200, 422)
        assert answer.status_code == 422 or answer.json()["entries"] == []


@pytest.mark.parametrize(
    "url",
    [
        "discord://1/token?template=/etc/host.json", "discord://1/token?format=text&Template=%2Fetc%2Fhost.json",
        "discord://1/token?a=b;template=..%2Fhost.json", "fcm://p/t?keyfile=/etc/key.json", "vapid://a/b?SubFile=x",
    ],
)  # fmt: skip
def test_a_channels_address_names_no_file_here(url: str) -> None:
    with pytest.raises(ValueError, match="file of this machine"):
        Channel(id="phone", url=url)


def test_a_template_of_the_service_itself_is_no_file() -> None:
    assert Channel(id="phone", url="mailgun://u@h/key?template=alarm").shown_url == "mailgun://***"
