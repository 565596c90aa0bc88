"""The engine of a profile: its networks loaded, its streams built. Frames in, features out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
from threadpoolctl import threadpool_limits

from models.frames.frame import CameraContext, Features, Frame
from models.frames.frame_reuse import NEVER, FrameReuse
from models.profiles.profile import Profile, StreamKind, StreamSpec
from models.streams import category_stream, global_stream, local_stream, motion_stream, place_stream, velocity_stream
from models.streams.base import Stream
from models.streams.frame_batch import FrameBatch

if TYPE_CHECKING:
    from models.networks.networks import Networks
    from models.patch_network.patch_network import PatchNetwork


@dataclass(frozen=True)
class NetworkOptions:
    """Where the networks come from and where they run; ignored by profiles without networks."""

    weights_dir: Path
    clip_weights: Path | None = None
    detector_weights: Path | None = None
    device: str = "auto"
    threads: int | None = None
    random_clip: bool = False
    still_tolerance: float = 0.0
    cuda_fused: bool = False


class Engine:
    """Extracts the features of all streams of one profile. Not thread-safe: one per worker and profile."""

    def __init__(
        self,
        profile: Profile,
        networks: Networks | None = None,
        reuse: FrameReuse = NEVER,
        patch_network: PatchNetwork | None = None,
    ) -> None:
        one_thread()
        self.profile = profile
        self.streams = [make_stream(spec, networks.classes if networks else ()) for spec in profile.streams]
        self._networks = networks
        self._patch_network = patch_network
        self._loaded = [network for network in (networks, patch_network) if network]
        self.has_backbone = profile.needs_backbone
        self.has_detector = profile.needs_detector
        self._reuse = reuse

    @classmethod
    def load(cls, profile: Profile, options: NetworkOptions) -> Engine:
        """Load what the profile needs. Raises `WeightsMissingError`, `ConfigurationError` (extra not installed)."""
        networks = _load_networks(profile, options)
        patch_network = _load_patch_network(profile, options)
        reuse = FrameReuse(options.still_tolerance) if networks or patch_network else NEVER
        return cls(profile, networks, reuse, patch_network)

    @property
    def device(self) -> str:
        """What runs the networks, and in what precision, for people."""
        return ", ".join(dict.fromkeys(network.device for network in self._loaded)) or "cpu"

    def prepare(self, most_frames: int) -> None:
        """Do what would hold up the first batches of up to so many frames, before one waits. Takes seconds on a GPU."""
        for network in self._loaded:
            network.prepare(most_frames)

    @property
    def failed_graphs(self) -> int:
        """Batch sizes that run slower because they could not be recorded as CUDA graphs."""
        return sum(network.failed_graphs for network in self._loaded)

    @property
    def eager_pictures(self) -> int:
        """Pictures that ran without a CUDA graph where there should have been one."""
        return sum(network.eager_pictures for network in self._loaded)

    @property
    def identity(self) -> dict[str, Any]:
        """What a bank must match to be used with this engine, as JSON values."""
        networks: dict[str, Any] = {}
        for network in self._loaded:
            networks |= network.identity()
        return {
            "networks": networks,
            "preprocessing": {stream.name: stream.preprocessing() for stream in self.streams},
        }

    def extract(self, frames: Sequence[Frame], contexts: Sequence[CameraContext]) -> list[tuple[Features, ...]]:
        """Features of each frame, one per stream of the profile.

        ``contexts``: of each frame's camera. Frames of one camera are in order of time.
        """
        return self.features(self.batch(frames, contexts))

    def batch(self, frames: Sequence[Frame], contexts: Sequence[CameraContext]) -> FrameBatch:
        return FrameBatch(frames, contexts, self._networks, self._reuse, self._patch_network)

    def features(self, batch: FrameBatch) -> list[tuple[Features, ...]]:
        columns = [stream.extract(batch) for stream in self.streams]
        return list(zip(*columns, strict=True))


def _load_networks(profile: Profile, options: NetworkOptions) -> Networks | None:
    if not (profile.needs_backbone or profile.needs_detector):
        return None
    from models.networks.networks import Networks  # torch: only where a profile needs it

    return Networks.load(
        profile,
        clip_weights=options.clip_weights,
        detector_weights=options.detector_weights,
        weights_dir=options.weights_dir,
        device=options.device,
        threads=options.threads,
        random_clip=options.random_clip,
        cuda_fused=options.cuda_fused,
    )


def _load_patch_network(profile: Profile, options: NetworkOptions) -> PatchNetwork | None:
    if not profile.needs_patches:
        return None
    from models.patch_network.patch_network import PatchNetwork  # OpenVINO: only where a profile needs it

    return PatchNetwork.load(options.device, options.threads)


def one_thread() -> None:
    """Keep OpenCV and BLAS to one thread in this process: a frame's arrays are small, and more threads burn up to twice
    the processor time for the same wall time, waiting for each other. The networks' own threads are another matter.
    """
    cv2.setNumThreads(1)
    threadpool_limits(limits=1, user_api="blas")


def make_stream(spec: StreamSpec, classes: Sequence[str] = ()) -> Stream:
    """The stream of a specification. ``classes``: all that the detector knows."""
    match spec.kind:
        case StreamKind.MOTION:
            return motion_stream.make(spec)
        case StreamKind.GLOBAL:
            return global_stream.make(spec)
        case StreamKind.LOCAL:
            return local_stream.make(spec)
        case StreamKind.VELOCITY:
            return velocity_stream.make(spec, classes)
        case StreamKind.CATEGORY:
            return category_stream.make(spec, classes)
        case StreamKind.PLACE:
            return place_stream.make(spec)
