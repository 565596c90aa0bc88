"""Parameter lists in headers."""

from __future__ import annotations

import pytest
from growth import growth_of

from workers.rtsp import parameters


def test_parameters_are_split_outside_quotes() -> None:
    assert parameters.split('a="x, \\"y", b = z ,, c', ",") == ['a="x, \\"y"', "b = z", "c"]
    assert parameters.pairs(['A="x, \\"y"', "b = z", "c", "a=2"]) == {"a": 'x, "y', "b": "z", "c": ""}


@pytest.mark.parametrize("text", [",", '"', "\\", "=", "a", 'a="b\\", '])
def test_a_list_takes_time_in_proportion(text: str) -> None:
    def read(header: str) -> None:
        parameters.pairs(parameters.split(header, ","))

    assert growth_of(read, lambda size: text * (size // len(text))) < 3
