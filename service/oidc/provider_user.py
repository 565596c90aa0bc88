"""What a provider's claims mean here: who somebody is, and what he may do."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from patchwatch.contract.setting_parts.oidc_values import listed, role_map
from patchwatch.contract.settings import Settings
from patchwatch.messages.access.user import MAX_CAMERAS_OF_USER, ProviderIdentity, UserRole
from patchwatch.messages.base import CAMERA_ID_PATTERN
from service.oidc.errors import LoginRefusedError

_LONGEST_NAME = 63
_MOST_GROUPS = 5000
_ALL = "*"


@dataclass(frozen=True)
class ProviderUser:
    """``name``: that of a new user. ``cameras``: those that he sees; None: all."""

    identity: ProviderIdentity
    name: str
    role: UserRole
    cameras: tuple[str, ...] | None


def identity_of(claims: dict[str, Any]) -> ProviderIdentity:
    """Raises `LoginRefusedError` for a subject that is too long."""
    subject = claims["sub"]
    if not subject or len(subject) > 255:
        raise LoginRefusedError(
            "the provider names you by nothing, or by more than 255 characters: see to its settings"
        )
    return ProviderIdentity(issuer=claims["iss"], subject=subject)


def provider_user(claims: dict[str, Any], settings: Settings) -> ProviderUser:
    """Raises `LoginRefusedError` for somebody who may not log in here."""
    groups = set(_texts(claim(claims, settings.oidc_groups_claim)))
    _check_domain(claims, settings)
    _check_groups(groups, settings)
    role = _role(groups, settings)
    return ProviderUser(identity_of(claims), _name(claims, settings), role, _cameras(claims, role, settings))


def claim(claims: dict[str, Any], name: str) -> Any:
    """A claim by its name, or by the way to it (``realm_access.roles``); None where it is missing."""
    if name in claims:
        return claims[name]
    value: Any = claims
    for step in name.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def names_needed(settings: Settings) -> list[str]:
    """The claims that a login looks at: those that are not in the token are asked for."""
    domain = ["email", "email_verified"] if settings.oidc_allowed_domains else []
    groups = [settings.oidc_groups_claim] if settings.oidc_roles or settings.oidc_allowed_groups else []
    cameras = [settings.oidc_cameras_claim] if settings.oidc_cameras_claim else []
    return [settings.oidc_name_claim, *domain, *groups, *cameras]


def _check_domain(claims: dict[str, Any], settings: Settings) -> None:
    allowed = {domain.lower() for domain in listed(settings.oidc_allowed_domains)}
    if not allowed:
        return
    address = claims.get("email")
    domain = address.rpartition("@")[2].lower() if isinstance(address, str) else ""
    if domain not in allowed:
        raise LoginRefusedError(
            "your e-mail address at the provider is of no domain that may log in here: use another account, or have "
            "the domain added to PATCHWATCH_OIDC_ALLOWED_DOMAINS"
        )
    if claims.get("email_verified") is not True:
        raise LoginRefusedError("the provider has not verified your e-mail address: verify it there, then log in again")


def _check_groups(groups: set[str], settings: Settings) -> None:
    allowed = set(listed(settings.oidc_allowed_groups))
    if allowed and not allowed & groups:
        raise LoginRefusedError(
            f"you are in no group that may log in here: have somebody add you to one at the provider; groups are read "
            f"from the claim {settings.oidc_groups_claim!r}, and PATCHWATCH_OIDC_ALLOWED_GROUPS lists those allowed"
        )


def _role(groups: set[str], settings: Settings) -> UserRole:
    roles = [UserRole(role) for group, role in role_map(settings.oidc_roles).items() if group in groups]
    if roles:
        return max(roles, key=list(UserRole).index)
    if settings.oidc_default_role is None:
        raise LoginRefusedError(
            f"no group of yours has a role here: have somebody add you to one at the provider; groups are read from "
            f"the claim {settings.oidc_groups_claim!r}, and PATCHWATCH_OIDC_ROLES says what they mean"
        )
    return UserRole(settings.oidc_default_role)


def _cameras(claims: dict[str, Any], role: UserRole, settings: Settings) -> tuple[str, ...] | None:
    """Of a claim that is missing: no camera."""
    if settings.oidc_cameras_claim is None or role is UserRole.ADMIN:
        return None
    named = _texts(claim(claims, settings.oidc_cameras_claim))
    if _ALL in named:
        return None
    return tuple(dict.fromkeys(name for name in named if re.fullmatch(CAMERA_ID_PATTERN, name)))[:MAX_CAMERAS_OF_USER]


def _name(claims: dict[str, Any], settings: Settings) -> str:
    """As a user's name may be written here; of somebody without one, the beginning of a digest of his subject."""
    text = claim(claims, settings.oidc_name_claim)
    plain = _plain(text if isinstance(text, str) else "") or _plain(str(claims.get("email") or ""))
    return plain or f"user-{hashlib.sha256(claims['sub'].encode()).hexdigest()[:12]}"


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text[:1000].partition("@")[0]).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9._-]+", "-", letters).strip("._-")[:_LONGEST_NAME]


def _texts(value: Any) -> list[str]:
    """A claim that is a list of texts, or one text."""
    values = value if isinstance(value, list) else [value]
    return [one for one in values[:_MOST_GROUPS] if isinstance(one, str)]
