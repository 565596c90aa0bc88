"""A login at the provider: begun, and finished by the same browser."""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from redis.asyncio import Redis

from patchwatch.contract.settings import Settings
from service.oidc.errors import LoginRefusedError, ProviderError
from service.oidc.id_token import Expected, UnknownKeyError, verified_claims
from service.oidc.provider import Provider
from service.oidc.provider_http import ProviderHttp
from service.oidc.provider_metadata import ProviderMetadata
from service.oidc.provider_user import claim, names_needed
from service.oidc.seal import Seal
from service.oidc.token_request import Tokens, exchanged

LOGIN_LASTS_S = 600
FAULT_LASTS_S = 120
CALLBACK = "/api/v1/oidc/callback"
_LOGIN, _FAULT = "begun", "fault"
_ERROR = re.compile(r"[a-z_]{1,50}")


class Begun(BaseModel):
    """What the browser that began a login brings back, sealed. ``redirect_uri``: where the provider leads it to."""

    model_config = ConfigDict(frozen=True)

    state: str = Field(max_length=100)
    nonce: str = Field(max_length=100)
    verifier: str = Field(max_length=128)
    redirect_uri: str = Field(max_length=1000)

    @property
    def secure(self) -> bool:
        """Whether the browser sees us by https."""
        return self.redirect_uri.startswith("https://")


@dataclass(frozen=True)
class Callback:
    """What a provider's redirect brings; empty where it brings nothing."""

    code: str = ""
    state: str = ""
    issuer: str = ""
    error: str = ""


class ProviderLogin:
    """One per service process with a provider. Methods raise `LoginRefusedError`, `ProviderError`, `OverloadedError`
    and `BusUnavailableError`."""

    def __init__(self, settings: Settings, issuer: str, bus: Redis) -> None:
        self._settings = settings
        self._http = ProviderHttp(issuer)
        self._provider = Provider(issuer, self._http)
        self._seal = Seal(bus)

    async def begin(self, base: str, now_s: int) -> tuple[str, str]:
        """The address to lead the browser to, and what it has to keep. ``base``: where it sees us."""
        metadata = await self._provider.metadata()
        begun = Begun(
            state=secrets.token_urlsafe(32), nonce=secrets.token_urlsafe(32), verifier=secrets.token_urlsafe(48),
            redirect_uri=base + CALLBACK,
        )  # fmt: skip
        url = prepare_grant_uri(
            metadata.authorization_endpoint, self._settings.oidc_client_id, "code", begun.redirect_uri,
            self._settings.oidc_scopes, begun.state, nonce=begun.nonce, code_challenge_method="S256",
            code_challenge=create_s256_code_challenge(begun.verifier),
        )  # fmt: skip
        return str(url), await self._seal.closed(_LOGIN, begun.model_dump(), now_s)

    async def begun(self, sealed: str, callback: Callback, now_s: int) -> Begun:
        """The login that a callback belongs to. Raises `LoginRefusedError` where this browser did not begin it."""
        opened = await self._seal.opened(_LOGIN, sealed, LOGIN_LASTS_S, now_s)
        try:
            begun = Begun.model_validate(opened) if opened is not None else None
        except ValidationError:
            begun = None
        if begun is None or not hmac.compare_digest(begun.state.encode(), callback.state.encode()):
            raise LoginRefusedError(
                "this login was begun in another browser or tab, or more than ten minutes ago, or is used already: log "
                "in again"
            )
        return begun

    async def claims(self, begun: Begun, callback: Callback, now_s: int) -> dict[str, Any]:
        """What the provider says of who has logged in there."""
        metadata = await self._provider.metadata()
        _check_callback(callback, metadata)
        tokens = await exchanged(
            self._http, metadata, self._settings, callback.code, begun.verifier, begun.redirect_uri
        )
        client_id = self._settings.oidc_client_id or ""
        expected = Expected(metadata.issuer, client_id, begun.nonce, tokens.access_token, now_s)
        claims = await self._verified(tokens.id_token, metadata, expected)
        return await self._completed(claims, metadata, tokens)

    async def sealed_fault(self, words: str, now_s: int) -> str:
        """Why a login failed, for the browser to bring along when it asks how to log in."""
        return await self._seal.closed(_FAULT, {"words": words[:800]}, now_s)

    async def fault(self, sealed: str, now_s: int) -> str | None:
        opened = await self._seal.opened(_FAULT, sealed, FAULT_LASTS_S, now_s) if sealed else None
        return str(opened["words"]) if opened else None

    async def _verified(self, token: str, metadata: ProviderMetadata, expected: Expected) -> dict[str, Any]:
        try:
            return verified_claims(token, await self._provider.keys(metadata), metadata.algorithms, expected)
        except UnknownKeyError:
            renewed = await self._provider.keys(metadata, renewed=True)
        try:
            return verified_claims(token, renewed, metadata.algorithms, expected)
        except UnknownKeyError:
            raise LoginRefusedError(
                "the provider's word on who you are is not accepted, because none of its keys has signed it: try again "
                "in a moment; if that does not help, see to the provider's keys"
            ) from None

    async def _completed(self, claims: dict[str, Any], metadata: ProviderMetadata, tokens: Tokens) -> dict[str, Any]:
        """With the claims that the provider tells only when it is asked; what the token says counts before that."""
        missing = [name for name in names_needed(self._settings) if claim(claims, name) is None]
        if not missing or metadata.userinfo_endpoint is None:
            return claims
        more = await self._http.get(metadata.userinfo_endpoint, tokens.access_token)
        if more.get("sub") != claims["sub"]:
            raise ProviderError("the provider tells of another user than the one who logged in: see to its settings")
        return {**more, **claims}


def _check_callback(callback: Callback, metadata: ProviderMetadata) -> None:
    """Raises `LoginRefusedError` for an answer of another issuer (RFC 9207), a refusal, or none."""
    if (callback.issuer or metadata.authorization_response_iss_parameter_supported) and (
        callback.issuer != metadata.issuer
    ):
        raise LoginRefusedError(
            "the answer is another provider's than the one that was asked: log in again, and begin at this page"
        )
    if callback.error == "access_denied":
        raise LoginRefusedError(
            "the provider says that you declined, or may not use this application: log in again, or have somebody "
            "assign you to it there"
        )
    if callback.error or not callback.code:
        named = callback.error if _ERROR.fullmatch(callback.error) else "no code"
        raise LoginRefusedError(f"the provider refuses this login ({named}): see to its settings for this application")
