"""What kind of address one is: for webhooks, and for counting clients."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from patchwatch.contract.address_policy import Reach, allowed_addresses, network_of, reach_of
from patchwatch.contract.errors import DestinationForbiddenError


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1", "fd00:ec2::254", "100.100.100.200", "192.0.0.192", "0.0.0.0", "0.1.2.3", "::",
        "224.0.0.1", "ff02::1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "2001:db8::1", "fec0::1",
        "168.63.129.16", "fd00:ec2::23", "fd20:ce::254", "fd00:c1::a9fe:a9fe", "fd00:42::42", "64:ff9b:1::a9fe:a9fe",
        "64:ff9b:1:a9fe:a9:fe00::", "::a9fe:a9fe", "fd12::5efe:a9fe:a9fe", "2001:0:a9fe:a9fe::1",
    ],
)  # fmt: skip
def test_some_addresses_are_never_allowed(address: str) -> None:
    assert reach_of(address) is None
    with pytest.raises(DestinationForbiddenError, match="never"):
        allowed_addresses([address], "loopback")


@pytest.mark.parametrize(
    ("address", "reach"),
    [
        ("93.184.216.34", Reach.PUBLIC), ("2606:4700::1111", Reach.PUBLIC), ("64:ff9b::808:808", Reach.PUBLIC),
        ("10.0.0.5", Reach.PRIVATE), ("172.16.0.1", Reach.PRIVATE), ("192.168.1.4", Reach.PRIVATE),
        ("100.64.0.1", Reach.PRIVATE), ("fd12::1", Reach.PRIVATE), ("::ffff:10.0.0.5", Reach.PRIVATE),
        ("127.0.0.1", Reach.LOOPBACK), ("127.9.9.9", Reach.LOOPBACK), ("::1", Reach.LOOPBACK),
        ("::ffff:127.0.0.1", Reach.LOOPBACK), ("64:ff9b::7f00:1", Reach.LOOPBACK), ("2002:7f00:1::", Reach.LOOPBACK),
    ],
)  # fmt: skip
def test_others_need_their_setting(address: str, reach: Reach) -> None:
    assert reach_of(address) is reach
    for setting in Reach:
        if setting >= reach:
            assert allowed_addresses([address], setting.name.lower()) == [address]
        else:
            with pytest.raises(
                DestinationForbiddenError, match=f"start Patchwatch with PATCHWATCH_WEBHOOK_REACH={reach.name.lower()}"
            ):
                allowed_addresses([address], setting.name.lower())


def test_of_several_addresses_those_allowed_remain() -> None:
    assert allowed_addresses(["127.0.0.1", "10.0.0.5", "169.254.1.1", "93.184.216.34"], "private") == [
        "10.0.0.5",
        "93.184.216.34",
    ]


@settings(deadline=None)
@given(st.ip_addresses(v=4))
def test_an_address_written_in_ipv6_is_judged_as_itself(ip: ipaddress.IPv4Address) -> None:
    assert (
        reach_of(f"::ffff:{ip}")
        == reach_of(str(ip))
        == reach_of(str(ipaddress.IPv6Address((0x64FF9B << 96) + int(ip))))
    )


# They carry IPv4 addresses, by which alone they are judged; Python versions differ over which of them are global.
CARRIERS = [
    ipaddress.ip_network(text)
    for text in ("::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16")
]


@settings(deadline=None)
@given(st.ip_addresses())
@example(ipaddress.ip_address("64:ff9b:1:9c80:d789:1a9c:b00:0"))
@example(ipaddress.ip_address("2001:0:9b7b:6a6b:eb67:14fd:3bdc:f50f"))
@example(ipaddress.ip_address("2002:808:808::1"))
@example(ipaddress.ip_address("2001:db8::5efe:808:808"))
def test_whatever_is_allowed_as_public_is_global(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if reach_of(str(ip)) is Reach.PUBLIC:
        assert ip.is_global or any(ip in network for network in CARRIERS)


@pytest.mark.parametrize("address", ["fd12:3456::5efe:808:808", "fc00::200:5efe:808:808"])
def test_a_private_host_is_not_public_because_its_address_ends_like_one_of_isatap(address: str) -> None:
    assert reach_of(address) is Reach.PRIVATE


def test_an_address_is_one_client_and_a_network_of_ipv6_too() -> None:
    assert network_of("192.0.2.7") == network_of("::ffff:192.0.2.7") != network_of("192.0.2.8")
    assert network_of("2001:db8::1") == network_of("2001:db8::2:0:0:1") != network_of("2001:db8:0:1::1")
    assert network_of("fe80::1%eth0") == network_of("fe80::2")


def test_what_is_no_address_is_itself() -> None:
    assert (network_of(""), network_of("?")) == ("", "?")
