"""What may be restored where, and what becomes of a restore or a backup that ends in the middle."""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from stored_installation import put, read_json, take, unpack_banks
from typer.testing import CliRunner
from waiting import wait_until

from patchwatch.backup import restoring
from patchwatch.backup.making import Contents, make_backup
from patchwatch.backup.restoring import restore
from patchwatch.bus import keys
from patchwatch.bus.connection import admit, connect
from patchwatch.cli.app import app
from patchwatch.contract.errors import BusRefusedError, ConfigurationError, ConflictError, StorageError
from patchwatch.contract.settings import Settings
from patchwatch.doctor.examination import examine
from patchwatch.doctor.finding import Level
from patchwatch.local_redis.kept_server import kept_queue

ALL = Contents(all_banks=True, memory=True, scores=True, evidence=True)
LEFT_OUT = (
    "fence",
    "lease",
    "members",
    "worker",
    "answer",
    "orders",
    "analysis",
    ":banks",
    "profiles",
    "sessions",
)


@pytest.fixture
def site(bus_url: str, tmp_path: Path) -> Settings:
    """An installation of an earlier version, whose roles have ended."""
    unpack_banks(tmp_path / "site" / "banks")
    with connect(bus_url) as client:
        put(client, read_json("redis.json"))
        client.delete(*client.keys("pw:worker:*"))
    return Settings(redis_url=bus_url, data_dir=tmp_path / "site", partitions=4)


def backed_up(site: Settings, path: Path) -> Path:
    make_backup(site, site.shared_redis_url, path, ALL)
    return path


def contents(url: str) -> dict[str, Any]:
    """What is kept, but of the queue."""
    with connect(url) as client:
        names = [name for name in client.keys("*") if not any(word in name.decode() for word in LEFT_OUT)]
        return {
            name.decode(): take(client, name) for name in names if b":frames:" not in name and b"partit" not in name
        }


def files(site: Settings) -> dict[str, bytes]:
    found = site.banks_dir.rglob("*.*")
    return {path.relative_to(site.data_dir).as_posix(): path.read_bytes() for path in found if path.name != ".lock"}


def test_what_an_earlier_version_stored_is_backed_up_and_restored_into_a_queue_of_our_own(
    site: Settings, tmp_path: Path
) -> None:
    path = backed_up(site, tmp_path / "b.zip")
    other = Settings(data_dir=tmp_path / "other", partitions=4)
    with kept_queue(other) as queue:
        restore(other, queue.url, path, replace=False)
    with kept_queue(other) as queue:  # it is on the disk
        assert contents(queue.url) == contents(site.shared_redis_url)
    assert files(other) == files(site)
    assert {path.stat().st_mode & 0o777 for path in other.banks_dir.rglob("*.safetensors")} == {0o600}


def test_only_an_installation_that_stands_still_and_is_empty_is_filled(
    site: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = backed_up(site, tmp_path / "b.zip")
    url = site.shared_redis_url
    with pytest.raises(ConflictError, match="--replace"):
        restore(site, url, path, replace=False)
    with connect(url) as client:
        monkeypatch.setattr(restoring, "FORGOTTEN_WITHIN_S", 0.0)
        client.set(keys.worker("ingest", "w"), read_worker())
        with pytest.raises(ConflictError, match="ingest on vm, process"):
            restore(site, url, path, replace=True)
        monkeypatch.setattr(restoring, "FORGOTTEN_WITHIN_S", 60.0)
        client.pexpire(keys.worker("ingest", "w"), 300)  # it has just ended
        restore(site, url, path, replace=True)


def read_worker() -> str:
    [beat] = [one["value"] for name, one in read_json("redis.json").items() if name.startswith("pw:worker:ingest")]
    return str(beat)


def test_what_is_replaced_can_be_got_back(site: Settings, tmp_path: Path) -> None:
    """Of what was there nothing is left but the fencing tokens, which must never begin anew."""
    url = site.shared_redis_url
    first = backed_up(site, tmp_path / "first.zip")
    before, banks = contents(url), files(site)
    with connect(url) as client:
        fence = client.get(keys.fence(0))
        client.hset(keys.SESSIONS, "s", "a login")
        client.hset(keys.CAMERAS, "new", b'{"id":"new","source":"push:"}')
    (site.banks_dir / "gate" / "tiny.safetensors").unlink()
    addition = site.memory_path("gate", "tiny") / "corrections" / "00000000000000aa.addition"
    addition.parent.mkdir(parents=True)
    addition.write_bytes(b"what a correction adds")
    changed = contents(url)
    result = restore(site, url, first, replace=True)
    assert contents(url) == before
    assert files(site) == banks
    assert not addition.exists()
    with connect(url) as client:
        assert client.get(keys.fence(0)) == fence is not None
        assert not client.exists(keys.SESSIONS)
    assert result.before is not None
    restore(site, url, result.before, replace=True)
    assert contents(url) == changed
    assert "banks/gate/tiny.safetensors" not in files(site)
    assert addition.read_bytes() == b"what a correction adds"


def test_a_restore_that_ended_in_the_middle_is_done_anew(site: Settings, bus_url: str, tmp_path: Path) -> None:
    """Redis refuses the first sorted set, when much is written already: no role starts, and the same command, once it
    may, fills what is half filled."""
    path = backed_up(site, tmp_path / "b.zip")
    expected = contents(bus_url)
    other = Settings(redis_url=bus_url, data_dir=tmp_path / "other", partitions=4)
    with connect(bus_url) as client:
        client.flushall()
        client.execute_command("ACL", "SETUSER", "default", "-zadd")
        with pytest.raises(BusRefusedError, match="lacks a right"):
            restore(other, bus_url, path, replace=False)
        client.execute_command("ACL", "SETUSER", "default", "+zadd")
        assert client.hexists(keys.CAMERAS, "gate")
    with pytest.raises(ConfigurationError, match="a restore has not ended"):
        admit(bus_url, 4)
    assert [one.check for one in examine(other) if one.level is Level.FAIL and "has not ended" in one.text]
    restore(other, bus_url, path, replace=False)
    assert contents(bus_url) == expected
    admit(bus_url, 4)


def test_a_disk_that_becomes_full_leaves_no_file(site: Settings, tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (70_000, before[1]))
    try:
        with pytest.raises(StorageError, match="no room for"):
            backed_up(site, tmp_path / "b.zip")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.glob("*.zip*"))
    assert not list(tmp_path.glob(".*.part"))


def test_a_backup_that_is_killed_is_not_there_and_the_next_one_is(site: Settings, tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        given = {"PATCHWATCH_REDIS_URL": url, "PATCHWATCH_DATA_DIR": str(site.data_dir)}
        command = [sys.executable, "-P", "-m", "patchwatch", "backup", str(path)]
        with subprocess.Popen(command, env=os.environ | given, stderr=subprocess.DEVNULL) as process:
            wait_until(lambda: list(tmp_path.glob(".*.part")))
            process.kill()
    assert not path.exists()
    backed_up(site, path)
    assert not list(tmp_path.glob(".*.part"))


def test_the_commands_say_what_they_did(site: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHWATCH_REDIS_URL", site.shared_redis_url)
    monkeypatch.setenv("PATCHWATCH_DATA_DIR", str(site.data_dir))
    monkeypatch.setenv("PATCHWATCH_PARTITIONS", "4")
    path = str(tmp_path / "b.zip")
    run = CliRunner().invoke
    made = run(app, ["backup", path, "--everything"])
    assert "2 cameras, 1 alert, 0 users, 4 files" in made.output
    assert "not in it: settings" in made.output
    assert "is whole: 2 cameras" in run(app, ["backup", path, "--check"]).output
    done = json.loads(run(app, ["restore", path, "--replace", "--json"]).stdout)
    assert done["written"]["pw:cameras"] == 2
    assert Path(done["before"]).is_file()
    assert "leave out the other options" in str(run(app, ["backup", path, "--check", "--scores"]).exception)
