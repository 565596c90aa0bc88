"""The evidence of an alert in lines for people."""

from __future__ import annotations

from typing import Any


def evidence_text(fields: dict[str, Any]) -> str:
    """``fields``: as the API answers."""
    kept = ", kept" if fields["keep"] else ""
    lines = [f"evidence of {fields['alert_id']}: {fields['state']}{kept}"]
    lines += [f"  {fields['reason']}"] if fields["reason"] else []
    if fields["clip"]:
        clip = fields["clip"]
        lines.append(f"  clip of {clip['seconds']:.1f} s, {clip['width']}x{clip['height']}")
    lines += [f"  {part['name']:<12} {part['bytes']:>10} bytes  sha256 {part['sha256']}" for part in fields["parts"]]
    if fields["manifest_sha256"]:
        lines.append(f"  manifest.json           sha256 {fields['manifest_sha256']}")
    return "\n".join(lines)
