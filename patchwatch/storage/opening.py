"""Opens a store by its address."""

from __future__ import annotations

from pathlib import Path

from patchwatch.contract.errors import ConfigurationError
from patchwatch.contract.redaction import redact
from patchwatch.storage.folder import FolderStorage
from patchwatch.storage.storage import Storage

_FOLDER = "file://"


def open_storage(url: str | None, folder: Path) -> Storage:
    """The store at ``url``; ``folder`` where there is none. Nothing is connected to yet.

    Raises `ConfigurationError` where the extra is missing or the address is not one of a store.
    """
    if url is None:
        return FolderStorage(folder)
    if url.startswith(_FOLDER):
        return FolderStorage(Path(url.removeprefix(_FOLDER)))
    try:
        from patchwatch.storage.object_store import ObjectStorage, opened

        return ObjectStorage(opened(url), url)
    except ImportError:
        raise ConfigurationError(
            f"{url} needs the extra `storage`: run `pip install 'patchwatch[storage]'`, or name a folder as file:///PATH"
        ) from None
    except Exception as error:  # noqa: BLE001 (border of the library: it raises its own errors for a wrong address)
        raise ConfigurationError(f"{url} cannot be opened as a store: {redact(str(error))}") from None
