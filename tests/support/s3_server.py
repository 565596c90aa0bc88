"""A server that speaks S3 (moto), in a process that can be killed and started again, without what it held."""

from __future__ import annotations

import subprocess
import sys

import httpx
import parts
from ingest_rig import free_port
from waiting import wait_until

ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}


class S3Server:
    """At ``address``, wherever it runs; it needs the part `s3`."""

    def __init__(self) -> None:
        parts.need("s3")
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Without any bucket."""
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: self._asked("GET", "") is not None, every_s=0.2)

    def make_bucket(self, name: str) -> None:
        assert self._asked("PUT", name) == 200

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _asked(self, method: str, path: str) -> int | None:
        """The status of its answer; None where it does not answer."""
        try:
            return httpx.request(method, f"{self.address}/{path}", timeout=5.0, trust_env=False).status_code
        except httpx.HTTPError:
            return None
