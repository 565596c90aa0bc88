"""The heartbeat of a worker process: a record that expires unless the worker renews it."""

from __future__ import annotations

from pydantic import Field

from patchwatch.contract.bounds import Count, Load, TimeMs
from patchwatch.messages.base import Message


class Heartbeat(Message):
    """An expiring record of a worker process that is alive."""

    role: str  # of `patchwatch.contract.roles.Role`
    host: str
    pid: int
    started_at_ms: TimeMs
    updated_at_ms: TimeMs
    device: str = "cpu"
    cameras: Count = 0
    failed_graphs: Count = 0  # batch sizes that could not be recorded as CUDA graphs
    eager_pictures: Count = 0  # pictures that ran without a graph although one should exist
    load: Load | None = None  # share of its capacity that it used lately; None: it does not measure it
    memory_stretches: Count = 0  # of normal, written since it started
    memory_dropped: dict[str, Count] = Field(
        default_factory=dict
    )  # by reason: stretches that should have been remembered
