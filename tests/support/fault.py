"""One fault on a running installation, from before it to after the recovery, and the row it becomes in the table."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import httpx
from alert_feed import AlertFeed
from installation import Installation
from status_watch import Look, StatusWatch, seconds
from waiting import stretched, wait_until

_TRIES = 3  # of a fault whose recovery has a limit: the machine may be busy with something else
_LONGEST_S = 90.0
_CALM_S = 4.0  # longer than from one key frame to the next and then as long as the smoothing remembers


@dataclass
class Row:
    """What the run saw of a fault. Times in seconds; ``lost``: frames by reason, of the cameras that were hit."""

    group: str
    fault: str
    sees: list[str] = field(default_factory=list)
    lasted_s: float | None = None
    recovered_s: float | None = None
    limit_s: float | None = None
    tries: int = 0
    captured: int | None = None
    lost: dict[str, int] | None = None
    passed: bool = False
    failure: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Fault:
    """``hits``: the cameras that suffer; all others must not notice anything."""

    def __init__(
        self, site: Installation, watch: StatusWatch, feed: AlertFeed, row: Row, cameras: Sequence[str]
    ) -> None:
        self._site = site
        self._watch = watch
        self._feed = feed
        self._cameras = tuple(cameras)
        self.row = row
        self.hits: tuple[str, ...] = self._cameras
        self.began_s = self.lifted_s = time.time()

    def strike(
        self, act: Callable[[], object], *, hits: Sequence[str] | None = None, limit_s: float | None = None
    ) -> None:
        """Let the fault happen: ``act`` returns when its cause is gone. Waits for the recovery, checks the accounts.

        At least once in three times the cameras that are not hit must notice nothing, and the recovery must succeed
        within ``limit_s``: every time they do not is the product's doing, one may be that of what runs beside it.
        """
        self.hits = self._cameras if hits is None else tuple(hits)
        self.row.limit_s = limit_s
        for _ in range(_TRIES):
            self._once(act)
            suffered = self._others_that_noticed()
            assert self.row.recovered_s is not None
            late = limit_s is not None and self.row.recovered_s > stretched(limit_s)
            if not suffered and not late:
                return
        assert not suffered, f"others suffered too, {_TRIES} times: {suffered}"
        raise AssertionError(f"recovered after {self.row.recovered_s} s at best, not within {limit_s} s")

    def until_seen(self, camera_id: str, *healths: str, within_s: float = 60.0) -> str:
        """Wait, within a fault, until a camera is shown so (by default: as anything but ok); returns the word."""

        def seen() -> str:
            words = self._watch.words(camera_id, self.began_s)
            last = words[-1] if words else "ok"
            return last if (last.split()[0] in healths if healths else last != "ok") else ""

        return wait_until(seen, within_s=within_s)

    def until_word(self, camera_id: str, word: str, within_s: float = 60.0) -> None:
        """Wait, within a fault, until a camera is shown in exactly this way."""
        wait_until(lambda: self._watch.words(camera_id, self.began_s)[-1:] == [word], within_s=within_s)

    def until_calm(self, camera_id: str) -> None:
        """Wait, before a fault, until the one before shows in nothing: a damaged picture lasts until the next key
        frame, and what it raises is reported later still."""
        wait_until(lambda: self._is_calm(camera_id), within_s=_LONGEST_S)

    def until_age(self, seconds: float) -> None:
        """Let the fault last for a time: waits for looks that late."""
        wait_until(lambda: any(look.at_s - self.began_s >= seconds for look in self._watch.since(self.began_s)))

    def enter(self, sees: str, recovered_s: float | None = None) -> None:
        """A fault that is not about the cameras' scores: what was seen of it, asserted by the test."""
        self.row.sees.append(sees)
        self.row.recovered_s = None if recovered_s is None else round(recovered_s, 1)
        self.row.tries = 1

    def _once(self, act: Callable[[], object]) -> None:
        self._site.wait_until_ok(*self._cameras)
        wait_until(lambda: not self._site.alerts(state="open"), within_s=_LONGEST_S)  # of the fault before
        before = self._accounts()
        heard = len(self._feed.messages)
        self.began_s = time.time()
        act()
        self.lifted_s = time.time()
        recovered_s = self._recovery()
        after = wait_until(self._settled, within_s=_LONGEST_S)
        if self.row.recovered_s is None or recovered_s < self.row.recovered_s:
            self._note(recovered_s, before, after, heard)
        self.row.tries += 1

    def _is_calm(self, camera_id: str) -> bool:
        looks = self._watch.since(time.time() - _CALM_S)
        return bool(looks) and all(look.usual(camera_id) for look in looks) and not self._site.alerts(state="open")

    def _recovery(self) -> float:
        """Seconds from the end of the cause to the score of a frame captured after it, of every camera hit."""

        def back() -> Look | None:
            looks = self._watch.since(self.lifted_s)
            return next((look for look in looks if all(look.scored_after(c, self.lifted_s) for c in self.hits)), None)

        look = wait_until(back, within_s=_LONGEST_S)
        assert look is not None
        return look.at_s - self.lifted_s

    def _others_that_noticed(self) -> dict[str, list[str]]:
        """What was seen of the cameras that were not hit and showed anything but ok."""
        seen = {one: self._watch.words(one, self.began_s) for one in self._cameras if one not in self.hits}
        return {camera_id: words for camera_id, words in seen.items() if words != ["ok"]}

    def _accounts(self) -> dict[str, Any]:
        return {camera_id: self._site.status(camera_id)["frames"] for camera_id in self._cameras}

    def _settled(self) -> dict[str, Any] | None:
        """The accounts, once each of them balances and holds what its ingest worker has to say of the fault."""
        try:
            statuses = {camera_id: self._site.status(camera_id) for camera_id in self._cameras}
        except httpx.HTTPError:
            return None
        for status in statuses.values():
            frames, capture = status["frames"], status["capture"]
            if capture is None or seconds(capture["updated"]) < self.lifted_s:
                return None
            if frames["captured"] != frames["scored"] + sum(frames["dropped"].values()) + frames["in_queue"]:
                return None
        return {camera_id: status["frames"] for camera_id, status in statuses.items()}

    def _note(self, recovered_s: float, before: dict[str, Any], after: dict[str, Any], heard: int) -> None:
        shown = self.hits or self._cameras
        total = sum((_lost(before[one], after[one]) for one in shown), Counter[str]())
        self.row.captured = sum(_captured(before[one], after[one]) for one in shown)
        self.row.lost = {reason: count for reason, count in sorted(total.items()) if count}
        self.row.lasted_s = round(self.lifted_s - self.began_s, 1)
        self.row.recovered_s = round(recovered_s, 1)
        words = self._watch.words(shown[0], self.began_s)
        words = words if words[0] == "ok" else ["ok", *words]  # it was, when the fault began
        heard_of = [(m["alert"]["kind"], m["alert"]["state"]) for m in self._feed.messages[heard:]]
        said = [f"alert `{kind}` {state}" for kind, state in dict.fromkeys(heard_of)]
        self.row.sees = [" → ".join(f"`{word}`" for word in words), *said]


def _captured(before: dict[str, Any], after: dict[str, Any]) -> int:
    """Frames captured between two accounts; all of the second where Redis lost the first."""
    more: int = after["captured"] - before["captured"]
    return more if more >= 0 else after["captured"]


def _lost(before: dict[str, Any], after: dict[str, Any]) -> Counter[str]:
    """Frames by reason between two accounts of a camera."""
    lost = Counter(after["dropped"])
    if after["scored"] >= before["scored"]:
        lost.subtract(before["dropped"])
        return +lost
    # Redis forgot the counts, and frames of before stand as pushed out of the queue: only later ones are lost.
    lost["unpublished"] -= before["dropped"].get("unpublished", 0)
    others = lost.total() - lost["queue_full"]
    captured = _captured(before, after) + before["in_queue"]
    lost["queue_full"] = captured - after["scored"] - after["in_queue"] - others
    return +lost
