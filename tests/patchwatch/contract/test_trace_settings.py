"""The address of a collector is one, and shows no secret."""

from __future__ import annotations

import pytest

from patchwatch.contract.errors import ConfigurationError
from patchwatch.contract.settings import load_settings


def test_nothing_is_traced_unless_it_has_an_address() -> None:
    assert load_settings().trace_url is None


def test_the_address_loses_its_last_slash() -> None:
    assert load_settings(trace_url="http://127.0.0.1:4318/").trace_url == "http://127.0.0.1:4318"


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://u:hunter2@collector:4318", "more than host and path"),
        ("http://collector:4318?key=hunter2", "more than host and path"),
        ("file:///hunter2", "is not an address like"),
        ("http://[hunter2", "is not an address like"),
        ("hunter2:4318", "is not an address like"),
    ],
)
def test_what_cannot_be_meant_is_refused(url: str, word: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_settings(trace_url=url)
    assert word in str(refused.value)
    assert "hunter2" not in str(refused.value)
