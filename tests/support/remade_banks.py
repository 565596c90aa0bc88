"""Banks made anew from memory on a running installation, and what became of each."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from installation import Installation
from waiting import wait_until

_SETTLED_WITHIN_S = 300.0
_PENDING = ("queued", "running")


@dataclass
class RemadeBanks:
    """Asks for banks from memory, and swaps back to earlier ones: see `remake`."""

    site: Installation
    chance: random.Random
    asked: list[str] = field(default_factory=list)  # ids of enrolments
    swaps: int = 0  # to an earlier version, by an operator
    refused: int = 0  # while a fault lasted, or an enrolment was under way

    def remake(self, camera_ids: Sequence[str]) -> None:
        """For each camera a new bank, or another of its versions in its place."""
        for camera_id in camera_ids:
            try:
                change = self._swap_back if self.chance.random() < 0.3 else self._learn
                change(camera_id)
            except httpx.HTTPError:
                self.refused += 1

    def _learn(self, camera_id: str) -> None:
        body = {"from_memory": True, "activate": True}
        self.asked.append(self.site.post(f"/cameras/{camera_id}/enrolments", body)["id"])

    def _swap_back(self, camera_id: str) -> None:
        banks = self.site.get(f"/cameras/{camera_id}/banks")["banks"]
        others = [bank["id"] for bank in banks if not bank["active"]]
        if others:
            self.site.post(f"/cameras/{camera_id}/banks/{self.chance.choice(others)}/activate", {})
            self.swaps += 1

    def settle(self) -> None:
        """Until every enrolment is over."""
        wait_until(lambda: not self._pending(), within_s=_SETTLED_WITHIN_S, every_s=1.0)

    def _pending(self) -> list[Any]:
        return [one for one in self._records() if one["state"] in _PENDING]

    def _records(self) -> list[Any]:
        records: list[Any] = self.site.get("/enrolments")["enrolments"]
        return records

    def report(self) -> dict[str, Any]:
        """``swapped``: banks that took the place of another. ``failed``: enrolments, each with its reason."""
        records = self._records()
        failed = [f"{one['camera_id']}: {one['detail']}" for one in records if one["state"] == "failed"]
        learnt = sum(bool(one["activated"]) for one in records)
        return {
            "asked": len(self.asked), "by_itself": sum(one["by_itself"] and one["state"] == "done" for one in records),
            "swapped": learnt + self.swaps, "swapped_back": self.swaps, "refused": self.refused, "failed": failed,
        }  # fmt: skip
