"""Benchmarks end, and say what was wrong, also where a part is absent or a worker dies."""

from __future__ import annotations

import multiprocessing
import os
from typing import Any

import parts
import pytest

parts.torch()

from bench import limits, workers  # noqa: E402
from patchwatch.contract.errors import ConfigurationError  # noqa: E402


def _say(results: Any) -> None:
    results.put((1, 0.5, 1.5))


def test_a_worker_that_dies_ends_the_benchmark_and_not_its_patience() -> None:
    context = multiprocessing.get_context("spawn")
    dead = context.Process(target=os._exit, args=(3,))
    dead.start()
    dead.join()
    with pytest.raises(RuntimeError, match="1 of 1 workers died, the first with 3"):
        workers._next(context.Queue(), [dead])


def test_workers_that_say_nothing_are_waited_for_no_longer_than_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "PATIENCE_S", 0.01)
    with pytest.raises(RuntimeError, match=r"said nothing for 0\.01 s"):
        workers._next(multiprocessing.get_context("spawn").Queue(), [])


def test_what_a_worker_says_is_taken() -> None:
    results = multiprocessing.get_context("spawn").Queue()
    _say(results)
    assert workers._next(results, []) == (1, 0.5, 1.5)


@pytest.mark.parametrize("error", [FileNotFoundError(2, "No such file", "a-program"), ConfigurationError("no codec")])
def test_a_part_that_is_absent_leaves_its_reason_in_the_record(error: Exception) -> None:
    def absent() -> dict[str, Any]:
        raise error

    assert limits.or_absent(absent) == {"absent": str(error)}
