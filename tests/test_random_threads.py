"""What threads beside a test draw from `random` changes nothing for the test."""

from __future__ import annotations

import random
import threading

from hypothesis import given, settings
from hypothesis import strategies as st


def beside(number: int) -> int:
    """As the keep-alive thread of a WebSocket's client does."""
    thread = threading.Thread(target=random.getrandbits, args=(32,))
    thread.start()
    thread.join()
    return number


@settings(max_examples=5)
@given(st.integers().map(beside))
def test_a_thread_that_draws_meanwhile_is_not_the_tests_doing(number: int) -> None:
    assert isinstance(number, int)


def test_a_seed_of_the_test_holds_whatever_others_draw() -> None:
    random.seed(7)
    alone = [random.random() for _ in range(3)]
    random.seed(7)
    assert [random.random() for _ in range(3) if beside(0) == 0] == alone
