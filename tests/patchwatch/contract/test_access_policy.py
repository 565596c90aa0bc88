"""A token that no client can send, or that is guessed quickly, is refused at the start."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from patchwatch.cli.app import app
from patchwatch.contract.access_policy import check_token
from patchwatch.contract.errors import ConfigurationError
from patchwatch.contract.settings import Settings

GOOD = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("token", ["", "x", " ", GOOD[:15], GOOD + "\n", " " + GOOD, f"schlüssel{GOOD}", GOOD + "\0"])
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_bad_token_is_refused_wherever_the_service_listens(token: str, host: str) -> None:
    with pytest.raises(ConfigurationError, match=r"PATCHWATCH_API_TOKEN .*openssl rand -hex 32") as caught:
        check_token(Settings(host=host, api_token=token))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("token", [GOOD, "a-long_text.with~signs+/=", "!" * 16])
def test_a_long_one_of_plain_letters_will_do(token: str) -> None:
    check_token(Settings(host="0.0.0.0", api_token=token))


def test_the_command_line_says_so_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHWATCH_API_TOKEN", "schlüssel-zum-haus-2026")
    ended = CliRunner().invoke(app, ["cameras", "list"])
    assert isinstance(ended.exception, ConfigurationError)
