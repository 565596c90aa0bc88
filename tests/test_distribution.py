"""What several workers of a run share out: long tests first, what shares something to one of them."""

from __future__ import annotations

import distribution
import pytest

STARTS = [start for starts in (*distribution.GROUPS.values(), distribution.LONGEST) for start in starts]


@pytest.mark.parametrize("start", STARTS)
def test_what_is_named_is_there(start: str) -> None:
    """A test that moves would lose its place without a word."""
    path = distribution.ROOT / start
    assert path.is_dir() if start.endswith("/") else path.is_file()


def test_the_whole_product_begins_first_and_short_tests_last() -> None:
    demo = "tests/patchwatch/cli/commands/test_demo.py::test_it_can_be_stopped_while_it_starts[2]"
    fault, restart = "tests/faults/test_queue.py::test_redis_is_flushed", "tests/workers/test_restart.py::test_x"
    short = "tests/models/alarms/test_event_counts.py::test_a_gap_is_no_footage"
    assert sorted([short, restart, fault, demo], key=distribution.turn) == [demo, fault, restart, short]


def test_real_time_tests_of_the_whole_product_are_run_by_one_worker_one_after_the_other() -> None:
    files = ("patchwatch/cli/commands/test_demo.py", "workers/test_self_arming.py", "test_readme_commands.py")
    assert {distribution.unit_of(f"tests/{file}::test_x") for file in files} == {"product"}


def test_a_file_that_makes_something_for_all_its_tests_is_not_split() -> None:
    shared, plain = "tests/workers/analysis/test_zones.py", "tests/models/alarms/test_event_counts.py"
    assert distribution.unit_of(f"{shared}::test_a[x::y]") == shared
    assert distribution.unit_of(f"{plain}::test_a[x]") == f"{plain}::test_a[x]"
