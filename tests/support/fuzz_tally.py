"""How many inputs of each kind a fuzzing run takes, and what became of them."""

from __future__ import annotations

import json
import os
import platform
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from mutation import Mutator

from patchwatch.evaluation.provenance import commit

# Of all inputs. API requests together 0.4, queue messages and pipes 0.3, banks 0.2, videos 0.1.
SHARES = {
    "API requests by its document": 0.25,
    "raw HTTP": 0.1,
    "WebSocket frames": 0.05,
    "records read by the service": 0.1,
    "frames read by inference": 0.06,
    "states read by inference": 0.03,
    "cameras read by inference": 0.01,
    "cameras read by ingest": 0.01,
    "enrolments read by their worker": 0.02,
    "RTSP requests": 0.04,
    "capture reports": 0.03,
    "bank files": 0.2,
    "video files": 0.097,
    "video files in a capture process": 0.003,
}


@dataclass
class Tally:
    """``only``: try again the one input with this number, instead of ``total`` of all kinds."""

    seed: str
    total: int
    only: int | None = None
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    inputs: Counter[str] = field(default_factory=Counter)
    now_at: str = ""
    _started_s: float = field(default_factory=time.monotonic)

    @classmethod
    def from_environment(cls) -> Tally:
        only = os.environ.get("PATCHWATCH_FUZZ_ONLY")
        total = int(os.environ.get("PATCHWATCH_FUZZ", "300"))
        return cls(os.environ.get("PATCHWATCH_FUZZ_SEED", "2026"), total, int(only) if only else None)

    def wanted(self, kind: str) -> int:
        """At least one of every kind."""
        return max(1, round(self.total * SHARES[kind]))

    def mutators(self, kind: str) -> Iterator[Mutator]:
        """One per input of a kind, each with a seed of its own."""
        for number in range(self.wanted(kind)) if self.only is None else [self.only]:
            self.now_at = f"{kind}, number {number}, seed {self.seed}: again with PATCHWATCH_FUZZ_ONLY={number}"
            self.inputs[kind] += 1
            yield Mutator(f"{self.seed}/{kind}/{number}")
        self.now_at = ""

    def count(self, kind: str, outcome: object, number: int = 1) -> None:
        self.outcomes.setdefault(kind, Counter())[str(outcome)] += number

    def lines(self) -> list[str]:
        return [
            f"{self.inputs[kind]:6} {kind}: " + ", ".join(f"{count} {what}" for what, count in sorted(result.items()))
            for kind, result in self.outcomes.items()
        ]

    def write(self, path: Path) -> None:
        """A record as the benchmarks write them."""
        record = {
            "what": "mutated inputs, and what became of them: no crash of a supervisor, no 5xx, no hang",
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "commit": commit(),
            "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()},
            "seed": self.seed,
            "seconds": round(time.monotonic() - self._started_s),
            "inputs": sum(self.inputs.values()),
            "kinds": {
                kind: {"inputs": self.inputs[kind], "outcomes": dict(sorted(self.outcomes.get(kind, {}).items()))}
                for kind in self.inputs
            },
        }
        path.write_text(json.dumps(record, indent=2) + "\n")
