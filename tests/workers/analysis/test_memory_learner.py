"""A bank is learnt from what is remembered, as it would be from the footage, without what must not be learnt."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from moving_scene import FPS, scene
from remembered import BEGAN_MS, motion_engine, remember, stretches
from stretches import info_of

from models.banks.bank import Bank
from models.banks.bank_file import check_identity
from models.frames.frame import Frame
from models.memory.store import MemoryStore
from models.memory.stretches.stretch import Exclusion, Stretch, StretchIdentity, StretchInfo
from models.profiles.profile import load_profile
from models.tampering.expectation import Expectation
from patchwatch.contract.errors import InsufficientFootageError
from workers.analysis.memory_learner import extent_of, learn_from_memory, unlike_s
from workers.analysis.recordings import Clip, learn

MOTION = load_profile("motion")
OTHERS = StretchIdentity({"networks": {}}, "0" * 16)


def stored(folder: Path, footage: Iterable[Stretch]) -> MemoryStore:
    store = MemoryStore(folder, 64)
    for stretch in footage:
        store.append(stretch)
    return store


@pytest.fixture(scope="module")
def half_a_minute(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return learn_from_memory(remember(tmp_path_factory.mktemp("half a minute") / "memory", 30), MOTION)


def test_it_is_the_bank_of_the_footage_itself(tmp_path: Path) -> None:
    store = remember(tmp_path / "memory", 40)
    said: list[tuple[float, str]] = []
    bank = learn_from_memory(store, MOTION, progress=lambda share, what: said.append((share, what)))
    engine = motion_engine()
    frames = [Frame(scene(n / FPS), n / FPS, discontinuity=n == 0) for n in range(40 * FPS)]
    from_footage = learn(engine, [Clip("clip", 40.0, [frames])], count=1)
    check_identity(bank, engine.profile, engine.identity)
    assert bank.footage.seconds == pytest.approx(from_footage.footage.seconds, abs=0.01)
    assert bank.footage.frames == from_footage.footage.frames
    assert bank.threshold.at(4.0).on == pytest.approx(from_footage.threshold.at(4.0).on, abs=0.2)
    assert re.fullmatch(r"memory: 4 stretches, (39|40) s, from 1 day", bank.footage.sources[0])
    assert [share for share, _ in said] == sorted(share for share, _ in said)
    assert said[-1][0] == pytest.approx(1.0)


def test_its_moments_say_when_they_were_and_its_pictures_show_the_view(half_a_minute: Bank) -> None:
    captured_s = [moment.captured_at_s or 0.0 for moment in half_a_minute.moments.moments]
    assert min(captured_s) >= BEGAN_MS / 1000
    assert max(captured_s) == pytest.approx(BEGAN_MS / 1000 + 30, abs=1)
    assert Expectation(half_a_minute.moments.thumbnails)


def test_what_must_not_be_learnt_is_left_out_and_breaks_the_run(tmp_path: Path) -> None:
    def excluded(at_s: float) -> Exclusion:
        return Exclusion.ALERT if 12 <= at_s < 20 else Exclusion(0)

    store = stored(tmp_path / "memory", stretches(40, excluded=excluded))
    bank = learn_from_memory(store, MOTION)
    assert bank.footage.frames == (40 - 8) * FPS
    assert bank.footage.seconds == pytest.approx(40 - 8 - 2 / FPS, abs=0.01)
    assert extent_of(store.infos()).seconds == pytest.approx(32, abs=1.5)
    captured_s = [(moment.captured_at_s or 0.0) - BEGAN_MS / 1000 for moment in bank.moments.moments]
    assert not any(12.05 <= at_s < 19.95 for at_s in captured_s)


def test_what_may_be_learnt_and_scored_as_high_as_an_alarm_is_unlike_what_was_learnt_before() -> None:
    def stretch(started_s: float, score: float | None, excluded: float = 0.0) -> StretchInfo:
        return info_of(round(started_s), BEGAN_MS + round(started_s * 1000), score, excluded)

    night = [stretch(100, 0.7), stretch(200, 0.7, excluded=1.0), stretch(300, 0.1), stretch(400, None)]
    assert unlike_s([stretch(10, 0.7), *night], BEGAN_MS + 50_000) == pytest.approx(30)
    assert unlike_s([], 0) == 0


def test_an_operators_word_lets_an_excluded_frame_be_learnt(tmp_path: Path) -> None:
    footage = stretches(30, excluded=lambda at_s: Exclusion.HIGH | Exclusion.CONFIRMED)
    confirmed = stored(tmp_path / "memory", footage)
    assert learn_from_memory(confirmed, MOTION).footage.frames == 30 * FPS


def test_what_an_operator_rejected_is_not_learnt(tmp_path: Path) -> None:
    store = stored(tmp_path / "memory", stretches(30))
    bank = learn_from_memory(store, MOTION, rejected_ms=[(BEGAN_MS + 10_000, BEGAN_MS + 14_999)])
    assert bank.footage.frames == 25 * FPS


def test_what_other_networks_or_options_made_is_left_out_and_counted(tmp_path: Path) -> None:
    stored(
        tmp_path / "memory", (replace(one, identity=OTHERS) for one in stretches(20, began_ms=BEGAN_MS - 90_000_000))
    )
    remember(tmp_path / "memory", 30)
    store = MemoryStore(tmp_path / "memory", 64)
    bank = learn_from_memory(store, MOTION)
    assert bank.footage.sources[0].endswith(" from 1 day; left out: 2 of other networks, options or zones")
    assert bank.footage.sources[0].startswith("memory: 3 stretches, ")
    assert (extent_of(store.infos()).stretches, extent_of(store.infos()).from_ms) == (3, BEGAN_MS)


@pytest.mark.parametrize("at", [0, -200], ids=["head", "features"])
def test_a_damaged_stretch_is_left_out_and_counted(tmp_path: Path, at: int) -> None:
    remember(tmp_path / "memory", 30)
    damaged = sorted((tmp_path / "memory").glob("*.stretch"))[1]
    data = bytearray(damaged.read_bytes())
    data[at] ^= 255
    damaged.write_bytes(data)
    bank = learn_from_memory(MemoryStore(tmp_path / "memory", 64), MOTION)
    assert bank.footage.sources[0].endswith("from 1 day; left out: 1 unreadable")
    assert bank.footage.frames == pytest.approx(20 * FPS, abs=2)


def test_a_profile_that_was_changed_since_is_told_from_the_one_that_is_remembered(tmp_path: Path) -> None:
    store = stored(tmp_path / "memory", (replace(one, identity=OTHERS) for one in stretches(20)))
    with pytest.raises(InsufficientFootageError, match="before the profile 'motion' was changed"):
        learn_from_memory(store, MOTION)


def test_an_empty_memory_says_what_to_wait_for(tmp_path: Path) -> None:
    assert extent_of([]).seconds == 0
    with pytest.raises(InsufficientFootageError, match="nothing is remembered of this camera yet"):
        learn_from_memory(MemoryStore(tmp_path / "memory", 64), MOTION)


def test_neither_a_decoder_nor_a_network_is_loaded_for_it(tmp_path: Path) -> None:
    """A stranger's camera gets no parser of video into the process, and a GPU no second user."""
    remember(tmp_path / "memory", 20)
    code = f"""
import sys
from pathlib import Path
from patchwatch.contract.settings import Settings
from workers.enrolment.learning import learning
from workers.enrolment.learning.protocol import LearningOrder
from workers.enrolment.learning.reporter import Reporter
order = LearningOrder(camera_id="cam", profile="motion", memory=Path({str(tmp_path / "memory")!r}),
                      false_alarms_per_day=4.0, staged=Path("none"))
with open("/dev/null", "wb") as null:
    bank = learning.learn(order, Settings(), Reporter(null.fileno()))
print(bank.footage.frames, sorted({{"av", "torch", "openvino"}} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.strip() == f"{20 * FPS} []", done.stderr


def test_features_are_measured_in_float32_where_the_stream_names_no_narrower_type(half_a_minute: Bank) -> None:
    assert half_a_minute.streams[0].vectors.dtype == np.float32
