"""The installation in Redis: workers, partitions, weights, and cameras with their banks and accounts."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from models.banks.bank_file import load_bank
from models.profiles.profile import Profile, load_profiles
from models.weights import catalog
from models.weights.embedded import EFFICIENTNET
from patchwatch.bus import accounting, keys
from patchwatch.bus.keys import CameraKeys
from patchwatch.contract.errors import InvalidMessageError, PatchwatchError
from patchwatch.contract.learning_advice import how_to_learn
from patchwatch.contract.roles import Role
from patchwatch.contract.settings import Settings
from patchwatch.doctor.finding import Finding, fail, ok, warn
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.capture_status import CaptureState, CaptureStatus
from patchwatch.messages.heartbeat import Heartbeat

_NEEDED = (Role.INGEST, Role.INFERENCE, Role.ENROLMENT)
_WITHOUT = {
    Role.INGEST: "no camera is read",
    Role.INFERENCE: "no frame is scored",
    Role.ENROLMENT: "no bank is learnt",
    Role.DELIVERY: "nobody is told of alerts, by webhooks, channels or MQTT",
}
_SETTLES_S = 0.5  # A frame that is being committed during the check is accounted for after this.


def read_cameras(client: Any) -> list[Camera]:
    """The configured cameras that can be read."""
    cameras = []
    for _, data in sorted(client.hgetall(keys.CAMERAS).items()):
        try:
            cameras.append(Camera.decode(data))
        except InvalidMessageError:
            continue  # The service logs it.
    return cameras


def read_heartbeats(client: Any) -> list[Heartbeat]:
    """Heartbeats of all living workers."""
    names = list(client.scan_iter(keys.worker("*", "*"), count=1000))
    heartbeats = []
    for data in client.mget(names) if names else []:
        try:
            heartbeats.append(Heartbeat.decode(data or b""))
        except InvalidMessageError:
            continue  # It has expired meanwhile, or comes from another version.
    return heartbeats


def check_workers(heartbeats: list[Heartbeat], *, receivers: int) -> Iterator[Finding]:
    """``receivers``: how many webhooks, channels and brokers are told; without any, delivery is not needed."""
    count = Counter(beat.role for beat in heartbeats)
    for role in (*_NEEDED, *([Role.DELIVERY] if receivers or count[Role.DELIVERY] else [])):
        if count[role]:
            yield ok("workers", f"{role}: {count[role]} alive")
        else:
            yield warn("workers", f"{_WITHOUT[role]}: start `patchwatch serve`, or `patchwatch run {role}`")


def check_partitions(client: Any, settings: Settings, cameras: list[Camera]) -> Finding:
    """Whether inference workers own every partition that has enabled cameras."""
    used = {keys.partition_of(camera.id, settings.partitions) for camera in cameras if camera.enabled}
    unowned = [number for number in sorted(used) if not client.exists(keys.lease(number))]
    if unowned:
        return warn(
            "partitions",
            f"some cameras are not scored: {len(unowned)} of {len(used)} partitions with cameras have no worker; start "
            "`patchwatch run inference`",
        )
    return ok("partitions", f"all {len(used)} that have cameras are scored")


def check_weights(settings: Settings, cameras: list[Camera]) -> Iterator[Finding]:
    """Weights of the profiles in use."""
    profiles = load_profiles(settings.profiles_file)
    for name in sorted({camera.profile for camera in cameras}):
        if name not in profiles:
            choices = ", ".join(profiles)
            yield fail(
                "weights", f"{name}: its cameras are not scored, as there is no such profile; choose one of {choices}"
            )
            continue
        for resolve in _needed(profiles[name], settings):
            try:
                yield ok("weights", f"{name}: {resolve()}")
            except PatchwatchError as error:
                yield fail("weights", f"{name}: its cameras are not scored: {error}")


def check_memory(settings: Settings, cameras: list[Camera]) -> Finding:
    """Whether the disk has room for what will be remembered of the cameras' normal."""
    if not settings.memory_mb:
        return ok("memory", "nothing is remembered of the cameras' normal, as PATCHWATCH_MEMORY_MB is 0")
    count = sum(camera.enabled for camera in cameras)
    most, used = count * settings.memory_mb * 10**6, _bytes_below(settings.memory_dir)
    text = f"normal of {count} cameras may take {most / 1e9:.1f} GB in {settings.memory_dir}, now {used / 1e9:.1f} GB"
    existing = next(path for path in (settings.memory_dir, *settings.memory_dir.absolute().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if most - used > free:
        return warn(
            "memory",
            f"the disk will be full before the cameras' memory is: {text}, and {free / 1e9:.1f} GB are free; lower "
            "PATCHWATCH_MEMORY_MB, or make room",
        )
    return ok("memory", text)


def _bytes_below(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # it was let go meanwhile
                total += os.lstat(f"{parent}/{name}").st_size
    return total


def _needed(profile: Profile, settings: Settings) -> Iterator[Callable[[], Path]]:
    """Ways to each file, which raise where it is missing."""
    if profile.needs_backbone and not settings.random_clip_weights:
        yield partial(catalog.resolve, catalog.CLIP, settings.clip_weights, settings.weights_dir)
    if profile.needs_detector:
        yield partial(catalog.resolve, catalog.DETECTOR, settings.detector_weights, settings.weights_dir)
    if profile.needs_patches:
        yield EFFICIENTNET.resolve_verified


def check_camera(client: Any, settings: Settings, camera: Camera) -> Iterator[Finding]:
    """Its capture, its bank, its account."""
    name = f"camera {camera.id}"
    if not camera.enabled:
        yield ok(name, "disabled")
        return
    account, capture = _account(client, settings, camera)
    yield _capture(name, camera, capture)
    yield _bank(name, settings, camera)
    if account.unaccounted:
        time.sleep(_SETTLES_S)
        account, _ = _account(client, settings, camera)
    yield _balance(name, account)


def _account(client: Any, settings: Settings, camera: Camera) -> tuple[accounting.Account, CaptureStatus | None]:
    camera_keys = CameraKeys.for_camera(camera.id, settings.partitions)
    with client.pipeline(transaction=True) as pipe:
        accounting.queue_reads(pipe, camera_keys)
        pipe.get(camera_keys.capture)
        *answers, data = pipe.execute(raise_on_error=False)
    try:
        capture = CaptureStatus.decode(data) if isinstance(data, bytes) else None
    except InvalidMessageError:
        capture = None
    return accounting.account_from_answers(capture, answers), capture


def _capture(name: str, camera: Camera, capture: CaptureStatus | None) -> Finding:
    if capture is None:
        return warn(
            name, "not read yet, because no ingest worker has taken it: see whether `patchwatch run ingest` is running"
        )
    text = ": ".join(part for part in (capture.state, capture.reason, capture.detail) if part)
    if capture.state is CaptureState.FAILED:
        return fail(name, f"not read ({text}): correct its source with PATCH /api/v1/cameras/{camera.id}")
    good = capture.state in (CaptureState.LIVE, CaptureState.ENDED)
    return ok(name, text) if good else warn(name, text)


def _bank(name: str, settings: Settings, camera: Camera) -> Finding:
    advice = f"learn what is normal {how_to_learn(camera.id, camera.profile)}"
    path = settings.bank_path(camera.id, camera.profile)
    if not path.exists():
        return warn(name, f"not scored, because there is no bank at {path}: {advice}")
    try:
        bank = load_bank(path)
    except PatchwatchError as error:
        return fail(name, f"not scored: {error}; {advice}")
    return ok(name, f"bank {bank.id} of {bank.created_at}")


def _balance(name: str, account: accounting.Account) -> Finding:
    dropped = sum(account.dropped.values())
    text = f"{account.captured} frames captured, {account.scored} scored, {dropped} dropped, {account.queued} queued"
    if account.lost:
        text += f"; {account.lost} earlier ones are not counted, because Redis lost its data"
    if account.unaccounted:
        return fail(
            name, f"{account.unaccounted} frames are unaccounted for, a defect: please report it with the log ({text})"
        )
    return ok(name, text)
