"""Who can reach the service, and whether that is allowed."""

from __future__ import annotations

import ipaddress
import re

from patchwatch.contract.errors import ConfigurationError
from patchwatch.contract.settings import Settings

_LEAST_TOKEN = 16  # characters; a shorter one can be guessed by trying
_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")
_HOW = "set it to a long random text, for example the output of `openssl rand -hex 32`, or unset it"


def is_loopback(host: str) -> bool:
    """Whether an address or name is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_token(settings: Settings) -> None:
    """Raises `ConfigurationError` for a token that no client could send, or that is too easy to guess."""
    token = None if settings.api_token is None else settings.api_token.get_secret_value()
    if token is None:
        return
    if not token:
        raise ConfigurationError(f"PATCHWATCH_API_TOKEN is empty: {_HOW}")
    if not _TOKEN.fullmatch(token):
        raise ConfigurationError(
            "PATCHWATCH_API_TOKEN holds a blank, a line break or a character beyond ASCII, which no header can carry: "
            f"{_HOW}"
        )
    if len(token) < _LEAST_TOKEN:
        raise ConfigurationError(
            f"PATCHWATCH_API_TOKEN has {len(token)} characters, of at least {_LEAST_TOKEN}: {_HOW}"
        )


def asks_everybody(settings: Settings) -> bool:
    """Whether the service is open to nobody without a token or a login: others can reach it, there is a token, or a
    provider says who somebody is."""
    return settings.api_token is not None or settings.oidc_issuer is not None or not is_loopback(settings.host)
