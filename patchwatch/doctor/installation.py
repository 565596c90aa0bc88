"""What is configured and what runs: workers, partitions, cameras with their banks, weights and accounts."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from models.banks.bank_file import load_bank
from models.profiles.profile import Profile, load_profiles
from models.weights import catalog
from patchwatch.bus import accounting, keys
from patchwatch.bus.keys import CameraKeys
from patchwatch.contract.errors import InvalidMessageError, PatchwatchError
from patchwatch.contract.learning_advice import how_to_learn
from patchwatch.contract.roles import Role
from patchwatch.contract.settings import Settings
from patchwatch.doctor.finding import Finding, fail, ok, warn
from patchwatch.messages.camera import Camera
from patchwatch.messages.capture_status import CaptureState, CaptureStatus
from patchwatch.messages.heartbeat import Heartbeat

_NEEDED = (Role.INGEST, Role.INFERENCE, Role.ENROLMENT)
_SETTLES_S = 0.5  # a frame that is being committed as we look is accounted for by then


def cameras_of(client: Any) -> list[Camera]:
    """The configured cameras that can be read."""
    cameras = []
    for _, data in sorted(client.hgetall(keys.CAMERAS).items()):
        try:
            cameras.append(Camera.decode(data))
        except InvalidMessageError:
            continue  # the service says so in its log
    return cameras


def beats_of(client: Any) -> list[Heartbeat]:
    """Living workers."""
    names = list(client.scan_iter(keys.worker("*", "*"), count=1000))
    found = []
    for data in client.mget(names) if names else []:
        try:
            found.append(Heartbeat.decode(data or b""))
        except InvalidMessageError:
            continue  # it expired meanwhile, or is of another version
    return found


def check_workers(beats: list[Heartbeat], *, webhooks: int) -> Iterator[Finding]:
    """``webhooks``: how many there are; without any nobody needs to deliver."""
    count = Counter(beat.role for beat in beats)
    for role in (*_NEEDED, *([Role.DELIVERY] if webhooks or count[Role.DELIVERY] else [])):
        if count[role]:
            yield ok("workers", f"{role}: {count[role]} alive")
        else:
            yield warn("workers", f"{role}: none alive; start `patchwatch serve`, or `patchwatch run {role}`")


def check_partitions(client: Any, settings: Settings, cameras: list[Camera]) -> Finding:
    used = {keys.partition_of(camera.id, settings.partitions) for camera in cameras if camera.enabled}
    free = [number for number in sorted(used) if not client.exists(keys.lease(number))]
    if free:
        return warn("partitions", f"{len(free)} with cameras belong to no inference worker: `patchwatch run inference`")
    return ok("partitions", f"{len(used)} with cameras, each scored by a worker")


def check_weights(settings: Settings, cameras: list[Camera]) -> Iterator[Finding]:
    """Weights of the profiles in use."""
    known = load_profiles(settings.profiles_file)
    for name in sorted({camera.profile for camera in cameras}):
        if name not in known:
            yield fail("weights", f"there is no profile {name}: choose one of {', '.join(known)}")
            continue
        for entry, own in _needed(known[name], settings):
            try:
                yield ok("weights", f"{name}: {catalog.resolve(entry, own, settings.weights_dir)}")
            except PatchwatchError as error:
                yield fail("weights", f"{name}: {error}")


def _needed(profile: Profile, settings: Settings) -> Iterator[tuple[catalog.WeightsFile, Any]]:
    if profile.needs_backbone and not settings.random_clip_weights:
        yield catalog.CLIP, settings.clip_weights
    if profile.needs_detector:
        yield catalog.DETECTOR, settings.detector_weights


def check_camera(client: Any, settings: Settings, camera: Camera) -> Iterator[Finding]:
    """Its capture, its bank, its account."""
    name = f"camera {camera.id}"
    if not camera.enabled:
        yield ok(name, "switched off")
        return
    account, capture = _account(client, settings, camera)
    yield _capture(name, camera, capture)
    yield _bank(name, settings, camera)
    if account.unaccounted:
        time.sleep(_SETTLES_S)
        account, _ = _account(client, settings, camera)
    yield _balance(name, account)


def _account(client: Any, settings: Settings, camera: Camera) -> tuple[accounting.Account, CaptureStatus | None]:
    of = CameraKeys.for_camera(camera.id, settings.partitions)
    with client.pipeline(transaction=True) as pipe:
        accounting.queue_reads(pipe, of)
        pipe.get(of.capture)
        *answers, data = pipe.execute(raise_on_error=False)
    try:
        capture = CaptureStatus.decode(data) if isinstance(data, bytes) else None
    except InvalidMessageError:
        capture = None
    return accounting.account_from_answers(capture, answers), capture


def _capture(name: str, camera: Camera, capture: CaptureStatus | None) -> Finding:
    if capture is None:
        return warn(name, "no ingest worker has taken it yet: is `patchwatch run ingest` up?")
    text = ": ".join(part for part in (capture.state, capture.reason, capture.detail) if part)
    if capture.state is CaptureState.FAILED:
        return fail(name, f"{text}; correct its source: PATCH /api/v1/cameras/{camera.id}")
    good = capture.state in (CaptureState.LIVE, CaptureState.ENDED)
    return ok(name, text) if good else warn(name, text)


def _bank(name: str, settings: Settings, camera: Camera) -> Finding:
    mend = f"learn what is normal {how_to_learn(camera.id, camera.profile)}"
    path = settings.bank_path(camera.id, camera.profile)
    if not path.exists():
        return warn(name, f"no bank at {path}: it is not scored; {mend}")
    try:
        bank = load_bank(path)
    except PatchwatchError as error:
        return fail(name, f"{error}; {mend}")
    return ok(name, f"bank {bank.id} of {bank.created_at}")


def _balance(name: str, account: accounting.Account) -> Finding:
    dropped = sum(account.dropped.values())
    text = f"{account.captured} frames captured, {account.scored} scored, {dropped} dropped, {account.queued} queued"
    if account.lost:
        text += f"; the record of {account.lost} earlier ones went with a Redis that lost its data"
    if account.unaccounted:
        return fail(name, f"{text}: {account.unaccounted} are nowhere; please report this defect with the log")
    return ok(name, text)
