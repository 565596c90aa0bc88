"""A bank of the slow scene, as a camera delivers it."""

from __future__ import annotations

import zlib

from moving_scene import FPS, scene
from once_a_run import once_a_run

from models.banks.bank import Bank
from models.banks.bank_builder import BankBuilder
from models.banks.bank_file import load_bank, save_bank
from models.engine.engine import Engine
from models.frames.frame import CameraContext, Frame
from workers.media import jpeg_codec


def bank_of_the_scene(engine: Engine) -> Bank:
    """Learnt from 60 s, once a run for each profile and its networks."""
    made_by = zlib.crc32(repr((engine.profile, engine.identity)).encode())
    return load_bank(once_a_run(f"scene-{made_by:08x}.safetensors", lambda path: save_bank(_learnt(engine), path)))


def _learnt(engine: Engine) -> Bank:
    builder, view = BankBuilder(engine.profile, engine.streams, engine.identity), CameraContext()
    frames = [Frame(jpeg_codec.decode(jpeg_codec.encode(scene(n / FPS), 85)), n / FPS) for n in range(60 * FPS)]
    for frame, features in zip(frames, engine.extract(frames, [view] * len(frames)), strict=True):
        builder.add(frame.at_s, features, frame.rgb)
    return builder.build(["scene"])
