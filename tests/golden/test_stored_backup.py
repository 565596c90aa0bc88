"""A backup in the first format, of the installation that is kept here, is restored by every version since."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

from stored_installation import CAMERA, GOLDEN, PROFILE, read_json, take

from patchwatch.backup.restoring import restore
from patchwatch.bus.connection import connect
from patchwatch.contract.settings import Settings

KEYS: dict[str, Any] = read_json("redis.json")


def test_a_backup_of_the_first_format_is_restored(bus_url: str, tmp_path: Path) -> None:
    settings = Settings(redis_url=bus_url, data_dir=tmp_path, partitions=4)
    result = restore(settings, bus_url, GOLDEN / "backup.zip", replace=False)
    with connect(bus_url) as client:
        stored = {name.decode(): take(client, name) for name in client.keys("*") if b":frames:" not in name}
    assert {name for name in stored if name not in KEYS} == set()
    assert {name: value for name, value in KEYS.items() if name in stored} == stored
    assert {"pw:cameras", "pw:webhooks", "pw:alerts", "pw:alerts:by-time", "pw:enrolments:records"} <= stored.keys()
    assert sum(result.written.values()) == sum(result.manifest.rows.values())
    [version] = (tmp_path / "banks" / CAMERA / PROFILE).glob("*.safetensors")
    kept = GOLDEN / "banks" / CAMERA / PROFILE / f"{version.name}.gz"
    assert version.read_bytes() == gzip.decompress(kept.read_bytes())
    assert (tmp_path / "banks" / CAMERA / f"{PROFILE}.safetensors").read_bytes() == version.read_bytes()
