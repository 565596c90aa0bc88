"""Tables whose rows come in groups; on a narrow screen they scroll sideways by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from patchwatch.evaluation.html.element import Markup, element, joined


@dataclass(frozen=True)
class Row:
    """``head`` names the row; ``cells`` follow. ``note`` stands below, across the table. ``kind``: CSS classes."""

    head: str
    cells: Sequence[str]
    kind: str | None = None
    note: str | None = None


def table(columns: Sequence[str], groups: Sequence[tuple[str | None, Sequence[Row]]]) -> Markup:
    """Rows in groups, each with a heading of its own or None. ``columns``: headings, that of the row's head first."""
    head = element("thead", element("tr", *(element("th", column, scope="col") for column in columns)))
    bodies = (element("tbody", _heading(name, columns), *(_row(row, columns) for row in rows)) for name, rows in groups)
    return element("div", element("table", head, *bodies), class_="table")


def _heading(name: str | None, columns: Sequence[str]) -> Markup | None:
    if name is None:
        return None
    return element("tr", element("th", name, colspan=len(columns), scope="rowgroup"), class_="group")


def _row(row: Row, columns: Sequence[str]) -> Markup:
    cells = (
        element("td", element("div", cell), data_label=column)
        for cell, column in zip(row.cells, columns[1:], strict=True)
    )
    found = element("tr", element("th", row.head, scope="row"), *cells, class_=row.kind)
    if row.note is None:
        return found
    return joined(found, element("tr", element("td", row.note, colspan=len(columns)), class_="note"))
