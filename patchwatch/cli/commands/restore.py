"""``patchwatch restore``: an installation of a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from patchwatch.cli.commands.backup import summary
from patchwatch.cli.options import AsJson
from patchwatch.cli.output import print_outcome
from patchwatch.contract.settings import load_settings


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE.zip", help="As `patchwatch backup` wrote it.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="In the place of what is there, of which a backup is made first.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Restore a backup into an empty installation whose roles do not run.

    Everybody has to log in again. What was interrupted is done anew by the same command; no role starts before.
    """
    from patchwatch.backup.restoring import restore as restored
    from patchwatch.local_redis.redis_at_hand import redis_at_hand

    settings = load_settings()
    with redis_at_hand(settings) as url:
        result = restored(settings, url, file, replace=replace)
    expired = sum(result.expired.values())
    sentence = f"restored {summary(result.manifest)}"
    if expired:
        sentence += f"; {expired} values that would have expired since were left out"
    if result.before is not None:
        sentence += f". What was there before is in {result.before}"
    facts = {
        "file": str(file), "made_at_ms": result.manifest.made_at_ms, "written": dict(result.written),
        "expired": dict(result.expired), "files": result.files,
        "before": None if result.before is None else str(result.before),
    }  # fmt: skip
    print_outcome(sentence, facts, as_json=as_json)
