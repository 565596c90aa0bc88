"""What browsers, monitors and proxies expect of every answer."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import websockets
from fastapi.routing import APIRoute
from service_world import Serve, World

from patchwatch.contract.errors import ConfigurationError
from patchwatch.contract.settings import Settings, load_settings
from service.app import create_app
from service.middleware.headers import policy

PAGE = Path(__file__).parents[2] / "service" / "page"


@asynccontextmanager
async def client_of(settings: Settings, client: tuple[str, int] = ("127.0.0.1", 1)) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings)
    transport = httpx.ASGITransport(app=app, client=client)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as api:
        yield api
    await app.state.context.store.bus.aclose()


async def test_head_answers_as_get_without_the_body(api: httpx.AsyncClient, world: World) -> None:
    world.camera()
    for role in ("ingest", "inference"):
        world.beat(role)
    paths = ["/", "/healthz", "/readyz", "/metrics", "/docs", "/redoc", "/page/main.js", "/openapi.json", "/nothing"]
    paths += ["/api/v1/cameras", "/api/v1/cameras/gate", "/api/v1/cameras/nobody", "/api/v1/alerts"]
    for path in paths:
        got, head = await api.get(path), await api.head(path)
        assert head.status_code == got.status_code, path
        assert head.content == b""
        assert head.headers["content-type"] == got.headers["content-type"]


async def test_head_of_what_cannot_be_fetched_is_refused(api: httpx.AsyncClient) -> None:
    assert (await api.head("/api/v1/webhooks/home/test")).status_code == 405


async def test_every_answer_forbids_foreign_pages(api: httpx.AsyncClient, world: World) -> None:
    world.camera()
    for path in ("/", "/docs", "/redoc", "/page/main.js", "/documentation/swagger-ui.css", "/api/v1/cameras",
                 "/api/v1/cameras/gate/snapshot.jpg", "/openapi.json", "/healthz", "/nothing"):  # fmt: skip
        headers = (await api.get(path)).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert "default-src" in headers["content-security-policy"]
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"


def test_no_page_may_run_foreign_or_inline_scripts() -> None:
    for path in ("/", "/docs", "/redoc", "/page/main.js", "/api/v1/cameras"):
        script = re.search(r"script-src ([^;]*)", policy(path))
        assert script is None, "the default holds"
        assert re.match(r"default-src '(self|none)';", policy(path))


@pytest.mark.parametrize("name", ["index.html", "docs.html", "redoc.html"])
def test_pages_name_their_files_relatively(name: str) -> None:
    text = (PAGE / name).read_text()
    named = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert named
    assert all(not one.startswith(("/", "http")) for one in named)
    assert "<script>" not in text
    assert "http" not in re.sub(r"<!--.*?-->", "", text)


def test_scripts_name_no_path_from_the_root() -> None:
    for script in PAGE.glob("*.js"):
        assert not re.search(r"""["'`]/(page|api|docs)""", script.read_text()), script.name


async def test_the_documentation_is_served_locally(api: httpx.AsyncClient) -> None:
    for path in ("/docs", "/redoc"):
        page = await api.get(path)
        assert page.status_code == 200
        for name in re.findall(r'(?:src|href)="([^"]*)"', page.text):
            assert (await api.get(f"/{name}")).status_code == 200, name


# Behind a proxy


@pytest.mark.parametrize("stripped", [True, False], ids=["stripping", "not stripping"])
@pytest.mark.parametrize("how", ["setting", "header"])
async def test_links_begin_with_the_proxys_path(settings: Settings, world: World, stripped: bool, how: str) -> None:
    world.camera()
    for at_ms in (1000, 2000):
        world.alert(at_ms)
    known = settings.model_copy(update={"public_url": "https://home.example/cams"}) if how == "setting" else settings
    headers = {"X-Forwarded-Prefix": "/cams/"} if how == "header" else {}
    base = "" if stripped else "/cams"
    async with client_of(known) as api:
        api.headers.update(headers)
        listed = (await api.get(f"{base}/api/v1/alerts?limit=1")).json()
        assert listed["next"].startswith("/cams/api/v1/alerts?")
        assert listed["alerts"][0]["snapshot"].startswith("/cams/api/v1/alerts/")
        assert listed["alerts"][0]["explanation"].startswith("/cams/api/v1/alerts/")
        scores = (await api.get(f"{base}/api/v1/cameras/gate/scores?from=0&limit=1")).json()
        assert scores["next"] is None or scores["next"].startswith("/cams/api/")
        following = listed["next"] if not stripped else listed["next"].removeprefix("/cams")
        assert len((await api.get(following)).json()["alerts"]) == 1
        made = await api.post(f"{base}/api/v1/cameras", json={"id": "yard"})
        assert made.headers["location"] == "/cams/api/v1/cameras/yard"
        for path in ("/", "/page/main.js", "/docs", "/documentation/swagger-ui.css", "/healthz"):
            assert (await api.get(f"{base}{path}")).status_code == 200
        assert (await api.get(f"{base}/openapi.json")).json()["servers"][0]["url"] == "/cams"


@pytest.mark.parametrize("given", ["//evil.example", "/a\r\nb", "https://evil.example", "/" + "a" * 300, "/<x>", ""])
async def test_a_malformed_prefix_is_ignored(settings: Settings, world: World, given: str) -> None:
    world.alert(1000)
    async with client_of(settings) as api:
        answer = await api.get("/api/v1/alerts", headers={b"X-Forwarded-Prefix": given.encode()})
    assert answer.json()["alerts"][0]["snapshot"].startswith("/api/v1/alerts/")


async def test_a_prefix_of_an_untrusted_client_is_ignored(settings: Settings, world: World) -> None:
    world.alert(1000)
    given = {"X-Forwarded-Prefix": "/cams"}
    trusting = settings.model_copy(update={"trusted_proxies": "10.0.0.0/8, 2001:db8::1"})
    for known, client, believed in (
        (settings, "192.0.2.7", False), (settings, "::ffff:127.0.0.1", True), (settings, "::1", True),
        (trusting, "127.0.0.1", False), (trusting, "10.1.2.3", True), (trusting, "2001:db8::1", True),
    ):  # fmt: skip
        async with client_of(known, (client, 1)) as api:
            link = (await api.get("/api/v1/alerts", headers=given)).json()["alerts"][0]["snapshot"]
        assert link.startswith("/cams/") is believed, client


async def test_a_prefix_does_not_bypass_the_token(settings: Settings) -> None:
    guarded = settings.model_copy(update={"api_token": Settings(api_token="s3cret").api_token})
    async with client_of(guarded) as api:
        for prefix in ("/api", "/cams", "/api/v1", "/page"):
            for path in ("/api/v1/cameras", "/api/api/v1/cameras", "/cams/api/v1/cameras", "/v1/cameras", "/metrics"):
                answer = await api.get(path, headers={"X-Forwarded-Prefix": prefix})
                assert answer.status_code in (401, 404), (prefix, path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("public_url", "home.example"), ("public_url", "https://home.example/a?b"), ("public_url", "ftp://h/"),
        ("public_url", "https://user:pw@home.example"), ("public_url", "https://home.example//"),
        ("trusted_proxies", "home.example"), ("trusted_proxies", "10.0.0.1/8"),
    ],
)  # fmt: skip
def test_a_wrong_address_is_refused_at_start(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"PATCHWATCH_{name.upper()}"):
        load_settings(**{name: value})


def test_the_public_address_ends_without_a_slash() -> None:
    settings = Settings(public_url="https://home.example:8443/cams/")
    assert (settings.public_url, settings.public_path) == ("https://home.example:8443/cams", "/cams")
    assert Settings(public_url="http://[2001:db8::1]:80").public_path == ""


async def test_a_page_at_the_public_address_is_accepted(settings: Settings) -> None:
    known = settings.model_copy(update={"public_url": "https://home.example/cams"})
    async with client_of(known) as api:
        for origin, status in (
            ("https://home.example", 201),
            ("https://evil.example", 403),
            ("http://home.example", 403),
        ):
            body = {"id": f"cam{status}"}
            answer = await api.post("/api/v1/cameras", json=body, headers={"Origin": origin, "Host": "localhost"})
            assert answer.status_code == status, origin


# WebSockets that are refused


async def closed_with(where: str, origin: str | None = None) -> tuple[int, str]:
    async with websockets.connect(f"ws://{where}", origin=origin) as client:  # type: ignore[arg-type]
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await asyncio.wait_for(client.recv(), 10)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


async def test_a_refused_websocket_says_why_where_a_browser_can_read_it(
    serve: Serve, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    where, path = serve(settings), "/api/v1/ws/alerts"
    code, reason = await closed_with(f"{where}{path}", "http://evil.example")
    assert (code, "PATCHWATCH_API_TOKEN" in reason) == (4403, True)
    for query in ("?after=x", "?after=٣-٣", f"?after={'9' * 25}-0"):
        code, reason = await closed_with(f"{where}{path}{query}")
        assert (code, "query.after" in reason) == (4422, True), query
    assert (await closed_with(f"{where}/api/v1/ws/scores?after=gate:٣-٣"))[0] == 4422
    with pytest.raises(websockets.InvalidStatus) as refused:  # longer than what the WebSocket library reads
        await closed_with(f"{where}{path}?camera={'a' * 9000}")
    assert refused.value.response.status_code == 414
    guarded = serve(Settings(redis_url=settings.redis_url, api_token="s3cret"))
    for query in ("", "?token=wrong"):
        code, reason = await closed_with(f"{guarded}{path}{query}")
        assert (code, "token" in reason) == (4401, True)
    away = serve(Settings(redis_url="redis://:hunter2@127.0.0.1:1/0"))
    code, reason = await closed_with(f"{away}{path}")
    assert (code, "Redis" in reason, "hunter2" in reason) == (1013, True, False)
    assert not [record for record in caplog.records if record.name == "uvicorn.error" and record.levelno >= 30]


# Tokens


TOKENS = ["schlüssel-zum-haus-2026", "鍵-鍵-鍵-鍵", "plain-token-of-ascii"]


@pytest.mark.parametrize("token", TOKENS)
async def test_a_token_may_have_any_letters(serve: Serve, settings: Settings, token: str) -> None:
    where = serve(Settings(redis_url=settings.redis_url, api_token=f" {token}\n"))
    async with httpx.AsyncClient(base_url=f"http://{where}") as api:
        header = {b"Authorization": b"Bearer " + token.encode()}
        assert (await api.get("/api/v1/cameras", headers=header)).status_code == 200
        for wrong in (token.encode("ascii", errors="replace") + b"x", b"?" * len(token), token.encode()[:-1]):
            answer = await api.get("/api/v1/cameras", headers={b"Authorization": b"Bearer " + wrong})
            assert answer.status_code == 401
    query = str(httpx.QueryParams(token=token))
    async with websockets.connect(f"ws://{where}/api/v1/ws/alerts?{query}") as client:
        assert "hello" in await client.recv()
    offered = "patchwatch.token." + base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")
    url = f"ws://{where}/api/v1/ws/alerts"
    async with websockets.connect(url, subprotocols=["patchwatch", offered]) as client:  # type: ignore[list-item]
        assert "hello" in await client.recv()
        assert client.subprotocol == "patchwatch"
    for guess in (offered[:-2], "patchwatch.token.", "patchwatch.token.%", offered + "A", "patchwatch"):
        async with websockets.connect(url, subprotocols=["patchwatch", guess]) as client:  # type: ignore[list-item]
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401


async def test_the_message_about_a_missing_token_survives_redaction(settings: Settings) -> None:
    guarded = settings.model_copy(update={"api_token": Settings(api_token="s3cret").api_token})
    async with client_of(guarded) as api:
        detail = (await api.get("/api/v1/cameras")).json()["detail"]
    assert detail.endswith("(a WebSocket: or `token` in the query)")
    assert len(detail.encode()) <= 123, "as much as the end of a WebSocket can say"
    assert "***" not in detail


# What those learn who may not use the API


@pytest.mark.parametrize(
    ("token", "headers", "shown"),
    [
        (None, {"Host": "127.0.0.1:8080"}, True),
        (None, {"Host": "evil.example"}, False),  # a name of theirs that resolves to 127.0.0.1
        ("s3cret", {"Host": "127.0.0.1"}, False),
        ("s3cret", {"Authorization": "Bearer s3cret", "Host": "cams.example"}, True),
    ],
)
async def test_readiness_lists_workers_only_for_those_who_may_use_the_api(
    settings: Settings,
    world: World,
    token: str | None,
    headers: dict[str, str],
    shown: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "service.store.cameras.statuses._SLOW_SCAN_S", 60.0
    )  # a busy machine must not reuse the first answer
    known = Settings(redis_url=settings.redis_url, api_token=token)
    async with client_of(known) as api:
        missing = await api.get("/readyz", headers=headers)
        assert (missing.status_code, "ingest" in missing.json()["detail"]) == (503, True)
        for role in ("ingest", "inference"):
            world.beat(role)
        answer = await api.get("/readyz", headers=headers)
    assert answer.status_code == 200
    assert bool(answer.json()["workers"]) is shown
    assert ('"here"' in answer.text) is shown


async def test_readiness_reveals_nothing_of_redis_without_access() -> None:
    async with client_of(Settings(redis_url="redis://127.0.0.1:1/0")) as api:
        answer = await api.get("/readyz", headers={"Host": "evil.example"})
        assert answer.status_code == 503
        assert "127.0.0.1" not in answer.text


async def test_every_get_route_has_a_head(settings: Settings) -> None:
    app = create_app(settings)
    for route in app.routes:
        if isinstance(route, APIRoute) and "GET" in (route.methods or ()) and "{" not in route.path:
            async with client_of(settings) as api:
                assert (await api.head(route.path)).status_code != 405, route.path
