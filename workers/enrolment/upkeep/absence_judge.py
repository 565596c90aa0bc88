"""Whether what nearly always happens by this time of the week is absent, with the words for it."""

from __future__ import annotations

from models.alarms.absence import LEAST_WEEKS, NOTHING, UNKNOWN, Silence, known_weeks, silence_until
from patchwatch.messages.cameras.activity import QUARTER_MS, Absence, AbsenceState, in_words, place_of
from patchwatch.messages.cameras.camera import Camera

_WRITTEN_WITHIN_MS = 60_000  # after its end a quarter is known, if it ever will be


def judged(camera: Camera, weeks: dict[int, bytes], now_ms: int) -> Absence:
    """``weeks``: of the camera's activity. ``now_ms``: Unix time."""
    ended_ms = (now_ms - _WRITTEN_WITHIN_MS) // QUARTER_MS * QUARTER_MS
    week, quarter = place_of(ended_ms - QUARTER_MS)
    silence = silence_until(weeks, week, quarter)
    if _value(weeks, now_ms) > NOTHING or _value(weeks, ended_ms) > NOTHING:  # it has come in what is not over yet
        silence = Silence(0)
    known = known_weeks(weeks, week, quarter)
    state = _state(camera, weeks, silence, _value(weeks, ended_ms - QUARTER_MS), known)
    since_ms = ended_ms - silence.quarters * QUARTER_MS if silence.quarters else None
    return Absence(
        camera_id=camera.id, state=state, text=_text(camera, state, silence, since_ms, known),
        chance=round(silence.chance, 6) if silence.weeks else None, weeks=known, quiet_since_ms=since_ms,
    )  # fmt: skip


def _state(camera: Camera, weeks: dict[int, bytes], silence: Silence, last: int, known: int) -> AbsenceState:
    if camera.absence_chance is not None and silence.chance < camera.absence_chance:
        return AbsenceState.ABSENT
    if last == UNKNOWN and not silence.quarters:
        return AbsenceState.UNSEEN
    return AbsenceState.LEARNING if known < LEAST_WEEKS else AbsenceState.WATCHING


def _text(camera: Camera, state: AbsenceState, silence: Silence, since_ms: int | None, known: int) -> str:
    if state is AbsenceState.UNSEEN:
        return "nobody can see what moves just now (offline, blind, muted or not scored), so nothing counts as absent"
    if state is AbsenceState.LEARNING:
        return f"it learns what happens when: {known} of {LEAST_WEEKS} weeks are known of this hour"
    if since_ms is None:
        return "it watches for absence, and something moves"
    since = in_words(place_of(since_ms)[1])
    by_now = (
        "" if not silence.weeks else f"; by the last {silence.weeks} weeks the chance of that is {silence.chance:.2g}"
    )
    if state is AbsenceState.WATCHING:
        return f"nothing has moved since {since}{by_now}"
    return (
        f"nothing has moved since {since}, and by now something nearly always has{by_now}: look at the camera, and at "
        f"what it waits for; `patchwatch cameras absence {camera.id}` shows more"
    )


def _value(weeks: dict[int, bytes], at_ms: int) -> int:
    week, quarter = place_of(at_ms)
    return weeks[week][quarter] if week in weeks else UNKNOWN
