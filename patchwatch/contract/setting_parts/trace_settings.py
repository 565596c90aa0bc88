"""The settings of traces: a part of `patchwatch.contract.settings.Settings`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings

from patchwatch.contract.setting_parts.setting_values import server_address


class TraceSettings(BaseSettings):
    """Without `trace_url` nothing is traced."""

    trace_url: Annotated[str, AfterValidator(server_address("http://127.0.0.1:4318"))] | None = Field(
        None,
        max_length=500,
        description="Collector that is sent traces of single frames, by OTLP over HTTP, such as http://127.0.0.1:4318 "
        "(needs the extra `otel`). They hold ids of cameras, numbers and times, no pictures.",
    )
    trace_one_in: int = Field(
        100, ge=1, le=1_000_000, description="One frame of each camera in so many is traced; the same for all workers."
    )
