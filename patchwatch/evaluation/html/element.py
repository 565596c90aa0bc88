"""Markup from small pieces: whatever is not markup already is escaped."""

from __future__ import annotations

from html import escape

Value = str | int | float | bool | None

_VOID = {"br", "img", "meta"}


class Markup(str):
    """Text that is HTML already. Any other string is text for people, and is escaped where it enters an `element`."""

    __slots__ = ()


def element(tag: str, /, *children: str | None, **attributes: Value) -> Markup:
    """One HTML or SVG element.

    Children are joined: `Markup` as it is, other strings escaped, None left out. An attribute's trailing underscore
    falls off and others become hyphens (``class_``, ``data_from``); True stands bare; None and False are left out.
    """
    opening = f"<{tag}{''.join(_attribute(key, value) for key, value in attributes.items())}>"
    return Markup(opening if tag in _VOID else f"{opening}{joined(*children)}</{tag}>")


def joined(*children: str | None) -> Markup:
    """Children side by side, without an element around them."""
    return Markup("".join(_markup(child) for child in children if child is not None))


def _markup(child: str) -> str:
    return child if isinstance(child, Markup) else escape(child)


def _attribute(key: str, value: Value) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(_text(value))}"'


def _text(value: Value) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
