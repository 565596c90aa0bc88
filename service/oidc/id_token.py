"""The proof of who somebody is: its signature and all that it has to say (OpenID Connect Core 1.0, 3.1.3.7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import (
    ClaimError,
    ExpiredTokenError,
    InvalidKeyIdError,
    JoseError,
    MissingClaimError,
)
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from service.oidc.errors import LoginRefusedError

LEEWAY_S = 60  # that two clocks may be apart
_CLOCKS = (
    "this machine's clock and the provider's are more than a minute apart, or you took too long: have both set by NTP, "
    "then log in again"
)
_REASONS = {
    "iss": "it is another issuer's: see whether PATCHWATCH_OIDC_ISSUER is exactly the provider's issuer",
    "aud": "it is meant for another application: see whether PATCHWATCH_OIDC_CLIENT_ID is the one of Patchwatch",
    "azp": "it was given to another application: see whether PATCHWATCH_OIDC_CLIENT_ID is the one of Patchwatch",
    "nonce": "it does not belong to this login: log in again",
    "at_hash": "it does not belong to the access token that came with it: log in again",
    "exp": _CLOCKS,
    "iat": _CLOCKS,
    "nbf": _CLOCKS,
}


class UnknownKeyError(Exception):
    """The token is signed with a key that is not among those known: the provider may have changed its keys."""


@dataclass(frozen=True)
class Expected:
    """What a token has to say."""

    issuer: str
    client_id: str
    nonce: str
    access_token: str
    now_s: int


def verified_claims(token: str, keys: KeySet, algorithms: list[str], expected: Expected) -> dict[str, Any]:
    """What a token says, once all of it is checked. Raises `LoginRefusedError`, `UnknownKeyError`."""
    registry = JWSRegistry(algorithms=algorithms, strict_check_header=False)
    try:
        signed = jwt.decode(token, keys, registry=registry)
    except InvalidKeyIdError:
        raise UnknownKeyError from None
    except (JoseError, ValueError, TypeError) as error:
        raise _refused(f"its signature is not valid ({type(error).__name__}): see to the provider's keys") from None
    options: Any = {
        "iss": {"essential": True, "value": expected.issuer},
        "aud": {"essential": True, "value": expected.client_id},
        "sub": {"essential": True},
    }
    params = {"nonce": expected.nonce, "client_id": expected.client_id}
    if not str(signed.header.get("alg")).startswith("Ed"):  # for which OpenID Connect names no hash
        params["access_token"] = expected.access_token
    claims = CodeIDToken(signed.claims, signed.header, options, params)
    try:
        claims.validate(now=expected.now_s, leeway=LEEWAY_S)
    except ExpiredTokenError:
        raise _refused(f"it has expired: {_CLOCKS}") from None
    except MissingClaimError as error:
        raise _refused(f"it lacks {error.claim[:100]}: see to the provider's settings for this application") from None
    except ClaimError as error:
        raise _refused(_REASONS.get(error.claim, f"its {error.claim[:100]} is wrong: log in again")) from None
    except (ValueError, TypeError, KeyError):
        raise _refused("it is malformed: see to the provider's settings for this application") from None
    return dict(claims)


def _refused(reason: str) -> LoginRefusedError:
    return LoginRefusedError(f"the provider's word on who you are is not accepted, because {reason}")
