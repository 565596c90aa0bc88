"""Weights in TorchScript are read as data: what their program would do on being loaded is not done."""

from __future__ import annotations

import os
import pickle
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import parts
import pytest

parts.torch()
import torch  # noqa: E402
from torch import nn  # noqa: E402

from models.weights.torchscript import is_torchscript, read_torchscript  # noqa: E402


class Hostile(nn.Module):
    """Writes a file on being loaded; its name is a weight, as TorchScript knows no variables from outside."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.weight = torch.ones(3)
        self.path = path

    @torch.jit.export
    def __getstate__(self) -> tuple[torch.Tensor, str, bool]:
        return (self.weight, self.path, self.training)

    @torch.jit.export
    def __setstate__(self, state: tuple[torch.Tensor, str, bool]) -> None:
        self.weight = state[0]
        self.path = state[1]
        self.training = state[2]
        torch.save(self.weight, self.path)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        return picture


def saved(module: nn.Module, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated
        torch.jit.script(module).save(str(path))  # type: ignore[no-untyped-call]  # of torch
    return path


def test_a_program_that_writes_a_file_is_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(torch, "save", torch.serialization.save)  # not as ultralytics replaces it
    path = saved(Hostile(str(tmp_path / "written")), tmp_path / "hostile.pt")
    (tmp_path / "written").unlink(missing_ok=True)
    assert is_torchscript(path)
    with suppress(Exception):  # a refusal is as welcome
        read_torchscript(path)
    assert not (tmp_path / "written").exists()


def test_tensors_are_those_that_pytorch_itself_reads(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Sequential(nn.Linear(4, 2))).half()
    result = read_torchscript(saved(module, tmp_path / "good.pt"))
    wanted = module.state_dict()
    assert result.keys() == wanted.keys()
    assert all(result[name].dtype == one.dtype and torch.equal(result[name], one) for name, one in wanted.items())


class _Call:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("called",)


def test_a_pickle_that_names_anything_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile(tmp_path / "x.pt", "w") as archive:
        archive.writestr("x/code/x.py", "")
        archive.writestr("x/data.pkl", pickle.dumps(_Call()))
    with pytest.raises(pickle.UnpicklingError, match="mkdir"):
        read_torchscript(tmp_path / "x.pt")
    assert not (tmp_path / "called").exists()
