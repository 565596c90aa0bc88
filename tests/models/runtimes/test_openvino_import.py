"""OpenVINO reports to nobody, also where its telemetry is installed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import parts
import pytest

from models.runtimes.openvino_import import silent_openvino
from patchwatch.contract.errors import ConfigurationError

ROOT = Path(__file__).parents[3]


@pytest.mark.openvino
def test_an_installed_telemetry_is_never_loaded(tmp_path: Path) -> None:
    parts.need("openvino")
    (tmp_path / "openvino_telemetry").mkdir()
    (tmp_path / "openvino_telemetry" / "__init__.py").write_text("raise SystemExit('telemetry was loaded')")
    code = """
import sys
sys.path.insert(0, sys.argv[1])
from models.patch_network.patch_network import PatchNetwork
PatchNetwork.load("cpu", 1, (0,)).prepare(1)
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_openvino_is_imported_in_one_place() -> None:
    importing = re.compile(r"^\s*import openvino\b", re.MULTILINE)
    rooms = ("patchwatch", "models", "workers", "service", "bench")
    files = [path for room in rooms for path in (ROOT / room).rglob("*.py") if importing.search(path.read_text())]
    assert [path.name for path in files] == ["openvino_import.py"]


def test_an_absent_openvino_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ConfigurationError, match="pip install 'openvino"):
        silent_openvino()
