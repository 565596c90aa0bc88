"""``patchwatch doctor``: checks everything an installation needs, and says what to correct."""

from __future__ import annotations

import typer

from patchwatch.cli.options import AsJson
from patchwatch.cli.output import print_json
from patchwatch.contract.redaction import redact
from patchwatch.contract.settings import load_settings


def doctor(as_json: AsJson = False) -> None:
    """Check Redis, workers, cameras, weights, folders and ports: one line each. Exit code 1 when something fails."""
    settings = load_settings()
    from patchwatch.doctor.examination import examine
    from patchwatch.doctor.finding import Level

    findings = examine(settings)
    failed = any(finding.level is Level.FAIL for finding in findings)
    if as_json:
        rows = [
            {"level": finding.level.value, "check": finding.check, "text": redact(finding.text)} for finding in findings
        ]
        print_json({"ok": not failed, "findings": rows})
    else:
        for finding in findings:
            typer.echo(f"{finding.level.value:<5} {finding.check}: {redact(finding.text)}")
    if failed:
        raise typer.Exit(1)
