"""One contract for every store: a folder, and an object store in memory."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from object_server import object_server
from waiting import wait_until

from patchwatch.contract.errors import ConfigurationError, NotFoundError, RejectedError, StorageError
from patchwatch.contract.settings import load_settings
from patchwatch.storage.folder import FolderStorage
from patchwatch.storage.opening import open_storage
from patchwatch.storage.storage import Storage

Write = Callable[[bytes], Path]


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A server that speaks S3, which the variables of the environment lead to."""
    with object_server() as server:
        known = {"ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}", "ALLOW_HTTP": "true", "REGION": "x"}
        for name, value in {**known, "ACCESS_KEY_ID": "who", "SECRET_ACCESS_KEY": "hidden"}.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        yield server


@pytest.fixture(params=["folder", "memory", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "s3":
        request.getfixturevalue("s3")
    url = {"folder": None, "memory": "memory:///", "s3": "s3://evidence/site-1"}[request.param]
    return open_storage(url, tmp_path / "store")


@pytest.fixture
def file(tmp_path: Path) -> Write:
    def write(data: bytes) -> Path:
        path = tmp_path / "file"
        path.write_bytes(data)
        return path

    return write


def test_what_was_put_is_read_listed_and_deleted(storage: Storage, file: Write) -> None:
    storage.put("alerts/a/clip.mp4", file(b"hello"))
    storage.put("alerts/a/clip.mp4", file(b"hello world"))
    storage.put("alerts/b/clip.mp4", file(b""))
    assert storage.read("alerts/a/clip.mp4") == b"hello world"
    assert storage.read("alerts/a/clip.mp4", 6) == b"world"
    assert storage.read("alerts/a/clip.mp4", 4, 3) == b"o w"
    found = storage.stat("alerts/a/clip.mp4")
    assert found is not None
    assert found.size == 11
    assert {one.path for one in storage.files("alerts")} == {"alerts/a/clip.mp4", "alerts/b/clip.mp4"}
    storage.delete("alerts/a/clip.mp4")
    storage.delete("alerts/a/clip.mp4")
    assert [one.path for one in storage.files()] == ["alerts/b/clip.mp4"]


def test_all_of_it_lies_below_the_path_of_the_address(s3: Any, file: Write) -> None:
    open_storage("s3://evidence/site-1", Path()).put("alerts/a/clip.mp4", file(b"x"))
    assert s3.objects == {"site-1/alerts/a/clip.mp4": b"x"}


def test_what_is_not_there_is_told_of(storage: Storage) -> None:
    assert storage.stat("alerts/a/clip.mp4") is None
    assert list(storage.files("alerts")) == []
    with pytest.raises(NotFoundError):
        storage.read("alerts/a/clip.mp4")


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a/../../b", "", "a//b", ".hidden", "a/.part-x", "a\0b"])
def test_no_name_leads_out_of_the_store(storage: Storage, file: Write, path: str) -> None:
    with pytest.raises(RejectedError):
        storage.put(path, file(b"x"))
    with pytest.raises(RejectedError):
        storage.read(path)


def test_files_in_a_folder_are_private(tmp_path: Path, file: Write) -> None:
    FolderStorage(tmp_path / "store").put("alerts/a/clip.mp4", file(b"x"))
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "store", tmp_path / "store/alerts/a/clip.mp4")]
    assert modes == [0o700, 0o600]


def test_a_full_disk_leaves_nothing_half(tmp_path: Path, file: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    storage = FolderStorage(tmp_path / "store")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        storage.put("alerts/a/clip.mp4", file(b"x"))
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


def test_a_process_that_is_killed_while_it_stores_leaves_nothing_half(tmp_path: Path, file: Write) -> None:
    pipe, code = tmp_path / "pipe", "from pathlib import Path; import sys; from patchwatch.storage.folder import *;"
    os.mkfifo(pipe)
    code += "FolderStorage(Path(sys.argv[1])).put('alerts/a/clip.mp4', Path(sys.argv[2]))"
    writer = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "store"), str(pipe)])
    with pipe.open("wb", buffering=0) as source:
        source.write(b"x" * 100_000)
        wait_until(lambda: [path.stat().st_size for path in (tmp_path / "store").rglob(".part-*")] == [65_536])
        writer.kill()
        writer.wait()
    storage = FolderStorage(tmp_path / "store")
    assert list(storage.files()) == []
    assert storage.stat("alerts/a/clip.mp4") is None
    storage.put("alerts/a/clip.mp4", file(b"whole"))
    assert storage.read("alerts/a/clip.mp4") == b"whole"
    storage.delete("alerts/a/clip.mp4")
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == [], "what was half goes, too"


@pytest.mark.parametrize(
    "url", ["s3://", "ftp://h/x", "s3://user:password@bucket/x", "s3://bucket/../x", "file://relative", "s3://b?key=x"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="PATCHWATCH_EVIDENCE_URL"):
        load_settings(evidence_url=url)


@pytest.mark.parametrize("url", ["s3://bucket/cameras/site-1", "file:///srv/evidence", "gs://bucket", "az://box/x/"])
def test_an_address_of_a_store_is_taken(url: str) -> None:
    assert load_settings(evidence_url=url).evidence_url == url.rstrip("/")


def test_a_store_that_is_away_is_an_error_to_try_again() -> None:
    from obstore.store import S3Store

    from patchwatch.storage.object_store import ObjectStorage

    away = S3Store(
        "evidence", endpoint="http://127.0.0.1:9", access_key_id="x", secret_access_key="hidden", region="x",
        client_options={"allow_http": True}, retry_config={"max_retries": 0},
    )  # fmt: skip
    with pytest.raises(StorageError) as caught:
        ObjectStorage(away, "s3://evidence").read("alerts/a/clip.mp4")
    assert "hidden" not in str(caught.value)
