"""Advice on how to learn what is normal at a camera, in the same words everywhere."""

from __future__ import annotations

TEN_MINUTES_S = 600


def how_to_learn(camera_id: str, profile: str, seconds: int = TEN_MINUTES_S) -> str:
    """The commands that learn a bank for this camera, from itself and from recordings."""
    return (
        f"from the live camera with `patchwatch enrolments add {camera_id} --live {seconds} --profile {profile}` "
        f'(or POST /api/v1/cameras/{camera_id}/enrolments with {{"profile": "{profile}", "live_seconds": {seconds}}}), '
        f"or from recordings with `patchwatch enroll --camera {camera_id} --profile {profile} VIDEO...`"
    )


def nothing_learnt(camera_id: str, profile: str) -> str:
    """Says that a camera is not scored because it has no bank, and what to do."""
    return (
        f"it is not scored, because nothing is known yet of what is normal for camera {camera_id}: learn it "
        f"{how_to_learn(camera_id, profile)}"
    )
