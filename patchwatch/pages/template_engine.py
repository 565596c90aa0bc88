"""The one template engine of all pages: Jinja2, which escapes every text that a template shows."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from patchwatch.evaluation.report.formatting import (
    area,
    area_interval,
    clock,
    coordinate,
    count_interval,
    duration,
    percent,
)

_FILTERS: tuple[Callable[..., str], ...] = (
    area,
    area_interval,
    clock,
    coordinate,
    count_interval,
    duration,
    percent,
)


def render(template: str, **values: object) -> str:
    """The text of a template in `templates/`. Every string in ``values`` is treated as text, never as HTML."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("patchwatch.pages", "templates"),
        autoescape=True,
        undefined=StrictUndefined,  # A misspelt name fails instead of leaving a hole in the page.
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {function.__name__: function for function in _FILTERS}
    return environment
