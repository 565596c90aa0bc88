"""A mosquitto of its own on loopback, and a client that follows what is said there."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt
import parts
import trustme
from ingest_rig import free_port
from waiting import listens, wait_until

USER, PASSWORD = "patchwatch", "hunter2"


class Broker:
    """Asks for a user and a password, and keeps nothing on disk."""

    def __init__(self, folder: Path, tls: trustme.CA | None = None) -> None:
        self.port = free_port()
        self._program = parts.mosquitto()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        passwords = folder / "passwords"
        passwords.write_text(f"{USER}:{PASSWORD}\n")
        passwords.chmod(0o600)
        subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True)
        (folder / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\nuser root\n"
            + (self._certified(tls) if tls else "")
        )

    def _certified(self, authority: trustme.CA) -> str:
        certificate = authority.issue_cert("127.0.0.1")
        chain, key = self._folder / "chain.pem", self._folder / "key.pem"
        chain.write_bytes(b"".join(one.bytes() for one in certificate.cert_chain_pems))
        key.write_bytes(certificate.private_key_pem.bytes())
        return f"certfile {chain}\nkeyfile {key}\n"

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns once it answers."""
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", self._program, "-c", str(self._folder / "mosquitto.conf")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0,
        )  # fmt: skip
        wait_until(lambda: listens(self.port))

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@dataclass
class Follower:
    """What a client that subscribes to everything was told: retained states as they are now, and all events."""

    client: aiomqtt.Client
    states: dict[str, str] = field(default_factory=dict)
    messages: list[tuple[str, str]] = field(default_factory=list)

    def said(self, topic: str) -> list[str]:
        return [payload for name, payload in self.messages if name == topic]

    async def follow(self) -> None:
        async for message in self.client.messages:
            payload = message.payload.decode() if isinstance(message.payload, bytes) else ""
            self.messages.append((str(message.topic), payload))
            self.states[str(message.topic)] = payload


@asynccontextmanager
async def following(broker: Broker) -> AsyncIterator[Follower]:
    async with aiomqtt.Client("127.0.0.1", broker.port, username=USER, password=PASSWORD) as client:
        follower = Follower(client)
        await client.subscribe("#", qos=1)
        task = asyncio.create_task(follower.follow())
        try:
            yield follower
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
