"""Every bank is a version: nothing that was learnt is overwritten, whatever is added, activated, copied or cut off."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from plain_bank import plain_bank
from waiting import PATIENCE_S

from models.banks.bank import Bank
from models.banks.bank_file import load_bank, save_bank
from patchwatch.contract.errors import BankMismatchError, ConflictError, NotFoundError, StorageError
from patchwatch.messages.banks.bank_version import BankOrigin
from workers.enrolment.banks import bank_versions as versions_module
from workers.enrolment.banks.bank_versions import BankVersions, profiles_with_banks

ROOT = Path(__file__).parents[4]
ORIGIN = BankOrigin(by="a test", software="patchwatch test")
Another = Callable[[], Bank]
INDEXES = ("versions.json", "versions.copy.json")


@pytest.fixture
def bank() -> Bank:
    return plain_bank()


@pytest.fixture
def versions(tmp_path: Path) -> BankVersions:
    return BankVersions(tmp_path / "banks", "door", "small", kept=3)


@pytest.fixture
def another(bank: Bank) -> Another:
    """The same bank, learnt a second later each time: with another id."""
    seconds = itertools.count()
    return lambda: replace(bank, created_at=f"2026-11-28T05:00:{next(seconds):02d}+00:00")


def added(versions: BankVersions, bank: Bank, origin: BankOrigin = ORIGIN) -> str:
    with versions.staging() as staged:
        save_bank(bank, staged)
        return versions.add(staged, bank, origin).version.id


def ids(versions: BankVersions) -> list[str]:
    return [one.id for one in versions.all()]


def test_a_bank_says_what_it_was_learnt_from_and_is_not_active_by_itself(versions: BankVersions, bank: Bank) -> None:
    bank_id = added(versions, bank)
    [version] = versions.all()
    assert (version.id, version.camera_id, version.profile, version.origin) == (bank_id, "door", "small", ORIGIN)
    assert (version.sources, version.seconds, version.frames) == (("normal.mp4",), bank.footage.seconds, 100)
    assert version.report is not None
    assert version.verdict is not None
    assert version.verdict.value == bank.coverage.verdict.value
    assert versions.active_id is None
    assert not versions.active_path.exists()


def test_activating_goes_to_and_fro_and_loses_nothing(versions: BankVersions, another: Another) -> None:
    first, second = added(versions, another()), added(versions, another())
    for bank_id in (second, first, second):
        versions.activate(bank_id)
        assert versions.active_id == bank_id == load_bank(versions.active_path).id
    assert ids(versions) == [second, first]
    files = [versions.active_path, *versions.path(first).parent.iterdir()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}, "banks hold pictures"


@pytest.mark.parametrize("set_back_s", [3600, 400 * 86_400])
def test_the_newest_stays_the_newest_when_the_clock_is_set_back(
    versions: BankVersions, another: Another, monkeypatch: pytest.MonkeyPatch, set_back_s: int
) -> None:
    known = [added(versions, another()) for _ in range(3)]
    honest = time.time_ns
    monkeypatch.setattr("time.time_ns", lambda: honest() - set_back_s * 10**9)
    known += [added(versions, another()) for _ in range(2)]
    assert ids(versions) == known[:1:-1], "three are kept: the newest"


def test_a_bank_of_before_there_were_versions_becomes_the_first(versions: BankVersions, another: Another) -> None:
    old = another()
    save_bank(old, versions.active_path)
    assert ids(versions) == [old.id]
    new = added(versions, another())
    versions.activate(new)
    versions.activate(old.id)
    assert load_bank(versions.active_path).id == old.id


def test_the_active_bank_is_kept_before_another_takes_its_place(versions: BankVersions, another: Another) -> None:
    """One that was put there by ``cp`` since the last look."""
    new = added(versions, another())
    copied = another()
    save_bank(copied, versions.active_path)
    versions.activate(new)
    assert set(ids(versions)) == {new, copied.id}


def test_a_copy_over_the_active_file_changes_no_version(versions: BankVersions, another: Another) -> None:
    first, second = added(versions, another()), added(versions, another())
    versions.activate(second)
    shutil.copyfile(versions.path(first), versions.active_path)  # writes into the file that is there
    assert versions.active_id == first
    assert load_bank(versions.path(second)).id == second


@pytest.mark.parametrize("harm", ["", "{", "[1]", "null", '[{"id": "x"}]'])
def test_a_damaged_index_is_rebuilt_from_the_files(versions: BankVersions, another: Another, harm: str) -> None:
    known = {added(versions, another()), added(versions, another())}
    for name in INDEXES:
        (versions.path("x").parent / name).write_text(harm)
    assert set(ids(versions)) == known
    for name in INDEXES:
        assert {row["id"] for row in json.loads((versions.path("x").parent / name).read_text())} == known


@pytest.mark.parametrize("damaged", INDEXES)
@pytest.mark.parametrize("harm", [None, "", "{"])
def test_what_people_said_of_banks_outlives_one_copy_of_the_index(
    versions: BankVersions, another: Another, damaged: str, harm: str | None
) -> None:
    chosen, pinned, newest = added(versions, another()), added(versions, another()), added(versions, another())
    versions.activate(chosen, by_operator=True)
    versions.pin(pinned)
    path = versions.path("x").parent / damaged
    path.unlink() if harm is None else path.write_text(harm)
    known = {one.id: (one.chosen, one.pinned) for one in versions.all()}
    assert known == {chosen: (True, False), pinned: (False, True), newest: (False, False)}
    versions.pin(newest)
    assert {row["id"] for row in json.loads(path.read_text())} == known.keys(), "the copy is whole again"


def test_what_people_said_of_banks_is_not_lost_without_a_word(
    versions: BankVersions, another: Another, caplog: pytest.LogCaptureFixture
) -> None:
    added(versions, another())
    for name in INDEXES:
        (versions.path("x").parent / name).write_text("{")
    versions.all()
    assert "which banks were chosen or pinned cannot be read any more" in caplog.text


def test_what_a_killed_process_left_half_done_is_no_version(versions: BankVersions, another: Another) -> None:
    whole = added(versions, another())
    folder = versions.path(whole).parent
    (folder / "0a1b2c3d4e5f.safetensors").write_bytes(versions.path(whole).read_bytes()[:1000])
    (folder / "b.staged").write_bytes(b"half")
    versions.active_path.write_bytes(b"half")
    assert ids(versions) == [whole]
    assert versions.active_id is None
    versions.activate(whole)
    assert versions.active_id == whole


def test_a_bank_that_was_moved_there_but_not_indexed_is_found(versions: BankVersions, another: Another) -> None:
    """As after a crash between the two."""
    lost = another()
    kept = added(versions, another())
    save_bank(lost, versions.path(lost.id))
    assert set(ids(versions)) == {lost.id, kept}


def test_old_banks_go_but_never_the_active_or_a_pinned_one(versions: BankVersions, another: Another) -> None:
    active, pinned, *others = (added(versions, another()) for _ in range(3))
    versions.activate(active)
    versions.pin(pinned)
    for _ in range(3):
        with versions.staging() as staged:
            bank = another()
            save_bank(bank, staged)
            stored = versions.add(staged, bank, ORIGIN)
        assert [one.id for one in stored.removed] == others
        assert not versions.path(others[0]).exists()
        others = [bank.id]
        assert set(ids(versions)) == {active, pinned, bank.id}


def test_what_the_camera_learnt_by_itself_goes_first(versions: BankVersions, another: Another) -> None:
    own = ORIGIN.model_copy(update={"by_itself": True})
    asked = [added(versions, another()) for _ in range(2)]
    first = added(versions, another(), own)
    second = added(versions, another(), own)
    assert ids(versions) == [second, *reversed(asked)]
    third = added(versions, another(), own)
    assert ids(versions) == [third, *reversed(asked)]
    assert first not in ids(versions)


def test_pins_leave_room_for_new_banks(versions: BankVersions, another: Another) -> None:
    first, second, third = (added(versions, another()) for _ in range(3))
    versions.pin(first)
    versions.pin(second)
    with pytest.raises(ConflictError, match="unpin one, or raise PATCHWATCH_BANK_VERSIONS"):
        versions.pin(third)
    versions.pin(first, False)
    assert versions.pin(third).pinned


def test_the_active_and_pinned_banks_are_not_removed(versions: BankVersions, another: Another) -> None:
    first, second = added(versions, another()), added(versions, another())
    versions.activate(first)
    versions.pin(second)
    with pytest.raises(ConflictError, match="activate another one first"):
        versions.remove(first)
    with pytest.raises(ConflictError, match="unpin it first"):
        versions.remove(second)
    versions.activate(second)
    versions.remove(first)
    assert ids(versions) == [second]


def test_an_unknown_or_damaged_bank_takes_no_place(versions: BankVersions, another: Another) -> None:
    first, second = added(versions, another()), added(versions, another())
    versions.activate(first)
    with pytest.raises(NotFoundError, match="choose one of its own"):
        versions.activate("000000000000")
    data = bytearray(versions.path(second).read_bytes())
    data[-5] ^= 255
    versions.path(second).write_bytes(data)
    with pytest.raises(BankMismatchError):
        versions.activate(second)
    assert load_bank(versions.active_path).id == first


def test_a_bank_of_another_format_is_kept_and_not_used(versions: BankVersions, another: Another) -> None:
    """After an upgrade: it may be of use to the version before."""
    old = another()
    save_bank(old, versions.active_path)
    data = versions.active_path.read_bytes()
    versions.active_path.write_bytes(data.replace(b'\\"format\\": 3', b'\\"format\\": 1'))
    new = added(versions, another())
    versions.activate(new)
    of_before = versions.get(old.id)
    assert (of_before.usable, of_before.format) == (False, 1)
    with pytest.raises(BankMismatchError, match="format 1"):
        versions.activate(old.id)
    assert versions.active_id == new


ADDING = """
import sys
from pathlib import Path
from models.banks.bank_file import load_bank, save_bank
from patchwatch.messages.banks.bank_version import BankOrigin
from workers.enrolment.banks.bank_versions import BankVersions

folder, *files = map(Path, sys.argv[1:])
versions = BankVersions(folder, "door", "small", kept=10)
banks = [load_bank(file) for file in files]
print("ready", flush=True)
sys.stdin.readline()
for bank in banks:
    with versions.staging() as staged:
        save_bank(bank, staged)
        versions.add(staged, bank, BankOrigin(by="a test", software="patchwatch test"))
"""


@contextmanager
def adding(*arguments: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that adds banks to a folder once it is told to."""
    command = [sys.executable, "-c", ADDING, *map(str, arguments)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process


def test_processes_that_add_at_once_lose_no_bank(versions: BankVersions, another: Another, tmp_path: Path) -> None:
    banks = {tmp_path / f"{number}.safetensors": another() for number in range(4)}
    for path, bank in banks.items():
        save_bank(bank, path)
    first, second, third, fourth = banks
    folder = tmp_path / "banks"
    with adding(folder, first, second) as one, adding(folder, third, fourth) as other:
        for process in (one, other):
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in (one, other):
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in (one, other):
            process.communicate(timeout=PATIENCE_S)
    assert (one.returncode, other.returncode) == (0, 0)
    roomy = BankVersions(folder, "door", "small", kept=10)
    assert set(ids(roomy)) == {bank.id for bank in banks.values()}


def test_a_disk_that_takes_no_more_is_read(
    versions: BankVersions, another: Another, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    bank = another()
    save_bank(bank, versions.active_path)
    monkeypatch.setattr(shutil, "copyfile", refuse)
    monkeypatch.setattr(versions_module, "put_in_place", refuse)
    assert ids(versions) == [bank.id]


def test_a_disk_that_takes_nothing_says_so(tmp_path: Path) -> None:
    (tmp_path / "banks").write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="make room, or the folder writable"), \
            BankVersions(tmp_path / "banks", "door", "small").staging():  # fmt: skip
        pass


def test_profiles_with_banks_are_found_with_and_without_versions(versions: BankVersions, another: Another) -> None:
    folder = versions.active_path.parent
    added(versions, another())
    save_bank(another(), folder / "motion.safetensors")
    (folder / "notes.TXT").touch()
    assert profiles_with_banks(folder.parent, "door") == ["motion", "small"]
    assert profiles_with_banks(folder.parent, "nobody") == []
