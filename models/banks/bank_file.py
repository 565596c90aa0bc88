"""Banks on disk: one safetensors file per camera and profile, with all its facts as metadata.

The id of a bank is a hash of its arrays alone, so the facts are checked by pydantic models.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from models.alarms.alarm_threshold import ThresholdModel
from models.alarms.calibration import AnyCalibration, Calibration, RankCalibration
from models.banks.bank import Bank, Footage, StreamBank
from models.banks.contexts import MOST_CONTEXTS, ContextGain, Contexts
from models.banks.coverage import Coverage
from models.banks.group_scale import GroupScale
from models.exemplars.perspective import Perspective
from models.exemplars.provenance import ExemplarOrigins, FootageMoments
from models.exemplars.vector_table import VectorTable
from models.frames.view import View
from models.profiles.profile import SIGMA_S, Profile, profile_from_json, profile_to_json
from models.weights.network_identity import comparable
from patchwatch.contract.errors import BankMismatchError, NotFoundError, StorageError
from patchwatch.contract.learning_advice import how_to_learn

FORMAT = 3  # each different exemplar once
READABLE = (2, FORMAT)  # 2: exemplars as they are, in float32
_NOT_A_BANK = (SafetensorError, OSError, AttributeError, KeyError, IndexError, OverflowError, TypeError, ValueError)

_Seconds = Annotated[float, Field(ge=0, le=1e10)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class BankFormat(_Strict):
    """Read first: the other facts of another format are others."""

    format: int


class BankStamp(BankFormat):
    """The facts that banks of every format state."""

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    created_at: Annotated[str, Field(max_length=40)]


class ThresholdFacts(_Strict):
    """Of `models.alarms.alarm_threshold.ThresholdModel`, beside its levels."""

    footage_s: Annotated[_Seconds, Field(gt=0)]
    min_duration_s: _Seconds
    cooldown_s: _Seconds
    gap_s: _Seconds


class TailFacts(_Strict):
    """Of `models.alarms.calibration.Calibration`, beside its levels."""

    tail_from: float
    tail_scale: float = Field(gt=0)


class RankCalibrationFacts(_Strict):
    """Of `models.alarms.calibration.RankCalibration`, beside its levels."""

    frames: int = Field(ge=0, le=2**53)


class GroupFacts(_Strict):
    """Of `models.banks.group_scale.GroupScale`."""

    calibration: RankCalibrationFacts | TailFacts
    gain: Annotated[float, Field(gt=0)]


class ContextFacts(_Strict):
    """Of `models.banks.contexts.Contexts`, beside its arrays."""

    names: Annotated[list[Annotated[str, Field(max_length=40)]], Field(min_length=2, max_length=MOST_CONTEXTS)]
    seconds: list[_Seconds]
    gain: ContextGain


class BankFacts(BankFormat):
    """Of a bank. ``calibrations`` are by stream, and ``fused``."""

    id: str
    created_at: str
    profile: dict[str, Any]
    identity: dict[str, dict[str, Any]]
    threshold: ThresholdFacts
    false_alarms_per_day: float = Field(ge=1e-6, le=1e6)
    footage: Footage
    coverage: Coverage
    calibrations: dict[str, RankCalibrationFacts | TailFacts]
    groups: dict[str, GroupFacts] = {}
    neighbours: dict[str, Annotated[int, Field(ge=1)]] = {}  # of streams that measure by more than the nearest
    contexts: dict[str, ContextFacts] = {}  # of streams that have some
    view: View = View()


def save_bank(bank: Bank, path: Path) -> None:
    """Write a bank so that a reader sees the old file or the new one, never half of one, not after a power cut either.

    Raises `StorageError`.
    """
    partial = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(_tensors(bank), partial, metadata={"patchwatch": json.dumps(_facts(bank))})
        put_in_place(partial, path)
    except (OSError, SafetensorError) as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise StorageError(
            f"the bank cannot be written to {path} ({error}): make room, or the folder writable, and enrol again"
        ) from None


def _tensors(bank: Bank) -> dict[str, np.ndarray[Any, Any]]:
    tensors: dict[str, np.ndarray[Any, Any]] = {"fused": bank.fused.levels, "threshold": bank.threshold.levels}
    for spec, stream, calibration in zip(bank.profile.streams, bank.streams, bank.calibrations, strict=True):
        exemplars = VectorTable.of(stream.vectors)
        tensors |= {f"{spec.name}.exemplars": exemplars.table, f"{spec.name}.rows": exemplars.rows}
        tensors[f"{spec.name}.calibration"] = calibration.levels
        if stream.origins is not None:
            tensors |= {f"{spec.name}.{noun}": array for noun, array in stream.origins.arrays().items()}
        if stream.scales is not None:
            tensors[f"{spec.name}.scales"] = stream.scales
        if stream.perspective is not None:
            tensors[f"{spec.name}.perspective"] = stream.perspective.line
        if stream.contexts is not None:
            tensors |= {f"{spec.name}.{noun}": array for noun, array in stream.contexts.arrays().items()}
    tensors |= {f"{name}.calibration": by.levels for name, by in _named_staying(bank)}
    levels = {_of_group(name): scale.calibration.levels for name, scale in _named_groups(bank)}
    return tensors | levels | bank.moments.arrays()


def _named_groups(bank: Bank) -> list[tuple[str, GroupScale]]:
    return list(zip(_group_names(bank.profile), bank.groups, strict=True)) if bank.groups else []


def _group_names(profile: Profile) -> list[str]:
    names = [profile.streams[positions[0]].group for positions in profile.groups]
    lasting = (f"{names[number]}:lasting" for number, _ in profile.lasting)
    return [*names, *lasting, *profile.readings[len(profile.streams) :]]


def _named_staying(bank: Bank) -> list[tuple[str, AnyCalibration]]:
    return list(zip(bank.profile.readings[len(bank.streams) :], bank.staying, strict=True))


def _of_group(name: str) -> str:
    """Of the tensor that holds a group's calibration; no stream's name has a colon in it."""
    return f"group:{name}.calibration"


def _facts(bank: Bank) -> dict[str, Any]:
    names = [*bank.profile.readings, "fused"]
    calibrations = zip(names, [*bank.calibrations, *bank.staying, bank.fused], strict=True)
    return {
        "format": FORMAT,
        "id": bank.id,
        "created_at": bank.created_at,
        "profile": profile_to_json(bank.profile),
        "identity": bank.identity,
        "threshold": bank.threshold.facts(),
        "false_alarms_per_day": bank.false_alarms_per_day,
        "footage": {name: fact for name, fact in asdict(bank.footage).items() if name != "remembered" or fact},
        "coverage": bank.coverage.facts(),
        "calibrations": {name: _calibration_facts(calibration) for name, calibration in calibrations},
    } | _facts_of_some(bank)


def _facts_of_some(bank: Bank) -> dict[str, Any]:
    """What not every bank has, and none of an earlier version."""
    groups = {
        name: {"calibration": _calibration_facts(scale.calibration), "gain": scale.gain}
        for name, scale in _named_groups(bank)
    }
    streams = list(zip(bank.profile.streams, bank.streams, strict=True))
    neighbours = {spec.name: stream.neighbours for spec, stream in streams if stream.neighbours > 1}
    contexts = {spec.name: _context_facts(stream.contexts) for spec, stream in streams if stream.contexts is not None}
    view = {} if bank.view.whole else asdict(bank.view)
    some = {"groups": groups, "neighbours": neighbours, "contexts": contexts, "view": view}
    return {name: facts for name, facts in some.items() if facts}


def _context_facts(contexts: Contexts) -> dict[str, Any]:
    return {"names": contexts.names, "seconds": contexts.seconds, "gain": asdict(contexts.gain)}


def load_bank(path: Path) -> Bank:
    """Read a bank. Raises `NotFoundError` when there is none, `BankMismatchError` when it cannot be used."""
    try:
        if not path.is_file():
            camera_id, profile = path.parent.name, path.stem
            raise NotFoundError(
                f"nothing is known yet of what is normal for camera {camera_id}: learn it "
                f"{how_to_learn(camera_id, profile)} (there is no bank at {path})"
            )
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {})["patchwatch"]
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        version = BankFormat.model_validate_json(text).format
        if version not in READABLE:
            known = " and ".join(map(str, READABLE))
            raise BankMismatchError(f"{path} has bank format {version}, this version reads {known}: enrol again")
        facts = BankFacts.model_validate_json(text)
        bank = _assemble(facts, tensors)
    except _NOT_A_BANK as error:
        raise BankMismatchError(f"{path} is truncated or not a bank ({error}): enrol the camera again") from None
    if bank.id != facts.id:
        raise BankMismatchError(f"{path} does not hold what it was saved with (id {facts.id}): enrol the camera again")
    return bank


def put_in_place(partial: Path, path: Path) -> None:
    """Give a finished file its name, durably: contents first, then the name. Raises OSError."""
    _sync(partial)
    partial.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_stamp(path: Path) -> BankStamp:
    """Id and format of a bank file, from its head alone. Raises `BankMismatchError` where it has none."""
    try:
        with safe_open(path, framework="numpy") as file:
            return BankStamp.model_validate_json((file.metadata() or {})["patchwatch"])
    except _NOT_A_BANK as error:
        raise BankMismatchError(f"{path} is truncated or not a bank ({error})") from None


def check_identity(bank: Bank, profile: Profile, identity: dict[str, Any], where: str = "the bank") -> None:
    """Raises `BankMismatchError` naming the first field in which the bank differs from what would score with it."""
    networks = comparable(bank.identity.get("networks", {}), identity.get("networks", {}))
    here = {"profile": _as_learnt(profile), **identity, "networks": networks[1]}
    there = {"profile": _as_learnt(bank.profile), **bank.identity, "networks": networks[0]}
    difference = _first_difference(there, here, "")
    if difference is not None:
        field, old, new = difference
        raise BankMismatchError(
            f"{where} was learnt with {field} = {old!r}, but here it is {new!r}: "
            f"enrol again (`patchwatch banks enrol --profile {profile.name} ...`) or put back what it was learnt with"
        )


def _as_learnt(profile: Profile) -> dict[str, Any]:
    """What must be the same. What lasts, stays at its place or is explained, and how scores are smoothed, counts as the
    bank has it: its vectors are the same either way, and its thresholds are of scores that were smoothed as it
    says."""
    streams = tuple(
        replace(spec, lasting_s=0.0, lasting_in_tail=False, passing_share=0.0, staying_s=0.0, explained_by="")
        for spec in profile.streams
    )
    return profile_to_json(replace(profile, streams=streams, smoothing_s=SIGMA_S))


def _first_difference(there: Any, here: Any, name: str) -> tuple[str, Any, Any] | None:
    if isinstance(there, dict) and isinstance(here, dict):
        for key in sorted(there.keys() | here.keys()):
            difference = _first_difference(there.get(key), here.get(key), f"{name}.{key}" if name else key)
            if difference:
                return difference
        return None
    if isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        pairs = enumerate(zip(there, here, strict=True))
        return next(
            (difference for n, (a, b) in pairs if (difference := _first_difference(a, b, f"{name}[{n}]"))), None
        )
    return None if there == here else (name, there, here)


def _assemble(facts: BankFacts, tensors: dict[str, Any]) -> Bank:
    profile = profile_from_json(facts.profile)
    names = [spec.name for spec in profile.streams]
    return Bank(
        profile=profile,
        identity=facts.identity,
        streams=tuple(_stream(tensors, name, facts) for name in names),
        calibrations=tuple(_calibration(tensors[f"{name}.calibration"], facts.calibrations[name]) for name in names),
        fused=_calibration(tensors["fused"], facts.calibrations["fused"]),
        threshold=ThresholdModel(tensors["threshold"], **facts.threshold.model_dump()),
        false_alarms_per_day=facts.false_alarms_per_day,
        footage=facts.footage,
        created_at=facts.created_at,
        moments=FootageMoments.from_arrays(tensors),
        coverage=facts.coverage,
        groups=tuple(_group(tensors, name, facts.groups) for name in _group_names(profile)) if facts.groups else (),
        view=facts.view,
        staying=tuple(
            _calibration(tensors[f"{name}.calibration"], facts.calibrations[name])
            for name in profile.readings[len(names) :]
        ),
    )


def _group(tensors: dict[str, Any], name: str, facts: dict[str, GroupFacts]) -> GroupScale:
    return GroupScale(_calibration(tensors[_of_group(name)], facts[name].calibration), facts[name].gain)


def _calibration_facts(calibration: AnyCalibration) -> dict[str, float]:
    if isinstance(calibration, RankCalibration):
        return {"frames": calibration.frames}
    return {"tail_from": calibration.tail_from, "tail_scale": calibration.tail_scale}


def _calibration(levels: NDArray[np.float64], facts: RankCalibrationFacts | TailFacts) -> AnyCalibration:
    kind = RankCalibration if isinstance(facts, RankCalibrationFacts) else Calibration
    return kind(levels, **facts.model_dump())


def _stream(tensors: dict[str, Any], name: str, facts: BankFacts) -> StreamBank:
    line = tensors.get(f"{name}.perspective")
    perspective = None if line is None else Perspective(line)
    scales, origins = tensors.get(f"{name}.scales"), _origins(tensors, name)
    exemplars, rows = tensors[f"{name}.exemplars"], tensors.get(f"{name}.rows")
    vectors = exemplars if rows is None else VectorTable(exemplars, rows).vectors()
    contexts = _contexts(tensors, name, facts.contexts[name]) if name in facts.contexts else None
    return StreamBank(vectors, origins, scales, perspective, facts.neighbours.get(name, 1), contexts)


def _contexts(tensors: dict[str, Any], name: str, facts: ContextFacts) -> Contexts:
    of_stream = {noun.removeprefix(f"{name}."): array for noun, array in tensors.items() if noun.startswith(f"{name}.")}
    return Contexts.from_arrays(of_stream, facts.names, facts.seconds, facts.gain)


def _origins(tensors: dict[str, Any], name: str) -> ExemplarOrigins:
    return ExemplarOrigins(*(tensors[f"{name}.{noun}"] for noun in ("moments", "regions", "boxes")))
