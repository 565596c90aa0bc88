"""Progress bars of commands that take long. They are drawn on stderr, so that stdout stays for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import ProgressColumn


@contextmanager
def progress_bar(title: str, *, hidden: bool = False) -> Iterator[Callable[[float, str], None]]:
    """Yields ``report(share_done, what)``."""
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.table import Column

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[what]}", table_column=Column(overflow="fold")),  # wrapped, never cut
    )
    with _task(title, columns, total=1.0, hidden=hidden) as update:
        yield lambda done, what: update(completed=done, what=what)


@contextmanager
def download_bar(title: str, *, hidden: bool = False) -> Iterator[Callable[[int, int | None], None]]:
    """Yields ``report(bytes_done, bytes_total)``."""
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with _task(title, columns, total=None, hidden=hidden) as update:
        yield lambda done, total: update(completed=done, total=total)


@contextmanager
def _task(
    title: str, columns: tuple[ProgressColumn, ...], *, total: float | None, hidden: bool
) -> Iterator[Callable[..., None]]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(*columns, console=Console(stderr=True), disable=hidden) as bar:
        task = bar.add_task(title, total=total, what="")
        yield lambda **state: bar.update(task, **state)
