"""Several streams become one number per frame."""

from __future__ import annotations

from collections.abc import Sequence

from models.profiles.profile import Fusion


def fuse(
    kind: Fusion, weights: Sequence[float], distances: Sequence[float | None], rarities: Sequence[float | None]
) -> float | None:
    """Fused value of one frame; None when no stream had anything to say.

    ``distances`` and ``rarities`` hold one value per stream, None where it had nothing to say. `Fusion.CALIBRATED`
    is the weighted mean of the rarities of those that spoke: a frame without persons is judged by the rest.
    `Fusion.DISTANCE` is the seed method's weighted sum of raw distances, silence counting 0.
    """
    if kind is Fusion.DISTANCE:
        return sum(weight * (value or 0.0) for weight, value in zip(weights, distances, strict=True))
    spoken = [(weight, value) for weight, value in zip(weights, rarities, strict=True) if value is not None]
    total = sum(weight for weight, _ in spoken)
    return sum(weight * value for weight, value in spoken) / total if total > 0 else None


def contributions(
    kind: Fusion, weights: Sequence[float], distances: Sequence[float | None], rarities: Sequence[float | None]
) -> list[float]:
    """Share of each stream in the fused value: 0..1, together 1; all 0 when no stream of any weight had a say.

    Both fusions are sums, so a stream's share is its own term, weight times rarity (`Fusion.CALIBRATED`) or weight
    times raw distance (`Fusion.DISTANCE`), over the sum of all. Where that is 0, all is as calm as it can be, and
    the weights of those that spoke are the shares.
    """
    values = distances if kind is Fusion.DISTANCE else rarities
    spoken = [weight if value is not None else 0.0 for weight, value in zip(weights, values, strict=True)]
    terms = [weight * (value or 0.0) for weight, value in zip(spoken, values, strict=True)]
    shared = terms if sum(terms) > 0 else spoken
    total = sum(shared)
    return [term / total if total > 0 else 0.0 for term in shared]


def driver(weights: Sequence[float], rarities: Sequence[float | None]) -> int | None:
    """Index of the stream that contributed most, by weight times rarity; None when none spoke."""
    shares = [weight * value if value is not None else -1.0 for weight, value in zip(weights, rarities, strict=True)]
    best = max(range(len(shares)), key=shares.__getitem__)
    return best if shares[best] >= 0 else None
