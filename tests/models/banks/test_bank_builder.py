"""A bank is learnt from enough normal footage, calibrated on what it was not built from, and refuses too little."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from plain_stream import DIM, PICTURE, PlainStream, features_at
from walking_scene import clip, walkers

from models.banks.bank import Bank, frame_distance
from models.banks.bank_builder import BankBuilder
from models.banks.bank_file import load_bank, save_bank
from models.banks.coverage import Sufficiency
from models.engine.engine import Engine
from models.engine.frame_scorer import FrameScorer
from models.exemplars.perspective import SIZE, Perspective
from models.exemplars.provenance import Moment
from models.frames.frame import CameraContext, Features, Frame
from models.frames.scene_cuts import SceneCuts
from models.profiles.profile import Fusion, Profile, StreamKind, StreamSpec, load_profile
from patchwatch.contract.errors import InsufficientFootageError


def test_a_bank_holds_exemplars_of_every_stream_and_seed(bank: Bank) -> None:
    assert [part.vectors.shape[0] for part in bank.streams] == [3, 3]
    assert bank.footage.frames == 500
    assert bank.footage.seconds == pytest.approx(99.8)
    assert bank.footage.vectors == {"local": 666, "global": 500}


def test_seeds_draw_different_exemplars(bank: Bank) -> None:
    first, second, _ = bank.streams[0].vectors
    assert not np.array_equal(first, second)


def test_calibration_is_on_held_out_frames_not_on_exemplars(bank: Bank) -> None:
    noise = np.random.default_rng(99)
    fresh = [frame_distance(bank.streams[1], features_at(5.0, noise=noise)) for _ in range(300)]
    rarities = [bank.calibrations[1].rarity(part.value) for part in fresh if part]
    # log10(2) = 0.30 is ideal; held-out banks are a fifth smaller, so fresh frames look a little calmer than they are
    assert 0.1 < float(np.median(rarities)) < 0.35


def test_thresholds_lie_above_what_normal_footage_reached(bank: Bank) -> None:
    assert 0 < bank.rule.off < bank.rule.on < 1


def test_five_seconds_are_needed(builder: BankBuilder) -> None:
    noise = np.random.default_rng(1)
    for n in range(24):
        builder.add(n / 5, (features_at(0.0, noise=noise), features_at(5.0, noise=noise)), PICTURE)
    with pytest.raises(
        InsufficientFootageError, match=r"4\.6 s of normal footage \(24 analysed frames\) is too little"
    ):
        builder.build(["short.mp4"])


def test_an_empty_room_is_normal_and_the_first_person_there_is_rare(builder: BankBuilder, tmp_path: Path) -> None:
    noise = np.random.default_rng(1)
    for n in range(400):
        builder.add(n / 5, (features_at(noise=noise), features_at(5.0, noise=noise)), PICTURE)
    save_bank(builder.build(["empty.mp4"]), tmp_path / "bank")
    bank = load_bank(tmp_path / "bank")
    assert bank.streams[0].empty
    scorer = FrameScorer(bank)
    calm = scorer.score((features_at(noise=noise), features_at(5.0, noise=noise)), 0.0)
    person = scorer.score((features_at(0.0, noise=noise), features_at(5.0, noise=noise)), 0.2)
    assert calm.rarities[0] is None
    assert person.rarities[0] == pytest.approx(math.log10(401))
    assert (person.driver, person.box_xyxy_px) == ("local", (0.0, 0.0, 10.0, 20.0))


def test_raw_distances_need_a_bank_of_every_stream(profile: Profile) -> None:
    builder = BankBuilder(
        replace(profile, fusion=Fusion.DISTANCE), [PlainStream("local"), PlainStream("global")], {"networks": {}}
    )
    noise = np.random.default_rng(1)
    for n in range(400):
        builder.add(n / 5, (features_at(noise=noise), features_at(5.0, noise=noise)), PICTURE)
    with pytest.raises(InsufficientFootageError, match="'local'"):
        builder.build(["empty.mp4"])


def test_a_whole_picture_that_was_never_seen_is_no_normal(builder: BankBuilder) -> None:
    noise = np.random.default_rng(1)
    for n in range(100):
        builder.add(n / 5, (features_at(0.0, noise=noise), features_at(noise=noise)), PICTURE)
    with pytest.raises(InsufficientFootageError, match="'global'"):
        builder.build(["dark.mp4"])


def test_a_profile_that_only_looks_for_persons_learns_an_empty_room() -> None:
    alone = Profile("alone", Fusion.CALIBRATED, (StreamSpec("local", StreamKind.LOCAL, 1.0),))
    builder, noise = BankBuilder(alone, [PlainStream("local")], {"networks": {}}), np.random.default_rng(1)
    for n in range(45):
        builder.add(n / 5, (features_at(noise=noise),), PICTURE)
    bank = builder.build(["empty.mp4"])
    scorer = FrameScorer(bank)
    assert scorer.score((features_at(noise=noise),), 0.0).score < bank.rule.on
    (rarity,) = scorer.score((features_at(0.0, noise=noise),), 0.2).rarities
    assert rarity == pytest.approx(math.log10(46))


def test_one_visit_says_how_often_somebody_comes_not_how_visits_differ(builder: BankBuilder) -> None:
    """All who were seen were seen in one held-out segment: no bank without it can tell how near they are."""
    noise = np.random.default_rng(1)
    for n in range(500):
        persons = features_at(0.0, noise=noise) if 210 <= n < 260 else features_at(noise=noise)
        builder.add(n / 5, (persons, features_at(5.0, noise=noise)), PICTURE)
    bank = builder.build(["visit.mp4"])
    assert not bank.streams[0].empty
    assert bank.calibrations[0].rarity(1e6) == bank.calibrations[0].rarity(0.0) == pytest.approx(math.log10(501 / 51))
    assert bank.coverage.streams[0].covered == 0.0


def test_what_was_there_shorter_than_the_stride_is_learnt_all_the_same() -> None:
    specs = (StreamSpec("local", StreamKind.LOCAL, 0.7, stride=5), StreamSpec("global", StreamKind.GLOBAL, 0.3))
    profile = Profile("strided", Fusion.CALIBRATED, specs)
    builder = BankBuilder(profile, [PlainStream("local"), PlainStream("global")], {"networks": {}})
    noise = np.random.default_rng(1)
    for n in range(100):
        persons = features_at(0.0, noise=noise) if n in (41, 42, 43) else features_at(noise=noise)
        builder.add(n / 5, (persons, features_at(5.0, noise=noise)), PICTURE)
    assert not builder.build(["short.mp4"]).streams[0].empty


@pytest.mark.parametrize(("frames", "segments"), [(26, 2), (45, 2), (60, 3), (601, 5)])
def test_short_footage_is_held_out_in_fewer_folds(builder: BankBuilder, frames: int, segments: int) -> None:
    noise = np.random.default_rng(1)
    for n in range(frames):
        builder.add(n / 5, (features_at(0.0, noise=noise), features_at(5.0, noise=noise)), PICTURE)
    coverage = builder.build(["a.mp4"]).coverage
    assert coverage.segments == segments
    assert (coverage.verdict is Sufficiency.TOO_SHORT) == (frames < 601)


def test_a_bank_tells_how_complete_it_is(bank: Bank) -> None:
    local, whole = bank.coverage.streams
    assert bank.coverage.verdict is Sufficiency.TOO_SHORT
    assert local.complete
    assert whole.complete
    assert (local.spoke, local.vectors, whole.spoke) == (333, 666, 500)
    assert local.covered is not None
    assert local.covered > 0.85
    assert [point.share for point in local.curve] == [0.2, 0.4, 0.6]
    assert local.regions is not None
    assert local.regions[0][0] == pytest.approx(local.covered, abs=1e-3)
    assert local.regions[3] == (None,) * 4


def test_normal_that_goes_on_changing_is_still_being_learnt(builder: BankBuilder) -> None:
    noise = np.random.default_rng(1)
    for n in range(601):
        builder.add(n / 5, (features_at(0.0, noise=noise), features_at(n / 60, noise=noise)), PICTURE)
    coverage = builder.build(["drift.mp4"]).coverage
    assert coverage.verdict is Sufficiency.STILL_LEARNING
    assert coverage.streams[0].complete
    assert not coverage.streams[1].complete


def test_memory_is_bounded_by_thinning(builder: BankBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.banks.bank_builder.MAX_FRAMES", 300)
    noise = np.random.default_rng(1)
    for n in range(1000):
        builder.add(n / 5, (features_at(0.0, noise=noise), features_at(5.0, noise=noise)), PICTURE)
    bank = builder.build(["long.mp4"])
    assert (bank.footage.frames, bank.footage.thinned) == (1000, 4)


def test_every_exemplar_names_the_moment_and_the_region_it_was_seen_at(builder: BankBuilder) -> None:
    noise = np.random.default_rng(3)
    seen = {}
    for n in range(400):
        persons, whole = features_at(0.0, 1.0, noise=noise), features_at(5.0, noise=noise)
        seen[n // 200, n % 200 / 5] = persons
        builder.add(n / 5, (persons, whole), PICTURE, moment=Moment(n // 200, n % 200 / 5), starts_run=n == 200)
    bank = builder.build(["morning.mp4", "evening.mp4"])
    local = bank.streams[0]
    assert local.origins is not None
    assert local.origins.moments.shape == local.vectors.shape[:3]
    for vector, row, region in zip(
        local.vectors.reshape(-1, local.vectors.shape[-1]),
        local.origins.moments.ravel(),
        local.origins.boxes[local.origins.regions].reshape(-1, 4),
        strict=True,
    ):
        moment = bank.moments.moments[row]
        persons = seen[moment.source, moment.time_s]
        index = int(np.abs(persons.vectors - vector).sum(axis=1).argmin())
        np.testing.assert_array_equal(persons.vectors[index], vector)
        np.testing.assert_allclose(region * np.array([160, 90] * 2), persons.boxes_xyxy_px[index], atol=0.1)


def test_without_room_for_thumbnails_the_moments_are_still_kept(profile: Profile) -> None:
    builder = BankBuilder(profile, [PlainStream("local"), PlainStream("global")], {}, thumbnails_mb=0.0)
    noise = np.random.default_rng(3)
    for n in range(200):
        builder.add(n / 5, (features_at(0.0, noise=noise), features_at(5.0, noise=noise)), PICTURE)
    bank = builder.build(["normal.mp4"])
    assert len(bank.moments) > 0
    assert not any(bank.moments.thumbnails)


class SizedStream(PlainStream):
    """A plain stream whose vectors end with sizes."""

    def perspective(self, normal: Sequence[Features]) -> Perspective:
        return Perspective.fit(np.concatenate([features.vectors[:, -SIZE:] for features in normal]))


def _walker(foot: float, height: float, noise: np.random.Generator, kind: float = 1.0) -> Features:
    """Who covers a third of the usual height, 0.3 times the foot, in each direction and second."""
    ground = 0.1 * foot * noise.normal(1.0, 0.02, size=DIM)
    vector = np.array([*(ground / height), foot, height, kind], np.float32)
    return Features.ungrouped(vector[None], np.array([[0, 0, 9, 9]], np.float32))


def test_a_bank_measures_by_the_usual_height_as_it_was_learnt() -> None:
    profile = Profile("sized", Fusion.CALIBRATED, (StreamSpec("velocity", StreamKind.VELOCITY, 1.0),))
    builder, noise = BankBuilder(profile, [SizedStream("velocity")], {}), np.random.default_rng(5)
    for n in range(300):
        foot = noise.uniform(0.3, 0.8)
        builder.add(n / 5, (_walker(foot, 0.3 * foot, noise),), PICTURE)
    bank = builder.build(["walk.mp4"])
    assert bank.streams[0].vectors.shape[-1] == DIM
    half_hidden = frame_distance(bank.streams[0], _walker(0.5, 0.07, noise, kind=0.0))
    assert half_hidden is not None
    assert bank.calibrations[0].rarity(half_hidden.value) < 3


def test_frames_too_far_apart_to_count_events_are_refused(builder: BankBuilder) -> None:
    noise = np.random.default_rng(1)
    for n in range(60):
        builder.add(20.0 * n, (features_at(0.0, noise=noise), features_at(5.0, noise=noise)), PICTURE)
    with pytest.raises(InsufficientFootageError, match="raise the analysis rate"):
        builder.build(["slow.mp4"])


def test_pictures_too_far_apart_for_movement_are_refused_with_what_to_do() -> None:
    engine = Engine(load_profile("motion"))
    builder, view = BankBuilder(engine.profile, engine.streams, engine.identity), CameraContext()
    frames = [Frame(walkers(2.0 * n), 2.0 * n) for n in range(40)]
    for frame, features in zip(frames, engine.extract(frames, [view] * 40), strict=True):
        builder.add(frame.at_s, features, frame.rgb)
    with pytest.raises(InsufficientFootageError, match=r"2\.0 s apart.*raise"):
        builder.build(["slow.mp4"])


def test_joined_clips_teach_what_they_teach_one_by_one() -> None:
    """Up to the frame that follows each cut, of which a clip of its own would say nothing either."""
    engine, clips = Engine(load_profile("motion")), [clip(seed, 12) for seed in range(4)]

    def bank(marked: Sequence[Frame]) -> Bank:
        builder, view = BankBuilder(engine.profile, engine.streams, engine.identity, thumbnails_mb=0.0), CameraContext()
        for frame, features in zip(marked, engine.extract(marked, [view] * len(marked)), strict=True):
            builder.add(frame.at_s, features, frame.rgb, starts_run=frame.discontinuity, cut=frame.cut)
        return builder.build(["clips"])

    whole = [frame for part in clips for frame in part]
    whole = [replace(frame, at_s=n / 5) for n, frame in enumerate(whole)]
    cuts = SceneCuts()
    joined = bank([cuts.mark(replace(frame, discontinuity=n == 0)) for n, frame in enumerate(whole)])
    apart = bank(whole)
    assert (joined.footage.cuts, apart.footage.cuts) == (3, 0)
    np.testing.assert_array_equal(joined.streams[0].vectors, apart.streams[0].vectors)
    assert joined.rule == apart.rule
