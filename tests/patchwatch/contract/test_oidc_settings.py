"""What the settings of OpenID Connect refuse."""

from __future__ import annotations

import pytest

from patchwatch.contract.errors import ConfigurationError
from patchwatch.contract.settings import Settings, load_settings

KNOWN = {"oidc_issuer": "https://login.example/realms/home/", "oidc_client_id": "cams", "oidc_default_role": "viewer"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"oidc_issuer": "http://login.example"}, "OIDC_ISSUER: begins with http://"),
        ({"oidc_issuer": "http://8.8.8.8"}, "OIDC_ISSUER: begins with http://"),
        ({"oidc_issuer": "https://login.example/?a=b"}, "OIDC_ISSUER: is not an address"),
        ({"oidc_issuer": "https://ada:pass@login.example"}, "OIDC_ISSUER: is not an address"),
        ({"oidc_client_id": None}, "OIDC_CLIENT_ID: is missing"),
        ({"oidc_default_role": None}, "OIDC_ROLES: is empty"),
        ({"oidc_default_role": "owner"}, "OIDC_DEFAULT_ROLE"),
        ({"oidc_roles": "staff=owner"}, "OIDC_ROLES: 'staff=owner' is not GROUP=ROLE"),
        ({"oidc_roles": "staff"}, "OIDC_ROLES: 'staff' is not GROUP=ROLE"),
        ({"oidc_allowed_domains": "home"}, "OIDC_ALLOWED_DOMAINS: 'home' is not a domain"),
        ({"oidc_allowed_groups": " , "}, "OIDC_ALLOWED_GROUPS: names no group"),
        ({"oidc_issuer": None, "password_login": False}, "PASSWORD_LOGIN: is false without PATCHWATCH_OIDC_ISSUER"),
    ],
)
def test_what_nobody_could_log_in_by_is_refused_with_its_setting(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        load_settings(**{**KNOWN, **changes})


@pytest.mark.parametrize(
    "issuer", ["http://localhost:8080/a", "http://127.0.0.1", "http://192.168.1.7", "http://[::1]"]
)
def test_http_is_for_this_machine_and_private_networks(issuer: str) -> None:
    assert load_settings(**{**KNOWN, "oidc_issuer": issuer}).oidc_issuer == issuer


def test_the_secret_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    file = f"{tmp_path}/secret"
    with open(file, "w") as text:
        text.write("of the client\n")
    monkeypatch.setenv("PATCHWATCH_OIDC_CLIENT_SECRET_FILE", file)
    secret = Settings(**KNOWN).oidc_client_secret  # type: ignore[arg-type]
    assert secret is not None
    assert secret.get_secret_value().strip() == "of the client"
    assert "of the client" not in repr(secret)
