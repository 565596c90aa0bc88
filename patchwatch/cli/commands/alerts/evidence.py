"""``patchwatch evidence``: archives of evidence, without a service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from patchwatch.cli.command_group import command_group
from patchwatch.cli.evidence_archive import verify as verified
from patchwatch.cli.options import AsJson
from patchwatch.cli.output import print_json
from patchwatch.contract.errors import RejectedError

app = command_group()


@app.callback()
def evidence() -> None:
    """Check archives of evidence, as `patchwatch alerts evidence` fetches them."""


@app.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE.zip", help="As `patchwatch alerts evidence --into` wrote it.")],
    as_json: AsJson = False,
) -> None:
    """Compare every part of an archive with the hash in its manifest, and say what was changed."""
    result = verified(file)
    alert = result.manifest.alert
    if as_json:
        print_json(
            {
                "whole": result.is_whole,
                "alert_id": alert.id,
                "manifest_sha256": result.manifest_sha256,
                "changed": result.changed,
                "missing": result.missing,
                "added": result.added,
            }
        )
    if not result.is_whole:
        found = [("changed", result.changed), ("missing", result.missing), ("added", result.added)]
        what = "; ".join(f"{word}: {', '.join(names)}" for word, names in found if names)
        raise RejectedError(f"{file} is not as it was recorded ({what}): fetch it again from the service")
    if not as_json:
        typer.echo(f"{file}: all {len(result.manifest.parts)} parts of alert {alert.id} are as they were recorded")
        typer.echo(
            f"whether the manifest is, too: compare its SHA-256 {result.manifest_sha256} with that of "
            f"`patchwatch alerts evidence {alert.id}`",
            err=True,
        )
