"""A folder as a store."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from patchwatch.contract.errors import NotFoundError, StorageError
from patchwatch.storage.storage import StoredFile, checked

_UNFINISHED = ".part-"  # what a killed process leaves behind; never listed, and removed with its folder


class FolderStorage:
    """Files are 0600, folders 0700."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def place(self) -> str:
        return str(self._folder)

    def put(self, path: str, file: Path) -> None:
        target = self._path(path)
        with self._errors(missing_is_one=True):  # its folder was removed meanwhile: the next attempt makes it anew
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, name = tempfile.mkstemp(prefix=_UNFINISHED, dir=target.parent)
            try:
                with os.fdopen(descriptor, "wb") as copy, file.open("rb") as original:
                    shutil.copyfileobj(original, copy)
                    copy.flush()
                    os.fsync(copy.fileno())
                os.replace(name, target)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise

    def read(self, path: str, start: int = 0, length: int | None = None) -> bytes:
        try:
            with self._errors(), self._path(path).open("rb") as file:
                file.seek(start)
                return file.read(-1 if length is None else length)
        except FileNotFoundError:
            raise NotFoundError(f"{path} is not stored in {self.place}") from None

    def stat(self, path: str) -> StoredFile | None:
        try:
            with self._errors():
                status = self._path(path).stat()
        except FileNotFoundError:
            return None
        return StoredFile(path, status.st_size, status.st_mtime)

    def files(self, prefix: str = "") -> Iterator[StoredFile]:
        top = self._path(prefix) if prefix else self._folder
        with self._errors():
            for folder, _, names in os.walk(top):
                yield from self._files(Path(folder), names)

    def _files(self, folder: Path, names: list[str]) -> Iterator[StoredFile]:
        for name in names:
            if name.startswith(_UNFINISHED):
                continue
            with suppress(FileNotFoundError):  # removed meanwhile
                status = (folder / name).stat()
                yield StoredFile((folder / name).relative_to(self._folder).as_posix(), status.st_size, status.st_mtime)

    def delete(self, path: str) -> None:
        target = self._path(path)
        with self._errors():
            target.unlink(missing_ok=True)
            if target.parent != self._folder and not any(_finished(target.parent)):
                shutil.rmtree(target.parent, ignore_errors=True)

    def _path(self, path: str) -> Path:
        return self._folder / checked(path)

    @contextmanager
    def _errors(self, *, missing_is_one: bool = False) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not missing_is_one:
                raise
            raise StorageError(
                f"the folder {self._folder} does not take or give files ({error.strerror or error}): make room there, "
                "or correct its permissions"
            ) from None


def _finished(folder: Path) -> Iterator[Path]:
    with suppress(FileNotFoundError):
        yield from (path for path in folder.iterdir() if not path.name.startswith(_UNFINISHED))
