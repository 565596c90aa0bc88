"""Runs the mirror of a host beside its workers: in one process at a time, whichever has the lock on the data folder."""

from __future__ import annotations

import fcntl
import logging
import threading
import time
from pathlib import Path
from typing import IO

from patchwatch.contract.errors import PatchwatchError
from patchwatch.contract.settings import Settings
from patchwatch.storage.opening import open_storage
from workers.sharing.mirror import Mirror

EVERY_S = 20.0
_LOCK = "store.lock"
_LOG_EVERY_S = 600.0
_STOP_WITHIN_S = 5.0

log = logging.getLogger(__name__)


class MirrorThread:
    """What goes wrong is logged, once in ten minutes, and tried again: scoring and learning go on without the store."""

    def __init__(self, settings: Settings, every_s: float = EVERY_S) -> None:
        """Raises `ConfigurationError` for an address that is none, or where the extra is missing."""
        self._data_dir = settings.data_dir
        self._store = open_storage(settings.store_url, settings.data_dir / "store")
        self._mirror = Mirror(self._data_dir, self._store)
        self._every_s = every_s
        self._logged_s = float("-inf")
        self._failed = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)

    def start(self) -> None:
        log.info("banks and memory are shared over %s", self._store.place)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(_STOP_WITHIN_S)

    def _run(self) -> None:
        while True:
            self._turn()
            if self._stopping.wait(self._every_s):
                return

    def _turn(self) -> None:
        try:
            with _lock_file(self._data_dir) as lock:
                if _is_ours(lock):
                    self._mirror.sync()
                    self._note_success()
        except (PatchwatchError, OSError) as error:
            self._note_failure(error)
        except Exception:
            log.exception("sharing banks and memory failed: it is tried again")

    def _note_success(self) -> None:
        if self._failed:
            self._failed, self._logged_s = False, float("-inf")
            log.info("banks and memory are shared again")

    def _note_failure(self, error: Exception) -> None:
        self._failed = True
        if time.monotonic() - self._logged_s >= _LOG_EVERY_S:
            self._logged_s = time.monotonic()
            log.warning("banks and memory are not shared until this is mended, all else goes on: %s", error)


def _lock_file(data_dir: Path) -> IO[str]:
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return (data_dir / _LOCK).open("w")


def _is_ours(lock: IO[str]) -> bool:
    """Whether no other process of this host is at it. It is given back when the file is closed."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
