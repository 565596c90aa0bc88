"""The seed method as its author would write it: slow and obvious, sharing no code with the product."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from numpy.typing import NDArray
from open_clip.modified_resnet import ModifiedResNet
from PIL import Image
from scipy.spatial.distance import cdist

from models.weights.ultralytics_import import import_ultralytics

Vectors = NDArray[np.float64]


class SlowBackbone:
    """The whole visual tower, watched by forward hooks on layer2 and layer3."""

    def __init__(self, state: dict[str, torch.Tensor]) -> None:
        self._tower = ModifiedResNet(layers=[3, 4, 23, 3], output_dim=512, heads=32, image_size=224, width=64)
        self._tower.layer4 = self._tower.attnpool = torch.nn.Identity()  # nobody looks past layer3
        self._tower.load_state_dict(state)
        self._tower.eval()
        self._seen: dict[str, torch.Tensor] = {}
        for name in ("layer2", "layer3"):
            getattr(self._tower, name).register_forward_hook(
                lambda module, inputs, output, name=name: self._seen.__setitem__(name, output)
            )
        self._preprocess = open_clip.image_transform(
            224, is_train=False, resize_mode="squash", interpolation="bilinear",
            mean=open_clip.OPENAI_DATASET_MEAN, std=open_clip.OPENAI_DATASET_STD,
        )  # fmt: skip

    @torch.no_grad()
    def vector(self, picture: Image.Image) -> NDArray[np.float32]:
        self._tower(self._preprocess(picture)[None])
        middle = torch.nn.functional.interpolate(
            self._seen["layer2"], size=(14, 14), mode="bilinear", align_corners=False
        )
        joined = torch.cat([middle, self._seen["layer3"]], dim=1)
        pooled = torch.nn.functional.adaptive_avg_pool2d(joined, 1)
        return pooled.flatten().numpy()


def slow_boxes(checkpoint: Path, rgb: NDArray[np.uint8], confidence: float = 0.5) -> NDArray[np.float32]:
    """Persons, as ultralytics' own predictor finds them in one picture."""
    result = _yolo(checkpoint).predict(
        rgb[..., ::-1], imgsz=640, conf=confidence, classes=[0], verbose=False, device="cpu", save=False
    )
    boxes: NDArray[np.float32] = result[0].boxes.xyxy.numpy()
    return boxes


@cache
def _yolo(checkpoint: Path) -> Any:
    import_ultralytics()
    from ultralytics import YOLO

    return YOLO(str(checkpoint))


def slow_crops(rgb: NDArray[np.uint8], boxes: NDArray[np.float32]) -> list[Image.Image]:
    picture = Image.fromarray(rgb)
    return [picture.crop((int(x1), int(y1), int(x2), int(y2))) for x1, y1, x2, y2 in boxes]


def slow_coreset(vectors: Vectors, ratio: float, cap: int, seed: int) -> list[int]:
    """Greedy k-center from a random first centre."""
    generator = np.random.default_rng(seed)
    chosen = list(range(len(vectors)))
    if len(chosen) > cap:
        chosen = sorted(generator.choice(len(vectors), size=cap, replace=False).tolist())
    centres = [chosen[generator.integers(len(chosen))]]
    while len(centres) < max(1, int(np.ceil(ratio * len(chosen)))):
        nearest = cdist(vectors[chosen], vectors[centres]).min(axis=1)
        centres.append(chosen[int(nearest.argmax())])
    return centres


def slow_score(
    local: Vectors, whole: Vectors, local_banks: Sequence[Vectors], global_banks: Sequence[Vectors]
) -> float:
    """0.7 local + 0.3 global, mean over the seeds; local is the farthest person, 0 without persons."""
    scores = []
    for persons, pictures in zip(local_banks, global_banks, strict=True):
        far = cdist(local, persons).min(axis=1).max() if len(local) else 0.0
        scores.append(0.7 * far + 0.3 * cdist(whole, pictures).min())
    return float(np.mean(scores))
