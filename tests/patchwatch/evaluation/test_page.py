"""The page of an evaluation."""

from __future__ import annotations

from dataclasses import replace

from sample_report import profile_result, report

from patchwatch.evaluation.html.curves import kept
from patchwatch.evaluation.html.document import document
from patchwatch.evaluation.report.clip_result import Timeline


def test_the_page_names_nothing_outside_itself_and_escapes_what_it_shows() -> None:
    result = profile_result()
    clip = replace(result.clips[0], name="<script>alert(1)</script>")
    page = document(report(replace(result, clips=(clip,))))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not any(word in page for word in ("http:", "https:", "<link", "@import", "url("))


def test_random_weights_are_marked_in_the_rows() -> None:
    assert 'class="service random"' in document(report(profile_result("clip", random_weights=True)))
    assert "RANDOM WEIGHTS" not in document(report())


def test_long_timelines_are_thinned_and_keep_their_extremes() -> None:
    values = [0.1] * 10_000
    values[4321], values[7000] = 0.9, 0.01
    found = kept(values)
    assert len(found) <= 1500
    assert {4321, 7000} <= set(found)


def test_fifty_long_clips_stay_below_a_few_megabytes() -> None:
    result, count = profile_result(), 10_000
    scores = tuple((n * 37 % 1000) / 1000 for n in range(count))
    times_s = tuple(n / 5 for n in range(count))
    line = Timeline(
        times_s, (False,) * count, scores, scores, scores, {"motion": scores}, (None,) * count, (None,) * count
    )
    clips = (replace(result.clips[0], timeline=line),) * 50
    assert len(document(report(replace(result, clips=clips)))) < 5_000_000
