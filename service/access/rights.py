"""The one table of rights: which role a route asks for, and how it keeps to the caller's cameras.

A route that is missing here is refused to everybody but admins, and a test fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from patchwatch.messages.access.user import UserRole

WEBSOCKET = "WS"  # in place of a method
_V1 = "/api/v1"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS", WEBSOCKET)


class Reach(StrEnum):
    """What a route is about."""

    OPEN = "open"  # whoever asks: it is how one gets in
    OWN = "own"  # the caller himself
    NAMED = "named"  # the camera, alert or enrolment in its path: one of the caller's cameras
    SEEN = "seen"  # all cameras that the caller sees: it takes them from `context.store`
    SITE = "site"  # the whole site: callers who see all cameras


@dataclass(frozen=True)
class Right:
    """``role``: the least that may use the route. ``audited``: whether the audit log names its use."""

    role: UserRole
    reach: Reach
    audited: bool = True


_VIEWER, _OPERATOR, _ADMIN = UserRole


def _of(
    routes: str, role: UserRole, reach: Reach, *, under: str = _V1, audited: bool = True
) -> dict[tuple[str, str], Right]:
    """``routes``: ``METHOD /path``, separated by ``|``."""
    named = [route.split() for route in routes.split("|")]
    return {(method, under + path): Right(role, reach, audited) for method, path in named}


RIGHTS: dict[tuple[str, str], Right] = {
    **_of("GET /metrics", _VIEWER, Reach.SEEN, under=""),
    # The way in
    **_of("GET /login", _VIEWER, Reach.OPEN),
    **_of("POST /setup | POST /sessions", _VIEWER, Reach.OPEN, audited=False),  # they note who comes in
    **_of("POST /oidc/logins", _VIEWER, Reach.OPEN, audited=False),
    **_of("GET /oidc/callback", _VIEWER, Reach.OPEN),  # where a provider leads to; it notes who comes in
    **_of("GET /me | POST /me/password", _VIEWER, Reach.OWN),
    **_of("GET /sessions | DELETE /sessions | DELETE /sessions/{session_id}", _VIEWER, Reach.OWN),
    **_of("DELETE /sessions/current", _VIEWER, Reach.OWN),
    **_of("GET /devices | POST /devices", _VIEWER, Reach.OWN),
    **_of("DELETE /devices/{device_id} | POST /devices/{device_id}/test", _VIEWER, Reach.OWN),
    # Users
    **_of("GET /users | POST /users", _ADMIN, Reach.SITE),
    **_of("GET /users/{name} | PATCH /users/{name} | DELETE /users/{name}", _ADMIN, Reach.SITE),
    **_of("GET /tokens | POST /tokens | GET /tokens/{token_id} | DELETE /tokens/{token_id}", _ADMIN, Reach.SITE),
    **_of("GET /audit", _ADMIN, Reach.SITE),
    # What is seen
    **_of("GET /cameras | GET /status | GET /alerts | GET /enrolments | GET /site-budget", _VIEWER, Reach.SEEN),
    **_of("WS /ws/alerts | WS /ws/scores", _VIEWER, Reach.SEEN),
    **_of("GET /cameras/{camera_id} | GET /cameras/{camera_id}/status", _VIEWER, Reach.NAMED),
    **_of("GET /cameras/{camera_id}/scores | GET /cameras/{camera_id}/thresholds", _VIEWER, Reach.NAMED),
    **_of("GET /cameras/{camera_id}/snapshot.jpg | GET /cameras/{camera_id}/explanation", _VIEWER, Reach.NAMED),
    **_of("GET /cameras/{camera_id}/report | GET /cameras/{camera_id}/corrections", _VIEWER, Reach.NAMED),
    **_of("GET /cameras/{camera_id}/enrolments | GET /enrolments/{enrolment_id}", _VIEWER, Reach.NAMED),
    **_of("GET /cameras/{camera_id}/banks | GET /cameras/{camera_id}/banks/{bank_id}", _VIEWER, Reach.NAMED),
    **_of("GET /cameras/{camera_id}/banks/{bank_id}/shadow", _VIEWER, Reach.NAMED),
    **_of("GET /alerts/{alert_id} | GET /alerts/{alert_id}/snapshot.jpg", _VIEWER, Reach.NAMED),
    **_of("GET /alerts/{alert_id}/explanation | GET /alerts/{alert_id}/verdict", _VIEWER, Reach.NAMED),
    **_of("WS /ws/pictures", _VIEWER, Reach.SEEN),
    **_of("GET /cameras/{camera_id}/absence", _VIEWER, Reach.NAMED),
    **_of("GET /alerts/{alert_id}/evidence | GET /alerts/{alert_id}/evidence.zip", _VIEWER, Reach.NAMED),
    **_of("GET /alerts/{alert_id}/clip.mp4 | GET /alerts/{alert_id}/scores.json", _VIEWER, Reach.NAMED),
    **_of("GET /alerts/{alert_id}/peak.jpg | GET /alerts/{alert_id}/normal.jpg", _VIEWER, Reach.NAMED),
    **_of("GET /mutes | GET /evidence | GET /demand", _VIEWER, Reach.SITE),
    # What is judged and taught
    **_of("PUT /alerts/{alert_id}/evidence/keep", _OPERATOR, Reach.NAMED),
    **_of("DELETE /alerts/{alert_id}/evidence/keep", _OPERATOR, Reach.NAMED),
    **_of("PUT /cameras/{camera_id}/mute | DELETE /cameras/{camera_id}/mute", _OPERATOR, Reach.NAMED),
    **_of("PUT /mute | DELETE /mute", _OPERATOR, Reach.SITE),
    **_of("DELETE /cameras/{camera_id}/corrections", _OPERATOR, Reach.NAMED),
    **_of("PUT /alerts/{alert_id}/verdict | DELETE /alerts/{alert_id}/verdict", _OPERATOR, Reach.NAMED),
    **_of("POST /verdicts", _OPERATOR, Reach.SEEN),  # it looks for each alert among those that the caller sees
    **_of("PATCH /cameras/{camera_id}", _OPERATOR, Reach.NAMED),  # where its video comes from: `routes.cameras`
    **_of("POST /cameras/{camera_id}/corrections", _OPERATOR, Reach.NAMED),
    **_of("DELETE /cameras/{camera_id}/corrections/{correction_id}", _OPERATOR, Reach.NAMED),
    **_of("POST /cameras/{camera_id}/enrolments", _OPERATOR, Reach.NAMED),
    **_of("DELETE /cameras/{camera_id}/enrolments/{enrolment_id}", _OPERATOR, Reach.NAMED),
    **_of("PATCH /cameras/{camera_id}/banks/{bank_id}", _OPERATOR, Reach.NAMED),
    **_of("POST /cameras/{camera_id}/banks/{bank_id}/activate", _OPERATOR, Reach.NAMED),
    **_of("POST /cameras/{camera_id}/banks/{bank_id}/shadow", _OPERATOR, Reach.NAMED),
    **_of("DELETE /cameras/{camera_id}/banks/{bank_id}/shadow", _OPERATOR, Reach.NAMED),
    **_of("POST /cameras/{camera_id}/banks/{bank_id}/shadow/swap", _OPERATOR, Reach.NAMED),
    **_of("POST /cameras/{camera_id}/what-if", _OPERATOR, Reach.NAMED, audited=False),  # changes nothing
    # What is configured
    **_of("DELETE /cameras/{camera_id}/banks/{bank_id}", _ADMIN, Reach.NAMED),  # for good
    **_of("POST /cameras | PUT /site-budget", _ADMIN, Reach.SITE),
    **_of("DELETE /cameras/{camera_id}", _ADMIN, Reach.NAMED),
    **_of("POST /source-tests | POST /camera-searches", _ADMIN, Reach.SITE),
    **_of("GET /examination", _ADMIN, Reach.SITE),
    **_of("GET /channels | POST /channels", _ADMIN, Reach.SITE),
    **_of("GET /channels/{channel_id} | PATCH /channels/{channel_id}", _ADMIN, Reach.SITE),
    **_of("DELETE /channels/{channel_id} | GET /channels/{channel_id}/log", _ADMIN, Reach.SITE),
    **_of("POST /channels/{channel_id}/test", _ADMIN, Reach.SITE),
    **_of("GET /webhooks | POST /webhooks", _ADMIN, Reach.SITE),
    **_of("GET /webhooks/{webhook_id} | PATCH /webhooks/{webhook_id}", _ADMIN, Reach.SITE),
    **_of("DELETE /webhooks/{webhook_id} | POST /webhooks/{webhook_id}/secret", _ADMIN, Reach.SITE),
    **_of("POST /webhooks/{webhook_id}/test | GET /webhooks/{webhook_id}/dead", _ADMIN, Reach.SITE),
    **_of("POST /webhooks/{webhook_id}/dead/retry", _ADMIN, Reach.SITE),
}


@dataclass(frozen=True)
class Match:
    """The route of a request, by its template, and what its path names."""

    method: str
    template: str
    right: Right
    parameters: dict[str, str]


def _index() -> dict[tuple[str, int], list[tuple[tuple[str, ...], str, Right]]]:
    index: dict[tuple[str, int], list[tuple[tuple[str, ...], str, Right]]] = {}
    for (method, template), right in sorted(RIGHTS.items(), key=lambda item: item[0][1].count("{")):
        parts = tuple(template.split("/"))
        index.setdefault((method, len(parts)), []).append((parts, template, right))
    return index


_INDEX = _index()  # by method and number of steps; templates with fewer parameters come first


def match(method: str, path: str) -> Match | None:
    """The route of a request; None for one that the table does not know. ``path``: decoded, without a proxy's prefix,
    as routes see it."""
    method = "GET" if method == "HEAD" else method
    steps = path.split("/")
    for parts, template, right in _INDEX.get((method, len(steps)), ()):
        if all(part == step or (part[:1] == "{" and step) for part, step in zip(parts, steps, strict=True)):
            named = {part[1:-1]: step for part, step in zip(parts, steps, strict=True) if part[:1] == "{"}
            return Match(method, template, right, named)
    return None
