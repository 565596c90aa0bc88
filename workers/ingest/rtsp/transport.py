"""The Transport header: how a track's packets come."""

from __future__ import annotations

from dataclasses import dataclass

from workers.ingest.rtsp import parameters
from workers.ingest.rtsp.message import printable

_PROFILES = ("RTP/AVP", "RTP/AVPF")  # the second adds feedback, which a sender can do without
_MODE = "mode=record"


@dataclass(frozen=True, slots=True)
class Transport:
    """One way that a publisher offers. Over TCP ``pair`` are interleaved channels, over UDP the publisher's ports: RTP,
    RTCP; None where the choice is ours."""

    profile: str
    tcp: bool
    pair: tuple[int, int] | None

    def over_channels(self, pair: tuple[int, int]) -> str:
        """The header's value in our answer."""
        return f"{self.profile}/TCP;unicast;interleaved={pair[0]}-{pair[1]};{_MODE}"

    def over_ports(self, ours: tuple[int, int]) -> str:
        """The header's value in our answer."""
        assert self.pair is not None
        theirs = f"client_port={self.pair[0]}-{self.pair[1]}"
        return f"{self.profile};unicast;{theirs};server_port={ours[0]}-{ours[1]};{_MODE}"


def offered(header: str) -> list[Transport]:
    """What can be taken, in the publisher's order: RTP over TCP, or over UDP from ports that it names."""
    ways = (_way(text) for text in parameters.split(header, ","))
    return [way for way in ways if way is not None]


def _way(text: str) -> Transport | None:
    protocol, *rest = parameters.split(text, ";") or [""]
    given = parameters.pairs(rest)
    profile, lower = _profile(protocol)
    tcp = lower == "TCP" or (not lower and "interleaved" in given)
    pair = _pair(given.get("interleaved" if tcp else "client_port", ""), 255 if tcp else 65_535)
    if profile not in _PROFILES or lower not in ("", "TCP", "UDP") or "multicast" in given or not (tcp or pair):
        return None
    return Transport(profile, tcp, pair)


def _profile(protocol: str) -> tuple[str, str]:
    first, _, rest = protocol.upper().partition("/")
    second, _, lower = rest.partition("/")
    return printable(f"{first.strip()}/{second.strip()}"), lower.strip()


def _pair(text: str, most: int) -> tuple[int, int] | None:
    first, dash, second = (part.strip() for part in text.partition("-"))
    if not _is_number(first) or (dash and not _is_number(second)):
        return None
    pair = int(first), int(second) if dash else int(first) + 1
    return pair if pair[0] != pair[1] and max(pair) <= most else None


def _is_number(text: str) -> bool:
    return len(text) <= 5 and text.isascii() and text.isdigit()
