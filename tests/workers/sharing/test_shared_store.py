"""The mirror over real stores: a folder by its address, and an S3 server on this machine."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from plain_bank import plain_bank
from s3_server import ENVIRONMENT, S3Server

from models.banks.bank_file import load_bank, save_bank
from patchwatch.contract.errors import ConfigurationError, StorageError
from patchwatch.contract.settings import Settings
from patchwatch.messages.banks.bank_version import BankOrigin
from patchwatch.storage.opening import open_storage
from workers.enrolment.banks.bank_versions import BankVersions
from workers.sharing import mirror_thread
from workers.sharing.mirror import Mirror
from workers.sharing.mirror_thread import MirrorThread

BUCKET = "patchwatch-test"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of an S3 server."""
    server = S3Server()
    server.start()
    server.make_bucket(BUCKET)
    yield server.address
    server.kill()


@pytest.fixture(params=["file", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "file":
        return f"file://{tmp_path / 'store'}"
    monkeypatch.setenv("AWS_ENDPOINT", request.getfixturevalue("s3"))
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{os.urandom(4).hex()}"


def learnt(data_dir: Path) -> BankVersions:
    """A bank that an operator chose."""
    versions = BankVersions(data_dir / "banks", "gate", "small")
    bank = plain_bank()
    with versions.staging() as staged:
        save_bank(bank, staged)
        versions.add(staged, bank, BankOrigin(by="a test"))
    versions.activate(bank.id, by_operator=True)
    return versions


def test_a_bank_that_one_host_learnt_scores_on_the_other(url: str, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    first = learnt(one)
    for data_dir in (one, two):
        Mirror(data_dir, open_storage(url, tmp_path)).sync()
    second = BankVersions(two / "banks", "gate", "small")
    assert second.active_id == first.active_id
    assert [(one.id, one.chosen, one.origin.by) for one in second.all()] == [(first.active_id, True, "a test")]
    assert load_bank(second.active_path).id == first.active_id
    stretch = two / "memory/gate/small/1800000000000-0123456789abcdef.stretch"
    stretch.parent.mkdir(parents=True)
    stretch.write_bytes(b"normal")
    for data_dir in (two, one):
        Mirror(data_dir, open_storage(url, tmp_path)).sync()
    assert (one / stretch.relative_to(two)).read_bytes() == b"normal"
    stretch.unlink()
    for data_dir in (two, one):
        Mirror(data_dir, open_storage(url, tmp_path)).sync()
    assert not (one / stretch.relative_to(two)).exists()


def test_a_store_that_is_away_is_told_of_once_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried = threading.Semaphore(0)

    class Away:
        place = "s3://away"

        def read(self, *_: object) -> bytes:
            tried.release()
            raise StorageError("nobody answers")

    monkeypatch.setattr(mirror_thread, "open_storage", lambda *_: Away())
    thread = MirrorThread(Settings(data_dir=tmp_path, store_url="file:///nowhere"), every_s=0.01)
    thread.start()
    try:
        assert all(tried.acquire(timeout=30.0) for _ in range(3))
    finally:
        thread.stop()
    assert caplog.text.count("are not shared until this is mended, all else goes on: nobody answers") == 1


def test_one_process_of_a_host_is_at_it(tmp_path: Path) -> None:
    with mirror_thread._lock_file(tmp_path) as first, mirror_thread._lock_file(tmp_path) as second:
        assert mirror_thread._is_ours(first)
        assert not mirror_thread._is_ours(second)


@pytest.mark.parametrize("address", ["http://example.com/x", "store", "s3://"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises((ConfigurationError, ValueError)):
        Settings(store_url=address)
