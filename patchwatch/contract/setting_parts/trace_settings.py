"""The settings of traces: a part of `patchwatch.contract.settings.Settings`."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings


def _checked(url: str) -> str:
    """The address without a slash at its end. What is wrong with it is said without repeating it."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isprintable() or " " in url:
        raise ValueError("is not an address like http://127.0.0.1:4318")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("holds more than host and path")
    return url.rstrip("/")


class TraceSettings(BaseSettings):
    """Without `trace_url` nothing is traced."""

    trace_url: Annotated[str, AfterValidator(_checked)] | None = Field(
        None,
        max_length=500,
        description="Collector that is sent traces of single frames, by OTLP over HTTP, such as http://127.0.0.1:4318 "
        "(needs the extra `otel`). They hold ids of cameras, numbers and times, no pictures.",
    )
    trace_one_in: int = Field(
        100, ge=1, le=1_000_000, description="One frame of each camera in so many is traced; the same for all workers."
    )
