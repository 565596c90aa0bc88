"""Advice on how to learn what is normal at a camera, in the same words everywhere."""

from __future__ import annotations

# Less could not tell the default of PATCHWATCH_FALSE_ALARMS_PER_DAY; a quarter more than that needs, for what a live
# camera loses, and what is at the edges of the parts that are held out.
LEAST_MINUTES = 15


def how_to_learn(camera_id: str, profile: str | None = None, minutes: int = LEAST_MINUTES) -> str:
    """The commands that learn a bank for this camera, from itself and from recordings: its own profile unless named."""
    seconds = 60 * minutes
    option, member = (f" --profile {profile}", f'"profile": "{profile}", ') if profile else ("", "")
    return (
        f"from the live camera with `patchwatch enrolments add {camera_id} --live {seconds}{option}` "
        f'(or POST /api/v1/cameras/{camera_id}/enrolments with {{{member}"live_seconds": {seconds}}}), '
        f"or from recordings with `patchwatch banks enrol --camera {camera_id}{option} VIDEO...`"
    )


def nothing_learnt(camera_id: str, profile: str) -> str:
    """Says that a camera is not scored because it has no bank, and what to do."""
    return (
        f"it is not scored, because nothing is known yet of what is normal for camera {camera_id}: learn it "
        f"{how_to_learn(camera_id, profile)}"
    )
