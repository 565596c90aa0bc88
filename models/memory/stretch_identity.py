"""What the features of a stretch were made with: features of different networks or options are never mixed."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from models.memory.stretch import StretchIdentity
from models.profiles.profile import Profile
from models.weights.network_identity import comparable

_DIGITS = 16


def stretch_identity(profile: Profile, engine: dict[str, Any]) -> StretchIdentity:
    """``engine``: `Engine.identity`.

    The fingerprint covers networks, preprocessing, and name, kind and options of every stream. How streams are weighed,
    grouped, thinned and smoothed is left out: that is decided anew with every bank.
    """
    facts = json.loads(json.dumps(engine))
    networks = facts.get("networks", {})
    covered = {
        "networks": comparable(networks, networks)[0],
        "preprocessing": facts.get("preprocessing", {}),
        "streams": [[spec.name, spec.kind.value, spec.options] for spec in profile.streams],
    }
    text = json.dumps(covered, sort_keys=True)
    return StretchIdentity(facts, hashlib.sha256(text.encode()).hexdigest()[:_DIGITS])
