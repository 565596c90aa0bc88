"""``patchwatch weights``: see, fetch and check the networks' weights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patchwatch.cli.plain_help import plain_typer
from patchwatch.contract.errors import RejectedError
from patchwatch.contract.redaction import redact
from patchwatch.contract.settings import Settings, load_settings

if TYPE_CHECKING:
    from models.weights.catalog import Check, WeightsFile
    from models.weights.sources import Progress, WeightsSource

app = plain_typer("See, fetch and check the networks' weights.")

Names = Annotated[list[str] | None, typer.Argument(help="Names as `weights list` prints them. Default: all.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def show(as_json: AsJson = False) -> None:
    """Say what there is, where it comes from, and which of it is on this machine. Fast: hashes nothing."""
    settings = load_settings()
    rows = [_catalogue_row(entry, settings) for entry in _entries(None)]
    if as_json:
        typer.echo(json.dumps({"weights": rows}))
        return
    for row in rows:
        typer.echo(f"{row['name']}  {'present' if row['present'] else 'MISSING'}  {row['path']}")
        typer.echo(f"  {row['description']}. Licence {row['licence']}.")
        for source in row["sources"]:
            stated = source["sha256"] or "recorded on the first pull"
            typer.echo(f"  from    {source['source']}\n          sha256 {stated}")
        typer.echo(f"  own     {row['setting']}=PATH")


@app.command()
def pull(
    names: Names = None,
    force: Annotated[bool, typer.Option("--force", help="Fetch again even what is there.")] = False,
    own: Annotated[
        str | None, typer.Option("--from", metavar="URL|PATH", help="Your own source, in place of the known ones.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch weights into the weights folder (PATCHWATCH_WEIGHTS_DIR) and compare them with their hash.

    Sources are tried in order (`weights list` names them). HF_ENDPOINT names a mirror of the hub, HF_HUB_OFFLINE=1
    takes only what the hub's cache holds.
    """
    from models.weights import catalog

    settings, entries = load_settings(), _entries(names)
    if own is not None and len(entries) != 1:
        raise RejectedError("--from is the source of one file: name it, for example `weights pull clip-rn101 --from X`")
    rows = []
    for entry in entries:
        failed: list[dict[str, str]] = []

        def note(source: WeightsSource, why: str, into: list[dict[str, str]] = failed) -> None:
            into.append({"source": redact(str(source)), "reason": redact(why)})

        with _progress(entry.name, hidden=as_json) as progress:
            pulled = catalog.pull(entry, settings.weights_dir, force=force, own=own, progress=progress, failed=note)
        found = catalog.verify(entry, None, settings.weights_dir)
        source = None if pulled.source is None else redact(str(pulled.source))
        rows.append({**_check_row(found), "source": source, "failed": failed})
        if not as_json:
            _tell_pulled(found, source, failed)
    if as_json:
        typer.echo(json.dumps({"weights": rows}))


@app.command()
def verify(names: Names = None, as_json: AsJson = False) -> None:
    """Compare the files with their published or recorded hash. Exit code 2 when one is missing or wrong."""
    from models.weights import catalog

    settings = load_settings()
    found = [catalog.verify(entry, _own(entry, settings), settings.weights_dir) for entry in _entries(names)]
    if as_json:
        typer.echo(json.dumps({"weights": [_check_row(check) for check in found]}))
    else:
        for check in found:
            typer.echo(f"{check.entry.name}: {check.verdict.value}  {check.path}{_advice(check)}")
    if any(check.verdict in (catalog.VerificationResult.MISSING, catalog.VerificationResult.WRONG) for check in found):
        raise typer.Exit(2)


def _tell_pulled(found: Check, source: str | None, failed: list[dict[str, str]]) -> None:
    for one in failed:
        typer.echo(f"{found.entry.name}: {one['source']} {one['reason']}", err=True)
    where = "was there already" if source is None else f"from {source}"
    typer.echo(f"{found.entry.name}: {found.path}  {where}  sha256 {found.sha256} ({found.verdict.value})")


def _entries(names: list[str] | None) -> list[WeightsFile]:
    from models.weights import catalog

    return [catalog.entry_of(name) for name in names or catalog.CATALOGUE]


def _own(entry: WeightsFile, settings: Settings) -> Path | None:
    """The user's own file for this entry, where a setting names one."""
    from models.weights import catalog

    return {catalog.CLIP.name: settings.clip_weights, catalog.DETECTOR.name: settings.detector_weights}[entry.name]


def _catalogue_row(entry: WeightsFile, settings: Settings) -> dict[str, Any]:
    from models.weights.catalog import locate

    path = locate(entry, _own(entry, settings), settings.weights_dir)
    return {
        "name": entry.name, "description": entry.description, "licence": entry.licence, "setting": entry.setting,
        "sources": [{"source": str(source), "sha256": source.sha256} for source in entry.sources],
        "path": str(path), "present": path.is_file(),
    }  # fmt: skip


def _check_row(check: Check) -> dict[str, Any]:
    return {
        "name": check.entry.name, "path": str(check.path), "verdict": check.verdict.value, "sha256": check.sha256,
        "expected_sha256": check.expected,
    }  # fmt: skip


def _advice(check: Check) -> str:
    from models.weights.catalog import VerificationResult

    name, setting = check.entry.name, check.entry.setting
    return {
        VerificationResult.OK: "",
        VerificationResult.OWN: f"\n  your own file ({setting}): sha256 {check.sha256}",
        VerificationResult.UNRECORDED: f"\n  no hash is known to compare with: sha256 {check.sha256}",
        VerificationResult.MISSING: f"\n  run `patchwatch weights pull {name}`, or set {setting} to a file of your own",
        VerificationResult.WRONG: f"\n  sha256 {check.sha256}, expected {check.expected}: "
        f"run `patchwatch weights pull {name} --force`",
    }[check.verdict]


@contextmanager
def _progress(title: str, *, hidden: bool) -> Iterator[Progress]:
    """A bar of bytes on stderr, so that stdout stays for machines."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), disable=hidden) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
