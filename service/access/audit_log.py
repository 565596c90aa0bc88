"""What the audit log says of a change: fields before and after, without secrets."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from patchwatch.contract.errors import RetryableError
from patchwatch.contract.redaction import MASK
from patchwatch.messages.access.audit_entry import MAX_CHANGES, AuditEntry
from service.access.caller import Caller
from service.store.access.audit import AuditStore

log = logging.getLogger("patchwatch.audit")
_SECRET_NAME = re.compile(r"(?i)passw|secret|token|credential|digest|hash|^code$|^current$|^new$|^key$")
_DEEPEST = 20

Changes = dict[str, tuple[str | None, str | None]]


async def note(
    store: AuditStore,
    now_ms: Callable[[], Awaitable[int]],
    caller: Caller,
    address: str,
    action: str,
    *,
    path: str = "",
    status: int = 200,
    changes: Changes | None = None,
) -> None:
    """Add an entry. A change that was made stays made where that fails: the service's log has the entry then."""
    try:
        entry = AuditEntry(
            at_ms=await now_ms(), who=caller.name, via=caller.kind.value, address=address, action=action, path=path,
            status=status, changes=changes or {},
        )  # fmt: skip
        await store.add(entry)
    except RetryableError as error:
        log.warning("not in the audit log (%s): %s by %s from %s", error, action, caller.name, address)


def changes_between(before: Any, after: Any) -> Changes:
    """The fields of two JSON objects that differ; what is no object counts as having none. Secrets are masked."""
    old, new = (_without_secrets(value) if isinstance(value, dict) else {} for value in (before, after))
    names = [name for name in (*new, *(name for name in old if name not in new)) if old.get(name) != new.get(name)]
    return {name[:100]: (_shown(old, name), _shown(new, name)) for name in names[:MAX_CHANGES]}


def secrets_sent(body: Any) -> Changes:
    """The secrets that a request sets, by name: their values never show, so no comparison tells of them."""
    named = [name for name in body if _SECRET_NAME.search(name)] if isinstance(body, dict) else []
    return {name[:100]: (MASK, MASK) for name in named[:MAX_CHANGES]}


def _shown(fields: dict[str, Any], name: str) -> str | None:
    return json.dumps(fields[name], ensure_ascii=False) if fields.get(name) is not None else None


def _without_secrets(value: Any, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        return MASK
    if isinstance(value, dict):
        return {
            name: MASK if _SECRET_NAME.search(name) and inner is not None else _without_secrets(inner, depth + 1)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_without_secrets(inner, depth + 1) for inner in value]
    return value
