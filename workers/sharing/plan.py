"""What is to be done with a file so that a folder and a store become the same, by how both were when they last were."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """One file's."""

    NOTHING = "nothing"
    UPLOAD = "upload"
    DOWNLOAD = "download"
    DELETE_HERE = "delete_here"  # it was removed elsewhere
    DELETE_THERE = "delete_there"  # it was removed here
    MERGE = "merge"  # both have changed
    NOTE = "note"  # both are the same already
    FORGET = "forget"  # both are gone


@dataclass(frozen=True, slots=True)
class Known:
    """Versions of both when they were the same."""

    here: str
    there: str


def step_for(here: str | None, there: str | None, known: Known | None, *, never_changes: bool) -> Step:
    """``here``, ``there``: versions now, None where there is none. ``known``: None where they were never the same.

    What only one side has and was never seen on the other is new. What was on both and is missing on one was removed
    there; unless it has changed on the other since, which is not to be lost.
    """
    if here is None or there is None:
        return _of_one(here, there, known)
    if known is None:
        return Step.NOTE if never_changes else Step.MERGE
    changed_here, changed_there = here != known.here, there != known.there
    if never_changes or not (changed_here or changed_there):
        return Step.NOTE if changed_here or changed_there else Step.NOTHING
    if changed_here and changed_there:
        return Step.MERGE
    return Step.UPLOAD if changed_here else Step.DOWNLOAD


def _of_one(here: str | None, there: str | None, known: Known | None) -> Step:
    if here is None and there is None:
        return Step.FORGET if known is not None else Step.NOTHING
    if here is not None:
        return Step.DELETE_HERE if known is not None and here == known.here else Step.UPLOAD
    return Step.DELETE_THERE if known is not None and there == known.there else Step.DOWNLOAD
