"""How well the frames of the testing clips are ranked, scored in three ways."""

from __future__ import annotations

from dataclasses import dataclass

Interval = tuple[float, float]  # low, high
Point = tuple[float, float]  # false positive rate, true positive rate


@dataclass(frozen=True)
class Protocol:
    """One way to score every frame of the testing clips, and how well it ranks them.

    Areas are None where only one class was there; their intervals are 95 % bootstrap percentiles over clips, None with
    fewer than two clips that count. ``aupr`` is the average precision over all frames. ``roc`` is the curve over all
    frames, thinned to at most 200 points from (0, 0) to (1, 1).
    """

    micro_auroc: float | None
    macro_auroc: float | None
    micro_auroc_95: Interval | None
    macro_auroc_95: Interval | None
    aupr: float | None
    roc: tuple[Point, ...] = ()
    looks_into_the_future: bool = False
    normalised_over_testing_clips: bool = False


@dataclass(frozen=True)
class Protocols:
    """The same run, scored in three ways.

    ``service``: the score of the live service, calibrated on the training clips alone, smoothed causally, reset
    for each clip. ``unsmoothed``: the same without smoothing. ``paper``: the raw fused value smoothed on **both**
    sides, so that it looks into the future, and normalised over the testing clips, as most papers do; no live system
    can have it.
    """

    service: Protocol
    unsmoothed: Protocol
    paper: Protocol
