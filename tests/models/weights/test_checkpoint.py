"""A weights file is data: a loader that would run its code is not used, whatever its version says."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import parts
import pytest

parts.torch()
import torch  # noqa: E402
from torch import nn  # noqa: E402

from models.networks.detector import load_detector  # noqa: E402
from models.runtimes.device import choose_compute  # noqa: E402
from models.weights.checkpoint import SAFE_SINCE, require_safe  # noqa: E402
from models.weights.ultralytics_import import import_ultralytics  # noqa: E402
from patchwatch.contract.errors import ConfigurationError  # noqa: E402


class _Hostile:
    """Calls ``function`` where it is unpickled."""

    def __init__(self, function: Any, argument: str) -> None:
        self.function, self.argument = function, argument

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return self.function, (self.argument,)


def as_before_safe_loading(path: Path) -> tuple[nn.Module, Any]:
    """What ultralytics 8.3.200 and 8.4.0 do, whatever ULTRALYTICS_SAFE_LOAD says."""
    return torch.load(path, map_location="cpu", weights_only=False)["model"], None


def test_a_loader_that_runs_code_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=rf"runs code .*ultralytics>={SAFE_SINCE}"):
        require_safe(as_before_safe_loading)


def test_the_installed_loader_is_accepted_again_after_an_unsafe_one() -> None:
    with pytest.raises(ConfigurationError):
        require_safe(as_before_safe_loading)
    require_safe(lambda path: (torch.load(path, weights_only=True)["model"], None))


def test_no_detector_is_loaded_by_a_loader_that_runs_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import_ultralytics()
    import ultralytics.nn.tasks

    monkeypatch.setattr(ultralytics.nn.tasks, "load_checkpoint", as_before_safe_loading)
    torch.save({"model": _Hostile(os.mkdir, str(tmp_path / "executed"))}, tmp_path / "hostile.pt")
    with pytest.raises(ConfigurationError, match="no detector is loaded"):
        load_detector(tmp_path / "hostile.pt", choose_compute("cpu"), classes=(), confidence=0.5)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "old pickle"])
def test_a_hostile_checkpoint_is_read_as_data(legacy: bool, tmp_path: Path) -> None:
    hostile = {"model": _Hostile(os.mkdir, str(tmp_path / "executed"))}
    path = tmp_path / "hostile.pt"
    if legacy:
        path.write_bytes(pickle.dumps(hostile, protocol=2))
    else:
        torch.save(hostile, path)
    with pytest.raises(ConfigurationError, match="not an ultralytics YOLO detection checkpoint"):
        load_detector(path, choose_compute("cpu"), classes=(), confidence=0.5)
    assert not (tmp_path / "executed").exists()


def test_the_lower_bound_is_a_version_that_loads_safely() -> None:
    lines = (Path(__file__).parents[3] / "pyproject.toml").read_text().splitlines()
    assert any(f'"ultralytics>={SAFE_SINCE}"' in line for line in lines)
