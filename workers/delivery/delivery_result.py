"""How one attempt ended, and what that means for the alert."""

from __future__ import annotations

import email.utils
import time
from dataclasses import dataclass
from enum import StrEnum

LONGEST_WISH_S = 3600.0  # a receiver's Retry-After is honoured up to here
_WAIT = (408, 425, 429, 502, 503, 504)  # the receiver, or what stands before it, asks for patience


class Kind(StrEnum):
    DELIVERED = "delivered"
    AWAY = "away"  # nobody answers, or asks to wait: no alert would get through now
    FAILED = "failed"  # an error of the receiver, perhaps at this alert alone
    REJECTED = "rejected"  # will never be taken as it is
    GONE = "gone"  # the receiver wants nothing more


@dataclass(frozen=True)
class DeliveryResult:
    """``reason``: for people; holds no address. ``wait_s``: what the receiver asked for."""

    kind: Kind
    reason: str = ""
    wait_s: float | None = None


def result_of(status: int, retry_after: str | None) -> DeliveryResult:
    """Of a receiver's answer."""
    if 200 <= status < 300:
        return DeliveryResult(Kind.DELIVERED)
    if status == 410:
        return DeliveryResult(Kind.GONE, "HTTP 410: the receiver wants nothing more")
    if 300 <= status < 400:
        return DeliveryResult(Kind.REJECTED, f"HTTP {status}: redirects are not followed, set the final address")
    if status in _WAIT:
        return DeliveryResult(Kind.AWAY, f"HTTP {status}", _seconds(retry_after))
    kind = Kind.FAILED if status >= 500 else Kind.REJECTED
    return DeliveryResult(kind, f"HTTP {status}", _seconds(retry_after) if kind is Kind.FAILED else None)


def _seconds(retry_after: str | None) -> float | None:
    """A Retry-After header: seconds, or a date (RFC 9110, 10.2.3). None for anything else."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdecimal():
        return min(float(text[:9]), LONGEST_WISH_S)
    try:
        until_s = email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, until_s - time.time()), LONGEST_WISH_S)
