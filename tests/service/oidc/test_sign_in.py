"""Logging in at a provider: who comes in, as what, and who does not any more."""

from __future__ import annotations

from typing import Any

import httpx
from oidc_browser import Browser, NewBrowser
from oidc_provider import OidcProvider
from people import PASSWORD, People, log_in
from service_world import World

from patchwatch.bus import keys
from patchwatch.messages.access.user import User


def stored(world: World, name: str) -> User:
    return User.decode(world.field(keys.USERS, name))


async def entries(browser: Browser) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await browser.client.get("/api/v1/audit?limit=1000")).json()["entries"]
    return found


async def test_whoever_has_a_role_at_the_provider_is_a_user_here(
    browser: NewBrowser, world: World, provider: OidcProvider
) -> None:
    ada = await browser()
    offer = (await ada.client.get("/api/v1/login")).json()
    assert offer == {"password": False, "setup": False, "provider": "Home", "fault": None}
    assert await ada.me() is None  # also on loopback and before there are users
    assert await ada.log_in("ada") is None
    assert await ada.me() == {"name": "ada", "kind": "user", "role": "admin", "cameras": None}
    identity = stored(world, "ada").identity
    assert identity is not None
    assert (identity.issuer, identity.subject) == (provider.issuer, "ada")
    bob = await browser()
    assert await bob.log_in("bob") is None
    assert await bob.me() == {"name": "bob", "kind": "user", "role": "viewer", "cameras": None}
    assert (await bob.client.get("/api/v1/users")).status_code == 403


async def test_the_audit_log_tells_of_logins_and_refusals_without_their_query(
    browser: NewBrowser, provider: OidcProvider
) -> None:
    ada, eve = await browser(), await browser()
    provider.people["eve"] = {"preferred_username": "eve"}
    await ada.log_in("ada")
    url = provider.approved(await eve.begin(), "eve")
    await eve.back(url)
    refused, came_in = (await entries(ada))[:2]
    assert (came_in["who"], came_in["action"], came_in["status"]) == ("ada", "login at the provider", 303)
    assert came_in["changes"]["role"] == {"before": None, "after": "admin"}
    assert (refused["action"], refused["status"]) == ("login at the provider refused", 403)
    assert "PATCHWATCH_OIDC_ROLES" in refused["changes"]["reason"]["after"]
    assert {entry["path"] for entry in (refused, came_in)} == {"/api/v1/oidc/callback"}
    code = url.partition("code=")[2].partition("&")[0]
    assert code
    assert code not in str(await entries(ada))


async def test_the_next_login_changes_the_role_and_ends_other_logins_where_there_is_none(
    browser: NewBrowser, world: World, provider: OidcProvider
) -> None:
    desk, phone = await browser(), await browser()
    await desk.log_in("ada")
    provider.people["ada"]["groups"] = ["/staff"]
    await phone.log_in("ada")
    for one in (desk, phone):
        me = await one.me()
        assert me is not None
        assert me["role"] == "viewer"
    provider.people["ada"]["groups"] = ["/others"]
    fault = await phone.log_in("ada")
    assert fault is not None
    assert "no group of yours has a role here" in fault
    assert await desk.me() is None
    assert await phone.me() is None
    assert stored(world, "ada").role == "viewer"


async def test_he_is_known_by_his_subject_whatever_his_name(
    browser: NewBrowser, world: World, provider: OidcProvider
) -> None:
    await (await browser()).log_in("ada")
    provider.people["ada"]["preferred_username"] = "ada.l"
    provider.people["bob"]["preferred_username"] = "ada"
    renamed, other = await browser(), await browser()
    await renamed.log_in("ada")
    me = await renamed.me()
    assert me is not None
    assert me["name"] == "ada"
    fault = await other.log_in("bob")
    assert fault is not None
    assert "another user 'ada'" in fault
    assert "patchwatch users remove ada" in fault
    assert world.names(keys.USERS) == ["ada"]


async def test_nobody_becomes_a_user_with_a_password_by_having_his_name(
    browser: NewBrowser, people: People, world: World
) -> None:
    people.user("ada", "viewer")
    refused = await browser()
    assert await refused.log_in("ada") is not None
    assert stored(world, "ada").identity is None
    linked = await browser(oidc_link_users=True)
    assert await linked.log_in("ada") is None
    user = stored(world, "ada")
    assert user.identity is not None
    assert user.password_hash is None
    assert user.role == "admin"
    assert (await log_in(linked.client, "ada")).status_code == 401  # his password opens nothing any more


async def test_a_user_who_is_locked_out_or_removed_here_stays_so(
    browser: NewBrowser, people: People, provider: OidcProvider
) -> None:
    people.user("root", "admin")
    root, bob = await browser(), await browser()
    await log_in(root.client, "root")
    await bob.log_in("bob")
    await root.client.patch("/api/v1/users/bob", json={"disabled": True})
    fault = await bob.log_in("bob")
    assert fault is not None
    assert "locked out" in fault
    await root.client.patch("/api/v1/users/bob", json={"disabled": False})
    assert await bob.log_in("bob") is None
    await root.client.delete("/api/v1/users/bob")
    assert await bob.me() is None
    del provider.people["bob"]["groups"]
    assert await bob.log_in("bob") is not None
    assert (await root.client.get("/api/v1/users/bob")).status_code == 404


async def test_a_login_ends_after_its_hours_however_much_it_is_used(browser: NewBrowser) -> None:
    ada = await browser(oidc_session_hours=2)
    await ada.log_in("ada")
    (session,) = (await ada.client.get("/api/v1/sessions")).json()["sessions"]
    lasts_s = (_time(session["expires"]) - _time(session["created"])) / 1000
    assert lasts_s == 7200


def _time(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp() * 1000


async def test_passwords_can_be_turned_off(browser: NewBrowser, people: People) -> None:
    people.user("root", "admin")
    away = await browser(password_login=False)
    assert (await away.client.get("/api/v1/login")).json()["password"] is False
    refused: httpx.Response = await log_in(away.client, "root")
    assert refused.status_code == 403
    assert "PATCHWATCH_PASSWORD_LOGIN" in refused.json()["detail"]
    first = {"code": "c", "name": "eve", "password": PASSWORD}
    assert (await away.client.post("/api/v1/setup", json=first)).status_code == 403
    assert await away.log_in("ada") is None


async def test_only_the_cameras_of_the_claim_are_seen(
    browser: NewBrowser, world: World, provider: OidcProvider
) -> None:
    world.camera("gate")
    world.camera("yard")
    bob = await browser(oidc_cameras_claim="cameras")
    await bob.log_in("bob")
    assert [one["id"] for one in (await bob.client.get("/api/v1/cameras")).json()["cameras"]] == ["gate"]
    del provider.people["bob"]["cameras"]
    await bob.log_in("bob")
    assert (await bob.client.get("/api/v1/cameras")).json()["cameras"] == []
    provider.people["bob"]["cameras"] = "*"
    await bob.log_in("bob")
    me = await bob.me()
    assert me is not None
    assert me["cameras"] is None


async def test_claims_that_are_in_no_token_are_asked_for(browser: NewBrowser, provider: OidcProvider) -> None:
    provider.tells_when_asked = ("groups", "preferred_username")
    ada = await browser()
    assert await ada.log_in("ada") is None
    me = await ada.me()
    assert me is not None
    assert (me["name"], me["role"]) == ("ada", "admin")
    assert "userinfo" in provider.asked


async def test_the_cookies_are_those_of_the_address_by_which_a_browser_sees_us(browser: NewBrowser) -> None:
    base = "https://home.example/cams"
    made = await browser(
        "http://127.0.0.1", {"Origin": "https://home.example", "X-Forwarded-Prefix": "/cams"}, public_url=base
    )
    begun = await made.client.post("/api/v1/oidc/logins")
    kept = begun.headers["set-cookie"]
    assert "Secure" in kept
    assert "HttpOnly" in kept
    assert "SameSite=lax" in kept
    assert "Path=/cams/" in kept
    url = begun.json()["url"]
    assert "redirect_uri=https%3A%2F%2Fhome.example%2Fcams%2Fapi%2Fv1%2Foidc%2Fcallback" in url
    back = made.provider.approved(url, "ada").replace(base, "http://127.0.0.1")
    cookie = {"Cookie": kept.partition(";")[0]}
    answer = await made.client.get(back, headers=cookie)
    assert answer.headers["location"] == "/cams/"
    session = next(one for one in answer.headers.get_list("set-cookie") if one.startswith("patchwatch="))
    assert "Secure" in session
    assert "SameSite=strict" in session
    assert "Path=/cams/" in session


async def test_without_a_provider_there_is_nothing_to_log_in_at(api: httpx.AsyncClient) -> None:
    origin = {"Origin": "http://127.0.0.1"}
    assert (await api.post("/api/v1/oidc/logins", headers=origin)).status_code == 404
    assert (await api.get("/api/v1/oidc/callback?code=a&state=b")).status_code == 404
