"""What the kept server finds in its folder: damage, other versions, leftovers."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from kept_queue import BUNDLED, OWN, crash

from patchwatch.bus.connection import connect
from patchwatch.contract.errors import ConfigurationError
from patchwatch.contract.settings import Settings
from patchwatch.local_redis import kept_server
from patchwatch.local_redis.kept_server import kept_queue, queue_folder
from patchwatch.local_redis.server_program import Program, programs


def newest_part(settings: Settings) -> Path:
    [part] = (queue_folder(settings) / "aof").glob("*.incr.aof")
    return part


def test_a_tail_that_was_cut_off_is_given_up_the_rest_kept_and_a_copy_made(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with kept_queue(settings) as queue, connect(queue.url) as client:
        client.set("a", 1)
        client.set("b", "x" * 1000)
        crash(queue)
    part = newest_part(settings)
    os.truncate(part, part.stat().st_size - 500)
    cut_off = part.read_bytes()
    with kept_queue(settings) as queue, connect(queue.url) as client:
        assert (client.get("a"), client.get("b")) == (b"1", None)
    assert (part.parent / "cut-off.copy").read_bytes() == cut_off
    assert "are lost" in caplog.text


def test_zeros_where_the_last_writes_did_not_arrive_are_no_damage(settings: Settings) -> None:
    with kept_queue(settings) as queue, connect(queue.url) as client:
        client.set("a", 1)
        crash(queue)
    with newest_part(settings).open("ab") as file:
        file.write(bytes(200_000))
    with kept_queue(settings) as queue, connect(queue.url) as client:
        assert client.get("a") == b"1"


def damage_the_base(folder: Path) -> None:
    for path in (folder / "aof").glob("*.base.rdb"):
        path.write_bytes(path.read_bytes()[:40] + b"\xff" * 40)


def damage_the_middle(folder: Path) -> None:
    for path in (folder / "aof").glob("*.incr.aof"):
        content = path.read_bytes()
        path.write_bytes(content[:1000] + bytes(200) + content[1200:])


def lose_the_manifest(folder: Path) -> None:
    (folder / "aof" / "appendonly.aof.manifest").unlink()


def lose_a_part(folder: Path) -> None:
    for path in (folder / "aof").glob("*.base.rdb"):
        path.unlink()


@pytest.mark.parametrize("damage", [damage_the_base, damage_the_middle, lose_the_manifest, lose_a_part])
def test_what_cannot_be_read_is_refused_and_left_as_it_is(settings: Settings, damage: Any) -> None:
    with kept_queue(settings) as queue, connect(queue.url) as client:
        for number in range(100):
            client.set(f"key {number}", number)
    folder = queue_folder(settings)
    damage(folder)
    before = {path.name: path.read_bytes() for path in (folder / "aof").iterdir()}
    with pytest.raises(ConfigurationError, match="mv ") as caught:
        ExitStack().enter_context(kept_queue(settings))
    assert "\n" not in str(caught.value)
    assert {path.name: path.read_bytes() for path in (folder / "aof").iterdir()} == before


def rewritten(client: Any) -> None:
    client.bgrewriteaof()
    while client.info("persistence")["aof_rewrite_in_progress"]:
        client.ping()


def test_data_of_an_older_server_is_taken_over(settings: Settings, only: Callable[[str], None]) -> None:
    only(OWN)
    with kept_queue(settings) as queue, connect(queue.url) as client:
        client.set("a", 1)
        rewritten(client)
    only(BUNDLED)
    with kept_queue(settings) as queue, connect(queue.url) as client:
        assert client.get("a") == b"1"


def test_data_of_a_newer_server_is_read_by_that_one_or_refused(
    settings: Settings, only: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis 7.0 cannot read what Valkey 9 has rewritten."""
    both: list[Program] = [*programs()]
    only(BUNDLED)
    with kept_queue(settings) as queue, connect(queue.url) as client:
        client.set("a", 1)
        rewritten(client)
    only(OWN)
    with pytest.raises(ConfigurationError, match="newer Redis or Valkey"):
        ExitStack().enter_context(kept_queue(settings))
    monkeypatch.setattr(kept_server, "programs", lambda: iter(both))
    with kept_queue(settings) as queue, connect(queue.url) as client:
        assert client.get("a") == b"1"


def test_what_a_rewrite_left_that_was_cut_short_goes(settings: Settings) -> None:
    left = queue_folder(settings) / "aof" / "temp-rewriteaof-bg-1.aof"
    left.parent.mkdir(parents=True)
    left.touch()
    with kept_queue(settings):
        assert not left.exists()
