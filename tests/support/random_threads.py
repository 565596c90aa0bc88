"""The `random` module of the test, apart from that of threads beside it.

Hypothesis takes care that nothing but itself changes the state of `random` while it draws, and fails a test otherwise.
A client's keep-alive or a worker's jitter in another thread is not the test's doing.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

_OTHERS = random.Random()


def keep_apart() -> None:
    """From now on the functions of `random` have one state for the main thread and another for all other threads."""
    for name in random.__all__:
        function = getattr(random, name)
        if getattr(function, "__self__", None) is random._inst:
            setattr(random, name, _by_thread(function, getattr(_OTHERS, name)))


def _by_thread(of_the_test: Callable[..., Any], of_others: Callable[..., Any]) -> Callable[..., Any]:
    def chosen(*args: Any, **kwargs: Any) -> Any:
        main = threading.current_thread() is threading.main_thread()
        return (of_the_test if main else of_others)(*args, **kwargs)

    return chosen
