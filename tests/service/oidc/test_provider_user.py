"""What a provider's claims mean here."""

from __future__ import annotations

from typing import Any

import pytest

from patchwatch.contract.settings import Settings
from patchwatch.messages.access.user import User, UserRole
from service.oidc.errors import LoginRefusedError
from service.oidc.provider_user import ProviderUser, provider_user


def found(claims: dict[str, Any], **changes: Any) -> ProviderUser:
    known = {"oidc_issuer": "https://login.example", "oidc_client_id": "cams", "oidc_default_role": "viewer", **changes}
    return provider_user({"iss": "https://login.example", "sub": "s1", **claims}, Settings(**known))


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (["staff"], "operator"),
        (["staff", "chiefs", "others"], "admin"),
        ("staff", "operator"),
        (["Staff", 7, None], "viewer"),
        ({"staff": True}, "viewer"),
        (None, "viewer"),
    ],
)
def test_the_highest_role_of_a_users_groups_counts(groups: object, role: str) -> None:
    assert found({"groups": groups}, oidc_roles="chiefs=admin,staff=operator").role == UserRole(role)


def test_roles_may_lie_deep_in_the_claims_or_have_a_name_with_dots() -> None:
    deep = {"realm_access": {"roles": ["cams"]}}
    assert found(deep, oidc_groups_claim="realm_access.roles", oidc_roles="cams=admin").role is UserRole.ADMIN
    dots = {"https://home.example/roles": ["cams"]}
    assert found(dots, oidc_groups_claim="https://home.example/roles", oidc_roles="cams=admin").role is UserRole.ADMIN


def test_a_group_may_have_an_equals_sign_in_its_name() -> None:
    assert found({"groups": ["cn=admins"]}, oidc_roles="cn=admins=admin").role is UserRole.ADMIN


def test_without_a_group_that_is_allowed_nobody_comes_in() -> None:
    with pytest.raises(LoginRefusedError, match="PATCHWATCH_OIDC_ALLOWED_GROUPS"):
        found({"groups": ["staff"]}, oidc_allowed_groups="cams, guards")
    assert found({"groups": ["guards"]}, oidc_allowed_groups="cams, guards").role is UserRole.VIEWER


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"email": "ada@home.example.evil.example", "email_verified": True}, "of no domain"),
        ({"email": "ada@evil.example", "email_verified": True}, "of no domain"),
        ({"email": "home.example", "email_verified": False}, "not verified"),
        ({"email": "ada@home.example"}, "not verified"),
        ({"email": "ada@home.example", "email_verified": "false"}, "not verified"),
        ({}, "of no domain"),
    ],
)
def test_only_verified_addresses_of_allowed_domains_come_in(claims: dict[str, Any], words: str) -> None:
    with pytest.raises(LoginRefusedError, match=words):
        found(claims, oidc_allowed_domains="Home.example")
    found({"email": "ada@HOME.example", "email_verified": True}, oidc_allowed_domains="Home.example")


@pytest.mark.parametrize(
    ("name", "here"),
    [
        ("Ada", "ada"),
        ("ada@home.example", "ada"),
        ("Zoë Ångström", "zoe-angstrom"),
        ("--..ada", "ada"),
        ("x" * 100, "x" * 63),
        ("李雷", "user-e8b32bc4d7b5"),
        (None, "user-e8b32bc4d7b5"),
    ],
)
def test_names_become_names_that_users_may_have(name: object, here: str) -> None:
    user = found({"preferred_username": name, "sub": "s1"})
    made = User(name=user.name, role=user.role, identity=user.identity, created_at_ms=1)
    assert made.name == here or (here.startswith("user-") and made.name.startswith("user-"))
    assert User.decode(made.encode()) == made


def test_admins_see_all_cameras_and_others_those_of_the_claim() -> None:
    claims = {"cams": ["gate", "gate", "no camera id", 7], "groups": ["chiefs"]}
    assert found(claims, oidc_cameras_claim="cams").cameras == ("gate",)
    assert found(claims, oidc_cameras_claim="cams", oidc_roles="chiefs=admin").cameras is None
    assert found({}, oidc_cameras_claim="cams").cameras == ()
    assert found({}).cameras is None
