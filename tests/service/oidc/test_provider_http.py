"""How near the provider may be: anywhere, if the settings say so; what its documents name, no nearer than that."""

from __future__ import annotations

import pytest

from patchwatch.contract.errors import DestinationForbiddenError
from service.oidc.provider_http import ProviderHttp

PUBLIC, PRIVATE, LOOPBACK, METADATA = "8.8.8.8", "192.168.1.7", "127.0.0.1", "169.254.169.254"


@pytest.mark.parametrize(
    ("issuer", "allowed", "refused"),
    [
        (PUBLIC, [PUBLIC], [PRIVATE, LOOPBACK, METADATA]),
        (PRIVATE, [PUBLIC, PRIVATE], [LOOPBACK, METADATA]),
        (LOOPBACK, [PUBLIC, PRIVATE, LOOPBACK], [METADATA]),
    ],
)
def test_endpoints_are_no_nearer_than_the_issuer(issuer: str, allowed: list[str], refused: list[str]) -> None:
    http = ProviderHttp("https://login.example")
    assert http._judge("login.example", [issuer, METADATA]) == [issuer]
    assert [http._judge("keys.example", [address]) for address in allowed] == [[address] for address in allowed]
    for address in refused:
        with pytest.raises(DestinationForbiddenError):
            http._judge("keys.example", [address])


def test_before_the_issuer_was_asked_only_public_addresses_are() -> None:
    with pytest.raises(DestinationForbiddenError, match="nearer"):
        ProviderHttp("https://login.example")._judge("keys.example", [PRIVATE])


def test_an_issuer_in_the_surroundings_of_this_machine_is_never_asked() -> None:
    with pytest.raises(DestinationForbiddenError, match="never asked"):
        ProviderHttp("https://login.example")._judge("login.example", [METADATA])
