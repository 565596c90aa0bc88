"""Defaults that depend on the machine, and checks of settings that are addresses. Checks raise `ValueError`."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs
from pydantic import SecretStr

from patchwatch.contract.setting_parts.sentinel_address import SentinelAddress

_NO_HOME = Path("/nonexistent/patchwatch")
_REDIS_SCHEMES = ("redis", "rediss", "unix")
_PAGE_ADDRESS = re.compile(
    r"https?://([A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(:[0-9]{1,5})?(/[A-Za-z0-9._~-]{1,255}){0,16}/?"
)

_STORAGE_URL = re.compile(
    r"(?:(?:s3|gs|az)://[A-Za-z0-9][A-Za-z0-9._-]{1,62}|file://)(?:/[A-Za-z0-9._~=+-]{1,255}){0,16}/?"
)


def default_data_dir() -> Path:
    """A user without a home folder, as in containers with an arbitrary user id, has to name one (`check_data_dir`)."""
    return _in_home(platformdirs.user_data_dir) or _NO_HOME


def default_weights_dir(values: dict[str, Any]) -> Path:
    """In the user's cache, or in the data folder where there is no home folder."""
    cache = _in_home(platformdirs.user_cache_dir)
    return (cache or values.get("data_dir", _NO_HOME)) / "weights"


def check_data_dir(value: Path) -> Path:
    """The folder itself. Raises `ValueError` where none is named and there is no home folder."""
    if value == _NO_HOME:
        raise ValueError("there is no home folder to keep data in (HOME is not set): name a folder")
    return value


def check_redis_url(value: str) -> None:
    """Raises `ValueError` for what is no address of a Redis, without repeating it."""
    try:
        readable = _is_redis_address(value)
    except ValueError:  # its own message would show the password
        readable = False
    if not readable:
        raise ValueError(
            "is not an address like redis://HOST:6379/0, rediss://HOST:6379/0, unix:///PATH or "
            "redis+sentinel://HOST:26379,HOST:26379/NAME/0 (in a password, write @ as %40, : as %3A, / as %2F, # as "
            "%23, ? as %3F and % as %25)"
        )


def check_page_address(value: str) -> str:
    """The address without a slash at its end."""
    if not _PAGE_ADDRESS.fullmatch(value):
        raise ValueError("is not an address like https://HOST, https://HOST:PORT or https://HOST/PATH")
    return value.rstrip("/")


def server_address(example: str, secret_setting: str | None = None) -> Callable[[str], str]:
    """A check of a server's address by HTTP, which gives it without a slash at its end.

    It raises `ValueError`, without repeating the address, for one that is not like the example, and for one with a
    user, a query or a fragment: a secret goes into ``secret_setting``.
    """

    def check(url: str) -> str:
        try:
            parts = urlsplit(url)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable or not url.isprintable() or " " in url:
            raise ValueError(f"is not an address like {example}")
        if parts.username or parts.password or parts.query or parts.fragment:
            remedy = f": a key goes into {secret_setting}" if secret_setting else ""
            raise ValueError(f"holds more than host and path{remedy}")
        return url.rstrip("/")

    return check


def check_storage_url(value: str) -> str:
    """The address without a slash at its end. Raises `ValueError` for what is no address of a store."""
    if not _STORAGE_URL.fullmatch(value) or ".." in value.split("/"):
        raise ValueError(
            "is not an address like s3://BUCKET/PATH, gs://BUCKET/PATH, az://CONTAINER/PATH or file:///PATH"
        )
    return value.rstrip("/")


def check_networks(value: str) -> str:
    """The text itself. Raises `ValueError` unless it is a comma-separated list of addresses and networks."""
    for part in filter(None, (part.strip() for part in value.split(","))):
        try:
            ipaddress.ip_network(part)
        except ValueError:
            raise ValueError(f"{part!r} is neither an address like 192.0.2.7 nor a network like 192.0.2.0/24") from None
    return value


def _in_home(folder: Callable[[str], str]) -> Path | None:
    try:
        path = Path(folder("patchwatch"))
    except RuntimeError:  # neither HOME nor an entry in passwd
        return None
    return path if path.is_absolute() else None


def _is_redis_address(text: str) -> bool:
    """Whether all parts of the address are well formed. Raises `ValueError` for a port that is not a number.

    An ``@`` after the host, or a fragment, is the rest of a password that was not percent-encoded.
    """
    if SentinelAddress.from_url(text) is not None:
        return True
    parts = urlsplit(text)
    whole = parts.scheme in _REDIS_SCHEMES and not parts.fragment and "@" not in parts.path + parts.query
    if parts.scheme == "unix":
        return whole and parts.path.startswith("/")
    _ = parts.port
    return whole and bool(parts.hostname) and re.fullmatch(r"/?\d{0,5}", parts.path) is not None


def nearest_name(name: str, names: Sequence[str]) -> str | None:
    """The name that has all words of ``name``, or that is spelt nearly the same; None where there is none."""
    words = set(name.split("_"))
    with_all_words = [known for known in names if words <= set(known.split("_"))]
    nearest = with_all_words or difflib.get_close_matches(name, names, n=1)
    return nearest[0] if nearest else None


def as_text(value: object) -> str:
    """A setting's value as a variable of the environment has it."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple):
        return ":".join(str(part) for part in value)
    return str(value)
