"""Text in columns, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_GAP = "  "

Row = Sequence[str]


def aligned(rows: Sequence[Row]) -> Iterator[str]:
    """Columns as wide as their widest cell; a row may have fewer."""
    columns = max(len(row) for row in rows)
    widths = [max(len(row[column]) for row in rows if column < len(row)) for column in range(columns)]
    for row in rows:
        yield _GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip()
