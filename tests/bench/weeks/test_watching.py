"""Two cameras through the product's own classes: one learns by itself, one keeps its first bank."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from bench.weeks import watching
from bench.weeks.life import INSTALLED_S, LASTING, Happening, Kind, Visit
from bench.weeks.places import PLACES
from bench.weeks.summary import summary

CLEANER = Happening(Kind.CLEANER, INSTALLED_S + 600, INSTALLED_S + 604)
RUN = Happening(Kind.RUN, INSTALLED_S + 900, INSTALLED_S + 906)
SEEN = [
    Visit(INSTALLED_S, INSTALLED_S + 76),
    Visit(INSTALLED_S + 598, INSTALLED_S + 605, CLEANER),
    Visit(INSTALLED_S + 898, INSTALLED_S + 907, RUN),
]


def test_a_short_day_is_scored_remembered_learnt_and_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "happenings", lambda *of: [CLEANER, RUN])
    monkeypatch.setattr(watching, "visits", lambda *of: SEEN)
    result = watching.watch(watching.Order(camera=9, seed=1, days=1, profile="motion"))
    assert result["frames"] == 5 * (76 + 7 + 9)
    own, once = result["ways"][watching.SELF_ARMING], result["ways"][watching.ONCE]
    assert own["scored_after_s"] == once["scored_after_s"] == 598
    assert own["dropped"] == {"scored": own["frames"]["provisional"], "dropped:no_bank": own["frames"]["learning"]}
    assert len(own["banks"]) == len(once["banks"]) == 1
    assert all("is active" in bank for bank in own["banks"])
    assert own["megabytes"]["memory"] > 0 == once["megabytes"]["memory"]
    assert [one["kind"] for one in own["anomalies"]] == ["run"]
    assert [one["peak"] is not None and one["level"] is not None for one in own["visits"]] == [False, True, True]
    assert list(summary([result])) == [watching.SELF_ARMING, watching.ONCE]


def test_of_an_order_for_some_kinds_ordinary_looks_are_seen_all_the_same() -> None:
    order = watching.Order(5, 11, 4, "motion", only=("forbidden",), repeated="forbidden")
    place = PLACES[order.camera]
    _, everything = watching._course(replace(order, only=()), place)
    _, seen = watching._course(order, place)
    assert {one.happening.kind for one in seen if one.happening} - {*LASTING} == {Kind.FORBIDDEN}
    assert [one for one in seen if not one.happening] == [one for one in everything if not one.happening]
    assert sum(not one.happening for one in seen) > 20
    assert all(one.until_s < following.from_s for one, following in pairwise(seen))
