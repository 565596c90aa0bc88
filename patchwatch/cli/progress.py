"""Progress bars of the commands that take more than a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(title: str, *, hidden: bool = False) -> Iterator[Callable[[float, str], None]]:
    """Yields ``report(share_done, what)``; draws on stderr, so that stdout stays for machines."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, TextColumn("{task.fields[what]}"), console=Console(stderr=True), disable=hidden) as bar:
        task = bar.add_task(title, total=1.0, what="")
        yield lambda done, what: bar.update(task, completed=done, what=what)
