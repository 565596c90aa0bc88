"""What a profile loads, what it says of it, and how it stops when something is missing."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import parts
import pytest

parts.torch()
import torch  # noqa: E402
from real_frames import DETECTOR, PERSONS, frames_of, load_networks, networks_for  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from models.banks.bank import Bank  # noqa: E402
from models.banks.bank_file import check_identity  # noqa: E402
from models.engine.engine import Engine  # noqa: E402
from models.frames.detections import DetectionQuery  # noqa: E402
from models.frames.frame import CameraContext  # noqa: E402
from models.networks import networks  # noqa: E402
from models.networks.backbone import random_trunk  # noqa: E402
from models.networks.networks import Networks  # noqa: E402
from models.profiles.profile import Profile, StreamKind, StreamSpec, load_profile  # noqa: E402
from patchwatch.contract.errors import BankMismatchError, ConfigurationError, WeightsMissingError  # noqa: E402


@pytest.fixture
def global_only() -> Profile:
    return whole_frame()


def whole_frame() -> Profile:
    return replace(load_profile("reference"), name="whole", streams=(StreamSpec("global", StreamKind.GLOBAL, 1.0),))


def test_random_weights_are_said_everywhere(data: Path) -> None:
    identity = networks_for(data).identity()
    assert identity["random_weights"] is True
    assert "RANDOM" in identity["backbone"]
    assert identity["backbone_sha256"] is None
    assert identity["detector_sha256"].startswith("a1618b57")
    assert json.loads(json.dumps(identity)) == identity


def test_missing_clip_weights_stop_the_program_and_are_never_random(data: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissingError, match=r"RN101\.safetensors.*patchwatch weights pull clip-rn101"):
        Networks.load(load_profile("clip"), detector_weights=data / DETECTOR, weights_dir=tmp_path)


def test_missing_detector_weights_stop_the_program(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissingError, match=r"yolov5su\.pt.*patchwatch weights pull yolov5s"):
        Networks.load(load_profile("reference"), weights_dir=tmp_path, random_clip=True)


def test_own_clip_weights_are_known_by_their_hash(global_only: Profile, tmp_path: Path) -> None:
    own = tmp_path / "own.pt"
    torch.save(random_trunk(1).visual.state_dict(), own)
    identity = Networks.load(global_only, clip_weights=own, weights_dir=tmp_path, device="cpu").identity()
    assert identity["random_weights"] is False
    assert len(identity["backbone_sha256"]) == len(identity["backbone_tensors_sha256"]) == 64
    assert "detector" not in identity


def as_openai_publishes(state: dict[str, torch.Tensor], folder: Path) -> Path:
    """A TorchScript archive with half-precision convolutions, beside a text tower."""
    whole = random_trunk(0)
    whole.visual.load_state_dict(state)
    for module in whole.visual.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.half()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated
        torch.jit.script(Holder(whole.visual)).save(folder / "RN101.pt")  # type: ignore[no-untyped-call]  # of torch
    return folder / "RN101.pt"


class Holder(torch.nn.Module):
    """Names as in a whole CLIP: ``visual.`` before the tower's own, and more beside them."""

    def __init__(self, visual: torch.nn.Module) -> None:
        super().__init__()
        self.visual = torch.nn.Module()
        for name, tensor in visual.state_dict().items():
            owner = self.visual
            *folders, leaf = name.split(".")
            for folder in folders:
                if not hasattr(owner, folder):
                    owner.add_module(folder, torch.nn.Module())
                owner = getattr(owner, folder)
            owner.register_buffer(leaf, tensor)
        self.register_buffer("positional_embedding", torch.zeros(77, 8))

    def forward(self) -> torch.Tensor:
        return self.positional_embedding  # type: ignore[return-value]


def as_the_hub_publishes(state: dict[str, torch.Tensor], folder: Path) -> Path:
    """open_clip's names in fp32, without the counters that only training needs."""
    named = {f"visual.{name}": tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    more = {"visual.attnpool.positional_embedding": torch.zeros(50, 8), "logit_scale": torch.zeros(())}
    save_file(named | more, folder / "open_clip_model.safetensors")
    return folder / "open_clip_model.safetensors"


def as_the_hub_publishes_too(state: dict[str, torch.Tensor], folder: Path) -> Path:
    torch.save({f"visual.{name}": tensor for name, tensor in state.items()}, folder / "open_clip_pytorch_model.bin")
    return folder / "open_clip_pytorch_model.bin"


FORMS = [as_openai_publishes, as_the_hub_publishes, as_the_hub_publishes_too]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same tensors, with the precision that OpenAI's file has, in each form."""
    state = {name: tensor.half().float() for name, tensor in random_trunk(1).visual.state_dict().items()}
    return [form(state, tmp_path_factory.mktemp("form")) for form in FORMS]


@pytest.fixture(scope="module")
def identities(published: list[Path]) -> list[dict[str, Any]]:
    profile = whole_frame()
    loaded = [Networks.load(profile, clip_weights=path, weights_dir=path.parent, device="cpu") for path in published]
    return [{"networks": networks.identity(), "preprocessing": {}} for networks in loaded]


def test_a_bank_learnt_with_one_source_fits_every_other(identities: list[dict[str, Any]], bank: Bank) -> None:
    first, *others = identities
    learnt = replace(bank, identity=first)
    for other in others:
        assert other["networks"]["backbone_sha256"] != first["networks"]["backbone_sha256"]
        check_identity(learnt, bank.profile, other)


def test_a_bank_of_other_tensors_is_refused(identities: list[dict[str, Any]], bank: Bank) -> None:
    here = identities[1]
    there = {**here, "networks": here["networks"] | {"backbone_tensors_sha256": "0" * 64}}
    with pytest.raises(BankMismatchError, match=r"networks\.backbone_tensors_sha256 = '0000"):
        check_identity(replace(bank, identity=there), bank.profile, here)


def test_a_bank_learnt_before_tensors_were_hashed_is_known_by_its_file(
    identities: list[dict[str, Any]], bank: Bank
) -> None:
    same, another = identities[:2]
    old = {**same, "networks": {k: v for k, v in same["networks"].items() if k != "backbone_tensors_sha256"}}
    learnt = replace(bank, identity=old)
    check_identity(learnt, bank.profile, same)
    with pytest.raises(BankMismatchError, match=r"networks\.backbone_sha256 = .* enrol again"):
        check_identity(learnt, bank.profile, another)


@pytest.mark.data
def test_a_profile_of_the_whole_frame_needs_no_detector(data: Path, global_only: Profile, tmp_path: Path) -> None:
    loaded = Networks.load(global_only, weights_dir=tmp_path, device="cpu", random_clip=True)
    (frame,) = frames_of(data / PERSONS, 120, 1, 1)
    ((features,),) = Engine(global_only, loaded).extract([frame], [CameraContext()])
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
    ((persons, tables),) = Engine(profile, loaded).extract(frames, [CameraContext()])
    assert len(persons) == len(DetectionQuery(("person",), 0.5).match(detections)) == 1
    assert len(tables) == len(DetectionQuery(("dining table",), 0.3).match(detections))
    np.testing.assert_array_equal(persons.boxes_xyxy_px[0], detections.boxes_xyxy_px[detections.labels.index("person")])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": "person"}, "wrong `classes`, .person.: .* valid list"),
        ({"confidence": 2}, "wrong `confidence`, 2: .* less than 1"),
        ({"clases": ["person"]}, "unknown option 'clases'"),
    ],
)
def test_wrong_options_of_a_local_stream_are_refused(options: dict[str, object], message: str) -> None:
    from models.streams.local_stream import make

    with pytest.raises(ConfigurationError, match=message):
        make(StreamSpec("local", StreamKind.LOCAL, 1.0, options=options))


def test_a_missing_extra_names_its_installation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(networks, "installed", lambda name: name != "open_clip")
    with pytest.raises(ConfigurationError, match=r"needs open_clip: run `pip install '\.\[clip\]'` in"):
        Networks.load(load_profile("clip"), weights_dir=tmp_path)


def test_an_absent_gpu_is_not_replaced_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    from models.runtimes.device import choose_compute

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigurationError, match="set PATCHWATCH_DEVICE=cpu"):
        choose_compute("cuda")
    assert choose_compute("auto").device.type == "cpu"


@pytest.mark.usefixtures("gpu")
def test_a_bank_made_on_a_cpu_may_be_used_on_a_gpu(data: Path) -> None:
    assert networks_for(data, "auto", "cuda").identity() == networks_for(data).identity()
