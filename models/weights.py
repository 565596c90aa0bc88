"""The networks' weights on disk: where each comes from, where it lies, and whether it is the right file."""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from patchwatch.errors import NotFoundError, RejectedError, RetryableError, WeightsMissingError

_TIMEOUT_S = 30.0
_CHUNK_BYTES = 1 << 20

Progress = Callable[[int, int | None], None]  # bytes so far, bytes in all (None: the server does not say)


@dataclass(frozen=True)
class WeightsFile:
    """One entry of the catalogue. ``sha256`` is None where the publisher states none: it is then recorded on the
    first pull, next to the file."""

    name: str
    filename: str
    url: str
    sha256: str | None
    setting: str  # the environment variable that points at a file of one's own
    licence: str
    description: str


_CLIP_SHA256 = "8fa8567bab74a42d41c5915025a8e4538c3bdbe8804a470a72f30b0d94fab599"

CLIP = WeightsFile(
    name="clip-rn101",
    filename="RN101.pt",
    url=f"https://openaipublic.azureedge.net/clip/models/{_CLIP_SHA256}/RN101.pt",
    sha256=_CLIP_SHA256,  # OpenAI states it in the address
    setting="PATCHWATCH_CLIP_WEIGHTS",
    licence="MIT",
    description="CLIP RN101 by OpenAI, for the global and local streams",
)
DETECTOR = WeightsFile(
    name="yolov5s",
    filename="yolov5su.pt",
    url="https://github.com/ultralytics/assets/releases/download/v8.3.0/yolov5su.pt",
    sha256=None,
    setting="PATCHWATCH_DETECTOR_WEIGHTS",
    licence="AGPL-3.0",
    description="YOLOv5s (anchor-free head) by Ultralytics, finds persons for the local stream",
)
CATALOGUE = {entry.name: entry for entry in (CLIP, DETECTOR)}


class Verdict(StrEnum):
    """What is known of a file."""

    OK = "ok"
    UNRECORDED = "unrecorded"  # no hash is published and none was recorded
    OWN = "own"  # a file of the user's, which nobody can vouch for but the user
    WRONG = "wrong"
    MISSING = "missing"


@dataclass(frozen=True)
class Check:
    """A catalogue entry looked up on this machine. ``sha256`` is of the file found, None when missing."""

    entry: WeightsFile
    path: Path
    verdict: Verdict
    sha256: str | None
    expected: str | None


def entry_of(name: str) -> WeightsFile:
    """Raises `NotFoundError`."""
    if name not in CATALOGUE:
        raise NotFoundError(f"no weights {name!r}: choose one of {', '.join(CATALOGUE)}")
    return CATALOGUE[name]


def resolve(entry: WeightsFile, explicit: Path | None, weights_dir: Path) -> Path:
    """The file to load: the user's own path where set, else the one that was pulled.

    Raises `WeightsMissingError` saying which file, where it was looked for, and what mends it.
    """
    path = explicit if explicit is not None else weights_dir / entry.filename
    if path.is_file():
        return path
    if explicit is not None:
        raise WeightsMissingError(
            f"{entry.setting}={path} is not a file: correct it, or unset it and run "
            f"`patchwatch weights pull {entry.name}`"
        )
    raise WeightsMissingError(
        f"the weights of {entry.description} are missing: looked for {path}. "
        f"Run `patchwatch weights pull {entry.name}`, or set {entry.setting} to a file of your own"
    )


def resolve_verified(entry: WeightsFile, explicit: Path | None, weights_dir: Path) -> tuple[Path, str]:
    """`resolve`, and the file's sha256. A pulled file that is not what it should be raises `WeightsMissingError`."""
    resolve(entry, explicit, weights_dir)
    found = verify(entry, explicit, weights_dir)
    if found.verdict is Verdict.WRONG or found.sha256 is None:
        raise WeightsMissingError(
            f"{found.path} is damaged or another file (sha256 {found.sha256}, expected {found.expected}): "
            f"run `patchwatch weights pull {entry.name} --force`, or set {entry.setting} to a file of your own"
        )
    return found.path, found.sha256


def verify(entry: WeightsFile, explicit: Path | None, weights_dir: Path) -> Check:
    """Compare the file on disk with its published or recorded hash. Raises nothing for a missing or wrong file."""
    path = explicit if explicit is not None else weights_dir / entry.filename
    expected = entry.sha256 or (None if explicit is not None else _recorded(path))
    if not path.is_file():
        return Check(entry, path, Verdict.MISSING, None, expected)
    actual = sha256_of(path)
    if actual == expected:
        verdict = Verdict.OK
    elif explicit is not None:
        verdict = Verdict.OWN
    else:
        verdict = Verdict.WRONG if expected else Verdict.UNRECORDED
    return Check(entry, path, verdict, actual, expected)


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pull(
    entry: WeightsFile, weights_dir: Path, *, force: bool = False, progress: Progress = lambda done, total: None
) -> Path:
    """Fetch a file into ``weights_dir``; a right one that is there already stays unless ``force``.

    It arrives under another name, is compared with its hash, and only then takes its place; a broken transfer is
    resumed by the next call. Raises `RetryableError` without network, `RejectedError` for the wrong bytes.
    """
    path = weights_dir / entry.filename
    if not force and verify(entry, None, weights_dir).verdict in (Verdict.OK, Verdict.UNRECORDED):
        return path
    weights_dir.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    _fetch(entry, path, partial, progress)
    actual = sha256_of(partial)
    if entry.sha256 is not None and actual != entry.sha256:
        partial.unlink()
        raise RejectedError(
            f"{entry.url} delivered other bytes (sha256 {actual}, published {entry.sha256}): nothing was kept. "
            f"Run `patchwatch weights pull {entry.name}` again; a proxy that answers in its place may be the cause"
        )
    if entry.sha256 is None:
        _record_path(path).write_text(f"{actual}  {path.name}\n")
    partial.replace(path)
    return path


def _fetch(entry: WeightsFile, path: Path, partial: Path, progress: Progress) -> None:
    advice = f"run `patchwatch weights pull {entry.name}` where there is a network, or put the file at {path}"
    try:
        _transfer(entry.url, partial, progress)
    except urllib.error.HTTPError as error:
        partial.unlink(missing_ok=True)
        raise RetryableError(f"{entry.url} answered {error.code} {error.reason}: try again, or {advice}") from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise RetryableError(f"{entry.url} cannot be fetched ({reason}): {advice}") from None


def _transfer(url: str, partial: Path, progress: Progress) -> None:
    have = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 (addresses of the catalogue)
        resumed = answer.status == http.client.PARTIAL_CONTENT
        length = answer.headers.get("Content-Length")
        done = have if resumed else 0
        total = done + int(length) if length else None
        with partial.open("ab" if resumed else "wb") as file:
            while chunk := answer.read(_CHUNK_BYTES):
                file.write(chunk)
                done += len(chunk)
                progress(done, total)
    if total is not None and done < total:
        raise ConnectionError(f"the connection ended after {done} of {total} bytes")


def _record_path(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _recorded(path: Path) -> str | None:
    record = _record_path(path)
    words = record.read_text().split() if record.is_file() else []
    return words[0] if words else None
