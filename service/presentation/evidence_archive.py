"""The bundle of an alert as a ZIP archive that is made while it is sent."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable

from patchwatch.messages.alerts.evidence import MANIFEST, EvidenceManifest

_CHUNK = 1 << 18
_EARLIEST = 315_532_800  # 1980, before which a ZIP archive has no dates
ReadPart = Callable[[str, int, int], Awaitable[bytes]]  # name, start and length


class _Outlet(io.RawIOBase):
    """Collects what the archive writes, which cannot go back in it."""

    def __init__(self) -> None:
        self._data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        view = memoryview(data)  # type: ignore[arg-type]
        self._data += view
        return view.nbytes

    def taken(self) -> bytes:
        data, self._data = bytes(self._data), bytearray()
        return data


async def archive(manifest: EvidenceManifest, manifest_bytes: bytes, read: ReadPart) -> AsyncIterator[bytes]:
    """The bytes of the archive: the manifest, then each part as it is stored; nothing is compressed again."""
    outlet = _Outlet()
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_STORED) as bundle:
        bundle.writestr(_entry(MANIFEST, manifest), manifest_bytes)
        yield outlet.taken()
        for part in manifest.parts:
            with bundle.open(_entry(part.name, manifest), "w") as entry:
                for start in range(0, part.bytes, _CHUNK):
                    entry.write(await read(part.name, start, min(_CHUNK, part.bytes - start)))
                    yield outlet.taken()
    yield outlet.taken()


def _entry(name: str, manifest: EvidenceManifest) -> zipfile.ZipInfo:
    at = time.gmtime(max(_EARLIEST, manifest.recorded_at_ms // 1000))
    entry = zipfile.ZipInfo(name, at[:6])
    entry.external_attr = 0o600 << 16
    return entry
