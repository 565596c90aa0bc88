"""This machine: folders, disk, ports, exposure, libraries and device."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from models.runtimes.device_setting import installed, may_be_cuda
from models.runtimes.openvino_import import silent_openvino
from patchwatch.contract.access_policy import check_token, is_loopback
from patchwatch.contract.errors import ConfigurationError, PortTakenError
from patchwatch.contract.settings import Settings, unknown_variables
from patchwatch.doctor.finding import Finding, fail, ok, warn
from workers.runtime.ports import check_free

_LEAST_FREE_BYTES = 500_000_000


def check_host(settings: Settings, alive: set[str], *, reads_files: bool) -> Iterator[Finding]:
    """``alive``: roles with a living worker on this host; a port that one of them holds is in use by Patchwatch.

    ``reads_files``: a camera's source is a file, so the media folders must exist.
    """
    for name, meant in unknown_variables().items():
        advice = f"did you mean {meant}?" if meant else "`patchwatch settings` lists all settings"
        yield warn("settings", f"{name} has no effect, because there is no such setting: {advice}")
    yield _data_folder(settings.data_dir)
    for folder in settings.allowed_media_dirs:
        yield _media_folder(folder, needed=reads_files or bool(settings.media_dirs))
    yield _port("api port", settings.host, settings.port, "PATCHWATCH_PORT", running=bool(alive))
    yield _port("rtsp port", settings.rtsp_host, settings.rtsp_port, "PATCHWATCH_RTSP_PORT", running="ingest" in alive)
    yield _exposure(settings)
    yield _pyav()
    yield from _networks(settings)


def _data_folder(folder: Path) -> Finding:
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return fail(
            "data folder",
            f"nothing can be stored: {existing} is not writable; correct its permissions or PATCHWATCH_DATA_DIR",
        )
    free = shutil.disk_usage(existing).free
    if free < _LEAST_FREE_BYTES:
        return warn(
            "data folder",
            f"banks and the queue may soon find no room: {folder} has {free / 1e6:.0f} MB left; free some space or set "
            "PATCHWATCH_DATA_DIR",
        )
    return ok("data folder", f"{folder}: {free / 1e9:.1f} GB free")


def _media_folder(folder: Path, *, needed: bool) -> Finding:
    if not folder.exists() and not needed:
        return ok("media folder", f"not needed, as no camera reads a file; files of cameras belong into {folder}")
    if not folder.is_dir():
        return warn(
            "media folder",
            f"no file can be read: create the folder with `mkdir -p {folder}`, or set PATCHWATCH_MEDIA_DIRS",
        )
    if not os.access(folder, os.R_OK | os.X_OK):
        return fail("media folder", f"no file can be read from {folder}: correct its permissions")
    return ok("media folder", str(folder))


def _port(check: str, host: str, port: int, setting: str, *, running: bool) -> Finding:
    if port == 0:
        return ok(check, "0: a free port will be chosen")
    try:
        check_free(host, port, setting)
    except PortTakenError as error:
        return ok(check, f"{port} is in use by Patchwatch") if running else fail(check, str(error))
    except ConfigurationError as error:
        return fail(check, str(error))
    return ok(check, f"{port} is free")


def _exposure(settings: Settings) -> Finding:
    try:
        check_token(settings)
    except ConfigurationError as error:
        return fail("exposure", str(error))
    if is_loopback(settings.host):
        return ok("exposure", "the API is reachable from this machine only")
    if settings.api_token is not None:
        return ok("exposure", "the API is reachable from other machines and asks for a token or a login")
    return ok("exposure", "the API is reachable from other machines and asks for a login: see `patchwatch users list`")


def _pyav() -> Finding:
    try:
        import av
    except ImportError as error:
        return fail(
            "ffmpeg", f"no video can be decoded, because PyAV cannot be loaded ({error}): install Patchwatch again"
        )
    major, minor, patch = av.library_versions["libavcodec"]
    return ok("ffmpeg", f"PyAV {av.__version__}, libavcodec {major}.{minor}.{patch}")


def _networks(settings: Settings) -> Iterator[Finding]:
    """What each network would run on with these settings."""
    if settings.device == "cuda":
        yield _cuda()
    on_gpu = settings.device == "cuda" or may_be_cuda(settings.device)
    if on_gpu:
        yield ok("networks", "place stream, detector and CLIP: torch, on the GPU where torch finds one")
        return
    yield _openvino()
    detector = "torch" if settings.device == "cpu" or not installed("openvino") else "OpenVINO"
    clip = "OpenVINO" if settings.device == "openvino" else "torch"
    if installed("torch"):
        yield ok("networks", f"detector: {detector}, CLIP: {clip}, on the CPU")
    else:
        yield ok("networks", "detector and CLIP: not installed; they come with `pip install '.[clip]'` in the checkout")


def _openvino() -> Finding:
    try:
        release = silent_openvino().get_version().split("-")[0]
    except ConfigurationError as error:
        return warn("networks", f"profiles with a place stream cannot run: {error}")
    return ok("networks", f"place stream: OpenVINO {release} on the CPU")


def _cuda() -> Finding:
    try:
        import torch
    except ImportError:
        return fail(
            "device",
            "no network can run, because PATCHWATCH_DEVICE is cuda and torch is not installed: run "
            "`pip install '.[clip]'` in the checkout",
        )
    if not torch.cuda.is_available():
        return fail(
            "device", "no network can run, because torch finds no GPU: see `nvidia-smi`, or set PATCHWATCH_DEVICE=auto"
        )
    return ok("device", torch.cuda.get_device_name(0))
