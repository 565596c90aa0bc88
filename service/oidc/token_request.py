"""A code exchanged for tokens (RFC 6749, 4.1.3, with the verifier of RFC 7636)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_token_request

from patchwatch.contract.settings import Settings
from patchwatch.http_client.guarded_http import HttpAnswer
from service.oidc.errors import LoginRefusedError, ProviderError
from service.oidc.provider_http import ProviderHttp, json_object
from service.oidc.provider_metadata import ProviderMetadata

_ADVICE = {
    "invalid_grant": "the provider does not take the code of this login (any more): log in again",
    "invalid_client": (
        "the provider does not know this installation: correct PATCHWATCH_OIDC_CLIENT_ID or "
        "PATCHWATCH_OIDC_CLIENT_SECRET"
    ),
    "unauthorized_client": "the provider does not let this installation log users in by code: allow that there",
}


@dataclass(frozen=True)
class Tokens:
    """What the provider gave; neither is ever kept or shown."""

    id_token: str
    access_token: str


async def exchanged(
    http: ProviderHttp, metadata: ProviderMetadata, settings: Settings, code: str, verifier: str, redirect_uri: str
) -> Tokens:
    """Raises `LoginRefusedError`, `ProviderError`, `OverloadedError`."""
    body = prepare_token_request("authorization_code", redirect_uri=redirect_uri, code=code, code_verifier=verifier)
    headers = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
    url, headers, body = _client(metadata, settings).prepare("POST", metadata.token_endpoint, headers, body)
    answer = await http.exchange("POST", url, headers, body.encode())
    if answer.status != 200:
        raise _refusal(answer)
    found = json_object(answer, metadata.token_endpoint)
    id_token, access_token = found.get("id_token"), found.get("access_token")
    if not isinstance(id_token, str) or not isinstance(access_token, str):
        raise ProviderError("the provider gives no id_token: PATCHWATCH_OIDC_SCOPES has to hold openid")
    return Tokens(id_token, access_token)


def _client(metadata: ProviderMetadata, settings: Settings) -> Any:
    """How we prove to be the application. In the body where that is possible: in the header, providers differ about how
    to write signs."""
    if settings.oidc_client_secret is None:
        return ClientAuth(settings.oidc_client_id, None, "none")
    in_body = "client_secret_post" in metadata.token_endpoint_auth_methods_supported
    method = "client_secret_post" if in_body else "client_secret_basic"
    return ClientAuth(settings.oidc_client_id, settings.oidc_client_secret.get_secret_value().strip(), method)


def _refusal(answer: HttpAnswer) -> LoginRefusedError | ProviderError:
    if answer.status >= 500:
        return ProviderError(f"the provider fails (HTTP {answer.status}): try again in a moment")
    try:
        error = str(json_object(answer, "").get("error"))
    except ProviderError:
        error = ""
    if answer.status == 401:
        error = "invalid_client"
    return LoginRefusedError(
        _ADVICE.get(error, f"the provider refuses this login (HTTP {answer.status}): log in again")
    )
