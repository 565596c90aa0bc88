"""Profiles: named lists of streams with weights. Data, not code."""

from __future__ import annotations

import json
import math
import re
import tomllib
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any, cast

from patchwatch.contract.errors import ConfigurationError

SEEDS = (42, 123, 2024)
SIGMA_S = 0.68  # of the smoothing: 17 frames at 25 fps, the width of the reference method
_NAME = r"[a-z0-9][a-z0-9_-]{0,30}"  # it stands in score messages, between commas
# unknown to earlier banks
_OPTIONAL = "group", "lasting_s", "lasting_in_tail", "passing_share", "staying_s", "explained_by"
_TAKEN = ("fused", "flow")  # in the bank file by what all streams yield together, in views by optical flow


class Fusion(StrEnum):
    """How the streams of a frame become one number."""

    CALIBRATED = "calibrated"
    DISTANCE = "distance"


class StreamKind(StrEnum):
    """What a stream measures."""

    MOTION = "motion"
    GLOBAL = "global"
    LOCAL = "local"
    VELOCITY = "velocity"
    CATEGORY = "category"
    PLACE = "place"


NEVER_SILENT = (
    StreamKind.MOTION,
    StreamKind.GLOBAL,
    StreamKind.PLACE,
)  # these find evidence in every picture, unless they are blind
OF_PLACES = (StreamKind.MOTION, StreamKind.PLACE)  # these judge the same places in every picture


@dataclass(frozen=True)
class StreamSpec:
    """One stream of a profile, as written in the profiles file."""

    name: str
    kind: StreamKind
    weight: float
    stride: int = 1
    ratio: float = 0.01
    cap: int = 20_000
    group: str = ""  # streams of one group are averaged; the frame's value is that of the highest group
    lasting_s: float = 0.0  # over so long the group's least mean counts as a further group; 0: it does not
    lasting_in_tail: bool = False  # what lasts counts only where the group stays rarer than one in twenty
    passing_share: float = 0.0  # of one part of the budget, of which what lasts has the rest; 0: each has a part
    staying_s: float = 0.0  # of place: the least over so long, of the farthest place, is a further value; 0: it is not
    explained_by: str = ""  # name of the stream whose objects explain this one's places, which do not count then
    options: dict[str, Any] = field(default_factory=dict)  # of this kind of stream only

    def __post_init__(self) -> None:
        """Raises `ValueError` for what no profiles file may say; nor may a bank, which holds its profile."""
        if not re.fullmatch(_NAME, self.name) or self.name in _TAKEN:
            raise ValueError(f"{self.name!r} is no name for a stream: use small letters, digits, '-' and '_'")
        if self.group and not re.fullmatch(_NAME, self.group):
            raise ValueError(f"{self.group!r} is no name for a group: use small letters, digits, '-' and '_'")
        if not 0 <= self.lasting_s <= 10:
            raise ValueError(f"stream {self.name!r}: lasting_s is from 0 to 10 seconds, not {self.lasting_s}")
        self._check_what_lasts()
        if not 0 <= self.staying_s <= 10:
            raise ValueError(f"stream {self.name!r}: staying_s is from 0 to 10 seconds, not {self.staying_s}")
        if self.staying_s and self.kind is not StreamKind.PLACE:
            raise ValueError(f"stream {self.name!r} cannot have staying_s: only a stream of kind place can")
        if not (0 <= self.weight < math.inf and self.stride >= 1 and 0 < self.ratio <= 1 and self.cap >= 1):
            raise ValueError(f"stream {self.name!r}: weight from 0, stride and cap from 1, ratio above 0 and up to 1")

    def _check_what_lasts(self) -> None:
        if not isinstance(self.lasting_in_tail, bool):
            raise ValueError(f"stream {self.name!r}: lasting_in_tail is true or false, not {self.lasting_in_tail!r}")
        if not 0 <= self.passing_share < 1:
            raise ValueError(
                f"stream {self.name!r}: passing_share is above 0 and below 1, or 0 for none, not {self.passing_share}"
            )
        if (self.lasting_in_tail or self.passing_share) and not self.lasting_s:
            raise ValueError(
                f"stream {self.name!r}: lasting_in_tail and passing_share say how what lasts counts, and nothing of it "
                "does: give it a lasting_s too, or leave them out"
            )


@dataclass(frozen=True)
class Profile:
    """A set of streams, how they are fused, and the seeds of their banks."""

    name: str
    fusion: Fusion
    streams: tuple[StreamSpec, ...]
    seeds: tuple[int, ...] = SEEDS
    smoothing_s: float = SIGMA_S  # sigma of the causal kernel
    description: str = ""

    def __post_init__(self) -> None:
        """Raises `ValueError` for what cannot be scored."""
        if not self.streams or sum(spec.weight for spec in self.streams) <= 0:
            raise ValueError(f"profile {self.name!r} has no stream of positive weight")
        if len({spec.name for spec in self.streams}) != len(self.streams):
            raise ValueError(f"profile {self.name!r} has two streams of one name")
        if not self.seeds:
            raise ValueError(f"profile {self.name!r} has no seed")
        if not 0 < self.smoothing_s <= 60:
            raise ValueError(
                f"profile {self.name!r}: smoothing_s is from above 0 to 60 seconds, not {self.smoothing_s}"
            )
        self._check_explained()
        self._check_lasting()
        if self.fusion is Fusion.DISTANCE and any(s.group or s.lasting_s or s.staying_s for s in self.streams):
            raise ValueError(
                f'profile {self.name!r}: raw distances of groups cannot be compared; use fusion = "calibrated"'
            )

    def _check_explained(self) -> None:
        objects = {spec.name for spec in self.streams if spec.kind is StreamKind.VELOCITY}
        for spec in self.streams:
            if spec.explained_by and not (spec.kind is StreamKind.PLACE and spec.explained_by in objects):
                raise ValueError(
                    f"stream {spec.name!r} cannot be explained_by {spec.explained_by!r}: only a stream of kind place "
                    "can be, by one of kind velocity"
                )

    def _check_lasting(self) -> None:
        for group in self.groups:
            lasting = [self.streams[position] for position in group if self.streams[position].lasting_s]
            if len({(spec.lasting_in_tail, spec.passing_share) for spec in lasting}) > 1:
                names = " and ".join(repr(spec.name) for spec in lasting)
                raise ValueError(
                    f"streams {names} are of one group and have a lasting_s each: give them the same lasting_in_tail "
                    "and passing_share"
                )

    @property
    def explained(self) -> tuple[int | None, ...]:
        """Per stream the position of the one whose objects explain its places."""
        names = [spec.name for spec in self.streams]
        return tuple(names.index(spec.explained_by) if spec.explained_by else None for spec in self.streams)

    def needs(self, *kinds: StreamKind) -> bool:
        return any(spec.kind in kinds for spec in self.streams)

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """Positions of the streams of each group, in the order in which the groups are first named."""
        names = list(dict.fromkeys(spec.group for spec in self.streams))
        return tuple(
            tuple(position for position, spec in enumerate(self.streams) if spec.group == name) for name in names
        )

    @property
    def lasting(self) -> tuple[tuple[int, float], ...]:
        """Number of each group of which what lasts counts too, and over how many seconds."""
        return tuple((number, spec.lasting_s) for number, spec in self._lasting_specs.items())

    @property
    def _lasting_specs(self) -> dict[int, StreamSpec]:
        """Of each group of which what lasts counts too, by its number, the stream that says how."""
        streams = ([self.streams[position] for position in group] for group in self.groups)
        longest = enumerate(max(group, key=lambda spec: spec.lasting_s) for group in streams)
        return {number: spec for number, spec in longest if spec.lasting_s > 0}

    @property
    def staying(self) -> tuple[tuple[int, float], ...]:
        """Position of each stream of which what stays at its place counts too, and after how many seconds."""
        return tuple((position, spec.staying_s) for position, spec in enumerate(self.streams) if spec.staying_s)

    @property
    def readings(self) -> tuple[str, ...]:
        """Names of what a frame has a rarity of: its streams, then what stays at its place."""
        return (*(spec.name for spec in self.streams), *(f"{self.streams[n].name}:staying" for n, _ in self.staying))

    @property
    def compared(self) -> tuple[tuple[int, ...], ...]:
        """Positions of the streams behind each of the values that the frame's is the highest of: those of the groups,
        then of what lasts of them, then of what stays at its place."""
        groups = self.groups
        return (*groups, *(groups[number] for number, _ in self.lasting), *((n,) for n, _ in self.staying))

    @property
    def only_in_tail(self) -> frozenset[int]:
        """Numbers in `compared` of what counts only where it is rarer than one in twenty: all that stays at its place,
        and what lasts of a group where its profile says so."""
        lasting = enumerate(self._lasting_specs.values(), start=len(self.groups))
        staying = range(len(self.groups) + len(self.lasting), len(self.compared))
        return frozenset((*(number for number, spec in lasting if spec.lasting_in_tail), *staying))

    def shares_of_budget(self, per_day: float) -> tuple[float, ...]:
        """What each of `compared` may spend of a budget. All have the same, but what passes and what lasts of a group
        with a `passing_share` have that together: so the others have as much as if nothing of it lasted."""
        lasting, groups = self._lasting_specs, range(len(self.groups))
        shared = {number: spec.passing_share for number, spec in lasting.items() if spec.passing_share}
        each = per_day / (len(groups) + len(lasting) - len(shared) + len(self.staying))
        passing = [each * shared.get(number, 1.0) for number in groups]
        return (
            *passing,
            *(each * (1.0 - shared.get(number, 0.0)) for number in lasting),
            *(each for _ in self.staying),
        )

    @property
    def needs_backbone(self) -> bool:
        return self.needs(StreamKind.GLOBAL, StreamKind.LOCAL)

    @property
    def needs_detector(self) -> bool:
        return self.needs(StreamKind.LOCAL, StreamKind.VELOCITY, StreamKind.CATEGORY)

    @property
    def needs_patches(self) -> bool:
        return self.needs(StreamKind.PLACE)


def load_profile(name: str, own_file: Path | None = None) -> Profile:
    """Find a profile in the user's file, else among the shipped ones.

    Raises `ConfigurationError` when it does not exist or is malformed.
    """
    profiles = load_profiles(own_file)
    if name not in profiles:
        raise ConfigurationError(f"no profile {name!r}: choose one of {', '.join(sorted(profiles))}")
    return profiles[name]


def load_profiles(own_file: Path | None = None) -> dict[str, Profile]:
    """All profiles; those of the user's file win."""
    texts = [
        ("models/profiles/profiles.toml", resources.files("models.profiles").joinpath("profiles.toml").read_text())
    ]
    if own_file is not None:
        try:
            texts.append((str(own_file), own_file.read_text()))
        except OSError as error:
            raise ConfigurationError(f"PATCHWATCH_PROFILES_FILE {own_file}: {error.strerror}") from None
    profiles: dict[str, Profile] = {}
    for where, text in texts:
        try:
            profiles |= {name: _profile(name, table) for name, table in tomllib.loads(text).items()}
        except (tomllib.TOMLDecodeError, KeyError, ValueError, TypeError, AttributeError) as error:
            raise ConfigurationError(f"{where} is not a profiles file: {error}") from None
    return profiles


def profile_to_json(profile: Profile) -> dict[str, Any]:
    """All that scores depend on, as JSON values: without the description, and without what streams do not say of
    groups, of what lasts and of explanations."""
    facts = json.loads(json.dumps(asdict(profile)))
    del facts["description"]
    for stream in facts["streams"]:
        for optional in _OPTIONAL:
            if not stream[optional]:
                del stream[optional]
    return cast("dict[str, Any]", facts)


def profile_from_json(facts: dict[str, Any]) -> Profile:
    """Inverse of `profile_to_json`."""
    streams = tuple(StreamSpec(**(entry | {"kind": StreamKind(entry["kind"])})) for entry in facts["streams"])
    return Profile(facts["name"], Fusion(facts["fusion"]), streams, tuple(facts["seeds"]), facts["smoothing_s"])


def _profile(name: str, table: dict[str, Any]) -> Profile:
    return Profile(
        name,
        Fusion(table.get("fusion", "calibrated")),
        tuple(_stream(entry) for entry in table["streams"]),
        tuple(int(seed) for seed in table.get("seeds", SEEDS)),
        float(table.get("smoothing_s", SIGMA_S)),
        table.get("description", ""),
    )


def _stream(entry: dict[str, Any]) -> StreamSpec:
    known = {"name", "kind", "weight", "stride", "ratio", "cap", *_OPTIONAL}
    fields = {key: value for key, value in entry.items() if key in known}
    options = {key: value for key, value in entry.items() if key not in known}
    fields["kind"] = StreamKind(fields["kind"])
    return StreamSpec(**fields, options=options)
