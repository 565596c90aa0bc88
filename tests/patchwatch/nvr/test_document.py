"""What another program says about itself is bounded, and refused with a remedy."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from patchwatch.contract.errors import RejectedError, RetryableError
from patchwatch.nvr.document import read_document
from patchwatch.nvr.env_file import read_env_file

ANSWERS = {
    "/api/config": (200, b'{"cameras": {"yard": {}}}'),
    "/list": (200, b"[1, 2]"),
    "/page": (200, b"<html>\n\t{"),
    "/large": (200, b"a: " + b"x" * 5_000_000),
    "/closed": (401, b""),
}


class _Program(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, content = ANSWERS.get(self.path, (404, b""))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Program)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_address_is_asked_by_its_api(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # is not asked
    assert read_document(address + "/", "/api/config") == {"cameras": {"yard": {}}}


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/list", "no settings"),
        ("/page", "neither YAML nor JSON"),
        ("/large", "no configuration"),
        ("/closed", "port 5000"),
        ("/none", "address and the port"),
    ],
)
def test_a_wrong_answer_is_refused_with_a_remedy(address: str, path: str, word: str) -> None:
    with pytest.raises(RejectedError, match=word):
        read_document(address, path)


def test_nobody_there_may_pass(address: str) -> None:
    with pytest.raises(RetryableError, match="does not answer"):
        read_document("http://me:secret@127.0.0.1:9", "/api/config")


def test_a_file_is_read_and_its_faults_named(tmp_path: Path) -> None:
    file = tmp_path / "config.yml"
    file.write_text("cameras: {yard: {}}\n")
    assert read_document(str(file), "/api/config") == {"cameras": {"yard": {}}}
    file.write_text("cameras:\n  yard: [\n")
    with pytest.raises(RejectedError, match="line 3"):
        read_document(str(file), "/api/config")
    file.write_text("!!python/object/apply:os.system [true]\n")
    with pytest.raises(RejectedError, match="neither YAML nor JSON"):
        read_document(str(file), "/api/config")
    with pytest.raises(RejectedError, match="no file"):
        read_document(str(tmp_path), "/api/config")


def test_variables_are_read_as_containers_are_given_them(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# of Frigate\nFRIGATE_U=me\nexport FRIGATE_P='a=b'\n\nnothing\n")
    assert read_env_file(file) == {"FRIGATE_U": "me", "FRIGATE_P": "a=b"}
    assert read_env_file(None) == {}
    with pytest.raises(RejectedError, match="no file"):
        read_env_file(tmp_path / "other")
