"""The kinds of process an installation consists of."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What a process does; the word after ``patchwatch run``."""

    INGEST = "ingest"
    INFERENCE = "inference"
    ENROLMENT = "enrolment"
    DELIVERY = "delivery"
    SERVICE = "service"
