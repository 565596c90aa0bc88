"""A provider of OpenID Connect on a real socket: discovery, a page to log in at, tokens and keys.

It misbehaves as it is told.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "patchwatch-cameras", "a secret: of & the client %"


def _key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@dataclass
class OidcProvider:
    """``people``: what it says of each subject. ``claims``, ``document`` and ``answer``: what it says otherwise than it
    should, in a token, of itself, and with a code."""

    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, str] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: _key("first"))
    shown_keys: list[RSAKey] | None = None  # None: the one it signs with
    unsigned: bool = False
    tells_when_asked: tuple[str, ...] = ()  # claims that are in no token
    failing: int = 0  # status of every answer, if not 0
    port: int = 0
    asked: list[str] = field(default_factory=list)  # paths
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)
    _access: dict[str, str] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}/realms/home"

    def change_key(self, kid: str = "") -> None:
        """Sign with another one from now on, and show no other."""
        self.key = _key(kid or secrets.token_hex(4))

    def approved(self, url: str, subject: str, **changed: str) -> str:
        """Where a browser is led once somebody has logged in at ``url``."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        code = secrets.token_urlsafe(24)
        self._codes[code] = {**query, "subject": subject}
        back = {"code": code, "state": query["state"], "iss": self.issuer, **self.answer, **changed}
        return f"{query['redirect_uri']}?{urlencode({name: value for name, value in back.items() if value})}"

    def described(self) -> dict[str, Any]:
        base = self.issuer
        return {
            "issuer": base, "authorization_endpoint": f"{base}/authorize", "token_endpoint": f"{base}/token",
            "jwks_uri": f"{base}/keys", "userinfo_endpoint": f"{base}/userinfo",
            "authorization_response_iss_parameter_supported": True, **self.document,
        }  # fmt: skip

    def keys(self) -> dict[str, Any]:
        shown = self.shown_keys if self.shown_keys is not None else [self.key]
        return {"keys": [key.as_dict(private=False) for key in shown]}

    def exchanged(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """The answer to a code."""
        expected = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if authorization != f"Basic {expected}":
            return 401, {"error": "invalid_client"}
        begun = self._codes.pop(form.get("code", ""), None)
        challenge = _text(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if begun is None or (begun["code_challenge"], begun["redirect_uri"]) != (challenge, form.get("redirect_uri")):
            return 400, {"error": "invalid_grant"}
        access = secrets.token_urlsafe(24)
        self._access[access] = begun["subject"]
        return 200, {"access_token": access, "token_type": "Bearer", "id_token": self._id_token(begun, access)}

    def userinfo(self, authorization: str) -> tuple[int, dict[str, Any]]:
        subject = self._access.get(authorization.removeprefix("Bearer "))
        return (401, {}) if subject is None else (200, {"sub": subject, **self.people[subject]})

    def _id_token(self, begun: dict[str, str], access: str) -> str:
        now_s = int(time.time())
        told = {
            name: value for name, value in self.people[begun["subject"]].items() if name not in self.tells_when_asked
        }
        half = hashlib.sha256(access.encode()).digest()[:16]
        claims = {
            "iss": self.issuer, "sub": begun["subject"], "aud": CLIENT_ID, "iat": now_s, "exp": now_s + 300,
            "nonce": begun["nonce"], "at_hash": _text(half), **told, **self.claims,
        }  # fmt: skip
        if self.unsigned:
            header = {"alg": "none", "typ": "JWT"}
            return f"{_text(json.dumps(header).encode())}.{_text(json.dumps(claims).encode())}."
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    provider: OidcProvider


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        provider, parts = self._provider(), urlsplit(self.path)
        name = parts.path.removeprefix("/realms/home/")
        if provider.failing:
            self._json(provider.failing, {})
        elif name == ".well-known/openid-configuration":
            self._json(200, provider.described())
        elif name == "keys":
            self._json(200, provider.keys())
        elif name == "userinfo":
            self._json(*provider.userinfo(self.headers.get("authorization", "")))
        elif name == "authorize":
            self._page(provider)
        else:
            self._json(404, {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        form = {key: values[0] for key, values in parse_qs(body).items()}
        provider = self._provider()
        if provider.failing:
            self._json(provider.failing, {})
            return
        self._json(*provider.exchanged(form, self.headers.get("authorization", "")))

    def _provider(self) -> OidcProvider:
        provider = cast("_Server", self.server).provider
        provider.asked.append(urlsplit(self.path).path.rpartition("/")[2])
        return provider

    def _page(self, provider: OidcProvider) -> None:
        """Buttons in place of passwords."""
        links = "".join(
            f'<p><a href="{html.escape(provider.approved(self.path, subject))}">I am {subject}</a></p>'
            for subject in provider.people
        )
        declined = provider.approved(self.path, next(iter(provider.people)), code="", error="access_denied")
        page = f"<!doctype html><html lang=en><title>Provider</title><h1>Provider</h1>{links}"
        self._send(200, "text/html", f'{page}<a href="{html.escape(declined)}">I decline</a>'.encode())

    def _json(self, status: int, value: dict[str, Any]) -> None:
        self._send(status, "application/json", json.dumps(value).encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def oidc_provider() -> Iterator[OidcProvider]:
    """A provider that knows Ada, an admin, and Bob, who watches."""
    provider = OidcProvider(
        {
            "ada": {"preferred_username": "Ada", "email": "ada@home.example", "groups": ["/admins", "/staff"]},
            "bob": {
                "preferred_username": "bob",
                "email": "bob@home.example",
                "groups": ["/staff"],
                "cameras": ["gate"],
            },
        }
    )
    server = _Server(("127.0.0.1", 0), _Handler)
    server.provider, provider.port = provider, server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
