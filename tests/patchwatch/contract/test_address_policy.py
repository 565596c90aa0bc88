"""What counts as one client."""

from __future__ import annotations

from patchwatch.contract.address_policy import network_of


def test_an_address_is_one_client_and_a_network_of_ipv6_too() -> None:
    assert network_of("192.0.2.7") == network_of("::ffff:192.0.2.7") != network_of("192.0.2.8")
    assert network_of("2001:db8::1") == network_of("2001:db8::2:0:0:1") != network_of("2001:db8:0:1::1")
    assert network_of("fe80::1%eth0") == network_of("fe80::2")


def test_what_is_no_address_is_itself() -> None:
    assert (network_of(""), network_of("?")) == ("", "?")
