"""The heartbeat of a worker process: a record that expires unless the worker renews it."""

from __future__ import annotations

from patchwatch.contract.bounds import Count, TimeMs
from patchwatch.messages.base import Message


class Heartbeat(Message):
    """Expiring record of a living worker process."""

    role: str  # of `patchwatch.contract.roles.Role`
    host: str
    pid: int
    started_at_ms: TimeMs
    updated_at_ms: TimeMs
    device: str = "cpu"
    cameras: Count = 0
    failed_graphs: Count = 0  # batch sizes that could not be recorded as CUDA graphs
    eager_pictures: Count = 0  # that ran without one where there should have been one
