"""A profile of one's own is checked when it is read, not when it has crashed a worker."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.engine.engine import Engine
from models.profiles.profile import (
    Fusion,
    Profile,
    StreamKind,
    StreamSpec,
    load_profile,
    load_profiles,
    profile_from_json,
    profile_to_json,
)
from patchwatch.contract.errors import ConfigurationError

ENTRY = """
[mine]
{table}
[[mine.streams]]
name = "{name}"
kind = "motion"
weight = 1.0
{stream}
"""


def written(path: Path, table: str = "", name: str = "motion", stream: str = "") -> Path:
    path.write_text(ENTRY.format(table=table, name=name, stream=stream))
    return path


def test_a_profile_of_ones_own_is_found_beside_the_shipped_ones(tmp_path: Path) -> None:
    own = written(tmp_path / "own.toml", stream="exemplars = 7")
    assert Engine(load_profile("mine", own)).profile.streams[0].options == {"exemplars": 7}
    assert load_profile("motion", own).name == "motion"


@pytest.mark.parametrize("name", ["a,b", "", "fused", "flow", "Motion"])
def test_a_name_that_scores_or_banks_cannot_hold_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="no name for a stream"):
        load_profile("mine", written(tmp_path / "own.toml", name=name))


@pytest.mark.parametrize("stream", ["stride = 0", "ratio = 0.0", "ratio = 2.0", "cap = 0"])
def test_a_number_that_nothing_can_be_learnt_with_is_refused(tmp_path: Path, stream: str) -> None:
    with pytest.raises(ConfigurationError, match="weight from 0, stride and cap from 1"):
        load_profile("mine", written(tmp_path / "own.toml", stream=stream))


def test_a_profile_without_seeds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no seed"):
        load_profile("mine", written(tmp_path / "own.toml", table="seeds = []"))


@pytest.mark.parametrize("stream", ["exemplars = 0", 'exemplars = "many"', "colour = 3"])
def test_an_option_that_motion_cannot_use_is_refused_by_its_name(tmp_path: Path, stream: str) -> None:
    with pytest.raises(ConfigurationError, match=stream.split()[0]):
        Engine(load_profile("mine", written(tmp_path / "own.toml", stream=stream)))


@pytest.mark.parametrize("group", ['"a,b"', '"Thing"', '"a:b"', "7", "true", '"%s"' % ("x" * 40)])
def test_a_group_that_a_bank_cannot_name_is_refused(tmp_path: Path, group: str) -> None:
    with pytest.raises(ConfigurationError, match=r"own\.toml"):
        load_profile("mine", written(tmp_path / "own.toml", stream=f"group = {group}"))


def test_raw_distances_of_groups_are_refused(tmp_path: Path) -> None:
    own = written(tmp_path / "own.toml", table='fusion = "distance"', stream='group = "a"')
    with pytest.raises(
        ConfigurationError, match='raw distances of groups cannot be compared; use fusion = "calibrated"'
    ):
        load_profile("mine", own)


@pytest.mark.parametrize(
    ("of", "name", "value"),
    [
        ("profile", "smoothing_s", -1e-308),
        ("profile", "smoothing_s", math.nan),
        ("profile", "smoothing_s", 61.0),
        ("profile", "seeds", []),
        ("profile", "streams", []),
        ("stream", "name", "fused"),
        ("stream", "weight", -1.0),
        ("stream", "weight", math.inf),
        ("stream", "weight", 0.0),
        ("stream", "stride", 0),
        ("stream", "ratio", math.nan),
        ("stream", "cap", 0),
        ("stream", "lasting_s", 11.0),
        ("stream", "group", "a,b"),
    ],
)
def test_what_a_file_may_not_say_a_bank_may_not_say_either(of: str, name: str, value: Any) -> None:
    facts = profile_to_json(load_profile("motion"))
    (facts if of == "profile" else facts["streams"][0])[name] = value
    with pytest.raises(ValueError, match=r"profile|stream|group"):
        profile_from_json(facts)


def test_streams_of_one_group_need_not_stand_together(tmp_path: Path) -> None:
    streams = [("one", "a"), ("two", "b"), ("three", "a"), ("four", "")]
    entries = [
        f'[[mine.streams]]\nname = "{name}"\nkind = "motion"\nweight = 1\ngroup = "{group}"' for name, group in streams
    ]
    (tmp_path / "own.toml").write_text("\n".join(entries))
    assert load_profile("mine", tmp_path / "own.toml").groups == ((0, 2), (1,), (3,))


def test_groups_come_back_from_json() -> None:
    for profile in load_profiles().values():
        kept = json.loads(json.dumps(profile_to_json(profile)))
        assert profile_from_json(kept) == replace(profile, description="")


@pytest.mark.parametrize("lasting_s", ["-1.0", "11", "nan", '"long"'])
def test_a_lasting_time_that_nothing_can_last_is_refused(tmp_path: Path, lasting_s: str) -> None:
    with pytest.raises(ConfigurationError, match=r"own\.toml"):
        load_profile("mine", written(tmp_path / "own.toml", stream=f"lasting_s = {lasting_s}"))


@pytest.mark.parametrize(
    "said",
    [
        "lasting_in_tail = true", "passing_share = 0.2", "lasting_s = 1.0\nlasting_in_tail = 1",
        *(f"lasting_s = 1.0\npassing_share = {share}" for share in ("-0.1", "1.0", "nan", '"most"', "true")),
    ],
)  # fmt: skip
def test_what_nothing_that_lasts_can_be_told_is_refused(tmp_path: Path, said: str) -> None:
    with pytest.raises(ConfigurationError, match=r"own\.toml is not a profiles file: .*(lasting_in_tail|share|<)"):
        load_profile("mine", written(tmp_path / "own.toml", stream=said))


@pytest.mark.parametrize("other", [{"passing_share": 0.3}, {"lasting_in_tail": True}, {"lasting_s": 0.0}])
def test_streams_of_one_group_say_one_thing_of_what_lasts(other: dict[str, Any]) -> None:
    first = StreamSpec("one", StreamKind.MOTION, 1.0, lasting_s=1.0, passing_share=0.2)
    second = StreamSpec("two", StreamKind.PLACE, 1.0, lasting_s=2.0, passing_share=0.2)
    assert Profile("mine", Fusion.CALIBRATED, (first, second)).lasting == ((0, 2.0),)
    if "lasting_s" in other:  # of two of which one says nothing the other decides
        plain = StreamSpec("two", StreamKind.PLACE, 1.0)
        assert Profile("mine", Fusion.CALIBRATED, (first, plain)).shares_of_budget(10.0) == (2.0, 8.0)
        return
    with pytest.raises(ValueError, match=r"'one' and 'two' are of one group .* the same lasting_in_tail"):
        Profile("mine", Fusion.CALIBRATED, (first, replace(second, **other)))


def test_every_group_has_its_part_of_the_budget_and_what_shares_one_has_it_together() -> None:
    """24 a day: as many parts as groups, and what lasts and what stays of them with a part of its own."""
    assert load_profile("scene").shares_of_budget(24.0) == (6.0, 6.0, 6.0, 6.0)
    assert load_profile("objects").shares_of_budget(24.0) == pytest.approx((6.0, 6.0, 1.2, 6.0, 4.8), rel=1e-12)
    before = _before_category_lasted(load_profile("objects"))
    assert before.shares_of_budget(24.0) == (6.0, 6.0, 6.0, 6.0)
    for number in (0, 1, 3):  # place, behaviour, and what lasts of place
        assert load_profile("objects").shares_of_budget(24.0)[number] == before.shares_of_budget(24.0)[number]
    assert load_profile("motion").shares_of_budget(24.0) == (24.0,)


def _before_category_lasted(profile: Profile) -> Profile:
    """As banks hold it that were learnt before."""
    facts = profile_to_json(profile)
    for name in ("lasting_s", "lasting_in_tail", "passing_share"):
        del facts["streams"][2][name]
    return profile_from_json(facts)


def test_a_profile_that_says_nothing_new_is_stored_as_before() -> None:
    assert not {"lasting_in_tail", "passing_share", "explained_by"} & set(
        profile_to_json(load_profile("scene"))["streams"][0]
    )
    assert _before_category_lasted(load_profile("objects")).only_in_tail == frozenset()


def test_what_stays_strange_counts_in_the_shipped_profiles() -> None:
    assert load_profile("scene").lasting == ((0, 1.0),)
    assert load_profile("objects").lasting == ((0, 1.0), (2, 1.0))
    assert load_profile("objects").compared == ((0,), (1,), (2,), (0,), (2,))
    assert load_profile("scene").only_in_tail == {3}
    assert load_profile("scene").staying == ((0, 3.0),)
    assert not any(load_profile(name).staying for name in ("motion", "objects", "clip", "reference"))
    assert load_profile("objects").only_in_tail == {4}
    assert load_profile("scene").compared == ((0,), (1,), (0,), (0,))
    assert load_profile("motion").lasting == ()


def test_shipped_profiles_are_smoothed_as_was_measured() -> None:
    sigmas_s = {name: profile.smoothing_s for name, profile in load_profiles().items()}
    assert sigmas_s == {"motion": 0.45, "scene": 0.3, "objects": 0.45, "clip": 0.45, "reference": 0.68}


def test_a_profile_stored_before_there_were_groups_is_one_group() -> None:
    facts = profile_to_json(load_profile("objects"))
    for stream in facts["streams"]:
        for later in ("group", "lasting_s", "lasting_in_tail", "passing_share", "staying_s", "explained_by"):
            stream.pop(later, None)
    assert profile_from_json(facts).groups == ((0, 1, 2),)


@pytest.mark.parametrize(
    ("name", "groups"),
    [("motion", ((0,),)), ("scene", ((0,), (1,))), ("objects", ((0,), (1,), (2,))), ("reference", ((0, 1),))],
)
def test_shipped_profiles_group_place_behaviour_and_thing(name: str, groups: tuple[tuple[int, ...], ...]) -> None:
    assert load_profile(name).groups == groups


@pytest.mark.parametrize("explained_by", ["one", "two", "three", "nothing"])
def test_only_objects_explain_and_only_places(explained_by: str) -> None:
    velocity, category = (
        StreamSpec("one", StreamKind.VELOCITY, 1.0),
        StreamSpec("two", StreamKind.CATEGORY, 1.0, explained_by="one"),
    )
    place = StreamSpec("three", StreamKind.PLACE, 1.0, explained_by=explained_by)
    with pytest.raises(ValueError, match="cannot be explained_by"):
        Profile("mine", Fusion.CALIBRATED, (velocity, category, place))
    plain = replace(category, explained_by="")
    if explained_by == "one":
        assert Profile("mine", Fusion.CALIBRATED, (velocity, plain, place)).explained == (None, None, 0)
    else:
        with pytest.raises(ValueError, match="cannot be explained_by"):
            Profile("mine", Fusion.CALIBRATED, (velocity, plain, place))


def test_objects_explain_places_in_the_shipped_profile_that_finds_some() -> None:
    explained = {name: profile.explained for name, profile in load_profiles().items()}
    assert explained["objects"] == (1, None, None)
    assert not any(by is not None for name in explained.keys() - {"objects"} for by in explained[name])
