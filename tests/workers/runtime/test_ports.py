"""Ports are checked before anything starts, in words that name the setting."""

from __future__ import annotations

import socket

import pytest

from patchwatch.contract.errors import ConfigurationError, PortTakenError
from workers.runtime.ports import check_free


def test_a_taken_port_names_itself_and_the_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=rf"port {port} on 127\.0\.0\.1.*PATCHWATCH_PORT"):
            check_free("127.0.0.1", port, "PATCHWATCH_PORT")


def test_a_free_port_is_itself_and_zero_is_one_that_is_free() -> None:
    port = check_free("127.0.0.1", 0, "PATCHWATCH_PORT")
    assert port > 0
    assert check_free("127.0.0.1", port, "PATCHWATCH_PORT") == port


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_that_is_not_ours_is_a_configuration_error(host: str) -> None:
    with pytest.raises(ConfigurationError, match="PATCHWATCH_HOST"):
        check_free(host, 8080, "PATCHWATCH_HOST")
