"""A batch of frames of any cameras, with what several streams need of it, computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from itertools import compress
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from models.frames.detections import DetectionQuery, Detections, union
from models.frames.frame import CameraContext, Frame
from models.frames.frame_reuse import NEVER, FrameReuse, is_sample
from models.frames.moving_regions import find_moving_regions
from models.frames.optical_flow import Flow, FlowEstimator

if TYPE_CHECKING:  # torch is imported only where a profile needs a network
    from models.networks.networks import Networks
    from models.patch_network.patch_network import PatchMaps, PatchNetwork


Value = TypeVar("Value")


class FrameBatch:
    """Frames with the contexts of their cameras. Frames of one camera are in order of time.

    Flow and networks run lazily, once per batch, on first use: `flows`, `detections`, `frame_vectors`,
    `crop_vectors`, `patches`.
    """

    def __init__(
        self,
        frames: Sequence[Frame],
        contexts: Sequence[CameraContext],
        networks: Networks | None = None,
        reuse: FrameReuse = NEVER,
        patch_network: PatchNetwork | None = None,
    ) -> None:
        if len(frames) != len(contexts):
            raise ValueError(f"{len(frames)} frames with {len(contexts)} contexts")
        self.frames = list(frames)
        self.contexts = list(contexts)
        self._networks = networks
        self._reuse = reuse
        self._patch_network = patch_network

    @cached_property
    def flows(self) -> list[Flow | None]:
        """Optical flow per frame since the previous one of its view; None where there is nothing to compare with."""
        return FlowEstimator().flows(self.frames, self.contexts)

    @cached_property
    def counted_flows(self) -> list[Flow | None]:
        """The same without what moves where nothing counts."""
        return [_that_counts(flow, context) for flow, context in zip(self.flows, self.contexts, strict=True)]

    @property
    def networks(self) -> Networks:
        if self._networks is None:
            raise ValueError("this profile has no networks")
        return self._networks

    @cached_property
    def detections(self) -> list[Detections]:
        """Objects per frame: of every class, from the lowest confidence, that a stream of the profile wants."""
        return self._for_all("fresh detections", self.networks.detect(self._fresh_frames))

    @cached_property
    def movers(self) -> list[Detections]:
        """Per frame what moves without being detected, where anything counts."""
        parts = zip(self.frames, self.counted_flows, self.detections, strict=True)
        return [find_moving_regions(*part) for part in parts]

    def objects(self, query: DetectionQuery) -> list[Detections]:
        """Per frame what a query asks for, where it counts: detections, then undetected movers."""
        detections = self.detections
        if query.movers:
            detections = [objects.with_more(moving) for objects, moving in zip(detections, self.movers, strict=True)]
        wanted = [objects.take(query.match(objects)) for objects in detections]
        return [self._counted(*parts) for parts in zip(wanted, self.frames, self.contexts, strict=True)]

    def _counted(self, objects: Detections, frame: Frame, context: CameraContext) -> Detections:
        if context.mask.whole:
            return objects
        counts = context.mask.counts_boxes(objects.boxes_xyxy_px, frame.width, frame.height)
        return objects.take(np.flatnonzero(counts))

    @cached_property
    def crops(self) -> list[Detections]:
        """Per frame the objects whose appearance some stream of the profile needs."""
        queries = self.networks.crop_queries
        if not queries:
            return [Detections.none() for _ in self.frames]
        detections = self.objects(union(queries))
        fresh = list(compress(detections, self._fresh))
        wanted = [np.unique(np.concatenate([query.match(objects) for query in queries])) for objects in fresh]
        return self._for_all(
            "fresh crops", [objects.take(chosen) for objects, chosen in zip(fresh, wanted, strict=True)]
        )

    @cached_property
    def _embeddings(self) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
        boxes = [objects.boxes_xyxy_px for objects in compress(self.crops, self._fresh)]
        whole, crops = self.networks.embed(self._seen(self._fresh), boxes)
        everywhere = self._for_all("fresh frame vector", list(whole))
        return np.stack(everywhere) if everywhere else whole, self._for_all("fresh crop vectors", crops)

    @cached_property
    def patches(self) -> list[PatchMaps]:
        """Per frame the maps of the patch network: float32 (rows, columns, channels), one per block. Those of the last
        sample where a frame is none."""
        if self._patch_network is None:
            raise ValueError("this profile has no patch network")
        passes = [fresh and sample for fresh, sample in zip(self._fresh, self.samples, strict=True)]
        maps = self._patch_network.patches(self._seen(passes))
        return self._remembered("fresh patches", passes, maps)

    @cached_property
    def samples(self) -> list[bool]:
        """Per frame whether the patch network looks at it, unless it is still."""
        return [is_sample(frame, context) for frame, context in zip(self.frames, self.contexts, strict=True)]

    @cached_property
    def _fresh(self) -> list[bool]:
        """Per frame whether the networks run on it; the others reuse the last result of their camera."""
        return self._reuse.fresh(self.frames, self.contexts)

    @cached_property
    def _fresh_frames(self) -> list[Frame]:
        return list(compress(self.frames, self._fresh))

    def _seen(self, chosen: Sequence[bool]) -> list[Frame]:
        """The chosen frames, black where nothing counts."""
        pairs = compress(zip(self.frames, self.contexts, strict=True), chosen)
        return [
            frame if context.mask.whole else replace(frame, rgb=context.mask.seen(frame.rgb))
            for frame, context in pairs
        ]

    def _for_all(self, name: str, fresh_values: Sequence[Value]) -> list[Value]:
        """The values of the fresh frames, for every frame."""
        if all(self._fresh) and self._reuse == NEVER:
            return list(fresh_values)
        return self._remembered(name, self._fresh, fresh_values)

    def _remembered(self, name: str, has_value: Sequence[bool], values: Sequence[Value]) -> list[Value]:
        """The values of the frames that have one, for every frame; each context remembers its last one under ``name``.
        The name has a space in it, as no stream's name has."""
        rest, everywhere = iter(values), []
        for context, fresh in zip(self.contexts, has_value, strict=True):
            if fresh:
                context.memory[name] = next(rest)
            everywhere.append(cast("Value", context.memory[name]))
        return everywhere

    @property
    def frame_vectors(self) -> NDArray[np.float32]:
        """float32 (frames, 1536): the whole frame through the trunk."""
        return self._embeddings[0]

    @property
    def crop_vectors(self) -> list[NDArray[np.float32]]:
        """Per frame float32 (n, 1536), aligned with `crops`. One trunk forward with `frame_vectors`."""
        return self._embeddings[1]


def _that_counts(flow: Flow | None, context: CameraContext) -> Flow | None:
    if flow is None or context.mask.whole or context.mask.learnt.whole:
        return flow
    height, width = flow.velocity.shape[:2]
    return flow.only(context.mask.moves(width, height))
