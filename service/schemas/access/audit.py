"""The audit log as the API shows it."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field

from patchwatch.contract.timestamps import Time
from patchwatch.messages.access.audit_entry import AuditEntry


class FieldChange(BaseModel):
    """A field before and after, as JSON; null where it was, or is, not there."""

    before: str | None
    after: str | None


class AuditEntryView(BaseModel):
    """A change, or an attempt to log in."""

    id: str
    t: Time
    who: str
    via: str = Field(description="`user`, `token`, `local`, or `command` on the machine itself.")
    address: str
    action: str = Field(examples=["PATCH /api/v1/cameras/{camera_id}"])
    path: str
    status: int
    changes: dict[str, FieldChange]

    @classmethod
    def from_record(cls, entry_id: str, entry: AuditEntry) -> Self:
        changes = {name: FieldChange(before=old, after=new) for name, (old, new) in entry.changes.items()}
        return cls(
            id=entry_id, t=entry.at_ms, who=entry.who, via=entry.via, address=entry.address, action=entry.action,
            path=entry.path, status=entry.status, changes=changes,
        )  # fmt: skip


class AuditList(BaseModel):
    """A page of the audit log."""

    entries: list[AuditEntryView]
    next: str | None = Field(description="Address of the entries before; null at the end.")
