"""Options that the commands of ``patchwatch evaluate`` share, and what they become."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patchwatch.cli.output import check_output
from patchwatch.contract.errors import RejectedError
from patchwatch.contract.settings import load_settings

if TYPE_CHECKING:
    from workers.analysis.recordings import RecordingReader

STDOUT = Path("-")


class LabelChoice(StrEnum):
    """Formats of labels; as `patchwatch.evaluation.labels.label_format.LabelFormat`."""

    JSON = "json"
    UCSD = "ucsd"
    AVENUE = "avenue"
    SHANGHAITECH = "shanghaitech"


class ScoreChoice(StrEnum):
    """Which scores the CSV holds; as `patchwatch.evaluation.predictions.ScoredBy`."""

    SERVICE = "service"
    UNSMOOTHED = "unsmoothed"
    PAPER = "paper"


Train = Annotated[Path, typer.Option(help="Folder of clips that show normal only: videos, or folders of pictures.")]
Test = Annotated[Path, typer.Option(help="Folder of clips to score.")]
Labels = Annotated[
    Path | None,
    typer.Option(help="Anomalous frames of each testing clip: our JSON, UCSD .m, Avenue .mat, ShanghaiTech .npy."),
]
LabelForm = Annotated[LabelChoice | None, typer.Option(help="Default: recognised by the files' endings.")]
Profiles = Annotated[
    list[str] | None, typer.Option(help="scene, objects, motion, clip, reference, or one of your own; may be repeated.")
]
FrameRate = Annotated[
    float | None, typer.Option(help="Frames per second of clips that are folders of pictures. Default: 25.")
]
Folds = Annotated[
    bool, typer.Option(help="Count false alarms on held-out training clips, which takes most of the time.")
]
JsonOut = Annotated[Path | None, typer.Option("--json", help="Write the report as JSON here; -: print it.")]
HtmlOut = Annotated[Path | None, typer.Option("--html", help="Write the report as one HTML page here.")]
CsvOut = Annotated[
    Path | None,
    typer.Option("--csv", help="Write Id,Predicted of every testing frame here; needs no labels."),
]
CsvScores = Annotated[ScoreChoice, typer.Option(help="What the CSV holds; `paper` looks into the future.")]


def chosen_profiles(profiles: list[str] | None) -> list[str]:
    """Each once, in order."""
    return list(dict.fromkeys(profiles or [load_settings().default_profile]))


def check_outputs(**paths: Path | None) -> None:
    """Raises `RejectedError` for a file that cannot be written; ``paths``: by the name of their option."""
    for option, path in paths.items():
        if (option, path) != ("json", STDOUT):
            check_output(f"--{option}", path, make_folder=True)


def recording_reader(fps: float | None, frame_rate: float | None = None) -> RecordingReader:
    """Reads recordings as the service would. Raises `RejectedError` for rates that are not positive."""
    from dataclasses import replace

    from workers.analysis.recordings import RecordingReader

    for option, rate in (("--fps", fps), ("--frame-rate", frame_rate)):
        if rate is not None and not 0 < rate < float("inf"):
            raise RejectedError(f"{option} {rate} must be positive")
    reader = RecordingReader.from_settings(load_settings(), fps)
    return reader if frame_rate is None else replace(reader, frame_rate=frame_rate)
