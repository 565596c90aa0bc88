"""The file that lists the scenes of a suite."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from patchwatch.contract.errors import RejectedError
from patchwatch.evaluation.labels.label_format import LabelFormat

MAX_SCENES = 200
_EXAMPLE = (
    '[[scenes]] with name, role = "design" or "held-out", train = "FOLDER", test = "FOLDER", and labels = "FILE" or '
    "normal = true"
)

Rate = Annotated[float, Field(gt=0, le=1000)]


class Role(StrEnum):
    """``design``: the scene took part in choosing streams, weights or thresholds, so its figures flatter."""

    DESIGN = "design"
    HELD_OUT = "held-out"


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _named(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise ValueError("needs printable characters")
    return value


Places = Annotated[tuple[Path, ...], BeforeValidator(_listed), Field(min_length=1, max_length=1000)]
Name = Annotated[str, Field(max_length=60), AfterValidator(_named)]


class SceneSpec(BaseModel):
    """One scene. ``train``, ``test``: folders of clips, or clips. ``normal``: every testing frame is normal.

    ``fps``: frames analysed per second, None: as the service is set. ``frame_rate``: of clips that are folders of
    pictures. ``events_within_s``: an event counts as found in time when its alarm opens at most so long after its
    onset; None: whenever it opens.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    role: Role
    train: Places
    test: Places
    labels: Path | None = None
    label_format: LabelFormat | None = None
    normal: bool = False
    fps: Rate | None = None
    frame_rate: Rate | None = None
    events_within_s: Annotated[float, Field(gt=0, le=3600)] | None = None

    @model_validator(mode="after")
    def _labelled_in_one_way(self) -> Self:
        if self.normal == (self.labels is not None):
            raise ValueError('give either labels = "FILE", or normal = true where every testing frame is normal')
        if self.normal and self.events_within_s is not None:
            raise ValueError("events_within_s is for scenes with labelled events: leave it out")
        return self

    @property
    def missing(self) -> tuple[Path, ...]:
        """Those of its files and folders that are not there."""
        labels = () if self.labels is None else (self.labels,)
        return tuple(path for path in (*self.train, *self.test, *labels) if not path.exists())

    def below(self, folder: Path) -> SceneSpec:
        """The same scene with its paths taken from a folder; absolute ones stay."""
        return self.model_copy(
            update={
                "train": tuple(folder / path for path in self.train),
                "test": tuple(folder / path for path in self.test),
                "labels": None if self.labels is None else folder / self.labels,
            }
        )


class SuiteFile(BaseModel):
    """The scenes in order. ``base``: the folder that their paths are relative to, itself relative to the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scenes: Annotated[tuple[SceneSpec, ...], Field(min_length=1, max_length=MAX_SCENES)]
    base: Path = Path()

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [scene.name for scene in self.scenes]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two scenes are called {', '.join(twice)}: give each a name of its own")
        return self


def read_suite(path: Path, base: Path | None = None) -> tuple[SceneSpec, ...]:
    """The scenes of a file, with paths that do not depend on it. ``base`` replaces the file's own.

    Raises `RejectedError` naming the scene and the key that are wrong.
    """
    tree = _tree(path)
    try:
        suite = SuiteFile.model_validate(tree)
    except ValidationError as error:
        raise RejectedError(f"suite file {path}: {_first_fault(error, tree)}; a scene looks like {_EXAMPLE}") from None
    folder = path.parent / suite.base if base is None else base
    return tuple(scene.below(folder) for scene in suite.scenes)


def _tree(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RejectedError(f"suite file {path}: {error.strerror}; name a TOML file that lists scenes") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RejectedError(f"suite file {path} is not TOML: {error}") from None


def _first_fault(error: ValidationError, tree: dict[str, Any]) -> str:
    first = error.errors(include_url=False)[0]
    where = _place(first["loc"], tree)
    said = str(first["msg"]).removeprefix("Value error, ")
    return f"{where}: {said}" if where else said


def _place(location: Sequence[int | str], tree: dict[str, Any]) -> str:
    """``scene 2 ('lobby'), train`` for a place in the file."""
    if len(location) < 2 or location[0] != "scenes" or not isinstance(location[1], int):
        return ".".join(map(str, location))
    name = _name_of(tree["scenes"][location[1]])
    scene = f"scene {location[1] + 1}" + (f" ({name!r})" if name else "")
    keys = [str(part) for part in location[2:] if isinstance(part, str) and not part.endswith("]")]
    return ", ".join([scene, *keys])


def _name_of(scene: Any) -> str | None:
    name = scene.get("name") if isinstance(scene, dict) else None
    return name if isinstance(name, str) else None


def split_missing(
    scenes: Sequence[SceneSpec], *, skip: bool
) -> tuple[tuple[SceneSpec, ...], tuple[tuple[SceneSpec, str], ...]]:
    """The scenes that are there, and with ``skip`` those that are not with what they lack.

    Raises `RejectedError` naming what is missing unless ``skip``, and where no scene is there.
    """
    lacking = tuple((scene, ", ".join(map(str, scene.missing))) for scene in scenes if scene.missing)
    if lacking and not skip:
        named = "; ".join(f"{scene.name}: {paths}" for scene, paths in lacking)
        raise RejectedError(f"not there: {named}; correct the paths or --base, or leave them out: --skip-missing")
    there = tuple(scene for scene in scenes if not scene.missing)
    if not there:
        raise RejectedError(f"none of the {len(scenes)} scenes is there: correct their paths, or name their --base")
    return there, lacking
