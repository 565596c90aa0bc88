"""The provider as we know it: its document and its keys, kept for a while."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet

from service.oidc.errors import ProviderError
from service.oidc.provider_http import ProviderHttp
from service.oidc.provider_metadata import ProviderMetadata

_METADATA_LASTS_S = 3600.0
_KEYS_LAST_S = 900.0  # a key that the provider withdraws is not accepted for longer
_ASK_AGAIN_S = 10.0  # after a failure, or for a key that was not there: no stranger has us ask more often
_MOST_KEYS = 50
_KINDS = ("RSA", "EC", "OKP")


class Provider:
    """Asks at most once at a time. Methods raise `ProviderError`, `OverloadedError`."""

    def __init__(self, issuer: str, http: ProviderHttp) -> None:
        self._issuer = issuer
        self._http = http
        self._one = asyncio.Lock()
        self._metadata: ProviderMetadata | None = None
        self._metadata_at_s = 0.0
        self._failure: ProviderError | None = None
        self._failed_at_s = 0.0
        self._keys: KeySet | None = None
        self._keys_at_s = 0.0

    async def metadata(self) -> ProviderMetadata:
        """What it says of itself, at most an hour old."""
        async with self._one:
            now_s = time.monotonic()
            if self._metadata is not None and now_s - self._metadata_at_s < _METADATA_LASTS_S:
                return self._metadata
            if self._failure is not None and now_s - self._failed_at_s < _ASK_AGAIN_S:
                raise ProviderError(str(self._failure))
            try:
                url = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
                self._metadata = ProviderMetadata.checked(await self._http.get(url), self._issuer)
            except ProviderError as error:
                self._failure, self._failed_at_s = error, time.monotonic()
                raise
            self._metadata_at_s, self._failure = time.monotonic(), None
            return self._metadata

    async def keys(self, metadata: ProviderMetadata, *, renewed: bool = False) -> KeySet:
        """Its public keys, at most a quarter of an hour old. ``renewed``: asked for anew, as after a change of keys."""
        async with self._one:
            age_s = time.monotonic() - self._keys_at_s
            if self._keys is not None and age_s < (_ASK_AGAIN_S if renewed else _KEYS_LAST_S):
                return self._keys
            self._keys = _key_set(await self._http.get(metadata.jwks_uri))
            self._keys_at_s = time.monotonic()
            return self._keys


def _key_set(document: dict[str, Any]) -> KeySet:
    """Those that can verify a signature; others are left out (RFC 7517, section 5). Raises `ProviderError`."""
    listed = document.get("keys")
    entries = listed[:_MOST_KEYS] if isinstance(listed, list) else []
    keys = [key for entry in entries if (key := _key(entry)) is not None]
    if not keys:
        raise ProviderError("the provider shows no key that it could have signed with: see to its signing keys")
    return KeySet(keys)


def _key(entry: Any) -> Key | None:
    if not isinstance(entry, dict) or entry.get("kty") not in _KINDS or entry.get("use", "sig") != "sig":
        return None
    try:
        return JWKRegistry.import_key(entry)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
