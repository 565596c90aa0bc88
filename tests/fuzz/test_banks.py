"""A damaged bank file is refused in one way, or scores as a whole one does."""

from __future__ import annotations

import json
import math
import struct
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
from fuzz_tally import Tally
from moving_scene import FPS, scene
from mutation import Mutator

from models.banks.bank import Bank
from models.banks.bank_file import check_identity, load_bank
from models.engine.engine import Engine
from models.engine.frame_scorer import FrameScorer
from models.frames.frame import CameraContext, Frame
from models.profiles.profile import load_profile
from patchwatch.contract.errors import BankMismatchError, NonFiniteScoreError, PatchwatchError

KIND = "bank files"
MOST_S = 5.0
DTYPES = ["F64", "F32", "F16", "BF16", "I32", "U8", "BOOL", "I64", "X9", ""]


def test_no_bank_file_does_more_than_be_refused(tally: Tally, stocked: Any, tmp_path: Path) -> None:
    whole = stocked.settings.bank_path("cam", "motion").read_bytes()
    engine = Engine(load_profile("motion"))
    features, path = features_of_a_frame(engine), tmp_path / "bank.safetensors"
    tracemalloc.start()
    try:
        for mutator in tally.mutators(KIND):
            content = damaged(mutator, whole)
            path.write_bytes(content)
            tracemalloc.reset_peak()
            before, began_s = tracemalloc.get_traced_memory()[0], time.process_time()
            tally.count(KIND, outcome(path, engine, features))
            assert time.process_time() - began_s < MOST_S
            assert tracemalloc.get_traced_memory()[1] - before < 20 * len(whole)
    finally:
        tracemalloc.stop()


def outcome(path: Path, engine: Engine, features: Any) -> str:
    """Whoever gets a bank scores with it: that must not fail either."""
    try:
        bank = load_bank(path)
    except PatchwatchError as error:
        return f"refused: {error.code}"
    try:
        check_identity(bank, engine.profile, engine.identity)
        score(bank, features)
    except BankMismatchError:
        return "refused: not of this profile"
    except NonFiniteScoreError:
        return "loaded, its scores refused"
    return "loaded, scores"


def score(bank: Bank, features: Any) -> None:
    scorer = FrameScorer(bank)
    for n in range(20):
        reading = scorer.score(features, n / FPS)
        assert 0 <= reading.score <= 1
        assert math.isfinite(reading.raw)


def features_of_a_frame(engine: Engine) -> Any:
    view = CameraContext()
    frames = [Frame(scene(n / FPS), n / FPS) for n in range(3)]
    return engine.extract(frames, [view] * 3)[-1]


def damaged(mutator: Mutator, whole: bytes) -> bytes:
    (length,) = struct.unpack("<Q", whole[:8])
    header, tensors = json.loads(whole[8 : 8 + length]), whole[8 + length :]
    match mutator.random.randrange(8):
        case 0:
            return mutator.damaged(whole)
        case 1:
            return struct.pack("<Q", mutator.random.choice([0, 1, length - 1, 2**31, 2**63, 2**64 - 1])) + whole[8:]
        case 2:
            return assembled(mutator.document(json.dumps(header).encode()), tensors)
        case 3:
            return assembled(json.dumps(with_odd_tensor(mutator, header)).encode(), tensors)
        case 4:
            return with_odd_numbers(mutator, header, tensors)
        case _:
            facts = header["__metadata__"]["patchwatch"].encode()
            header["__metadata__"]["patchwatch"] = mutator.damaged(facts).decode(errors="replace")
            return assembled(json.dumps(header).encode(), tensors)


def with_odd_tensor(mutator: Mutator, header: dict[str, Any]) -> dict[str, Any]:
    names = sorted(header.keys() - {"__metadata__"})
    name, other = mutator.random.choice(names), mutator.random.choice(names)
    match mutator.random.randrange(5):
        case 0:
            header[name]["dtype"] = mutator.random.choice(DTYPES)
        case 1:
            header[name]["shape"] = [mutator.random.choice([0, 1, 3, 2**31, 2**63, -1]) for _ in range(3)]
        case 2:
            header[name]["data_offsets"] = [mutator.random.choice([0, 1, 2**63, -1]), 2**40]
        case 3:
            header[name] = header.pop(other)
        case _:
            shape = header[name]["shape"]
            header[name]["shape"] = [1, *shape] if mutator.random.random() < 0.5 else [math.prod(shape)]
    return header


def with_odd_numbers(mutator: Mutator, header: dict[str, Any], tensors: bytes) -> bytes:
    """Some numbers of one tensor replaced, and the id that is their hash left out of it: as a defect would write."""
    name = mutator.random.choice(sorted(header.keys() - {"__metadata__"}))
    start, stop = header[name]["data_offsets"]
    kinds = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "I32": np.int32, "U16": np.uint16}
    numbers = np.frombuffer(tensors[start:stop], kinds.get(header[name]["dtype"], np.uint8)).copy()
    if len(numbers):
        odd = mutator.random.choice([0, 1, 255] if numbers.dtype.kind != "f" else [math.nan, math.inf, -1.0, 0.0, 6e4])
        numbers[mutator.random.randrange(len(numbers)) :: mutator.random.choice([1, 2, 7, 10**9])] = odd
    return assembled(json.dumps(header).encode(), tensors[:start] + numbers.tobytes() + tensors[stop:])


def assembled(header: bytes, tensors: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header + tensors
