"""``patchwatch backup``: one file with all that an installation knows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patchwatch.cli.options import AsJson
from patchwatch.cli.output import print_json, print_outcome
from patchwatch.contract.errors import RejectedError
from patchwatch.contract.settings import load_settings
from patchwatch.contract.timestamps import iso

if TYPE_CHECKING:
    from patchwatch.backup.manifest import Manifest

_MB = 10**6


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE.zip", help="The backup to write, or to check.")],
    all_banks: Annotated[bool, typer.Option("--all-banks", help="Not only active and pinned banks.")] = False,
    memory: Annotated[bool, typer.Option("--memory", help="What is remembered of the cameras' normal.")] = False,
    scores: Annotated[bool, typer.Option("--scores", help="Scores by frame and by minute.")] = False,
    evidence: Annotated[bool, typer.Option("--evidence", help="Clips and pictures of alerts' evidence.")] = False,
    everything: Annotated[bool, typer.Option("--everything", help="All four of these.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Read the whole backup, and write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write what an installation knows into one file, while it runs: cameras, their accounts and banks, alerts with
    pictures, verdicts, webhooks, channels, users and tokens.

    The file holds passwords of cameras and the like: keep it as you keep those. `patchwatch restore` reads it.
    """
    from patchwatch.backup.archive_reader import opened
    from patchwatch.backup.making import Contents, make_backup
    from patchwatch.local_redis.redis_at_hand import redis_at_hand

    chosen = Contents(all_banks or everything, memory or everything, scores or everything, evidence or everything)
    if check:
        if any(chosen.words.values()):
            raise RejectedError("--check reads what the backup holds: leave out the other options")
        with opened(file) as found:
            manifest = found.manifest
        sentence = f"{file} is whole: {summary(manifest)}"
    else:
        settings = load_settings()
        with redis_at_hand(settings) as url:
            manifest = make_backup(settings, url, file, chosen)
        sentence = f"wrote {file}: {summary(manifest)}"
    if as_json:
        print_json({"file": str(file), **manifest.model_dump(mode="json", exclude={"files"}), **_sizes(manifest)})
        return
    print_outcome(sentence, {}, as_json=False)
    typer.echo(f"not in it: {', '.join(manifest.not_held)}", err=True)
    for warning in _warnings(manifest):
        typer.echo(warning, err=True)


def summary(manifest: Manifest) -> str:
    """What a backup holds, in a sentence without its subject."""
    rows, sizes = manifest.rows, _sizes(manifest)
    cameras, alerts, users = (rows.get(key, 0) for key in ("pw:cameras", "pw:alerts:by-time", "pw:users"))
    counts = {"camera": cameras, "alert": alerts, "user": users, "file": sizes["files"]}
    held = ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for noun, count in counts.items())
    return f"{held} ({sizes['bytes'] / _MB:.1f} MB), of {iso(manifest.made_at_ms)} by Patchwatch {manifest.patchwatch}"


def _sizes(manifest: Manifest) -> dict[str, int]:
    files = [file for file in manifest.files if file.name.startswith("files/")]
    return {"files": len(files), "bytes": sum(file.bytes for file in manifest.files)}


def _warnings(manifest: Manifest) -> list[str]:
    warnings = []
    if manifest.unreadable:
        kinds = ", ".join(f"{count} of {kind}" for kind, count in sorted(manifest.unreadable.items()))
        warnings.append(f"kept as they are, although they cannot be read: {kinds}")
    if manifest.unknown_keys:
        warnings.append(f"left out: {manifest.unknown_keys} keys that this version of Patchwatch does not know")
    if manifest.vanished:
        warnings.append(f"left out: {manifest.vanished} files that were removed meanwhile")
    return warnings
