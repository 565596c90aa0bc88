from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from patchwatch.contract.errors import ConfigurationError, PortTakenError
from patchwatch.contract.settings import Settings
from service.server import address, bind, run

PROGRAM = "from patchwatch.contract.settings import load_settings; from service.server import run; run(load_settings())"


def test_a_taken_port_is_named_with_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTakenError, match=rf"{port} .* PATCHWATCH_PORT"):
            run(Settings(redis_url="redis://127.0.0.1:1", port=port))


def test_an_address_of_another_machine_is_named_with_its_setting() -> None:
    with pytest.raises(ConfigurationError, match="PATCHWATCH_HOST"):
        bind(Settings(host="192.0.2.1"))


def test_a_redis_must_be_configured() -> None:
    with pytest.raises(ConfigurationError, match="PATCHWATCH_REDIS_URL"):
        run(Settings(port=0))


def test_the_address_has_the_port_that_was_chosen() -> None:
    settings = Settings(port=0)
    with bind(settings) as listener:
        assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d+", address(settings, listener))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_service_logs_its_address_and_stops_on_a_signal(number: signal.Signals) -> None:
    code = f"import logging; logging.basicConfig(level='INFO'); {PROGRAM}"
    environment = {**os.environ, "PATCHWATCH_PORT": "0", "PATCHWATCH_REDIS_URL": "redis://127.0.0.1:1"}
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "dashboard" in line)
        base = re.search(r"http://127\.0\.0\.1:\d+", line)[0]  # type: ignore[index]
        assert httpx.get(f"{base}/healthz").status_code == 200
        process.send_signal(number)
        assert process.wait(timeout=120) == 0
