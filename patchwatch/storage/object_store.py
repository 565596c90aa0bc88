"""An object store of a cloud, or one that speaks S3, by obstore."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from patchwatch.contract.errors import NotFoundError, StorageError
from patchwatch.contract.redaction import one_line, redact
from patchwatch.storage.storage import StoredFile, checked

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_ATTEMPT_S = 20  # of one request
_GIVE_UP_S = 45  # with its repetitions; our own caller tries again later
_LONGEST_ERROR = 300


def opened(url: str) -> ObjectStore:
    """The store at an address. Keys and the like come from its own environment variables (``AWS_...``)."""
    from obstore.store import from_url

    return from_url(
        url,
        client_options={
            "timeout": timedelta(seconds=_ATTEMPT_S),
            "connect_timeout": timedelta(seconds=5),
            "allow_http": True,  # where AWS_ENDPOINT_URL says http://, as to a box next door
        },
        retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=_GIVE_UP_S)},
    )


class ObjectStorage:
    """``store`` puts objects whole or not at all."""

    def __init__(self, store: ObjectStore, url: str) -> None:
        self._store = store
        self._url = url

    @property
    def place(self) -> str:
        return self._url

    def put(self, path: str, file: Path) -> None:
        import obstore

        try:
            with self._errors(path):
                obstore.put(self._store, checked(path), file)
        except NotFoundError:  # nothing was looked for, so it is the bucket itself that is missing
            raise StorageError(
                f"the store {self._url} takes no files, because its bucket or container does not exist: create it"
            ) from None

    def read(self, path: str, start: int = 0, length: int | None = None) -> bytes:
        import obstore

        if length == 0:
            return b""
        with self._errors(path):
            if length is not None:
                return bytes(obstore.get_range(self._store, checked(path), start=start, length=length))
            options = {"range": {"offset": start}} if start else {}
            return bytes(obstore.get(self._store, checked(path), options=options).bytes())  # type: ignore[arg-type]

    def stat(self, path: str) -> StoredFile | None:
        import obstore

        try:
            with self._errors(path):
                facts = obstore.head(self._store, checked(path))
        except NotFoundError:
            return None
        return StoredFile(path, facts["size"], facts["last_modified"].timestamp())

    def files(self, prefix: str = "") -> Iterator[StoredFile]:
        import obstore

        with self._errors(prefix):
            for page in obstore.list(self._store, prefix=checked(prefix) if prefix else None):
                for facts in page:
                    yield StoredFile(facts["path"], facts["size"], facts["last_modified"].timestamp())

    def delete(self, path: str) -> None:
        import obstore

        try:
            with self._errors(path):
                obstore.delete(self._store, checked(path))
        except NotFoundError:
            return

    @contextmanager
    def _errors(self, path: str) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except (FileNotFoundError, BaseError) as error:
            if isinstance(error, FileNotFoundError):
                raise NotFoundError(f"{path} is not stored in {self._url}") from None
            why = redact(one_line(str(error).partition("\n\n")[0], _LONGEST_ERROR))  # what follows is for its makers
            raise StorageError(f"the store {self._url} does not answer or refuses ({why}): see its log") from None
