"""The networks a profile needs, loaded once: detector and backbone. torch is imported only when some are loaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.frames.detections import DetectionQuery, Detections, union
from models.frames.frame import Frame
from models.profiles.profile import Profile, StreamKind
from models.profiles.stream_options import detection_queries
from models.runtimes.device_setting import installed
from models.weights import catalog
from patchwatch.contract.errors import ConfigurationError

if TYPE_CHECKING:
    from models.networks.backbone import Backbone
    from models.networks.detector import Detector
    from models.runtimes.device import Compute, Precision
    from models.runtimes.device_batch import DeviceBatch
    from models.runtimes.runtime import Run

RANDOM_SEED = 0


class Networks:
    """Detector and backbone of one profile, each None when the profile has no use for it. Not thread-safe.

    ``crop_queries``: which detections get an appearance vector.
    """

    def __init__(
        self,
        backbone: Backbone | None,
        detector: Detector | None,
        compute: Compute,
        identity: dict[str, Any],
        crop_queries: Sequence[DetectionQuery] = (),
    ) -> None:
        self._backbone = backbone
        self._detector = detector
        self._compute = compute
        self._identity = identity
        self.crop_queries = tuple(crop_queries)
        self._uploaded: tuple[Sequence[Frame], DeviceBatch] | None = None

    @classmethod
    def load(
        cls,
        profile: Profile,
        *,
        clip_weights: Path | None = None,
        detector_weights: Path | None = None,
        weights_dir: Path,
        device: str = "auto",
        threads: int | None = None,
        random_clip: bool = False,
        precision: Precision = "auto",
        cuda_fused: bool = False,
    ) -> Networks:
        """Load what the profile needs. ``random_clip`` is the only way to get random weights; `identity` records it.

        Raises `WeightsMissingError`, or `ConfigurationError` for a missing extra, device or wrong file.
        """
        _check_extra(profile.name)
        from models.runtimes.device import choose_compute, for_detector

        compute = choose_compute(device, precision, threads, cuda_fused=cuda_fused)
        backbone = detector = None
        identity: dict[str, Any] = {"random_weights": False}
        if profile.needs_detector:
            path, digest = catalog.resolve_verified(catalog.DETECTOR, detector_weights, weights_dir)
            detector = _load_detector(profile, path, for_detector(compute, device))
            identity |= {"detector": "ultralytics", "detector_sha256": digest, **_detector_facts(profile)}
            identity["detector_tensors_sha256"] = detector.tensors_sha256
        if profile.needs_backbone and random_clip:
            backbone = _random_backbone(compute)
            identity |= {"backbone": f"RN101 RANDOM seed {RANDOM_SEED}", "backbone_sha256": None}
            identity["random_weights"] = True
        elif profile.needs_backbone:
            path, digest = catalog.resolve_verified(catalog.CLIP, clip_weights, weights_dir)
            backbone = _load_backbone(path, compute)
            identity |= {"backbone": "CLIP RN101", "backbone_sha256": digest}
            identity["backbone_tensors_sha256"] = backbone.tensors_sha256
        return cls(backbone, detector, compute, identity, detection_queries(profile, StreamKind.LOCAL))

    def prepare(self, most_frames: int) -> None:
        """Do before frames wait what would hold up the first batches (of up to so many frames): CUDA graphs."""
        if self._backbone:
            self._backbone.prepare()
        if self._detector:
            self._detector.prepare(most_frames)

    @property
    def failed_graphs(self) -> int:
        """Batch sizes that run slower because they could not be recorded as CUDA graphs."""
        return sum(run.failed for run in self._runs())

    @property
    def eager_pictures(self) -> int:
        """Pictures that ran without a CUDA graph where there should have been one."""
        return sum(run.eager for run in self._runs())

    def _runs(self) -> list[Run]:
        return [network.run for network in (self._backbone, self._detector) if network]

    @property
    def device(self) -> str:
        """What runs them, and in what precision, for people."""
        return ", ".join(dict.fromkeys(network.compute.name for network in (self._detector, self._backbone) if network))

    @property
    def classes(self) -> tuple[str, ...]:
        """All that the detector knows; none without a detector."""
        return self._detector.knows if self._detector else ()

    def identity(self) -> dict[str, Any]:
        """Everything about the networks that a bank must match, as JSON values; the same on every device.

        The hash of a file is there for banks learnt before tensors were hashed: `models.weights.network_identity`."""
        return dict(self._identity)

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Objects per frame: of every class, and from the lowest confidence, that a stream of the profile wants."""
        if self._detector is None:
            raise ValueError("this profile has no detector")
        return self._detector.detect(self._upload(frames))

    def embed(
        self, frames: Sequence[Frame], boxes_xyxy_px: Sequence[NDArray[np.float32]]
    ) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
        """float32 (frames, 1536) of the whole frames, and per frame float32 (n, 1536) of its boxes."""
        if self._backbone is None:
            raise ValueError("this profile has no backbone")
        return self._backbone.embed(self._upload(frames), boxes_xyxy_px)

    def _upload(self, frames: Sequence[Frame]) -> DeviceBatch:
        """Frames on the device, uploaded once for detector and backbone."""
        from models.runtimes.device_batch import DeviceBatch

        if self._uploaded is None or self._uploaded[0] is not frames:
            self._uploaded = frames, DeviceBatch.upload([frame.rgb for frame in frames], self._compute.device)
        return self._uploaded[1]


def _check_extra(profile: str) -> None:
    missing = [name for name in ("torch", "torchvision", "open_clip", "ultralytics") if not installed(name)]
    if missing:
        raise ConfigurationError(
            f"profile {profile!r} needs {', '.join(missing)}: run `pip install '.[clip]'` in the checkout, "
            "or choose the profile 'motion'"
        )


def _detector_facts(profile: Profile) -> dict[str, Any]:
    query = union(detection_queries(profile))
    return {"detector_classes": list(query.classes), "detector_confidence": query.confidence}


def _load_detector(profile: Profile, path: Path, compute: Compute) -> Detector:
    from models.networks.detector import load_detector

    facts = _detector_facts(profile)
    return load_detector(path, compute, classes=facts["detector_classes"], confidence=facts["detector_confidence"])


def _load_backbone(path: Path, compute: Compute) -> Backbone:
    from models.networks.backbone import Backbone, load_trunk

    return Backbone(load_trunk(path), compute)


def _random_backbone(compute: Compute) -> Backbone:
    from models.networks.backbone import Backbone, random_trunk

    return Backbone(random_trunk(RANDOM_SEED), compute)
