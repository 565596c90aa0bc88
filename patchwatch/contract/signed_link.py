"""Links to pictures and clips that work without a token until they expire: a path, that time, and an HMAC of both.

Whoever has such a link may GET exactly that path, so it names one part of one alert and nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Literal
from urllib.parse import quote

from patchwatch.contract.errors import RejectedError

LinkedPart = Literal["picture.jpg", "clip.mp4", "evidence.zip"]
SECRET_BYTES = 32
LINKS = "/links/alerts/"
_PURPOSE = b"patchwatch link v1\n"  # the secret signs nothing else by the same bytes
_EXPIRES = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")


class LinkRefusedError(RejectedError):
    """A link has expired, or was not made by this installation."""

    code = "link-refused"


def sign(secret: bytes, path: str, expires_at_s: int) -> str:
    """The path with ``?expires=...&signature=...``; ``expires_at_s``: Unix time.

    ``path`` is percent-encoded as it stands in the link, and without the path of a proxy.
    """
    return f"{path}?expires={expires_at_s}&signature={_signature(secret, path, expires_at_s)}"


def alert_link(secret: bytes, alert_id: str, part: LinkedPart, expires_at_s: int) -> str:
    """A signed path to a part of an alert: ``picture.jpg`` is there at once, the others once its evidence is ready."""
    return sign(secret, f"{LINKS}{quote(alert_id, safe='')}/{part}", expires_at_s)


def check(secret: bytes, path: str, expires: str, signature: str, now_s: float) -> None:
    """Raises `LinkRefusedError` unless this installation signed the path, and the time is not over."""
    if not (_EXPIRES.fullmatch(expires) and _SIGNATURE.fullmatch(signature)):
        raise _refusal("it is not whole")
    if not hmac.compare_digest(signature, _signature(secret, path, int(expires))):
        raise _refusal("its signature is not of this installation, or not of this path")
    if now_s >= int(expires):
        raise _refusal("it has expired")


def _refusal(why: str) -> LinkRefusedError:
    return LinkRefusedError(f"the link does not lead here any more, as {why}: take a new one from the alert")


def _signature(secret: bytes, path: str, expires_at_s: int) -> str:
    return hmac.new(secret, _PURPOSE + f"{expires_at_s}\n{path}".encode(), hashlib.sha256).hexdigest()
