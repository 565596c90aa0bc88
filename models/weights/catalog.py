"""The networks' weights on disk: where each comes from, where it lies, and whether it is the right file."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from models.weights.sources import HubFile, Progress, WebAddress, WeightsSource, offline, source_of
from patchwatch.contract.errors import (
    NotFoundError,
    PatchwatchError,
    RejectedError,
    RetryableError,
    WeightsMissingError,
)

Failed = Callable[[WeightsSource, str], None]  # a source that did not work, and why


@dataclass(frozen=True)
class WeightsFile:
    """One entry of the catalogue. ``sources`` are tried in order; each leaves the file in its own format, under its
    own name. What a source publishes no hash for is recorded on the first pull, next to the file."""

    name: str
    sources: tuple[WeightsSource, ...]
    setting: str  # the environment variable that points at a file of one's own
    licence: str
    description: str

    @property
    def filenames(self) -> tuple[str, ...]:
        """Under which it may lie in the weights folder; the first that is there is taken."""
        return tuple(dict.fromkeys(source.kept_as for source in self.sources))


_CLIP_SHA256 = "8fa8567bab74a42d41c5915025a8e4538c3bdbe8804a470a72f30b0d94fab599"  # OpenAI states it in the address
_CLIP_HUB = "timm/resnet101_clip.openai"
_YOLO_RELEASES = "https://github.com/ultralytics/assets/releases/download"

CLIP = WeightsFile(
    name="clip-rn101",
    sources=(
        HubFile(_CLIP_HUB, "open_clip_model.safetensors", "RN101.safetensors"),
        HubFile(_CLIP_HUB, "open_clip_pytorch_model.bin", "RN101.bin"),
        WebAddress(f"https://openaipublic.azureedge.net/clip/models/{_CLIP_SHA256}/RN101.pt", "RN101.pt", _CLIP_SHA256),
    ),
    setting="PATCHWATCH_CLIP_WEIGHTS",
    licence="MIT",
    description="CLIP RN101 by OpenAI, for the global and local streams",
)
DETECTOR = WeightsFile(
    name="yolov5s",
    sources=(
        WebAddress(f"{_YOLO_RELEASES}/v8.3.0/yolov5su.pt", "yolov5su.pt"),
        WebAddress(f"{_YOLO_RELEASES}/v8.4.0/yolov5su.pt", "yolov5su.pt"),
        HubFile("Ultralytics/YOLOv5", "yolov5su.pt", "yolov5su.pt"),
    ),
    setting="PATCHWATCH_DETECTOR_WEIGHTS",
    licence="AGPL-3.0",
    description="YOLOv5s (anchor-free head) by Ultralytics, finds persons for the local stream",
)
CATALOGUE = {entry.name: entry for entry in (CLIP, DETECTOR)}


class VerificationResult(StrEnum):
    """What is known of a file."""

    OK = "ok"
    UNRECORDED = "unrecorded"  # no hash is published and none was recorded
    OWN = "own"  # a file of the user's own, for which no hash is known
    WRONG = "wrong"
    MISSING = "missing"


@dataclass(frozen=True)
class Check:
    """Weights looked up on this machine. ``sha256`` is of the file found, None when missing. ``advice``: what the
    verdict means and which command mends it; empty where all is well."""

    name: str
    path: Path
    verdict: VerificationResult
    sha256: str | None
    expected: str | None
    advice: str = ""


@dataclass(frozen=True)
class Pulled:
    """A file that is there now. ``source`` is None where nothing had to be fetched."""

    path: Path
    source: WeightsSource | None


def entry_of(name: str) -> WeightsFile:
    """Raises `NotFoundError`."""
    if name not in CATALOGUE:
        raise NotFoundError(f"no weights {name!r}: choose one of {', '.join(CATALOGUE)}")
    return CATALOGUE[name]


def locate(entry: WeightsFile, explicit: Path | None, weights_dir: Path) -> Path:
    """Where the file is, or would be: the user's own path where set, else the first form in the weights folder."""
    if explicit is not None:
        return explicit
    paths = [weights_dir / name for name in entry.filenames]
    return next((path for path in paths if path.is_file()), paths[0])


def resolve(entry: WeightsFile, explicit: Path | None, weights_dir: Path) -> Path:
    """The file to load. Raises `WeightsMissingError` naming the file, where it was looked for, and how to fetch it."""
    path = locate(entry, explicit, weights_dir)
    if path.is_file():
        return path
    if explicit is not None:
        raise WeightsMissingError(
            f"{entry.setting}={path} is not a file: correct it, or unset it and run "
            f"`patchwatch weights pull {entry.name}`"
        )
    raise WeightsMissingError(
        f"the weights of {entry.description} are missing: looked for {', '.join(entry.filenames)} in {weights_dir}. "
        f"Run `patchwatch weights pull {entry.name}`, or set {entry.setting} to a file of your own"
    )


def resolve_verified(entry: WeightsFile, explicit: Path | None, weights_dir: Path) -> tuple[Path, str]:
    """`resolve`, and the file's sha256. A pulled file that is not what it should be raises `WeightsMissingError`."""
    resolve(entry, explicit, weights_dir)
    check = verify(entry, explicit, weights_dir)
    if check.verdict is VerificationResult.WRONG or check.sha256 is None:
        raise WeightsMissingError(
            f"{check.path} is damaged or another file (sha256 {check.sha256}, expected {check.expected}): "
            f"run `patchwatch weights pull {entry.name} --force`, or set {entry.setting} to a file of your own"
        )
    return check.path, check.sha256


def verify(entry: WeightsFile, explicit: Path | None, weights_dir: Path) -> Check:
    """Compare the file on disk with its recorded or published hash. Raises nothing for a missing or wrong file."""
    path = locate(entry, explicit, weights_dir)
    expected = _published(entry, path.name) if explicit is not None else _recorded(path) or _published(entry, path.name)
    if not path.is_file():
        advice = f"run `patchwatch weights pull {entry.name}`, or set {entry.setting} to a file of your own"
        return Check(entry.name, path, VerificationResult.MISSING, None, expected, advice)
    actual = sha256_of(path)
    if actual == expected:
        verdict = VerificationResult.OK
    elif explicit is not None:
        verdict = VerificationResult.OWN
    else:
        verdict = VerificationResult.WRONG if expected else VerificationResult.UNRECORDED
    return Check(entry.name, path, verdict, actual, expected, _advice(entry, verdict, actual, expected))


def _advice(entry: WeightsFile, verdict: VerificationResult, actual: str, expected: str | None) -> str:
    match verdict:
        case VerificationResult.OWN:
            return f"your own file ({entry.setting}): sha256 {actual}"
        case VerificationResult.UNRECORDED:
            return f"no hash is known to compare with: sha256 {actual}"
        case VerificationResult.WRONG:
            return f"sha256 {actual}, expected {expected}: run `patchwatch weights pull {entry.name} --force`"
        case _:
            return ""


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pull(
    entry: WeightsFile,
    weights_dir: Path,
    *,
    force: bool = False,
    own: str | None = None,
    progress: Progress = lambda done, total: None,
    failed: Failed = lambda source, why: None,
) -> Pulled:
    """Fetch a file into ``weights_dir`` from the first source that works; a right one that is there already stays
    unless ``force``.

    ``own``: an address or path of the user's, then the only source. A file arrives under another name, is compared
    with its hash, and only then takes its place; a broken transfer is resumed by the next call. ``failed`` hears of
    each source that did not work. Raises `RetryableError`, or `RejectedError` where every source gave wrong bytes.
    """
    there = verify(entry, None, weights_dir)
    if not force and own is None and there.verdict in (VerificationResult.OK, VerificationResult.UNRECORDED):
        return Pulled(there.path, None)
    weights_dir.mkdir(parents=True, exist_ok=True)
    reasons: list[tuple[WeightsSource, PatchwatchError]] = []
    for source in entry.sources if own is None else [source_of(own, entry.filenames[-1])]:
        try:
            return Pulled(_pull_from(source, entry, weights_dir, progress, force, allowed=own is not None), source)
        except (RetryableError, RejectedError) as error:
            reasons.append((source, error))
            failed(source, str(error))
    raise _nowhere(entry, weights_dir, reasons)


def _pull_from(
    source: WeightsSource, entry: WeightsFile, weights_dir: Path, progress: Progress, force: bool, allowed: bool
) -> Path:
    if source.remote and not allowed and offline():
        raise RetryableError("is not asked in offline mode (HF_HUB_OFFLINE)")
    of_source = hashlib.sha256(repr(source).encode()).hexdigest()[:8]  # never continued with bytes of another source
    partial = weights_dir / f"{source.kept_as}.{of_source}.part"
    if not source.resumes:
        partial.unlink(missing_ok=True)
    stated = source.fetch(partial, progress, force=force)
    actual = sha256_of(partial)
    expected = source.sha256 or stated
    if expected is not None and actual != expected:
        partial.unlink()
        raise RejectedError(f"delivered other bytes (sha256 {actual}, published {expected})")
    form = _form(partial)
    if form is None:
        partial.unlink()
        raise RejectedError("delivered something that is no weights file: a proxy may have answered in its place")
    path = weights_dir / source.kept_as
    if path.suffix == ".pt" and form == ".safetensors":
        path = path.with_name(entry.filenames[0])
    return _keep(entry, partial, path, actual)


def _keep(entry: WeightsFile, partial: Path, path: Path, sha256: str) -> Path:
    """The one form that is there from now on."""
    _record_path(path).write_text(f"{sha256}  {path.name}\n")
    partial.replace(path)
    for name in entry.filenames:
        if name != path.name:
            (path.parent / name).unlink(missing_ok=True)
            _record_path(path.parent / name).unlink(missing_ok=True)
        for leftover in path.parent.glob(f"{name}.*.part"):
            leftover.unlink(missing_ok=True)
    return path


def _nowhere(
    entry: WeightsFile, weights_dir: Path, reasons: list[tuple[WeightsSource, PatchwatchError]]
) -> PatchwatchError:
    failures = "; ".join(f"{source} {error}" for source, error in reasons)
    rejected = all(isinstance(error, RejectedError) for _, error in reasons)
    return (RejectedError if rejected else RetryableError)(
        f"no source has {entry.name}, nothing was kept: {failures}. Run `patchwatch weights pull {entry.name}` again "
        f"where there is a network, give a file or address of your own with --from, or put the file at "
        f"{weights_dir / entry.filenames[-1]}"
    )


def _form(path: Path) -> str | None:
    """``.safetensors``, ``.pt``, or None for what is neither."""
    if is_safetensors(path):
        return ".safetensors"
    with path.open("rb") as file:
        is_old_pickle = file.read(2) == b"\x80\x02"
    return ".pt" if is_old_pickle or zipfile.is_zipfile(path) else None


def is_safetensors(path: Path) -> bool:
    """By its first bytes: the length of a JSON header, and its opening bracket."""
    with path.open("rb") as file:
        head = file.read(9)
    return len(head) == 9 and head[8:] == b"{" and int.from_bytes(head[:8], "little") < path.stat().st_size


def _published(entry: WeightsFile, filename: str) -> str | None:
    return next((source.sha256 for source in entry.sources if source.kept_as == filename and source.sha256), None)


def _record_path(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _recorded(path: Path) -> str | None:
    record = _record_path(path)
    words = record.read_text().split() if record.is_file() else []
    return words[0] if words else None
