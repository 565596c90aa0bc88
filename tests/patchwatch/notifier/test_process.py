"""The process that writes and sends a message ends, whatever is asked of it, and holds to the address policy."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import Any

import pytest

from patchwatch.notifier import process
from patchwatch.notifier.context import sample_context
from patchwatch.notifier.process import run_message
from patchwatch.notifier.protocol import MessageOrder, MessageReport


async def checked(**fields: Any) -> MessageReport:
    return await run_message(MessageOrder.model_validate({"send": False, "context": sample_context(), **fields}), 20.0)


async def test_what_can_be_used_is_found_without_sending_anything() -> None:
    report = await checked(url="ntfy://127.0.0.1:1/topic", body="{{ severity }}")
    assert (report.fault, report.text, report.sent, report.refusal) == (None, "high", False, None)


async def test_an_address_that_apprise_does_not_know_is_named() -> None:
    report = await checked(url="nonsense://hunter2@h/x")
    assert report.fault_field == "url"
    assert report.fault is not None
    assert "Apprise" in report.fault
    assert "hunter2" not in report.fault


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "takes more than"),
        ("{{ 'x' * 10**10 }}", "takes too much memory"),
    ],
)
async def test_a_template_without_end_is_ended(body: str, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_WRITES_WITHIN_S", 1.0)
    report = await checked(body=body)
    assert report.fault_field == "body"
    assert report.fault is not None
    assert report.fault.startswith(fault)


def test_the_environment_of_the_process_has_no_secret_and_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"PATCHWATCH_API_TOKEN": "hunter2", "HTTPS_PROXY": "http://p", "HOME": "/root", "SSL_CERT_FILE": "/ca.pem"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    kept = process._environment()
    assert not {"PATCHWATCH_API_TOKEN", "HTTPS_PROXY", "HOME"} & kept.keys()
    assert (kept["REQUESTS_CA_BUNDLE"], kept["NETRC"]) == ("/ca.pem", os.devnull)


_GUARDED = """
import os, socket, subprocess, sys
from patchwatch.notifier.socket_guard import SocketGuard
SocketGuard(sys.argv[1]).install()
def tried(what):
    try:
        what()
    except PermissionError as error:
        return str(error)[:40]
    except OSError:
        return "allowed"
    return "allowed"
port = int(sys.argv[2])
print(tried(lambda: socket.create_connection(("127.0.0.1", port), 2)))
print(tried(lambda: socket.create_connection(("localhost", port), 2)))
print(tried(lambda: socket.socket().connect(("localhost", port))))
print(tried(lambda: socket.socket().connect_ex(("::ffff:127.0.0.1", port))))
print(tried(lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("169.254.169.254", 53))))
print(tried(lambda: socket.socket(socket.AF_UNIX).connect("/run/x")))
print(tried(lambda: subprocess.run(["true"])))
print(tried(lambda: os.system("true")))
"""


def test_nothing_in_a_guarded_process_connects_elsewhere_or_starts_a_program() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        done = [
            subprocess.run([sys.executable, "-c", _GUARDED, reach, port], capture_output=True, text=True, check=True)
            for reach in ("private", "loopback")
        ]
    private, loopback = (one.stdout.splitlines() for one in done)
    assert len(private) == 8
    assert "allowed" not in private
    assert loopback[:2] == ["allowed"] * 2
    assert "allowed" not in [loopback[2], *loopback[4:]], "a name would be resolved after the look"
