"""``patchwatch doctor``: looks at everything an installation needs, and says what to mend."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from patchwatch.contract.redaction import redact
from patchwatch.contract.settings import load_settings


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Check Redis, workers, cameras, weights, folders and ports: one line each. Exit code 1 when something fails."""
    settings = load_settings()
    from patchwatch.doctor.examination import examine
    from patchwatch.doctor.finding import Level

    findings = examine(settings)
    failed = any(found.level is Level.FAIL for found in findings)
    if as_json:
        rows = [{"level": one.level.value, "check": one.check, "text": redact(one.text)} for one in findings]
        typer.echo(json.dumps({"ok": not failed, "findings": rows}))
    else:
        for one in findings:
            typer.echo(f"{one.level.value:<5} {one.check}: {redact(one.text)}")
    if failed:
        raise typer.Exit(1)
