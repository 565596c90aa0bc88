"""Every command of README.md is run as it is written, in order, beside one installation; or it says here why not.

Other than written are the ports, the folder of recordings and the home folder, which belong to the test.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import parts
import pytest
import yaml
from footage import write_recording
from ingest_rig import free_port
from waiting import PATIENCE_S, wait_until

from patchwatch.messages.alerts.alert import AlertView
from workers.delivery.payload import signed_headers

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
NOT_RUN = {
    "make demo": "tests/patchwatch/demo runs the demo",
    "git clone": "the address is the reader's",
    "python3 -m venv": "makes what this test runs in",
    "pip install .": "needs a package index and minutes",
    "pip install uv": "needs a package index, minutes and gigabytes",
    "patchwatch weights pull": "needs the network",
    "patchwatch cameras discover": "asks whatever is in the network of the machine",
}
IN_BACKGROUND = "patchwatch serve"
WHEN_STOPPED = ("patchwatch restore",)
FAILS_HERE = {
    "patchwatch banks activate": "BANK stands for an id of the list, and it says that there is none of this name",
    "patchwatch banks shadow": "as above",
    "patchwatch alerts evidence": "the alert is of another installation, and it says so",
    "patchwatch evidence verify": "as above: there is no such file",
    "patchwatch alerts normal": "ALERT stands for an id of the list, and it says that there is none of this name",
    "patchwatch alerts confirm": "as above",
    "patchwatch alerts undo": "as above",
    "patchwatch cameras what-if": "the camera `door` is not here, so nothing of it is stored, and it says so",
    "patchwatch cameras import": "there is no Frigate and no go2rtc here, and it says so",
    "patchwatch webhooks test": "there is no Home Assistant here, and it says so",
    "patchwatch weights verify": "the weights are not here, and it says so",
    "patchwatch doctor": "the camera `door` is not here, which may count as a fault",
}
NEEDS = {"ffmpeg ": "ffmpeg"}  # the part of `parts`


def _commands() -> list[str]:
    """Those of the ``sh`` blocks, without comments; continued lines are one."""
    blocks = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [command for line in lines if (command := re.sub(r"\s+#.*", "", line).strip())]


COMMANDS = _commands()


def _one_of(prefixes: object, command: str) -> bool:
    return command.startswith(tuple(prefixes))  # type: ignore[arg-type]


class Site:
    """A home with recordings in the working folder, and the environment of a shell there."""

    def __init__(self, folder: Path) -> None:
        self.port, rtsp_port = free_port(), free_port()
        self.folder, self.media, self.home = (folder / name for name in ("work", "media", "home"))
        for path in (self.folder, self.media, self.home / ".local" / "share"):
            path.mkdir(parents=True)
        (self.home / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\n")
        recording = write_recording(self.folder / "video.mp4", loops=1)
        for path in (self.media / "tape.mp4", self.folder / "monday.mp4", self.folder / "tuesday.mp4"):
            shutil.copy(recording, path)
        write_recording(self.folder / "wednesday.mp4", loops=2)  # README.md looks at its second 12.4
        self.instead = {"8080": str(self.port), "8554": str(rtsp_port), "file:/media/": f"file:{self.media}/"}
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(self.home),
            "PATCHWATCH_PORT": str(self.port), "PATCHWATCH_RTSP_PORT": str(rtsp_port),
            "PATCHWATCH_MEDIA_DIRS": str(self.media), "LC_ALL": "C.UTF-8",
        }  # fmt: skip

    def popen(self, command: str) -> subprocess.Popen[str]:
        for written, here in self.instead.items():
            command = command.replace(written, here)
        return subprocess.Popen(
            ["/bin/bash", "-c", f"exec {command}" if command == IN_BACKGROUND else command],
            cwd=self.folder, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, command: str) -> tuple[int, str]:
        with self.popen(command) as process:
            try:
                output, _ = process.communicate(timeout=2 * PATIENCE_S)
            finally:
                process.kill()
            return process.returncode, output

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture
def serving(site: Site) -> Iterator[subprocess.Popen[str]]:
    with site.popen(IN_BACKGROUND) as process:
        try:
            wait_until(lambda: site.ready() or process.poll() is not None, within_s=90)
            yield process
        finally:
            process.kill()


def test_each_command_is_run_or_says_why_not() -> None:
    assert IN_BACKGROUND in COMMANDS
    for entry in (*NOT_RUN, *WHEN_STOPPED, *FAILS_HERE, *NEEDS):
        assert any(command.startswith(entry) for command in COMMANDS), f"{entry} is not in README.md any more"


@pytest.mark.timeout(600)
def test_the_commands_work_as_written(site: Site, serving: subprocess.Popen[str]) -> None:
    last = [command for command in COMMANDS if _one_of(WHEN_STOPPED, command)]
    for command in COMMANDS:
        if command != IN_BACKGROUND and command not in last and not _one_of(NOT_RUN, command):
            _works(site, command)
    serving.send_signal(signal.SIGTERM)
    output, _ = serving.communicate(timeout=60)
    assert serving.returncode == 0, output
    for command in last:
        _works(site, command)
    backup = site.home / "patchwatch-backup.zip"
    assert backup.stat().st_mode & 0o077 == 0, "it holds passwords"
    with zipfile.ZipFile(backup) as archive:
        [name] = [name for name in archive.namelist() if name.endswith("banks/door/scene.safetensors")]
        bank = site.home / ".local" / "share" / "patchwatch" / "banks" / "door" / "scene.safetensors"
        assert bank.read_bytes() == archive.read(name)


def _works(site: Site, command: str) -> None:
    needed = next((program for start, program in NEEDS.items() if command.startswith(start)), None)
    if needed is not None and not parts.present(needed):
        return
    deadline_s = time.monotonic() + PATIENCE_S  # a new bank is noticed by the running service within seconds
    while True:
        code, output = site.run(command)
        assert "Traceback" not in output, f"{command}\n{output}"
        if code == 0 or (code in (1, 2) and _one_of(FAILS_HERE, command)):
            return
        assert time.monotonic() < deadline_s, f"{command}\nended with {code}:\n{output}"
        time.sleep(1)


def test_the_check_of_a_signature_accepts_ours_and_no_other() -> None:
    [code] = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    names: dict[str, object] = {}
    exec(textwrap.dedent(code), names)  # noqa: S102 - our own README
    verified = names["verified"]
    assert callable(verified)
    now_s = int(time.time())
    for at_s, body, good in ((now_s, b"{}", True), (now_s, b"{ }", False), (now_s - 400, b"{}", False)):
        headers = {name.decode(): value.decode() for name, value in signed_headers(b"key" * 8, "id", at_s, b"{}")}
        assert verified(headers, body, "whsec_a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5") is good


def test_the_recipe_for_home_assistant_parses_and_reads_what_is_sent() -> None:
    [recipe] = re.findall(r"^```yaml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    [automation] = yaml.safe_load(recipe)
    assert automation["triggers"][0]["webhook_id"] in README.split("```yaml")[0]
    assert set(re.findall(r"trigger\.json\.data\.(\w+)", recipe)) <= set(AlertView.model_fields)
