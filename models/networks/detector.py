"""Objects in frames, by any ultralytics detection checkpoint: batched letterbox, one forward, NMS, source pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import interpolate, pad

from models.frames.detections import Detections
from models.networks.nms import already_suppressed, suppress
from models.runtimes.device import Compute
from models.runtimes.device_batch import DeviceBatch
from models.runtimes.runtime import runner
from models.weights.checkpoint import read_checkpoint
from models.weights.network_identity import tensors_sha256
from patchwatch.contract.errors import ConfigurationError

__all__ = ["Detections", "Detector", "Letterbox", "load_detector"]

SIDE_PX = 640  # the long side of the network's input
_GREY = 114.0  # ultralytics' padding
_CHUNK = {"cpu": 8, "cuda": 64}  # frames per forward: bounds memory
_USUAL_SHAPES = ((9, 16), (3, 4), (4, 5))  # of cameras' pictures, height to width: prepared before a frame comes


@dataclass(frozen=True)
class Letterbox:
    """How a picture lies in the network's input: scaled to 640 px on the long side, centred, padded to the stride."""

    width: int
    height: int
    left: int
    top: int
    input_width: int
    input_height: int
    scale_x: float
    scale_y: float

    @classmethod
    def for_picture(cls, height: int, width: int, stride: int) -> Letterbox:
        ratio = SIDE_PX / max(height, width)
        new_width, new_height = max(round(width * ratio), 1), max(round(height * ratio), 1)
        spare_x, spare_y = -new_width % stride, -new_height % stride
        return cls(
            new_width, new_height, spare_x // 2, spare_y // 2, new_width + spare_x, new_height + spare_y,
            new_width / width, new_height / height,
        )  # fmt: skip

    def apply(self, pictures: torch.Tensor) -> torch.Tensor:
        """Grey levels 0..255, uint8 (n, 3, h, w) -> 0..1, float32 (n, 3, input_height, input_width)."""
        size = (self.height, self.width)
        if pictures.shape[2:] != size:
            pictures = interpolate(pictures.float(), size=size, mode="bilinear", align_corners=False).round_()
        right, bottom = self.input_width - self.width - self.left, self.input_height - self.height - self.top
        return pad(pictures, (self.left, right, self.top, bottom), value=_GREY) / 255.0

    def to_source(self, boxes: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
        """Boxes (n, 4) of the network's input in pixels of the picture, inside it."""
        offset = np.array([self.left, self.top] * 2, np.float32)
        scale = np.array([self.scale_x, self.scale_y] * 2, np.float32)
        limit = np.array([width, height] * 2, np.float32)
        placed: NDArray[np.float32] = np.clip((boxes - offset) / scale, 0.0, limit)
        return placed


class Detector:
    """A detection network on a device. Not thread-safe."""

    def __init__(self, model: nn.Module, compute: Compute, *, classes: Sequence[str], confidence: float) -> None:
        self.compute = compute
        self.confidence = confidence
        self.tensors_sha256 = tensors_sha256(model.state_dict())  # before fusing, which differs by device
        names: dict[int, str] = dict(model.names)  # type: ignore[arg-type]  # ultralytics attaches it
        self._names = names
        self._classes = _class_numbers(names, classes)
        self._stride = max(int(model.stride.max()), 32)  # type: ignore[operator]
        self._end2end = bool(getattr(model, "end2end", False))
        self.run = runner(_prepared(model, compute), compute)

    @property
    def knows(self) -> tuple[str, ...]:
        """Names of all its classes, by number."""
        return tuple(self._names[number] for number in sorted(self._names))

    def prepare(self, most: int) -> None:
        """Make ready for batches of up to ``most`` frames of cameras' usual shapes: others cost more on a GPU."""
        for height, width in _USUAL_SHAPES:
            letterbox = Letterbox.for_picture(height * SIDE_PX, width * SIDE_PX, self._stride)
            shape = (3, letterbox.input_height, letterbox.input_width)
            self.run.prepare(shape, min(most, _CHUNK[self.compute.device.type]))

    @torch.inference_mode()
    def detect(self, pictures: DeviceBatch) -> list[Detections]:
        """Objects per picture, most confident first."""
        detections: dict[int, Detections] = {}
        for group in pictures.groups:
            height, width = group.height, group.width
            letterbox = Letterbox.for_picture(height, width, self._stride)
            for part in group.parts(_CHUNK[self.compute.device.type]):
                rows = self._forward(letterbox.apply(part.stack))
                for number, kept in zip(part.numbers, rows, strict=True):
                    detections[number] = self._detections(kept, letterbox, height, width)
        return [detections[number] for number in range(pictures.count)]

    def _forward(self, inputs: torch.Tensor) -> list[NDArray[np.float32]]:
        """Rows of x1, y1, x2, y2, confidence, class in pixels of the input, per picture."""
        choose = already_suppressed if self._end2end else suppress
        return choose(self.run(inputs), self.confidence, self._classes)

    def _detections(self, rows: NDArray[np.float32], letterbox: Letterbox, height: int, width: int) -> Detections:
        boxes = letterbox.to_source(rows[:, :4], height, width)
        solid = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])  # a box in the padding alone is nothing
        rows, boxes = rows[solid], boxes[solid]
        return Detections(boxes, rows[:, 4].copy(), tuple(self._names[int(number)] for number in rows[:, 5]))


def load_detector(path: Path, compute: Compute, *, classes: Sequence[str], confidence: float) -> Detector:
    """Load a detection checkpoint. ``classes`` are names of the checkpoint's own; empty means all.

    Raises `ConfigurationError` when the file is not an ultralytics detector or lacks a class, or when the installed
    ultralytics would run code that it holds.
    """
    try:
        model = read_checkpoint(path)
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001 (border: a foreign file read by foreign code)
        reason = " ".join(str(error).split()).removeprefix("ERROR ❌️ ")
        raise _not_a_detector(path, f"{type(error).__name__}: {reason[:200]}") from None
    from ultralytics.nn.tasks import DetectionModel, RTDETRDetectionModel

    task = getattr(model, "task", "unknown")
    if not isinstance(model, DetectionModel) or isinstance(model, RTDETRDetectionModel) or task != "detect":
        raise _not_a_detector(path, f"it holds a {type(model).__name__} for the task {task!r}")
    return Detector(model, compute, classes=classes, confidence=confidence)


def _not_a_detector(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{path} is not an ultralytics YOLO detection checkpoint ({why}): correct PATCHWATCH_DETECTOR_WEIGHTS, or "
        "unset it and run `patchwatch weights pull yolov5s`"
    )


def _class_numbers(names: dict[int, str], classes: Sequence[str]) -> list[int] | None:
    if not classes:
        return None
    unknown = sorted(set(classes) - set(names.values()))
    if unknown:
        known = ", ".join(list(names.values())[:12])
        raise ConfigurationError(
            f"the detector knows no class {unknown[0]!r} (it knows {known}, ...): correct `classes` in the profile, or "
            "PATCHWATCH_DETECTOR_WEIGHTS"
        )
    return [number for number, name in names.items() if name in classes]


def _prepared(model: nn.Module, compute: Compute) -> nn.Module:
    """Fused and on the device; the head stays fp32, since half-precision box arithmetic is off by whole pixels."""
    model = model.fuse(verbose=False).eval().requires_grad_(False)  # type: ignore[operator]
    model = model.to(compute.device, compute.held).to(memory_format=compute.memory_format)
    head: nn.Module = model.model[-1]  # type: ignore[index, assignment]
    head.float()
    head.register_forward_pre_hook(lambda _, inputs: ([level.float() for level in inputs[0]], *inputs[1:]))
    return model
