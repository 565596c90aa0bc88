"""Who can reach the service, and whether that is allowed."""

from __future__ import annotations

import ipaddress

from patchwatch.errors import ConfigurationError
from patchwatch.settings import Settings


def is_loopback(host: str) -> bool:
    """Whether an address or name is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_exposure(settings: Settings) -> None:
    """Raises `ConfigurationError` when the service would be open to others without a token."""
    if settings.api_token is not None and not settings.api_token.get_secret_value():
        raise ConfigurationError("PATCHWATCH_API_TOKEN is empty: set it to a long random text, or unset it")
    if settings.api_token is None and not is_loopback(settings.host):
        raise ConfigurationError(
            f"PATCHWATCH_HOST={settings.host} is reachable from other machines, but no token is set: set "
            "PATCHWATCH_API_TOKEN (for example to the output of `openssl rand -hex 32`), or PATCHWATCH_HOST=127.0.0.1"
        )
