"""The settings of login by OpenID Connect: a part of `patchwatch.contract.settings.Settings`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from patchwatch.contract.setting_parts.oidc_values import check_domains, check_groups, check_issuer, check_role_map

_CLAIM = r"^[^\s]{1,200}$"


class OidcSettings(BaseSettings):
    """Which provider says who somebody is, and what its groups mean here."""

    oidc_issuer: Annotated[str, AfterValidator(check_issuer)] | None = Field(
        None,
        max_length=500,
        description="Issuer of an OpenID Connect provider that users log in at, exactly as it names itself, such as "
        "https://login.example/realms/home. None: passwords only.",
    )
    oidc_client_id: str | None = Field(
        None, max_length=500, validate_default=True, description="Id under which the provider knows this installation."
    )
    oidc_client_secret: SecretStr | None = Field(
        None, description="Secret that the provider gave with it; unset for a public client."
    )
    oidc_label: str = Field("single sign-on", min_length=1, max_length=40, description="Its name on the page's button.")
    oidc_scopes: str = Field(
        "openid profile email",
        pattern=r"^[\x21\x23-\x5b\x5d-\x7e]{1,100}( [\x21\x23-\x5b\x5d-\x7e]{1,100}){0,20}$",
        description="Scopes to ask the provider for, separated by blanks; some tell groups only for `groups`.",
    )
    oidc_name_claim: str = Field(
        "preferred_username",
        pattern=_CLAIM,
        description="Claim that a new user is named by; of an e-mail address what stands before the @.",
    )
    oidc_groups_claim: str = Field(
        "groups", pattern=_CLAIM, description="Claim with groups or roles, such as realm_access.roles."
    )
    oidc_default_role: Literal["viewer", "operator", "admin"] | None = Field(
        None, description="Role of users in no group that has one. None: they may not log in."
    )
    oidc_roles: Annotated[str, AfterValidator(check_role_map)] = Field(
        "",
        max_length=10_000,
        validate_default=True,
        description="What groups mean, as GROUP=ROLE separated by ',': viewer, operator or admin; the highest counts.",
    )
    oidc_cameras_claim: str | None = Field(
        None,
        pattern=_CLAIM,
        description="Claim with the ids of the only cameras that a user sees; '*': all. None: everybody sees all.",
    )
    oidc_allowed_groups: Annotated[str, AfterValidator(check_groups)] = Field(
        "", max_length=10_000, description="Groups, separated by ',', of which a user has to be in one; empty: any."
    )
    oidc_allowed_domains: Annotated[str, AfterValidator(check_domains)] = Field(
        "",
        max_length=10_000,
        description="Domains, separated by ',', of which a user's verified e-mail address has to be; empty: any.",
    )
    oidc_link_users: bool = Field(
        False,
        description="Whether a user of the same name who has a password here becomes the provider's; only where nobody "
        "chooses his own name at the provider.",
    )
    oidc_session_hours: float = Field(
        24.0, ge=0.1, le=720, description="Hours after which users of the provider log in there again, in any case."
    )
    password_login: bool = Field(
        True, validate_default=True, description="Whether users may log in with a password; false needs a provider."
    )

    @field_validator("oidc_client_id")
    @classmethod
    def _check_client(cls, value: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("oidc_issuer") and not value:
            raise ValueError("is missing: PATCHWATCH_OIDC_ISSUER needs the id that the provider gave this installation")
        return value

    @field_validator("oidc_roles")
    @classmethod
    def _check_some_role(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("oidc_issuer") and not value and not info.data.get("oidc_default_role"):
            raise ValueError(
                "is empty, and so is PATCHWATCH_OIDC_DEFAULT_ROLE: nobody could log in; say what groups mean, such as "
                "staff=operator, or give everybody a role"
            )
        return value

    @field_validator("password_login")
    @classmethod
    def _check_some_way(cls, value: bool, info: ValidationInfo) -> bool:
        if not value and not info.data.get("oidc_issuer"):
            raise ValueError("is false without PATCHWATCH_OIDC_ISSUER: nobody could log in")
        return value
