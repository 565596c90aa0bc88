"""``patchwatch audit``: what was changed by whom. Works on this machine's Redis itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from patchwatch.cli.access_store import with_access
from patchwatch.cli.options import AsJson
from patchwatch.cli.output import print_json
from patchwatch.contract.redaction import one_line, redact
from patchwatch.contract.timestamps import iso
from patchwatch.messages.access.audit_entry import AuditEntry

if TYPE_CHECKING:
    from service.store.access import AccessStore


def audit(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many entries at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List what was changed by whom, and who logged in, newest first."""

    async def work(store: AccessStore) -> list[tuple[str, AuditEntry]]:
        entries, _ = await store.audit.find(limit, None)
        return entries

    entries = with_access(work)
    if as_json:
        print_json([{"id": entry_id, **entry.model_dump(mode="json")} for entry_id, entry in entries])
        return
    if not entries:
        typer.echo("nothing has been changed yet", err=True)
    for _, entry in entries:
        typer.echo(_line(entry))


def _line(entry: AuditEntry) -> str:
    changes = ", ".join(f"{name}: {old} -> {new}" for name, (old, new) in entry.changes.items())
    place = f" from {entry.address}" if entry.address else ""
    what = f"{entry.action.split()[0]} {entry.path}" if entry.path else entry.action
    return redact(one_line(f"{iso(entry.at_ms)}  {entry.who} ({entry.via}){place}  {what}  {changes}".rstrip()))
