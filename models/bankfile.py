"""Banks on disk: one safetensors file per camera and profile, with all its facts as metadata."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from models.bank import Bank, Footage, StreamBank
from models.calibration import Calibration
from models.event import EventRule
from models.profile import Profile, profile_from_json, profile_to_json
from patchwatch.errors import BankMismatchError, NotFoundError

FORMAT = 1


def save_bank(bank: Bank, path: Path) -> None:
    """Write a bank so that a reader sees the old file or the new one, never half of one."""
    tensors: dict[str, np.ndarray[Any, Any]] = {"fused": bank.fused.levels}
    for spec, stream, calibration in zip(bank.profile.streams, bank.streams, bank.calibrations, strict=True):
        tensors[f"{spec.name}.exemplars"] = np.ascontiguousarray(stream.vectors)
        tensors[f"{spec.name}.calibration"] = calibration.levels
    facts = {
        "format": FORMAT,
        "id": bank.id,
        "created_at": bank.created_at,
        "profile": profile_to_json(bank.profile),
        "identity": bank.identity,
        "rule": asdict(bank.rule),
        "footage": asdict(bank.footage),
        "tails": {
            name: [found.tail_from, found.tail_scale]
            for name, found in zip(
                [*(spec.name for spec in bank.profile.streams), "fused"], [*bank.calibrations, bank.fused], strict=True
            )
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.part")
    save_file(tensors, partial, metadata={"patchwatch": json.dumps(facts)})
    partial.replace(path)


def load_bank(path: Path) -> Bank:
    """Read a bank. Raises `NotFoundError` when there is none, `BankMismatchError` when it cannot be used."""
    try:
        if not path.is_file():
            raise NotFoundError(
                f"no bank at {path}: learn one with `patchwatch enroll --camera ID --profile P VIDEO...`"
            )
        with safe_open(path, framework="numpy") as file:
            facts = json.loads((file.metadata() or {})["patchwatch"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        if facts["format"] != FORMAT:
            raise BankMismatchError(
                f"{path} has bank format {facts['format']}, this version reads {FORMAT}: enrol again"
            )
        bank = _assemble(facts, tensors)
    except (SafetensorError, OSError, KeyError, ValueError, TypeError) as error:
        raise BankMismatchError(f"{path} is truncated or not a bank ({error}): enrol the camera again") from None
    if bank.id != facts["id"]:
        raise BankMismatchError(
            f"{path} does not hold what it was saved with (id {facts['id']}): enrol the camera again"
        )
    return bank


def check_identity(bank: Bank, profile: Profile, identity: dict[str, Any], where: str = "the bank") -> None:
    """Raises `BankMismatchError` naming the first field in which the bank differs from what would score with it."""
    here = {"profile": profile_to_json(profile), **identity}
    there = {"profile": profile_to_json(bank.profile), **bank.identity}
    difference = _first_difference(there, here, "")
    if difference is not None:
        field, old, new = difference
        raise BankMismatchError(
            f"{where} was learnt with {field} = {old!r}, but here it is {new!r}: "
            f"enrol again (`patchwatch enroll --profile {profile.name} ...`) or put back what it was learnt with"
        )


def _first_difference(there: Any, here: Any, name: str) -> tuple[str, Any, Any] | None:
    if isinstance(there, dict) and isinstance(here, dict):
        for key in sorted(there.keys() | here.keys()):
            found = _first_difference(there.get(key), here.get(key), f"{name}.{key}" if name else key)
            if found:
                return found
        return None
    if isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        pairs = enumerate(zip(there, here, strict=True))
        return next((found for n, (a, b) in pairs if (found := _first_difference(a, b, f"{name}[{n}]"))), None)
    return None if there == here else (name, there, here)


def _assemble(facts: dict[str, Any], tensors: dict[str, Any]) -> Bank:
    profile = profile_from_json(facts["profile"])
    names = [spec.name for spec in profile.streams]
    footage = facts["footage"] | {"sources": tuple(facts["footage"]["sources"])}
    return Bank(
        profile=profile,
        identity=facts["identity"],
        streams=tuple(StreamBank(tensors[f"{name}.exemplars"]) for name in names),
        calibrations=tuple(Calibration(tensors[f"{name}.calibration"], *facts["tails"][name]) for name in names),
        fused=Calibration(tensors["fused"], *facts["tails"]["fused"]),
        rule=EventRule(**facts["rule"]),
        footage=Footage(**footage),
        created_at=facts["created_at"],
    )
