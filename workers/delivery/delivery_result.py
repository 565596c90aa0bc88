"""How one attempt to deliver ended, and what that means for the alert."""

from __future__ import annotations

import email.utils
import time
from dataclasses import dataclass
from enum import StrEnum

LONGEST_RETRY_AFTER_S = 3600.0  # a receiver's Retry-After is honoured up to here
_UNAVAILABLE = (408, 425, 429, 502, 503, 504)  # the receiver, or a proxy before it, asks us to wait


class ResultKind(StrEnum):
    """What an attempt to deliver came to."""

    DELIVERED = "delivered"
    AWAY = "away"  # nobody answers, or the answer is to wait: no alert would get through now
    FAILED = "failed"  # an error of the receiver, perhaps at this alert alone
    REJECTED = "rejected"  # the receiver will never take it as it is
    GONE = "gone"  # the receiver wants no more alerts


@dataclass(frozen=True)
class DeliveryResult:
    """``reason``: for people; it holds no address. ``wait_s``: how long the receiver asked us to wait."""

    kind: ResultKind
    reason: str = ""
    wait_s: float | None = None

    @classmethod
    def from_status(cls, status: int, retry_after: str | None) -> DeliveryResult:
        """From the status and the Retry-After header of a receiver's answer."""
        if 200 <= status < 300:
            return cls(ResultKind.DELIVERED)
        if status == 410:
            return cls(ResultKind.GONE, "HTTP 410: the receiver wants nothing more")
        if 300 <= status < 400:
            reason = f"HTTP {status}: redirects are not followed, set the final address"
            return cls(ResultKind.REJECTED, reason)
        if status in _UNAVAILABLE:
            return cls(ResultKind.AWAY, f"HTTP {status}", _seconds(retry_after))
        if status >= 500:
            return cls(ResultKind.FAILED, f"HTTP {status}", _seconds(retry_after))
        return cls(ResultKind.REJECTED, f"HTTP {status}")


def _seconds(retry_after: str | None) -> float | None:
    """From a Retry-After header: seconds, or a date (RFC 9110, 10.2.3). None for anything else."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdecimal():
        return min(float(text[:9]), LONGEST_RETRY_AFTER_S)
    try:
        until_s = email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, until_s - time.time()), LONGEST_RETRY_AFTER_S)
