"""What a split into contexts says to people."""

from __future__ import annotations

from patchwatch.messages.banks.bank_context import BankContext, ContextSplit


def test_a_split_says_what_is_compared_apart_and_what_that_finds() -> None:
    contexts = (BankContext(name="infrared", seconds=16_200.0), BankContext(name="colour", seconds=1_800.0))
    split = ContextSplit(contexts=contexts, together=0.42, apart=0.55, low=0.06, high=0.2)
    assert split.in_words == (
        "compared apart: infrared (4.5 h) and colour (30 min); in held-out footage that finds 55% instead of 42% of "
        "what was planted there (difference +6 to +20 points, 90 % interval)"
    )
