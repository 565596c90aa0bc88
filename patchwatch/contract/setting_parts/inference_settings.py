"""The settings of inference: a part of `patchwatch.contract.settings.Settings`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings

from patchwatch.contract.setting_parts import setting_values

Device = Literal["auto", "cpu", "cuda", "openvino"]


class InferenceSettings(BaseSettings):
    """How frames are scored, on what, with which networks."""

    device: Device = Field(
        "auto",
        description="Where the networks run. `auto`: on a GPU where there is one, else on the CPU, the detector by "
        "OpenVINO and CLIP by torch.",
    )
    threads: int | None = Field(None, ge=1, description="CPU threads of the networks. Default: all cores.")
    cuda_fused: bool = Field(
        False,
        description="On CUDA, fuse the backbone's activations into its convolutions. Off: not measured on a GPU.",
    )
    still_tolerance: float = Field(
        0.0,
        ge=0,
        le=50,
        description="Grey levels by which a frame may differ from the last that the networks saw and still count as "
        "still; they see still frames once a second. 0: they see all frames.",
    )
    batch_frames: int = Field(16, ge=1, le=1024, description="Most frames, of all cameras, scored in one batch.")
    batch_wait_ms: float = Field(30.0, ge=0, le=5000, description="Longest wait for a batch to fill.")
    max_age_s: float = Field(5.0, gt=0, description="Age beyond which frames of live sources are dropped, and counted.")
    offline_after_s: float = Field(
        30.0, ge=1, le=86_400, description="Time without frames after which a camera's `offline` alert opens."
    )
    notify_within_budgets: float = Field(
        20.0,
        ge=0,
        le=1_000_000,
        allow_inf_nan=False,
        description="While a camera still learns, people are notified of its anomalies only once it expects no more "
        "false alarms than so many times its budget; until then they stand on the page. 0: from the first.",
    )
    clip_weights: Path | None = Field(None, description="Your own CLIP RN101 weights.")
    detector_weights: Path | None = Field(None, description="Your own detector weights: any ultralytics checkpoint.")
    weights_dir: Path = Field(
        default_factory=setting_values.default_weights_dir,
        description="Where `patchwatch weights pull` puts files.",
    )
    random_clip_weights: bool = Field(
        False,
        description="For tests and benchmarks only: random CLIP weights, which every bank and score then mentions.",
    )
