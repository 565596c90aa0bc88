"""Every kind of Redis key that `patchwatch.bus.keys` can make, found by looking at the module."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from patchwatch.bus import keys


def kinds_of(owner: Any, known: dict[str, Any]) -> Iterator[str]:
    """One key of each kind that a module, class or object can name. ``known``: arguments by the parameter's name."""
    for name, value in inspect.getmembers(owner):
        if name.startswith("__"):
            continue
        if isinstance(value, str) and value.startswith("pw:"):
            yield value
        elif inspect.isclass(value) and value.__module__ == keys.__name__:
            for made in _instances(value, known):
                yield from kinds_of(made, known)
        elif callable(value) and not name.startswith("_") and getattr(value, "__module__", "") == keys.__name__:
            made = value(**_arguments(value, known))
            if isinstance(made, str):
                yield made


def _instances(kind: Any, known: dict[str, Any]) -> list[Any]:
    """By each of its named constructors, or else by its own."""
    named = [value for name, value in inspect.getmembers(kind, inspect.ismethod) if not name.startswith("_")]
    return [make(**_arguments(make, known)) for make in named or [kind]]


def _arguments(function: Any, known: dict[str, Any]) -> dict[str, Any]:
    return {name: known[name] for name in inspect.signature(function).parameters}
