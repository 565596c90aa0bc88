"""The page of an evaluation."""

from __future__ import annotations

from dataclasses import replace

from sample_report import profile_result, report

from patchwatch.evaluation.report.clip_result import Timeline
from patchwatch.evaluation.report.report import Report
from patchwatch.pages.charts import thinned_positions
from patchwatch.pages.evaluation_page import evaluation_page

HOSTILE = """<script>alert("1")</script>&'"""


def hostile_report() -> Report:
    """A report in which every text that someone else may have chosen is markup."""
    result = profile_result()
    clip, misjudged, alarm, budget = result.clips[0], result.worst_misses[0], result.evidence[0], result.budgets[0]
    timeline = clip.timeline
    assert timeline is not None
    stream = alarm.streams[0]
    moment = replace(stream.nearest[0], clip=HOSTILE)
    hostile = replace(
        result,
        profile=HOSTILE,
        notes=(HOSTILE,),
        budgets=(replace(budget, name=HOSTILE, warnings=(HOSTILE,)),),
        clips=(replace(clip, name=HOSTILE, timeline=replace(timeline, rarities={HOSTILE: (None, 4.5)})),),
        worst_misses=(replace(misjudged, clip=HOSTILE, driver=HOSTILE),),
        evidence=(replace(alarm, clip=HOSTILE, streams=(replace(stream, stream=HOSTILE, nearest=(moment,)),)),),
        cost=replace(result.cost, device=HOSTILE, shared_ms={HOSTILE: 1.0}, streams_ms={HOSTILE: 1.0}),
    )
    whole = report(hostile)
    settings = replace(whole.settings, train=HOSTILE, test=HOSTILE, labels=HOSTILE, label_format=HOSTILE)
    return replace(
        whole, version=HOSTILE, commit=HOSTILE, created_at=HOSTILE, cpu=HOSTILE, settings=settings
    )  # fmt: skip


def test_hostile_names_are_escaped_wherever_they_stand() -> None:
    page = evaluation_page(hostile_report())
    assert page.count("&lt;script&gt;") > 20
    assert "<script" not in page
    assert 'alert("1")' not in page
    assert "&'" not in page


def test_the_page_loads_nothing_from_anywhere() -> None:
    page = evaluation_page(report())
    assert not any(word in page for word in ("http:", "https:", "<link", "@import", "url("))


def test_the_page_has_every_section() -> None:
    page = evaluation_page(report())
    assert page.startswith("<!doctype html>")
    assert page.count("<h2>") == 8
    for text in (
        "Evaluation of motion on testing",
        "8 clips, 600 frames analysed, 2.0 min",
        "clip 07, 0.2 s: score 0.70, motion; 50 % of the clip is anomalous",
        "clip 07: opened at 0.3 s, peak 0.70 at 0.3 s, in a labelled range",
        "167 frames a second on one core",
    ):
        assert page.count(text) >= 1, text


def test_a_report_without_profiles_has_a_page() -> None:
    assert "Evaluation of nothing on testing" in evaluation_page(replace(report(), profiles=()))


def test_random_weights_are_marked_in_the_rows() -> None:
    assert 'class="service random"' in evaluation_page(report(profile_result("clip", random_weights=True)))
    assert "RANDOM WEIGHTS" not in evaluation_page(report())


def test_long_timelines_are_thinned_and_keep_their_extremes() -> None:
    values = [0.1] * 10_000
    values[4321], values[7000] = 0.9, 0.01
    positions = thinned_positions(values)
    assert len(positions) <= 1500
    assert {4321, 7000} <= set(positions)


def test_fifty_long_clips_stay_below_a_few_megabytes() -> None:
    result, count = profile_result(), 10_000
    scores = tuple((n * 37 % 1000) / 1000 for n in range(count))
    times_s = tuple(n / 5 for n in range(count))
    timeline = Timeline(
        times_s, (False,) * count, scores, scores, scores, {"motion": scores}, (None,) * count, (None,) * count
    )
    clips = (replace(result.clips[0], timeline=timeline),) * 50
    assert len(evaluation_page(report(replace(result, clips=clips)))) < 5_000_000
