"""The loop that Patchwatch started from, written plainly: the denominator of `bench.engine`.

For each of three seeds every frame is decoded, its persons found and each picture embedded again, one at a time and in
fp32, as in the published entry; the tower is run to its end although only two middle layers are used.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from numpy.typing import NDArray
from open_clip.modified_resnet import ModifiedResNet
from PIL import Image
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from models.weights.ultralytics_import import import_ultralytics

SEEDS = (42, 123, 2024)
_PERSON, _CONFIDENCE = 0, 0.5


class ReferenceLoop:
    """``banks``: for each seed the global and the local one, float32 (n, 1536).

    ``threads``: of torch, set again after each detection, because ultralytics' predict takes one core away.
    """

    def __init__(
        self, checkpoint: Path, banks: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]], threads: int
    ) -> None:
        import_ultralytics()
        from ultralytics import YOLO

        self._threads = threads
        self._detector = YOLO(str(checkpoint))
        self._tower = ModifiedResNet(layers=[3, 4, 23, 3], output_dim=512, heads=32, image_size=224, width=64).eval()
        self._seen: dict[str, torch.Tensor] = {}
        for name in ("layer2", "layer3"):
            getattr(self._tower, name).register_forward_hook(self._keep(name))
        self._preprocess = open_clip.image_transform(
            224, is_train=False, resize_mode="squash", interpolation="bilinear",
            mean=open_clip.OPENAI_DATASET_MEAN, std=open_clip.OPENAI_DATASET_STD,
        )  # fmt: skip
        self._banks = [tuple(torch.from_numpy(bank) for bank in pair) for pair in banks]

    def run(self, jpegs: Sequence[bytes]) -> list[float]:
        """Raw scores, mean over the seeds."""
        scores = np.array([[self._score(jpeg, *pair) for jpeg in jpegs] for pair in self._banks])
        return [float(score) for score in scores.mean(axis=0)]

    @torch.no_grad()
    def _score(self, jpeg: bytes, whole_bank: torch.Tensor, local_bank: torch.Tensor) -> float:
        picture = Image.open(io.BytesIO(jpeg)).convert("RGB")
        crops = [picture.crop((int(x1), int(y1), int(x2), int(y2))) for x1, y1, x2, y2 in self._persons(picture)]
        local = max((self._distance(crop, local_bank) for crop in crops), default=0.0)
        return 0.7 * local + 0.3 * self._distance(picture, whole_bank)

    def _persons(self, picture: Image.Image) -> list[list[float]]:
        detections = self._detector.predict(
            picture, imgsz=640, conf=_CONFIDENCE, classes=[_PERSON], verbose=False, device="cpu", save=False
        )
        torch.set_num_threads(self._threads)
        boxes: list[list[float]] = detections[0].boxes.xyxy.tolist()
        return boxes

    def _distance(self, picture: Image.Image, bank: torch.Tensor) -> float:
        self._tower(self._preprocess(picture)[None])
        middle = interpolate(self._seen["layer2"], size=(14, 14), mode="bilinear", align_corners=False)
        joined = torch.cat([middle, self._seen["layer3"]], dim=1)
        vector = adaptive_avg_pool2d(joined, 1).flatten(1)
        return float(torch.cdist(vector, bank).min())

    def _keep(self, name: str) -> Any:
        return lambda module, inputs, output: self._seen.__setitem__(name, output)
