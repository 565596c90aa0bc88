"""What another budget would have made of the stored scores is what then happens on the same frames."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from typing import Any

import numpy as np
from moving_scene import FPS, HEIGHT, WIDTH, scene

from patchwatch.bus import keys
from patchwatch.messages.alerts.alert import Alert, AlertKind
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.frames.score import Score, ScoreGate
from patchwatch.messages.what_if import Basis, BudgetChange, LevelChange, MutedChange, WhatIf
from workers.enrolment.what_if.score_change import what_if_scores
from workers.enrolment.what_if.stored_scores import read_scores

Run = Callable[..., Any]
START_MS = 1_800_000_000_000
DAY = (START_MS - 3_600_000, START_MS + 3_600_000)
LATER_MS = START_MS + 86_400_000
RUSHES = {*range(50, 58), *range(136, 150)}
HURRIES = {*range(100, 103), *range(180, 183)}  # strange enough for a generous budget only
DARK = range(142, 156)  # the lens is covered: a transition
PAUSE_AT, PAUSE_S = 165, 30
RESTART_AT, FRAMES = 51, 214  # between the last calm frame and the first strange one
RARE, OFTEN = 0.5, 1000.0  # false alarms a day
SHOWN_S = [0.0, *accumulate((1.2 if n in HURRIES else 1.0) / FPS for n in range(FRAMES))]


def feed(queue: Any, frames: range) -> None:
    for n in frames:
        media_ns = n * 10**9 // FPS + (PAUSE_S * 10**9 if n >= PAUSE_AT else 0)
        dark = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        queue.frame(n, media_ns=media_ns, rgb=dark if n in DARK else scene(SHOWN_S[n], rush=n in RUSHES))


def happens(queue: Any, run_worker: Run, until: Run, per_day: float) -> dict[str, Alert]:
    """The anomaly alerts of all frames with this budget, over a restart of the worker."""
    queue.add_camera(false_alarms_per_day=per_day)
    for frames in (range(RESTART_AT), range(RESTART_AT, FRAMES)):
        feed(queue, frames)
        with run_worker(queue.settings):
            until(lambda last=frames[-1]: queue.scored() == last + 1)
    alerts = [Alert.decode(fields[b"a"]) for _, fields in queue.client.xrange(keys.ALERTS)]
    return {alert.id: alert for alert in alerts if alert.kind is AlertKind.ANOMALY}


def asked(queue: Any, change: Any) -> WhatIf:
    camera = Camera.decode(queue.client.hget(keys.CAMERAS, "cam"))
    return what_if_scores(queue.client, queue.settings, camera, change, DAY, LATER_MS)


def times(facts: Any) -> tuple[Any, ...]:
    return (
        facts.started_at_ms, facts.opened_at_ms, facts.peak_at_ms, facts.peak_score, facts.ended_at_ms, facts.stream,
        facts.anomaly, facts.region,
    )  # fmt: skip


def test_another_budget_does_what_was_foretold(enrolled: Any, run_worker: Run, until: Run) -> None:
    present = happens(enrolled, run_worker, until, RARE)
    foretold = asked(enrolled, BudgetChange(change="budget", false_alarms_per_day=OFTEN))
    stored = read_scores(enrolled.client, enrolled.keys, *DAY)
    enrolled.client.flushdb()
    changed = happens(enrolled, run_worker, until, OFTEN)
    assert {gate.value for gate in stored.gates} > {ScoreGate.OPEN}, "some frames could open no event"
    assert sum(stored.begins) == 1, "a restart ends nothing"
    assert (foretold.basis, foretold.exact, foretold.notes) == (Basis.SCORES, True, ())
    assert (foretold.before, foretold.after) == (len(present), len(changed)) == (2, 4)
    assert foretold.level_before is not None
    assert foretold.level_after is not None
    new = [alert for alert in changed.values() if (alert.peak_score or 1.0) < foretold.level_before]
    assert [times(event) for event in reversed(foretold.more)] == [times(alert) for alert in new]
    assert foretold.sentence.startswith("2 alerts more in ")

    back = asked(enrolled, BudgetChange(change="budget", false_alarms_per_day=RARE))
    assert (back.before, back.after, back.fewer_count, back.more_count) == (4, 2, 2, 0)
    assert [event.alert_id for event in back.fewer] == [alert.id for alert in reversed(new)]
    same = asked(enrolled, LevelChange(change="level", on=foretold.level_after))
    assert (same.before, same.after, same.fewer, same.more) == (4, 4, (), ())
    muted = asked(enrolled, MutedChange(change="muted", muted=("behaviour",)))
    assert (muted.after, muted.fewer_count, muted.exact) == (0, 4, False)
    heard = asked(enrolled, MutedChange(change="muted", muted=()))
    assert (heard.before, heard.after, heard.fewer, heard.more) == (4, 4, (), ())
    high = [Score.decode(fields).seq for _, fields in enrolled.client.xrange(enrolled.keys.high_scores)]
    assert len(high) < FRAMES / 2
    around = [seq for seq in high if abs(seq - RESTART_AT) < 5]
    assert around == list(range(RESTART_AT, RESTART_AT + 5)), "with the frame before, over the restart too"
    enrolled.client.xtrim(enrolled.keys.scores, maxlen=10, approximate=False)
    days = asked(enrolled, BudgetChange(change="budget", false_alarms_per_day=RARE))
    of_how_much = {"seconds": 0.0, "frames": 0}
    assert days.model_copy(update=of_how_much) == back.model_copy(update=of_how_much)
