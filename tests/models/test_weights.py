"""Weights on disk: found, fetched and checked; every failure names the command that mends it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import parts
import pytest

from models.weights import (
    CATALOGUE,
    CLIP,
    DETECTOR,
    Verdict,
    WeightsFile,
    entry_of,
    pull,
    resolve,
    resolve_verified,
    sha256_of,
    verify,
)
from patchwatch.errors import NotFoundError, RejectedError, RetryableError, WeightsMissingError

CONTENT = bytes(range(256)) * 9000  # more than one chunk
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class _Site(BaseHTTPRequestHandler):
    """Serves CONTENT at /good.pt, with ranges; half of it at /cut.pt; /gone.pt is not there."""

    ranges: list[str | None] = []  # noqa: RUF012 (shared by all requests on purpose)

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        _Site.ranges.append(asked)
        if self.path == "/gone.pt":
            self.send_error(404)
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        body = CONTENT[start:]
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self.path == "/cut.pt" else body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Quiet."""


@pytest.fixture
def site() -> Iterator[str]:
    _Site.ranges.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def pinned(url: str, sha256: str | None = DIGEST) -> WeightsFile:
    return replace(CLIP, url=url, sha256=sha256)


def test_the_catalogue_pins_what_open_clip_states() -> None:
    parts.need("clip")
    from open_clip import pretrained

    url = pretrained.get_pretrained_url("RN101", "openai")
    assert url == CLIP.url
    assert CLIP.sha256 is not None
    assert CLIP.sha256 in url


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(NotFoundError, match="choose one of clip-rn101, yolov5s"):
        entry_of("resnet")


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=CATALOGUE)
def test_missing_weights_name_the_file_the_command_and_the_setting(entry: WeightsFile, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissingError) as raised:
        resolve(entry, None, tmp_path)
    assert str(tmp_path / entry.filename) in str(raised.value)
    assert f"patchwatch weights pull {entry.name}" in str(raised.value)
    assert entry.setting in str(raised.value)


def test_a_path_of_ones_own_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / CLIP.filename).write_bytes(CONTENT)  # is not taken in its place
    with pytest.raises(WeightsMissingError, match=r"PATCHWATCH_CLIP_WEIGHTS=.*own\.pt is not a file"):
        resolve(CLIP, tmp_path / "own.pt", tmp_path)


def test_a_file_of_ones_own_is_taken_whatever_its_hash(tmp_path: Path) -> None:
    own = tmp_path / "own.pt"
    own.write_bytes(CONTENT)
    assert resolve_verified(CLIP, own, tmp_path / "nowhere") == (own, DIGEST)
    assert verify(CLIP, own, tmp_path).verdict is Verdict.OWN


def test_a_damaged_pulled_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / CLIP.filename).write_bytes(b"half")
    with pytest.raises(WeightsMissingError, match=r"damaged or another file.*weights pull clip-rn101 --force"):
        resolve_verified(CLIP, None, tmp_path)


def test_pulls_and_verifies(site: str, tmp_path: Path) -> None:
    entry, seen = pinned(f"{site}/good.pt"), []
    path = pull(entry, tmp_path / "new", progress=lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert verify(entry, None, path.parent).verdict is Verdict.OK
    assert [file.name for file in path.parent.iterdir()] == [CLIP.filename]


def test_does_not_pull_what_is_there_unless_forced(site: str, tmp_path: Path) -> None:
    entry = pinned(f"{site}/good.pt")
    pull(entry, tmp_path)
    pull(entry, tmp_path)
    assert len(_Site.ranges) == 1
    pull(entry, tmp_path, force=True)
    assert len(_Site.ranges) == 2


def test_replaces_a_wrong_file(site: str, tmp_path: Path) -> None:
    (tmp_path / CLIP.filename).write_bytes(b"wrong")
    assert sha256_of(pull(pinned(f"{site}/good.pt"), tmp_path)) == DIGEST


def test_wrong_bytes_are_not_kept(site: str, tmp_path: Path) -> None:
    with pytest.raises(RejectedError, match=r"delivered other bytes .*published 0000"):
        pull(pinned(f"{site}/good.pt", "0" * 64), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_records_the_hash_where_none_is_published(site: str, tmp_path: Path) -> None:
    entry = replace(DETECTOR, url=f"{site}/good.pt")
    path = pull(entry, tmp_path)
    assert (tmp_path / "yolov5su.pt.sha256").read_text().split() == [DIGEST, "yolov5su.pt"]
    assert verify(entry, None, tmp_path).verdict is Verdict.OK
    path.write_bytes(CONTENT[:-1])
    assert verify(entry, None, tmp_path).verdict is Verdict.WRONG


def test_a_file_put_there_by_hand_has_no_recorded_hash(tmp_path: Path) -> None:
    (tmp_path / DETECTOR.filename).write_bytes(CONTENT)
    assert verify(DETECTOR, None, tmp_path).verdict is Verdict.UNRECORDED
    assert resolve_verified(DETECTOR, None, tmp_path)[1] == DIGEST


def test_a_cut_transfer_is_resumed_by_the_next_pull(site: str, tmp_path: Path) -> None:
    with pytest.raises(RetryableError, match="the connection ended after"):
        pull(pinned(f"{site}/cut.pt"), tmp_path)
    assert not (tmp_path / CLIP.filename).exists()
    assert pull(pinned(f"{site}/good.pt"), tmp_path).read_bytes() == CONTENT
    assert _Site.ranges == [None, f"bytes={len(CONTENT) // 2}-"]


def test_an_absent_file_says_what_the_site_answered(site: str, tmp_path: Path) -> None:
    with pytest.raises(RetryableError, match=r"answered 404 .*put the file at .*RN101\.pt"):
        pull(pinned(f"{site}/gone.pt"), tmp_path)


def test_no_network_says_where_to_put_the_file(tmp_path: Path) -> None:
    with pytest.raises(RetryableError, match=r"cannot be fetched .*put the file at .*RN101\.pt"):
        pull(pinned("http://127.0.0.1:9/RN101.pt"), tmp_path)
