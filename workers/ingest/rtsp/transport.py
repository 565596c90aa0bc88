"""The Transport header (RFC 2326, 12.39): how a track's packets are delivered."""

from __future__ import annotations

from dataclasses import dataclass

from workers.rtsp import parameters
from workers.rtsp.message import printable

_PROFILES = ("RTP/AVP", "RTP/AVPF")  # AVPF adds feedback, which a sender can do without.
_MODE = "mode=record"


@dataclass(frozen=True, slots=True)
class Transport:
    """One transport that a publisher offers. ``pair`` is for RTP and RTCP: interleaved channels over TCP, the
    publisher's ports over UDP; None where the server may choose."""

    profile: str
    tcp: bool
    pair: tuple[int, int] | None

    def over_channels(self, pair: tuple[int, int]) -> str:
        """The header's value in our response."""
        return f"{self.profile}/TCP;unicast;interleaved={pair[0]}-{pair[1]};{_MODE}"

    def over_ports(self, server_ports: tuple[int, int]) -> str:
        """The header's value in our response."""
        assert self.pair is not None
        client_port = f"client_port={self.pair[0]}-{self.pair[1]}"
        return f"{self.profile};unicast;{client_port};server_port={server_ports[0]}-{server_ports[1]};{_MODE}"


def parse_transports(header: str) -> list[Transport]:
    """The supported ones, in the publisher's order: RTP over TCP, or over UDP from ports that it names."""
    transports = (_parse(text) for text in parameters.split(header, ","))
    return [transport for transport in transports if transport is not None]


def _parse(text: str) -> Transport | None:
    protocol, *rest = parameters.split(text, ";") or [""]
    values = parameters.pairs(rest)
    profile, lower = _profile(protocol)
    tcp = lower == "TCP" or (not lower and "interleaved" in values)
    pair = _pair(values.get("interleaved" if tcp else "client_port", ""), 255 if tcp else 65_535)
    if profile not in _PROFILES or lower not in ("", "TCP", "UDP") or "multicast" in values or not (tcp or pair):
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
