"""A defect of ours in words for whoever asked for a bank."""

from __future__ import annotations

from patchwatch.contract.plain_text import one_line
from patchwatch.contract.redaction import redact

_SHOWN = 300  # characters


def defect(error: Exception) -> str:
    """What went wrong and what to do, without secrets; the traceback is on the standard error."""
    said = one_line(redact(str(error)), _SHOWN)
    what = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return f"a defect of Patchwatch ({what}): please report it with this line"
