"""What the features of a stretch were made with: features of different networks or options are never mixed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

from models.frames.view import WHOLE_VIEW, View
from models.memory.stretches.stretch import StretchIdentity
from models.profiles.profile import Profile
from models.weights.network_identity import comparable

_DIGITS = 16


def stretch_identity(profile: Profile, engine: dict[str, Any], view: View = WHOLE_VIEW) -> StretchIdentity:
    """``engine``: `Engine.identity`. ``view``: what counts in the pictures.

    The fingerprint covers networks, preprocessing, name, kind and options of every stream, and the view. How streams
    are weighed, grouped, thinned and smoothed is left out: that is decided anew with every bank.
    """
    facts = json.loads(json.dumps(engine))
    networks = facts.get("networks", {})
    covered = {
        "networks": comparable(networks, networks)[0],
        "preprocessing": facts.get("preprocessing", {}),
        "streams": [[spec.name, spec.kind.value, spec.options] for spec in profile.streams],
    }
    if not view.whole:
        covered["view"] = asdict(view)
    text = json.dumps(covered, sort_keys=True)
    return StretchIdentity(facts, hashlib.sha256(text.encode()).hexdigest()[:_DIGITS], view)
