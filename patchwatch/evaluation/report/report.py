"""The report of an evaluation, and its JSON form."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError

from patchwatch.contract.errors import RejectedError
from patchwatch.evaluation.report.profile_result import ProfileResult

# Version of the JSON. Format 1 held one profile without budgets, and had no format number.
FORMAT = 2


@dataclass(frozen=True)
class RunSettings:
    """Settings and inputs of a run. ``frame_rate``: that of folders of pictures, None when there were none."""

    train: str
    test: str
    labels: str
    label_format: str
    analysis_fps: float
    max_side_px: int
    jpeg_quality: int
    frame_rate: float | None
    false_alarms_per_day: float
    folds: int
    bootstrap_resamples: int


@dataclass(frozen=True)
class Report:
    """Result of ``patchwatch evaluate``: the same clips and labels under one or more profiles."""

    version: str
    commit: str | None
    created_at: str  # ISO 8601, UTC
    cpu: str
    cores: int
    settings: RunSettings
    profiles: tuple[ProfileResult, ...]
    format: int = field(default=FORMAT)

    def as_json(self) -> dict[str, Any]:
        """JSON values; keys stay as they are within a format."""
        return dict(_REPORT.dump_python(self, mode="json"))

    @classmethod
    def from_json(cls, tree: Any) -> Self:
        """Inverse of `as_json`. Raises `RejectedError` for reports of another format and for anything else."""
        if not isinstance(tree, dict) or ("protocols" not in tree and "profiles" not in tree):
            raise RejectedError("is not a report of `patchwatch evaluate`")
        if (number := tree.get("format", 1)) != FORMAT:
            raise RejectedError(
                f"is a report of format {number}, this program reads format {FORMAT}: run `patchwatch evaluate` again"
            )
        try:
            return _REPORT.validate_python(tree)  # type: ignore[return-value]
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise RejectedError(f"is a damaged report: {where}: {first['msg']}") from None

    @classmethod
    def read(cls, path: Path) -> Self:
        """A report file. Raises `RejectedError` naming it."""
        try:
            return cls.from_json(json.loads(path.read_text()))
        except OSError as error:
            raise RejectedError(f"report {path}: {error.strerror}") from None
        except ValueError as error:
            raise RejectedError(f"{path} is not JSON: {error}") from None
        except RejectedError as error:
            raise RejectedError(f"{path} {error}") from None


_REPORT = TypeAdapter(Report)
