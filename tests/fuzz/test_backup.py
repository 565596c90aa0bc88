"""A stocked Redis is backed up and restored: everything that is kept is equal, in another number of partitions too."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from patchwatch.backup.key_kind import RedisType
from patchwatch.backup.key_table import KnownKey, known_key
from patchwatch.backup.making import Contents, make_backup
from patchwatch.backup.restoring import restore
from patchwatch.bus import keys
from patchwatch.bus.connection import connect
from patchwatch.contract.settings import Settings
from patchwatch.local_redis.private_server import private_redis
from patchwatch.messages.access.user import User, UserRole

ALL = Contents(all_banks=True, memory=True, scores=True, evidence=True)


def held(client: Any) -> dict[str, Any]:
    """All keys that are kept, without their partition, with their values."""
    found = {}
    for name in client.keys("*"):
        if (known := known_key(name.decode())) is not None:
            found[re.sub(r"\{\d+\}", "{N}", known.key)] = value_of(client, known)
    return found


def value_of(client: Any, known: KnownKey) -> Any:
    key = known.key
    read: dict[RedisType, Callable[[], Any]] = {
        RedisType.STRING: lambda: client.get(key),
        RedisType.HASH: lambda: client.hgetall(key),
        RedisType.SET: lambda: client.smembers(key),
        RedisType.SORTED_SET: lambda: client.zrange(key, 0, -1, withscores=True),
        RedisType.STREAM: lambda: stream_of(client, known),
    }
    return read[known.kind.type]()


def stream_of(client: Any, known: KnownKey) -> Any:
    info = client.xinfo_stream(known.key)
    position = [info[name] for name in ("last-generated-id", "entries-added", "max-deleted-entry-id")]
    return position, client.xrange(known.key) if known.kind.holds_entries else []


def test_what_is_restored_is_equal(stocked: Any, tmp_path: Path) -> None:
    stocked.reset()
    user = User(
        name="ada", role=UserRole.ADMIN, password_hash=SecretStr("$argon2id$x"), created_at_ms=1, incarnation="i1"
    )
    stocked.client.hset(keys.USERS, user.name, user.encode())
    [picture] = stocked.client.keys("pw:alert:*:jpeg")
    stocked.client.pexpire(picture, 3_600_000)
    url = stocked.settings.redis_url.get_secret_value()
    try:
        manifest = make_backup(stocked.settings, url, tmp_path / "all.zip", ALL)
        before = held(stocked.client)
    finally:
        stocked.client.delete(keys.USERS)
    assert not manifest.unreadable
    assert not manifest.unknown_keys
    with private_redis() as other, connect(other) as client:
        settings = Settings(redis_url=other, data_dir=tmp_path / "other", partitions=5)
        result = restore(settings, other, tmp_path / "all.zip", replace=False)
        assert held(client) == before
        assert sum(result.written.values()) == sum(manifest.rows.values())
        assert 0 < client.pttl(picture) <= 3_600_000
        assert not [name for name in client.keys("*") if b"session" in name or b"lease" in name]
    assert files(stocked.settings.data_dir) == files(tmp_path / "other")


def files(folder: Path) -> dict[str, bytes]:
    found = (folder / "banks").rglob("*.*")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found if path.name != ".lock"}


def test_values_that_cannot_be_read_stay_as_they_are(stocked: Any, tmp_path: Path) -> None:
    stocked.reset()
    client, url = stocked.client, stocked.settings.redis_url.get_secret_value()
    client.hset(keys.CORRECTIONS, "cam", b"\xff no message")
    client.delete(keys.ALERTS_BY_TIME)
    client.set(keys.ALERTS_BY_TIME, "of another type")
    client.set("pw:of-another-version", 1)
    manifest = make_backup(stocked.settings, url, tmp_path / "odd.zip", Contents())
    assert manifest.unreadable == {keys.CORRECTIONS: 1, keys.ALERTS_BY_TIME: 1}
    assert manifest.unknown_keys == 1
    with private_redis() as other, connect(other) as restored:
        restore(Settings(redis_url=other, data_dir=tmp_path / "o"), other, tmp_path / "odd.zip", replace=False)
        assert restored.hget(keys.CORRECTIONS, "cam") == b"\xff no message"
    stocked.reset()
