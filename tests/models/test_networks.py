"""What a profile loads, what it says of it, and how it stops when something is missing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import parts
import pytest

parts.need("clip")

from real_frames import DETECTOR, PERSONS, frames_of, load_networks, networks_for  # noqa: E402

from models import networks  # noqa: E402
from models.backbone import random_trunk  # noqa: E402
from models.engine import Engine  # noqa: E402
from models.networks import Networks  # noqa: E402
from models.perception import View  # noqa: E402
from models.profile import Profile, StreamKind, StreamSpec, load_profile  # noqa: E402
from models.wish import Wish  # noqa: E402
from patchwatch.errors import ConfigurationError, WeightsMissingError  # noqa: E402


@pytest.fixture
def global_only() -> Profile:
    return replace(load_profile("reference"), name="whole", streams=(StreamSpec("global", StreamKind.GLOBAL, 1.0),))


def test_random_weights_are_said_everywhere(data: Path) -> None:
    identity = networks_for(data).identity()
    assert identity["random_weights"] is True
    assert "RANDOM" in identity["backbone"]
    assert identity["backbone_sha256"] is None
    assert identity["detector_sha256"].startswith("a1618b57")
    assert json.loads(json.dumps(identity)) == identity


def test_missing_clip_weights_stop_the_program_and_are_never_random(data: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissingError, match=r"RN101\.pt.*patchwatch weights pull clip-rn101"):
        Networks.load(load_profile("clip"), detector_weights=data / DETECTOR, weights_dir=tmp_path)


def test_missing_detector_weights_stop_the_program(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissingError, match=r"yolov5su\.pt.*patchwatch weights pull yolov5s"):
        Networks.load(load_profile("reference"), weights_dir=tmp_path, random_clip=True)


def test_own_clip_weights_are_known_by_their_hash(global_only: Profile, tmp_path: Path) -> None:
    import torch

    own = tmp_path / "own.pt"
    torch.save(random_trunk(1).visual.state_dict(), own)
    identity = Networks.load(global_only, clip_weights=own, weights_dir=tmp_path, device="cpu").identity()
    assert identity["random_weights"] is False
    assert len(identity["backbone_sha256"]) == 64
    assert "detector" not in identity


def test_a_profile_of_the_whole_frame_needs_no_detector(data: Path, global_only: Profile, tmp_path: Path) -> None:
    loaded = Networks.load(global_only, weights_dir=tmp_path, device="cpu", random_clip=True)
    (frame,) = frames_of(data / PERSONS, 120, 1, 1)
    ((features,),) = Engine(global_only, loaded).extract([frame], [View()])
    assert features.vectors.shape == (1, 1536)
    assert features.boxes_xyxy_px.tolist() == [[0, 0, 640, 360]]
    with pytest.raises(ValueError, match="no detector"):
        loaded.detect([frame])


def test_two_local_streams_share_one_detector(data: Path) -> None:
    reference = load_profile("reference")
    streams = (
        StreamSpec("persons", StreamKind.LOCAL, 0.5),
        StreamSpec("tables", StreamKind.LOCAL, 0.5, options={"classes": ["dining table"], "confidence": 0.3}),
    )
    profile = replace(reference, name="two", streams=streams)
    loaded = load_networks(data, profile=profile)
    assert loaded.identity()["detector_classes"] == ["dining table", "person"]
    assert loaded.identity()["detector_confidence"] == 0.3
    frames = frames_of(data / PERSONS, 120, 1, 1)
    (detections,) = loaded.detect(frames)
    ((persons, tables),) = Engine(profile, loaded).extract(frames, [View()])
    assert len(persons) == len(Wish(("person",), 0.5).choose(detections)) == 1
    assert len(tables) == len(Wish(("dining table",), 0.3).choose(detections))
    np.testing.assert_array_equal(persons.boxes_xyxy_px[0], detections.boxes_xyxy_px[detections.labels.index("person")])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": "person"}, "must be a list"),
        ({"confidence": 2}, "between 0 and 1"),
        ({"clases": ["person"]}, "unknown option 'clases'"),
    ],
)
def test_wrong_options_of_a_local_stream_are_refused(options: dict[str, object], message: str) -> None:
    from models.streams.local_stream import make

    with pytest.raises(ConfigurationError, match=message):
        make(StreamSpec("local", StreamKind.LOCAL, 1.0, options=options))


def test_a_missing_extra_names_its_installation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(networks, "_installed", lambda name: name != "open_clip")
    with pytest.raises(ConfigurationError, match=r"needs open_clip: run `pip install 'patchwatch\[clip\]'`"):
        Networks.load(load_profile("clip"), weights_dir=tmp_path)


def test_an_absent_gpu_is_not_replaced_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from models.device import choose_compute

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigurationError, match="set PATCHWATCH_DEVICE=cpu"):
        choose_compute("cuda")
    assert choose_compute("auto").device.type == "cpu"


@pytest.mark.usefixtures("gpu")
def test_a_bank_made_on_a_cpu_may_be_used_on_a_gpu(data: Path) -> None:
    assert networks_for(data, "auto", "cuda").identity() == networks_for(data).identity()
