"""Hosts that share a store end up with the same banks and memory, whatever is cut off, removed or changed at once."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from patchwatch.contract.errors import NotFoundError, StorageError
from workers.sharing.mirror import MARKER, Mirror, merged_index


@dataclass(frozen=True)
class Listed:
    path: str
    size: int
    modified_at_s: float


@dataclass
class MemoryOfAStore:
    """A store in a dictionary. ``fails_after``: so many more calls are answered."""

    objects: dict[str, tuple[bytes, float]] = field(default_factory=dict)
    fails_after: float = float("inf")
    place: str = "memory://"
    _now_s: float = 1_900_000_000.0  # later than any file of the tests

    def _answer(self) -> None:
        self.fails_after -= 1
        if self.fails_after < 0:
            raise StorageError("the store is away")

    def put(self, path: str, file: Path) -> None:
        self._answer()
        self._now_s += 1.0
        self.objects[path] = file.read_bytes(), self._now_s

    def read(self, path: str, start: int = 0, length: int | None = None) -> bytes:
        self._answer()
        if path not in self.objects:
            raise NotFoundError(path)
        return self.objects[path][0][start : None if length is None else start + length]

    def stat(self, path: str) -> Listed | None:
        self._answer()
        return Listed(path, len(self.objects[path][0]), self.objects[path][1]) if path in self.objects else None

    def files(self, prefix: str = "") -> Iterator[Listed]:
        self._answer()
        for path, (data, at_s) in list(self.objects.items()):
            if path.startswith(prefix):
                yield Listed(path, len(data), at_s)

    def delete(self, path: str) -> None:
        self._answer()
        self.objects.pop(path, None)


def stretch(number: int) -> str:
    return f"memory/gate/scene/{1_800_000_000_000 + number}-{number:016x}.stretch"


def bank(number: int) -> str:
    return f"banks/gate/scene/{number:012x}.safetensors"


ACTIVE, INDEX = "banks/gate/scene.safetensors", "banks/gate/scene/versions.json"


@dataclass
class Host:
    folder: Path
    store: MemoryOfAStore

    def put(self, name: str, data: str = "x") -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(data)

    def remove(self, name: str) -> None:
        (self.folder / name).unlink()

    def sync(self) -> None:
        Mirror(self.folder, self.store).sync()

    def holds(self) -> dict[str, str]:
        files = (path for tree in ("banks", "memory") for path in (self.folder / tree).rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_text() for path in files if path.name != ".lock"}


@pytest.fixture
def store() -> MemoryOfAStore:
    return MemoryOfAStore()


@pytest.fixture
def hosts(tmp_path: Path, store: MemoryOfAStore) -> tuple[Host, Host]:
    return Host(tmp_path / "one", store), Host(tmp_path / "two", store)


def settle(*hosts: Host) -> None:
    for _ in range(3):
        for host in hosts:
            host.sync()


def test_what_one_host_learns_the_other_has(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    for name in (stretch(1), bank(1), ACTIVE):
        one.put(name, name)
    two.put(stretch(2), "two")
    one.put("queue/dump.rdb")
    settle(one, two)
    assert one.holds() == two.holds()
    assert one.holds().keys() == {stretch(1), stretch(2), bank(1), ACTIVE}
    assert not (two.folder / "queue").exists()
    assert oct((two.folder / ACTIVE).stat().st_mode & 0o777) == "0o600"


def test_what_is_removed_on_one_host_goes_on_the_other(hosts: tuple[Host, Host], store: MemoryOfAStore) -> None:
    one, two = hosts
    for number in range(3):
        one.put(stretch(number))
    settle(one, two)
    two.remove(stretch(1))
    settle(two, one)
    assert one.holds().keys() == two.holds().keys() == {stretch(0), stretch(2)}
    assert stretch(1) not in store.objects


def test_the_active_bank_follows_the_host_that_changed_it(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    one.put(ACTIVE, "first")
    settle(one, two)
    two.put(ACTIVE, "second, learnt by two")
    settle(two, one)
    assert one.holds()[ACTIVE] == "second, learnt by two"


def test_of_two_indexes_nothing_is_lost(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    one.put(INDEX, json.dumps([{"id": "a", "pinned": True}]))
    two.put(INDEX, json.dumps([{"id": "b"}]))
    settle(one, two)
    assert one.holds() == two.holds()
    assert {row["id"]: row.get("pinned") for row in json.loads(one.holds()[INDEX])} == {"a": True, "b": None}
    assert json.loads(merged_index(b"{", b"[]", first_is_newer=True)) == []


def test_a_bank_is_there_before_anything_says_so(hosts: tuple[Host, Host], store: MemoryOfAStore) -> None:
    one, two = hosts
    for name in (ACTIVE, INDEX, bank(1), stretch(1)):
        one.put(name)
    one.sync()
    assert [name for name in store.objects if name != MARKER] == [stretch(1), bank(1), INDEX, ACTIVE]
    store.fails_after = 6  # the marker, the two lists, then three files
    with pytest.raises(StorageError):
        two.sync()
    assert ACTIVE not in two.holds()
    assert bank(1) in two.holds()


def test_a_store_that_was_emptied_is_filled_again_and_empties_nobody(
    hosts: tuple[Host, Host], store: MemoryOfAStore
) -> None:
    one, two = hosts
    one.put(bank(1))
    settle(one, two)
    store.objects.clear()
    settle(one, two)
    assert bank(1) in one.holds()
    assert bank(1) in two.holds()
    assert bank(1) in store.objects


def test_a_folder_that_was_lost_comes_back(hosts: tuple[Host, Host], store: MemoryOfAStore) -> None:
    one, two = hosts
    for name in (bank(1), stretch(1)):
        one.put(name)
    settle(one, two)
    (two.folder / stretch(1)).unlink()
    for folder in ("gate/scene", "gate", ""):
        (two.folder / "memory" / folder).rmdir()
    settle(two, one)
    assert stretch(1) in two.holds()
    assert stretch(1) in store.objects


def test_a_record_that_cannot_be_read_removes_nothing(hosts: tuple[Host, Host]) -> None:
    one, two = hosts
    one.put(bank(1))
    settle(one, two)
    (one.folder / "store.json").write_text("{")
    one.remove(bank(1))
    settle(one, two)
    assert bank(1) in one.holds()


def test_what_a_stranger_put_into_the_store_is_left_there(hosts: tuple[Host, Host], store: MemoryOfAStore) -> None:
    one, _ = hosts
    store.objects["banks/../../etc/passwd"] = b"x", 1.0
    store.objects["memory/gate/scene/x.stretch"] = b"x", 1.0
    one.sync()
    assert one.holds() == {}


@pytest.mark.parametrize("seed", range(6))
def test_hosts_agree_in_the_end_however_often_they_are_cut_off(
    hosts: tuple[Host, Host], store: MemoryOfAStore, seed: int
) -> None:
    chance = random.Random(seed)
    for step in range(30):
        host = chance.choice(hosts)
        name = chance.choice([stretch(chance.randrange(4)), bank(chance.randrange(3)), ACTIVE])
        if name in host.holds() and name != ACTIVE and chance.random() < 0.4:
            host.remove(name)
        elif name == ACTIVE or name not in host.holds():
            host.put(name, f"{step}" if name == ACTIVE else name)
        store.fails_after = chance.choice([float("inf"), chance.randrange(8)])
        with suppress(StorageError):
            chance.choice(hosts).sync()
    store.fails_after = float("inf")
    settle(*hosts)
    one, two = hosts
    assert one.holds() == two.holds()
    shared = {name: data.decode() for name, (data, _) in store.objects.items() if name != MARKER}
    assert shared == one.holds()
