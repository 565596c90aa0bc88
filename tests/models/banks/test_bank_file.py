"""A bank file gives back what was saved, or says what is wrong with it."""

from __future__ import annotations

import json
import resource
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plain_bank import grouped_bank, lasting_bank
from safetensors import safe_open
from safetensors.numpy import save_file

from models.alarms.calibration import RankCalibration
from models.banks.bank import Bank
from models.banks.bank_file import check_identity, load_bank, save_bank
from models.banks.group_scale import GroupScale
from models.exemplars.perspective import Perspective
from models.profiles.profile import Profile, StreamSpec
from patchwatch.contract.errors import BankMismatchError, NotFoundError, StorageError


@pytest.fixture
def path(bank: Bank, tmp_path: Path) -> Path:
    path = tmp_path / "banks" / "front-door" / "small.safetensors"
    save_bank(bank, path)
    return path


def _parts(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Facts and arrays."""
    with safe_open(path, framework="numpy") as file:
        return json.loads(file.metadata()["patchwatch"]), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def test_a_saved_bank_comes_back_whole(bank: Bank, path: Path) -> None:
    loaded = load_bank(path)
    assert loaded.id == bank.id
    assert all(np.array_equal(a, b) for a, b in zip(loaded.arrays(), bank.arrays(), strict=True))
    assert (loaded.rule, loaded.footage, loaded.identity) == (bank.rule, bank.footage, bank.identity)
    assert loaded.moments == bank.moments
    assert any(loaded.moments.thumbnails)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("line", [np.array([0.3, 0.1, 0.05]), np.zeros(0)])
def test_a_perspective_is_kept_with_its_stream(bank: Bank, tmp_path: Path, line: np.ndarray) -> None:
    first = replace(bank.streams[0], perspective=Perspective(line))
    save_bank(replace(bank, streams=(first, *bank.streams[1:])), tmp_path / "bank")
    kept, *others = load_bank(tmp_path / "bank").streams
    assert kept.perspective is not None
    np.testing.assert_array_equal(kept.perspective.line, line)
    assert all(other.perspective is None for other in others)


def test_groups_and_neighbours_come_back(tmp_path: Path) -> None:
    first, *others = grouped_bank().streams
    bank = replace(grouped_bank(), streams=(replace(first, neighbours=3), *others))
    save_bank(bank, tmp_path / "bank")
    loaded = load_bank(tmp_path / "bank")
    assert loaded.id == bank.id
    assert [stream.neighbours for stream in loaded.streams] == [3, 1, 1]
    assert [scale.gain for scale in loaded.groups] == [scale.gain for scale in bank.groups]
    for mean in (0.1, 1.0, 7.0):
        assert [scale.value(mean) for scale in loaded.groups] == [scale.value(mean) for scale in bank.groups]
    assert loaded.profile.groups == ((0, 2), (1,))
    check_identity(loaded, bank.profile, bank.identity)


def test_scales_of_what_lasts_come_back(tmp_path: Path) -> None:
    save_bank(lasting_bank(), tmp_path / "bank")
    loaded = load_bank(tmp_path / "bank")
    assert loaded.id == lasting_bank().id
    assert loaded.profile.lasting == ((1, 1.0),)
    assert [scale.value(3.0) for scale in loaded.groups] == [scale.value(3.0) for scale in lasting_bank().groups]


def test_a_group_measured_by_rank_comes_back(tmp_path: Path) -> None:
    """Of a stream that found next to nothing."""
    rare = GroupScale(RankCalibration(np.array([1.0, np.inf]), 300), 2.5)
    bank = replace(grouped_bank(), groups=(rare, grouped_bank().groups[1]))
    save_bank(bank, tmp_path / "bank")
    loaded = load_bank(tmp_path / "bank").groups[0]
    assert (loaded.value(2.0), loaded.gain) == (rare.value(2.0), 2.5)


def test_a_bank_without_groups_says_nothing_of_them(path: Path) -> None:
    """So its file is that of an earlier version, and can be read by one."""
    facts, arrays = _parts(path)
    assert not {"groups", "neighbours"} & set(facts)
    assert all("group" not in stream for stream in facts["profile"]["streams"])
    assert not [name for name in arrays if "group" in name]


@pytest.mark.parametrize(
    "damage",
    [
        lambda facts, arrays: facts["groups"]["thing"].update(gain=0.0),
        lambda facts, arrays: facts["groups"]["thing"].update(gain=float("nan")),
        lambda facts, arrays: facts["groups"].pop("thing"),
        lambda facts, arrays: facts.pop("groups"),
        lambda facts, arrays: facts["groups"]["place"]["calibration"].update(tail_scale=0.0),
        lambda facts, arrays: arrays.pop("group:thing.calibration"),
        lambda facts, arrays: arrays.update({"group:thing.calibration": np.zeros((2, 2))}),
        lambda facts, arrays: arrays.update({"group:place.calibration": np.array([1.0, np.nan])}),
        lambda facts, arrays: facts.update(neighbours={"local": 0}),
        lambda facts, arrays: facts.update(neighbours={"local": "many"}),
    ],
)
def test_groups_that_are_none_are_refused(tmp_path: Path, damage: Callable[[Any, Any], object]) -> None:
    save_bank(grouped_bank(), tmp_path / "bank")
    facts, arrays = _parts(tmp_path / "bank")
    damage(facts, arrays)
    save_file(arrays, tmp_path / "bank", metadata={"patchwatch": json.dumps(facts)})
    with pytest.raises(BankMismatchError, match="enrol the camera again"):
        load_bank(tmp_path / "bank")


def test_a_stream_moved_to_another_group_is_refused_by_field() -> None:
    first, *others = grouped_bank().profile.streams
    changed = replace(grouped_bank().profile, streams=(replace(first, group="place"), *others))
    with pytest.raises(BankMismatchError, match=r"profile\.streams\[0\]\.group = 'thing', but here it is 'place'"):
        check_identity(grouped_bank(), changed, grouped_bank().identity)


def test_every_alarm_budget_means_the_same_after_loading(bank: Bank, path: Path) -> None:
    loaded = load_bank(path)
    assert loaded.false_alarms_per_day == bank.false_alarms_per_day
    for per_day in (96.0, 4.0, 0.1):
        assert loaded.threshold.at(per_day) == bank.threshold.at(per_day)


def test_a_bank_of_another_format_asks_for_enrolment(bank: Bank, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.banks.bank_file.FORMAT", 1)
    save_bank(bank, path)
    monkeypatch.undo()
    with pytest.raises(BankMismatchError, match="has bank format 1, this version reads 2 and 3: enrol again"):
        load_bank(path)


def test_exemplars_are_kept_to_the_bit_in_few_bytes_and_banks_from_before_are_read(bank: Bank, path: Path) -> None:
    facts, arrays = _parts(path)
    before = {name: array for name, array in arrays.items() if not name.endswith(".rows")}
    for spec, stream in zip(bank.profile.streams, bank.streams, strict=True):
        before[f"{spec.name}.exemplars"] = stream.vectors
    save_file(before, path.with_suffix(".2"), metadata={"patchwatch": json.dumps(facts | {"format": 2})})
    for loaded in (load_bank(path), load_bank(path.with_suffix(".2"))):
        assert loaded.id == bank.id
        for one, other in zip(loaded.streams, bank.streams, strict=True):
            assert np.array_equal(one.vectors.view(np.uint32), other.vectors.view(np.uint32))


def test_a_bank_for_which_there_is_no_room_leaves_the_one_before(bank: Bank, path: Path) -> None:
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(StorageError, match="make room"):
            save_bank(bank, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_an_absent_bank_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"enrolments add .* --live 900.* `patchwatch banks enrol --camera"):
        load_bank(tmp_path / "none.safetensors")


@pytest.mark.parametrize("keep", [0, 4, 100, 5000])
def test_a_truncated_bank_is_refused(path: Path, keep: int) -> None:
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(BankMismatchError, match="truncated or not a bank"):
        load_bank(path)


def test_a_changed_byte_is_noticed(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(BankMismatchError):
        load_bank(path)


def test_another_backbone_is_refused_by_field(bank: Bank, profile: Profile) -> None:
    here = bank.identity | {"networks": {"backbone": "other", "random_weights": False}}
    with pytest.raises(BankMismatchError, match=r"networks\.backbone = 'plain', but here it is 'other'"):
        check_identity(bank, profile, here)


def test_other_stream_options_are_refused_by_field(bank: Bank, profile: Profile) -> None:
    first, second = profile.streams
    changed = replace(profile, streams=(replace(first, weight=0.5), second))
    with pytest.raises(BankMismatchError, match=r"profile\.streams\[0\]\.weight = 0\.7"):
        check_identity(bank, changed, bank.identity)


def test_a_bank_whose_profile_is_smoothed_otherwise_by_now_stays_in_use(bank: Bank, profile: Profile) -> None:
    check_identity(bank, replace(profile, smoothing_s=profile.smoothing_s / 2), bank.identity)


def test_the_same_identity_passes(bank: Bank, profile: Profile) -> None:
    check_identity(bank, replace(profile, description="other words"), bank.identity)
    assert isinstance(profile.streams[0], StreamSpec)


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("false_alarms_per_day", -4.0), ("false_alarms_per_day", float("nan")), ("identity", {"networks": 3}),
        ("created_at", None), ("footage", {"sources": 7}), ("calibrations", {}), ("profile", {"streams": [None]}),
    ],
)  # fmt: skip
def test_facts_that_are_none_are_refused_although_the_arrays_are_whole(path: Path, fact: str, value: object) -> None:
    facts, arrays = _parts(path)
    save_file(arrays, path, metadata={"patchwatch": json.dumps(facts | {fact: value})})
    with pytest.raises(BankMismatchError, match="enrol the camera again"):
        load_bank(path)
