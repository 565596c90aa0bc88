from __future__ import annotations

import pytest

from service.schemas.banks.bank import learnt_at


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("2026-11-28T05:30:00+00:00", "2026-11-28T05:30:00.000Z"),
        ("2026-11-28T06:30:00+01:00", "2026-11-28T05:30:00.000Z"),
        ("2026-11-28T05:30:00", "2026-11-28T05:30:00.000Z"),
        ("2026-11-28T05:30:00.000Z", "2026-11-28T05:30:00.000Z"),
        ("long ago", "long ago"),
    ],
)
def test_when_a_bank_was_learnt_has_the_format_of_all_times(stored: str, shown: str) -> None:
    assert learnt_at(stored) == shown
