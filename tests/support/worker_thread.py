"""A worker in a thread of the test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from waiting import PATIENCE_S


class Worker(Protocol):
    def run(self) -> None: ...

    def stop(self) -> None: ...


@contextmanager
def in_thread(worker: Worker) -> Iterator[threading.Thread]:
    """The thread it runs in; stopped cleanly at the end. What `run` raises, the test fails with."""
    errors: list[BaseException] = []

    def work() -> None:
        try:
            worker.run()
        except BaseException as error:  # noqa: BLE001 (the test fails with it)
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield thread
    finally:
        worker.stop()
        thread.join(timeout=PATIENCE_S)
        assert not thread.is_alive()
        assert errors == []
