"""What a bank file says of itself beside its arrays. The bank's id is a hash of the arrays alone: these are checked."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from models.banks.bank import Footage
from models.banks.coverage import Coverage

_Seconds = Annotated[float, Field(ge=0, le=1e10)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class BankFormat(_Strict):
    """Read first: the other facts of another format are others."""

    format: int


class BankStamp(BankFormat):
    """What a bank of every format says of itself."""

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
    """Of `models.alarms.rank_calibration.SeldomCalibration`, beside its levels."""

    frames: int = Field(ge=0, le=2**53)


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
