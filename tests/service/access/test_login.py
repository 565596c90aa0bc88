"""Logging in: cookies that nobody steals or forces on others, limits, and ends."""

from __future__ import annotations

import json
import logging
from typing import Any

import httpx
import pytest
from people import CHEAP, HERE, PASSWORD, LogIn, People, log_in
from service_world import World, now_ms

from patchwatch.bus import keys
from patchwatch.messages.access.login_session import LoginSession
from service.access import passwords
from service.store.access import login_attempts

LONG_AGO_MS = 40 * 86_400_000


async def test_whoever_logs_in_gets_a_cookie_that_scripts_and_other_sites_cannot_use(
    api: httpx.AsyncClient, people: People
) -> None:
    people.user("ada", "operator")
    assert (await api.get("/api/v1/cameras")).status_code == 401
    answer = await log_in(api, "Ada ")
    assert answer.status_code == 201
    assert answer.json() == {"name": "ada", "kind": "user", "role": "operator", "cameras": None}
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie, "over plain HTTP a browser would not keep it"
    assert (await api.get("/api/v1/cameras")).status_code == 200
    assert (await api.get("/api/v1/me")).json()["name"] == "ada"


async def test_behind_tls_the_cookie_stays_on_tls(api: httpx.AsyncClient, people: People) -> None:
    people.user("ada", "admin")
    body = {"name": "ada", "password": PASSWORD}
    answer = await api.post(
        "/api/v1/sessions", json=body, headers={"Origin": "https://home.example", "Host": "home.example"}
    )
    assert "Secure" in answer.headers["set-cookie"].split("; ")


async def test_a_login_never_takes_over_a_cookie_from_before(
    api: httpx.AsyncClient, people: People, world: World
) -> None:
    people.user("ada", "admin")
    name = "patchwatch"
    api.cookies.set(name, "A" * 43, domain="127.0.0.1", path="/")
    await log_in(api, "ada")
    assert api.cookies[name] != "A" * 43
    own = dict(api.cookies)
    api.cookies = httpx.Cookies({name: "A" * 43})
    assert (await api.get("/api/v1/me")).status_code == 401
    api.cookies = httpx.Cookies(own)
    first = world.names(keys.SESSIONS)
    await log_in(api, "ada")
    assert set(world.names(keys.SESSIONS)).isdisjoint(first), "and the login from before ended"


async def test_changes_and_websockets_by_cookie_come_from_our_own_pages(browser: LogIn, people: People) -> None:
    people.user("ada", "admin")
    ada = await browser("ada")
    for origin, status in ((HERE, 201), ("https://evil.example", 403), ("null", 403), (None, 403)):
        ada.headers.pop("Origin", None)
        named = {} if origin is None else {"Origin": origin}
        answer = await ada.post("/api/v1/cameras", json={"id": f"c{status}"}, headers=named)
        assert answer.status_code == status, origin
    assert (await ada.get("/api/v1/cameras", headers={"Origin": "https://evil.example"})).status_code == 200, (
        "no change"
    )


async def test_a_foreign_page_logs_nobody_in(api: httpx.AsyncClient, people: People) -> None:
    people.user("ada", "admin")
    body = {"name": "ada", "password": PASSWORD}
    answer = await api.post("/api/v1/sessions", json=body, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("name", ["ada", "nobody", "shut"])
async def test_a_wrong_password_and_an_unknown_or_disabled_user_are_answered_alike(
    api: httpx.AsyncClient, people: People, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.user("ada", "admin")
    people.user("shut", disabled=True)
    compared: list[str] = []

    class Counting:
        """As the hasher: which parameters are worked with is what the time depends on."""

        def __getattr__(self, name: str) -> Any:
            return getattr(CHEAP, name)

        def verify(self, stored: str, password: str) -> bool:
            compared.append(stored.rsplit("$", 2)[0])
            return CHEAP.verify(stored, password)

    monkeypatch.setattr(passwords, "_HASHER", Counting())
    answer = await log_in(api, name, PASSWORD if name == "shut" else "wrong password")
    assert answer.status_code == 401
    assert answer.json()["detail"] == "the name or the password is wrong"
    assert compared == ["$argon2id$v=19$m=8,t=1,p=1"], "one comparison of the same cost, whoever it is"


async def test_an_address_that_tries_passwords_has_to_wait(
    api: httpx.AsyncClient, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.user("ada", "admin")
    for _ in range(login_attempts.MOST_BY_ADDRESS):
        assert (await log_in(api, "ada", "wrong password")).status_code == 401
    for name, password in (("ada", "wrong password"), ("ada", PASSWORD), ("other", PASSWORD)):
        answer = await log_in(api, name, password)
        assert answer.status_code == 429
        assert "wait " in answer.json()["detail"]
    monkeypatch.setattr(login_attempts, "WINDOW_MS", 0)
    assert (await log_in(api, "ada")).status_code == 201, "once the time is over"


async def test_a_user_whose_password_is_tried_from_many_addresses_is_guarded(
    api: httpx.AsyncClient, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.user("ada", "admin")
    people.user("bob", "admin")
    monkeypatch.setattr(login_attempts, "MOST_BY_USER", 3)
    body = {"name": "ada", "password": "wrong password"}
    transport = api._transport
    assert isinstance(transport, httpx.ASGITransport)
    for number in range(5):
        transport.client = (f"192.0.2.{number}", 1)
        assert (await api.post("/api/v1/sessions", json=body)).status_code == (401 if number < 3 else 429)
    transport.client = ("192.0.2.77", 1)
    assert (await log_in(api, "bob")).status_code == 201, "others get in"


async def test_right_passwords_do_not_count(api: httpx.AsyncClient, people: People) -> None:
    people.user("ada", "admin")
    for _ in range(login_attempts.MOST_BY_ADDRESS + 2):
        assert (await log_in(api, "ada")).status_code == 201


async def test_a_login_ends_when_it_is_not_used_and_after_a_month_in_any_case(
    browser: LogIn, people: People, world: World
) -> None:
    people.user("ada", "admin")
    ada = await browser("ada")
    digest = world.names(keys.SESSIONS)[0]
    used = world.field(keys.SESSIONS_USED, digest)
    world.bus.hset(keys.SESSIONS_USED, digest, now_ms() - 169 * 3_600_000)
    assert (await ada.get("/api/v1/me")).status_code == 401
    world.bus.hset(keys.SESSIONS_USED, digest, used)
    assert (await ada.get("/api/v1/me")).status_code == 200
    session = LoginSession.decode(world.field(keys.SESSIONS, digest))
    old = session.model_copy(update={"created_at_ms": now_ms() - LONG_AGO_MS})
    world.bus.hset(keys.SESSIONS, digest, old.encode())
    assert (await ada.get("/api/v1/me")).status_code == 401


async def test_use_keeps_a_login_alive(browser: LogIn, people: People, world: World) -> None:
    people.user("ada", "admin")
    ada = await browser("ada")
    digest = world.names(keys.SESSIONS)[0]
    before = now_ms() - 3_600_000
    world.bus.hset(keys.SESSIONS_USED, digest, before)
    assert (await ada.get("/api/v1/me")).status_code == 200
    assert int(world.field(keys.SESSIONS_USED, digest)) > before


async def test_logging_out_ends_this_login_and_everywhere_ends_all(browser: LogIn, people: People) -> None:
    people.user("ada", "operator")
    here, there, elsewhere = [await browser("ada") for _ in range(3)]
    listed = (await here.get("/api/v1/sessions")).json()["sessions"]
    assert [one["current"] for one in listed].count(True) == 1
    assert len(listed) == 3
    kept = httpx.Cookies(here.cookies)
    assert (await here.delete("/api/v1/sessions/current")).status_code == 204
    here.cookies = kept
    assert (await here.get("/api/v1/me")).status_code == 401, "the cookie itself opens nothing any more"
    other = next(one["id"] for one in (await there.get("/api/v1/sessions")).json()["sessions"] if not one["current"])
    assert (await there.delete(f"/api/v1/sessions/{other}")).status_code == 204
    assert (await elsewhere.get("/api/v1/me")).status_code == 401
    assert (await there.delete("/api/v1/sessions")).status_code == 204
    assert (await there.get("/api/v1/me")).status_code == 401


async def test_only_admins_see_and_end_the_logins_of_others(browser: LogIn, people: People) -> None:
    people.user("ada", "admin")
    people.user("bob", "operator")
    ada, bob = await browser("ada"), await browser("bob")
    for path in ("/api/v1/sessions?user=ada", "/api/v1/sessions?all=true"):
        assert (await bob.get(path)).status_code == 403
    assert (await bob.delete("/api/v1/sessions?user=ada")).status_code == 403
    of_ada = (await ada.get("/api/v1/sessions")).json()["sessions"][0]["id"]
    assert (await bob.delete(f"/api/v1/sessions/{of_ada}")).status_code == 404
    assert (await ada.delete("/api/v1/sessions?user=bob")).status_code == 204
    assert (await bob.get("/api/v1/me")).status_code == 401


@pytest.mark.parametrize("change", [{"password": "another long password"}, {"disabled": True}, None])
async def test_a_new_password_or_removal_ends_every_login_at_once(
    browser: LogIn, people: People, change: dict[str, object] | None
) -> None:
    people.user("ada", "admin")
    people.user("bob", "operator")
    ada, bob = await browser("ada"), await browser("bob")
    if change is None:
        assert (await ada.delete("/api/v1/users/bob")).status_code == 204
        people.user("bob", "operator")  # a namesake
    else:
        assert (await ada.patch("/api/v1/users/bob", json=change)).status_code == 200
    assert (await bob.get("/api/v1/me")).status_code == 401


async def test_ones_own_password_changes_with_the_present_one(browser: LogIn, people: People) -> None:
    people.user("ada", "viewer", ("gate",))
    ada, other = await browser("ada"), await browser("ada")
    wrong = {"current": "wrong password", "new": "another long password"}
    assert (await ada.post("/api/v1/me/password", json=wrong)).status_code == 422
    right = wrong | {"current": PASSWORD}
    assert (await ada.post("/api/v1/me/password", json=right)).status_code == 200
    assert (await ada.get("/api/v1/me")).status_code == 200, "this browser goes on"
    assert (await other.get("/api/v1/me")).status_code == 401
    assert (await log_in(other, "ada", "another long password")).status_code == 201


@pytest.mark.parametrize(
    "password", ["short", "a" * 20, "abab" * 5, "adaadaadaada", "x" * 1025, "é" * 11], ids=lambda text: text[:6]
)
async def test_easy_passwords_are_refused_with_the_rule(browser: LogIn, people: People, password: str) -> None:
    people.user("root", "admin")
    root = await browser("root")
    answer = await root.post("/api/v1/users", json={"name": "ada", "password": password})
    assert answer.status_code == 422
    assert password not in answer.text


async def test_a_long_password_counts_to_its_end_and_in_every_form_of_its_accents(
    browser: LogIn, api: httpx.AsyncClient, people: People
) -> None:
    people.user("root", "admin")
    long = "Zu\u0308rich " * 100
    assert (await (await browser("root")).post("/api/v1/users", json={"name": "ada", "password": long})).is_success
    assert (await log_in(api, "ada", long[:-1])).status_code == 401
    assert (await log_in(api, "ada", "Z\u00fcrich " * 100)).status_code == 201


async def test_no_secret_is_logged_answered_or_stored(
    browser: LogIn, people: People, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    people.user("root", "admin")
    root = await browser("root")
    made = await root.post("/api/v1/users", json={"name": "ada", "password": "ada's own long password"})
    token = (await root.post("/api/v1/tokens", json={"name": "home"})).json()["token"]
    secret = next(iter(root.cookies.jar)).value or ""
    answers = [
        made.text,
        *[(await root.get(f"/api/v1/{path}")).text for path in ("users", "tokens", "sessions", "audit")],
    ]
    stored = [str(world.bus.dump(key)) for key in world.bus.keys("pw:*")]
    stored += [json.dumps(str(world.bus.hgetall(key))) for key in (keys.USERS, keys.SESSIONS, keys.TOKENS)]
    stored.append(str(world.bus.xrange(keys.AUDIT)))
    for text in (caplog.text, *answers, *stored):
        for hidden in ("ada's own long password", PASSWORD, token, token[-43:], secret):
            assert hidden not in text
    assert "argon2" not in " ".join(answers)
