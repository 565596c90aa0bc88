"""Sentences' place in the stream of alerts, and where they are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import redis.asyncio

from patchwatch.bus import keys
from patchwatch.bus.connection import translated
from patchwatch.bus.stored_records import readable
from patchwatch.bus.streams import stream_info_async
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.alerts.sentence import Sentence, SentenceProgress
from patchwatch.messages.alerts.verdict import ALERT_FIELD, tells_of_alert
from patchwatch.messages.cameras.camera import Camera
from workers.delivery.receiver_outbox import ReceiverOutbox
from workers.runtime.leases import Lease


@dataclass(frozen=True)
class Writer:
    """The only receiver of its sort: where it is, the settings say."""

    id: str = "sentences"
    incarnation: str = ""
    enabled: bool = True

    @classmethod
    def decode(cls, data: bytes | str) -> Self:
        """Nothing is stored of it."""
        return cls()


@dataclass(frozen=True)
class _Names:
    """Its keys. Nobody asks it for tests."""

    progress: str = keys.SENTENCES_PROGRESS
    asked: str = ""

    def answer(self, token: str) -> str:
        return ""


class SentenceOutbox(ReceiverOutbox[Writer, SentenceProgress]):
    """Reads and writes `keys.SENTENCES_PROGRESS` and `keys.alert_sentence`. Raises as `ReceiverOutbox`."""

    noun = "sentences"
    configured_in = keys.CAMERAS

    def __init__(self, client: redis.asyncio.Redis, lease: Lease, kept_s: int) -> None:
        """``kept_s``: for how long sentences are kept, as the alerts they are about."""
        super().__init__(client, Writer(), lease, _Names(), SentenceProgress())
        self._kept_s = kept_s

    async def begun_progress(self) -> SentenceProgress:
        """The progress; one that begins, begins with the next alert."""
        progress = await self.progress()
        if progress != SentenceProgress():
            return progress
        with translated():
            info = await stream_info_async(self._client, keys.ALERTS)
        if info is None:
            return progress
        return await self.record(progress.moved(position=info.last_id, passed=info.added))

    async def changes_after(
        self, progress: SentenceProgress
    ) -> tuple[SentenceProgress, list[tuple[str, Alert | None]]]:
        """As `rows_after`: ids of entries, and what changed, where it was an alert."""
        progress, rows = await self.rows_after(progress)
        return progress, [_change(*row) for row in rows]

    async def alert(self, alert_id: str) -> Alert | None:
        """As it is now."""
        with translated():
            data = await self._client.get(keys.alert(alert_id))
        return readable(Alert.decode, data, f"alert {alert_id!r}")

    async def camera_name(self, camera_id: str) -> str:
        """Its id where it has none."""
        with translated():
            data = await self._client.hget(keys.CAMERAS, camera_id)
        camera = readable(Camera.decode, data, f"camera {camera_id!r}")
        return (camera.name if camera else "") or camera_id

    async def picture(self, alert_id: str) -> bytes | None:
        """JPEG of the alert's peak, with what is private in black; None where it has none."""
        with translated():
            data: bytes | None = await self._client.get(keys.alert_picture(alert_id))
        return data

    async def sentence(self, alert_id: str) -> Sentence | None:
        """What was written about it before."""
        with translated():
            data = await self._client.get(keys.alert_sentence(alert_id))
        return readable(Sentence.decode, data, f"the sentence about alert {alert_id!r}")

    async def record(
        self, progress: SentenceProgress, alert_id: str = "", sentence: Sentence | None = None
    ) -> SentenceProgress:
        """Write the progress, together with a sentence."""

        async def queue(pipe: Any, _: Writer) -> SentenceProgress:
            pipe.multi()
            pipe.set(keys.SENTENCES_PROGRESS, progress.encode())
            if sentence is not None:
                pipe.set(keys.alert_sentence(alert_id), sentence.encode(), ex=self._kept_s)
            return progress

        return await self._write(queue)

    async def _configured(self, pipe: Any) -> Writer:
        return self._receiver


def _change(entry_id: bytes, fields: dict[bytes, bytes]) -> tuple[str, Alert | None]:
    name = entry_id.decode()
    if not tells_of_alert(fields):
        return name, None
    return name, readable(Alert.decode, fields.get(ALERT_FIELD, b""), f"alert change {name} for sentences")
