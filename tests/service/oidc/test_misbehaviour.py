"""Providers and browsers that do what they should not: nobody comes in, and the words say what to do."""

from __future__ import annotations

import time
from typing import Any

import pytest
from oidc_browser import NewBrowser
from oidc_provider import OidcProvider
from service_world import World

from patchwatch.bus import keys
from service.oidc import provider as known_provider
from service.store.access.login_attempts import MOST_BY_ADDRESS

OTHER = "https://other.example"


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"nonce": "of another login"}, "does not belong to this login"),
        ({"nonce": None}, "lacks nonce|does not belong to this login"),
        ({"aud": "another application"}, "PATCHWATCH_OIDC_CLIENT_ID"),
        ({"aud": ["patchwatch-cameras", "another"]}, "lacks azp"),
        ({"aud": ["patchwatch-cameras", "another"], "azp": "another"}, "given to another application"),
        ({"iss": OTHER}, "PATCHWATCH_OIDC_ISSUER"),
        ({"exp": int(time.time()) - 3600}, "set by NTP"),
        ({"iat": int(time.time()) + 3600}, "set by NTP"),
        ({"nbf": int(time.time()) + 3600}, "set by NTP"),
        ({"exp": "soon"}, "set by NTP"),
        ({"exp": None}, "set by NTP"),
        ({"sub": None}, "lacks sub"),
        ({"sub": 7}, "its sub is wrong"),
        ({"sub": "x" * 300}, "255 characters"),
        ({"at_hash": "of another token"}, "access token"),
    ],
)
async def test_a_token_that_says_something_else_lets_nobody_in(
    browser: NewBrowser, world: World, provider: OidcProvider, claims: dict[str, Any], words: str
) -> None:
    provider.claims = claims
    eve = await browser()
    fault = await eve.log_in("ada")
    assert fault is not None
    assert any(one in fault for one in words.split("|")), fault
    assert await eve.me() is None
    assert world.names(keys.USERS) == []


async def test_a_clock_that_is_less_than_a_minute_apart_keeps_nobody_out(
    browser: NewBrowser, provider: OidcProvider
) -> None:
    provider.claims = {"iat": int(time.time()) + 40, "nbf": int(time.time()) + 40}
    assert await (await browser()).log_in("ada") is None


async def test_a_token_without_a_signature_or_by_another_key_lets_nobody_in(
    browser: NewBrowser, provider: OidcProvider
) -> None:
    eve = await browser()
    provider.unsigned = True
    fault = await eve.log_in("ada")
    assert fault is not None
    assert "its signature is not valid" in fault
    provider.unsigned, honest = False, provider.key
    provider.change_key()
    provider.shown_keys = [honest]
    fault = await eve.log_in("ada")
    assert fault is not None
    assert "none of its keys has signed it" in fault
    provider.change_key(str(honest.kid))  # and says that it is the honest one
    fault = await eve.log_in("ada")
    assert fault is not None
    assert "BadSignatureError" in fault
    assert await eve.me() is None


async def test_a_secret_that_is_no_signature_lets_nobody_in(browser: NewBrowser, provider: OidcProvider) -> None:
    """A token whose algorithm would take the public key, or the client's secret, for a password."""
    provider.document = {"id_token_signing_alg_values_supported": ["HS256", "none"]}
    eve = await browser()
    answer = await eve.client.post("/api/v1/oidc/logins")
    assert answer.status_code == 503
    assert "have it sign with RS256 or ES256" in answer.json()["detail"]


async def test_a_change_of_keys_is_noticed(
    browser: NewBrowser, provider: OidcProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_provider, "_ASK_AGAIN_S", 0.0)
    ada = await browser()
    assert await ada.log_in("ada") is None
    provider.change_key()
    assert await ada.log_in("ada") is None
    assert provider.asked.count("keys") == 2
    assert provider.asked.count("openid-configuration") == 1


async def test_no_stranger_has_us_ask_for_keys_again_and_again(browser: NewBrowser, provider: OidcProvider) -> None:
    eve = await browser()
    provider.shown_keys = [provider.key]
    provider.change_key()
    for _ in range(3):
        await eve.log_in("ada")
    assert provider.asked.count("keys") == 1  # asked for seconds ago


async def test_a_login_belongs_to_the_browser_that_began_it_and_is_used_once(
    browser: NewBrowser, provider: OidcProvider
) -> None:
    ada, eve = await browser(), await browser()
    stolen = provider.approved(await ada.begin(), "ada")
    await eve.begin()
    await eve.back(stolen)
    fault = await eve.fault()
    assert fault is not None
    assert "another browser" in fault
    kept = dict(ada.client.cookies)
    await ada.back(stolen)
    assert await ada.me() is not None
    again = await browser()
    again.client.cookies.update({name: value for name, value in kept.items() if name.endswith("-oidc")})
    await again.back(stolen)  # with all that the first browser had
    fault = await again.fault()
    assert fault is not None
    assert "does not take the code" in fault
    assert await again.me() is None


@pytest.mark.parametrize("changed", [{"iss": OTHER}, {"iss": ""}])
async def test_an_answer_of_another_provider_is_refused(
    browser: NewBrowser, provider: OidcProvider, changed: dict[str, str]
) -> None:
    fault = await (await browser()).log_in("ada", **changed)
    assert fault is not None
    assert "another provider's" in fault
    assert "token" not in provider.asked


async def test_an_answer_without_a_code_is_refused(browser: NewBrowser) -> None:
    eve = await browser()
    changes: list[dict[str, str]] = [{"code": ""}, {"code": "", "error": "<script>"}, {"state": "x"}, {"state": ""}]
    for changed in changes:
        fault = await eve.log_in("ada", **changed)
        assert fault is not None
        assert "script" not in fault
    assert await eve.me() is None


async def test_a_document_of_another_issuer_is_refused(browser: NewBrowser, provider: OidcProvider) -> None:
    provider.document = {"issuer": provider.issuer + "/"}
    answer = await (await browser()).client.post("/api/v1/oidc/logins")
    assert answer.status_code == 503
    assert f"{provider.issuer}/" in answer.json()["detail"]
    assert "PATCHWATCH_OIDC_ISSUER" in answer.json()["detail"]


@pytest.mark.parametrize("field", ["jwks_uri", "token_endpoint"])
async def test_what_a_document_names_is_asked_by_https_or_nearby_only(
    browser: NewBrowser, provider: OidcProvider, field: str
) -> None:
    provider.document = {field: "http://keys.example/keys"}
    fault = await (await browser()).log_in("ada")
    assert fault is not None
    assert "neither https nor" in fault


async def test_a_wrong_secret_is_named(browser: NewBrowser) -> None:
    fault = await (await browser(oidc_client_secret="wrong")).log_in("ada")
    assert fault is not None
    assert "PATCHWATCH_OIDC_CLIENT_SECRET" in fault


async def test_a_provider_that_is_away_is_not_asked_at_every_request(
    browser: NewBrowser, provider: OidcProvider
) -> None:
    provider.failing = 500
    made = await browser()
    for _ in range(3):
        answer = await made.client.post("/api/v1/oidc/logins")
        assert answer.status_code == 503
        assert "HTTP 500" in answer.json()["detail"]
    assert provider.asked == ["openid-configuration"]


async def test_failed_logins_are_limited_as_wrong_passwords_are(browser: NewBrowser, provider: OidcProvider) -> None:
    eve = await browser()
    for _ in range(MOST_BY_ADDRESS):
        await eve.log_in("ada", code="guessed")
    fault = await eve.log_in("ada")
    assert fault is not None
    assert "wait" in fault
    assert provider.asked.count("token") == MOST_BY_ADDRESS


async def test_a_foreign_page_begins_no_login_and_a_program_without_origin_neither(browser: NewBrowser) -> None:
    made = await browser()
    foreign = await made.client.post("/api/v1/oidc/logins", headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    del made.client.headers["Origin"]
    assert (await made.client.post("/api/v1/oidc/logins")).status_code == 403
