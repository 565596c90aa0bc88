"""The report of a suite, and its JSON form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Self

from pydantic import TypeAdapter, ValidationError

from patchwatch.contract.errors import RejectedError
from patchwatch.evaluation.suite.scene_result import SuiteProfile
from patchwatch.evaluation.suite.suite_file import Role

KIND: Literal["suite"] = "suite"
FORMAT = 1


@dataclass(frozen=True)
class SuiteSettings:
    """Settings of a run. ``file``: the name of the file that lists the scenes."""

    file: str
    analysis_fps: float
    max_side_px: int
    jpeg_quality: int
    false_alarms_per_day: float
    folds: int
    bootstrap_resamples: int


@dataclass(frozen=True)
class SceneEntry:
    """A scene as its file describes it, without where it lies. ``labels``: the format; ``normal`` for all normal.

    ``training``, ``testing``: numbers of clips. ``analysis_fps``: at which it was analysed.
    """

    name: str
    role: Role
    labels: str
    analysis_fps: float
    events_within_s: float | None
    training: int
    testing: int


@dataclass(frozen=True)
class SkippedScene:
    """A scene that was left out because its files were not there."""

    name: str
    role: Role


@dataclass(frozen=True)
class SuiteReport:
    """Result of ``patchwatch evaluate suite``: the same scenes under one or more profiles."""

    version: str
    commit: str | None
    created_at: str  # ISO 8601, UTC
    cpu: str
    cores: int
    settings: SuiteSettings
    scenes: tuple[SceneEntry, ...]
    skipped: tuple[SkippedScene, ...]
    profiles: tuple[SuiteProfile, ...]
    kind: Literal["suite"] = field(default=KIND)
    format: int = field(default=FORMAT)

    def of_role(self, role: Role) -> tuple[str, ...]:
        """Names of the scenes that were measured in this role."""
        return tuple(scene.name for scene in self.scenes if scene.role is role)

    def scene(self, name: str) -> SceneEntry:
        return next(scene for scene in self.scenes if scene.name == name)

    def as_json(self) -> dict[str, Any]:
        """JSON values; keys stay as they are within a format."""
        return dict(_REPORT.dump_python(self, mode="json"))

    @classmethod
    def from_json(cls, tree: Any) -> Self:
        """Inverse of `as_json`. Raises `RejectedError` for reports of another format and for anything else."""
        if not is_suite(tree):
            raise RejectedError("is not a report of `patchwatch evaluate suite`")
        if (number := tree.get("format")) != FORMAT:
            raise RejectedError(
                f"is a suite report of format {number}, this program reads format {FORMAT}: "
                "run `patchwatch evaluate suite` again"
            )
        try:
            report: Self = _REPORT.validate_python(tree)  # type: ignore[assignment]
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise RejectedError(f"is a damaged suite report: {where}: {first['msg']}") from None
        listed = {scene.name for scene in report.scenes}
        if unknown := {scene.scene for profile in report.profiles for scene in profile.scenes} - listed:
            raise RejectedError(f"is a damaged suite report: it does not list the scenes {', '.join(sorted(unknown))}")
        return report


def is_suite(tree: Any) -> bool:
    """Whether JSON values are the report of a suite, of whatever format."""
    return isinstance(tree, dict) and tree.get("kind") == KIND


_REPORT = TypeAdapter(SuiteReport)
