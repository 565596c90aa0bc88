"""A stretch as bytes and back: safetensors with its facts as metadata. Whatever is read is checked, and bounded in
size before anything is made of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from safetensors import SafetensorError
from safetensors.numpy import load, save

from models.frames.frame import Features
from models.frames.view import WHOLE_VIEW, View
from models.memory.samples import Grid, form_of, grid_of
from models.memory.stretches.stretch import Stretch, StretchIdentity, StretchInfo, Thumbnail, score_summary
from models.memory.stretches.stretch_collector import MOST_FRAMES
from models.memory.stretches.vector_codec import pack, unpack
from models.profiles.profile import StreamKind
from patchwatch.contract.errors import StretchError

FORMAT = 1
MOST_BYTES = 16 * 2**20  # of a file
_MOST_HEAD = 2**20
_NOT_A_STRETCH = (SafetensorError, AttributeError, KeyError, IndexError, OverflowError, TypeError, ValueError)
_Side = Annotated[int, Field(ge=1, le=100_000)]
_Share = Annotated[float, Field(ge=0, le=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class StretchFacts(_Strict):
    """All that is known of a stored stretch without its arrays; see `StretchInfo` for what it says in short."""

    format: int = Field(ge=FORMAT, le=FORMAT)
    started_ms: Annotated[int, Field(ge=0, le=2**53)]
    seconds: Annotated[float, Field(ge=0, le=60)]
    frames: Annotated[int, Field(ge=1, le=MOST_FRAMES)]
    width: _Side
    height: _Side
    mean_score: _Share | None
    max_score: _Share | None
    excluded: _Share
    kinds: Annotated[list[str], Field(min_length=1, max_length=32)]
    engine: dict[str, Any]
    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    view: View = WHOLE_VIEW

    def info(self, stretch_id: str, size_bytes: int) -> StretchInfo:
        return StretchInfo(
            stretch_id, self.started_ms, self.seconds, self.frames, size_bytes, self.mean_score, self.max_score,
            self.excluded, self.fingerprint,
        )  # fmt: skip


def facts_of(stretch: Stretch) -> StretchFacts:
    """What stands in the file beside its arrays."""
    mean, highest = score_summary(stretch.scores)
    width, height = stretch.size
    return StretchFacts(
        format=FORMAT, started_ms=stretch.started_ms, seconds=stretch.seconds, frames=len(stretch), width=width,
        height=height, mean_score=mean, max_score=highest, excluded=float(1.0 - stretch.learnable.mean()),
        kinds=[kind.value for kind in stretch.kinds], engine=stretch.identity.engine,
        fingerprint=stretch.identity.fingerprint, view=stretch.identity.view,
    )  # fmt: skip


def to_bytes(stretch: Stretch) -> bytes:
    """Raises ValueError where frames of a stream whose places are fixed have different ones."""
    tensors: dict[str, NDArray[Any]] = {
        "times_s": stretch.times_s,
        "runs": stretch.runs,
        "scores": stretch.scores,
        "excluded": stretch.excluded,
        "thumbnail_frames": np.array([thumbnail.frame for thumbnail in stretch.thumbnails], np.int32),
        "thumbnail_sizes": np.array([len(thumbnail.jpeg) for thumbnail in stretch.thumbnails], np.int32),
        "thumbnails": np.frombuffer(b"".join(thumbnail.jpeg for thumbnail in stretch.thumbnails), np.uint8),
    }
    for number, (kind, frames) in enumerate(zip(stretch.kinds, stretch.features, strict=True)):
        tensors |= {f"{number}.{name}": array for name, array in _stream_arrays(kind, frames).items()}
    return save(tensors, metadata={"patchwatch": facts_of(stretch).model_dump_json()})


def head_length(beginning: bytes) -> int:
    """How many of a file's bytes `read_facts` needs, by its first ones. Raises `StretchError`."""
    length = int.from_bytes(beginning[:8], "little")
    if not 0 < length <= _MOST_HEAD:
        raise StretchError("it is damaged (it has no head)")
    return 8 + length


def read_facts(head: bytes) -> StretchFacts:
    """Of a file of which this is the beginning, or all. Raises `StretchError`."""
    length = head_length(head)
    try:
        text = json.loads(head[8:length])["__metadata__"]["patchwatch"]
        return StretchFacts.model_validate_json(text)
    except (*_NOT_A_STRETCH, RecursionError) as error:
        raise StretchError(f"it is damaged, or of another version ({error})") from None


def from_bytes(data: bytes) -> Stretch:
    """Inverse of `to_bytes`. Raises `StretchError` for anything else."""
    facts = read_facts(data)
    try:
        return _assemble(facts, load(data))
    except _NOT_A_STRETCH as error:
        raise StretchError(f"it is damaged ({error})") from None


def _assemble(facts: StretchFacts, tensors: dict[str, NDArray[Any]]) -> Stretch:
    kinds = tuple(StreamKind(kind) for kind in facts.kinds)
    size = facts.width, facts.height
    streams = [_frames(tensors, f"{number}.", kind, size) for number, kind in enumerate(kinds)]
    return Stretch(
        started_ms=facts.started_ms,
        times_s=_typed(tensors["times_s"], np.float64),
        runs=_typed(tensors["runs"], np.int32),
        kinds=kinds,
        features=tuple(streams),
        size=size,
        scores=_typed(tensors["scores"], np.float32),
        excluded=_typed(tensors["excluded"], np.uint8),
        thumbnails=_thumbnails(tensors),
        identity=StretchIdentity(facts.engine, facts.fingerprint, facts.view),
    )


def _stream_arrays(kind: StreamKind, frames: Sequence[Features]) -> dict[str, NDArray[Any]]:
    """Each of the different `Features` once, and per frame which of them it has."""
    samples: list[Features] = []
    index = np.empty(len(frames), np.int32)
    for number, features in enumerate(frames):
        if not samples or samples[-1] is not features:
            samples.append(features)
        index[number] = len(samples) - 1
    counts = np.array([len(sample) for sample in samples], np.int32)
    vectors = np.concatenate([sample.vectors for sample in samples])
    arrays: dict[str, NDArray[Any]] = {"index": index, "counts": counts}
    arrays["dim"] = np.array([vectors.shape[1]], np.int32)
    if form_of(kind).regions is not None:
        places = _places(kind, samples)
        return arrays | {"groups": places, "vectors": pack(vectors, form_of(kind), len(places))}
    arrays["vectors"] = pack(vectors, form_of(kind))
    arrays["boxes"] = np.concatenate([sample.boxes_xyxy_px for sample in samples])
    arrays["groups"] = np.concatenate([sample.groups for sample in samples])
    return arrays


def _places(kind: StreamKind, samples: Sequence[Features]) -> NDArray[np.int32]:
    """The places that every sample has which has any: those that count in the view."""
    places = next((sample.groups for sample in samples if len(sample)), np.zeros(0, np.int32))
    if not all(np.array_equal(sample.groups, places) for sample in samples if len(sample)):
        raise ValueError(f"the frames of a {kind.value} stream have different places")
    return places


def _frames(
    tensors: dict[str, NDArray[Any]], prefix: str, kind: StreamKind, size: tuple[int, int]
) -> tuple[Features, ...]:
    index, counts = _typed(tensors[f"{prefix}index"], np.int32), _typed(tensors[f"{prefix}counts"], np.int32)
    if counts.ndim != 1 or counts.size > MOST_FRAMES or counts.min(initial=0) < 0 or index.min(initial=0) < 0:
        raise ValueError("the samples of a stream are numbered from 0")
    [dim] = _typed(tensors[f"{prefix}dim"], np.int32).tolist()
    ends = [0, *np.cumsum(counts, dtype=np.int64).tolist()]
    per_frame = len(tensors[f"{prefix}groups"]) if form_of(kind).regions is not None else 0
    vectors = unpack(_typed(tensors[f"{prefix}vectors"], np.uint8), (ends[-1], dim), form_of(kind), per_frame)
    parts = _regions(tensors, prefix, kind, size, ends)
    samples = [Features(vectors[start:end], *part) for (start, end), part in zip(pairwise(ends), parts, strict=True)]
    return tuple(samples[number] for number in index.tolist())


def _regions(
    tensors: dict[str, NDArray[Any]], prefix: str, kind: StreamKind, size: tuple[int, int], ends: Sequence[int]
) -> list[Grid]:
    """Boxes and groups of each sample, which begin and end at ``ends``."""
    if form_of(kind).regions is None:
        boxes, groups = _typed(tensors[f"{prefix}boxes"], np.float32), _typed(tensors[f"{prefix}groups"], np.int32)
        if groups.min(initial=0) < 0:
            raise ValueError("groups are numbered from 0")
        return [(boxes[start:end], groups[start:end]) for start, end in pairwise(ends)]
    everywhere, places = grid_of(kind, size)[0], _typed(tensors[f"{prefix}groups"], np.int32)
    if places.ndim != 1 or places.min(initial=0) < 0 or places.max(initial=-1) >= len(everywhere):
        raise ValueError(f"a {kind.value} stream has {len(everywhere)} places")
    if not {end - start for start, end in pairwise(ends)} <= {0, len(places)}:
        raise ValueError(f"a frame of a {kind.value} stream has all of its places or none")
    boxes = everywhere[places]
    return [(boxes, places) if end > start else (boxes[:0], places[:0]) for start, end in pairwise(ends)]


def _thumbnails(tensors: dict[str, NDArray[Any]]) -> tuple[Thumbnail, ...]:
    frames, sizes = tensors["thumbnail_frames"].tolist(), tensors["thumbnail_sizes"]
    ends = [0, *np.cumsum(sizes, dtype=np.int64).tolist()]
    joined = tensors["thumbnails"].tobytes()
    if ends[-1] != len(joined) or sizes.min(initial=0) < 0:
        raise ValueError("the thumbnails have other lengths than stated")
    return tuple(
        Thumbnail(frame, joined[start:end]) for frame, (start, end) in zip(frames, pairwise(ends), strict=True)
    )


def _typed(array: NDArray[Any], dtype: type) -> NDArray[Any]:
    if array.dtype != dtype:
        raise ValueError(f"an array is of type {array.dtype} instead of {np.dtype(dtype)}")
    return array
