"""Which of the workers of a run takes which tests, and which tests are begun first."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[2]

# What one worker runs, by where it lies; begun in this order.
GROUPS: dict[str, tuple[str, ...]] = {
    # The whole product in real time, for minutes: two of them at once would starve each other.
    "product": (
        "tests/patchwatch/cli/commands/test_demo.py", "tests/workers/test_self_arming.py",
        "tests/test_readme_commands.py",
    ),
    # These share what is costly to make: an installation, networks, a stocked Redis, a bank.
    "faults": ("tests/faults/",),
    "networks": (
        "tests/models/networks/", "tests/models/test_parity.py", "tests/models/runtimes/test_runtime.py",
    ),
    "fuzz": ("tests/fuzz/",),
    "golden": ("tests/golden/",),
    "evaluation": ("tests/patchwatch/evaluation/",),
}  # fmt: skip

# Half a minute and more each on a busy machine: begun next, so that at the end no worker is waited for.
LONGEST = (
    "tests/patchwatch/demo/test_publisher.py", "tests/workers/enrolment/test_worker.py",
    "tests/patchwatch/cli/commands/banks/test_enrol.py", "tests/workers/test_restart.py",
    "tests/models/tampering/test_real_footage.py", "tests/workers/inference/test_ownership.py",
)  # fmt: skip


def group_of(nodeid: str) -> str | None:
    """The name of its group."""
    return next((name for name, starts in GROUPS.items() if nodeid.startswith(starts)), None)


def turn(nodeid: str) -> int:
    """Sorts tests into the order in which they are begun."""
    group = group_of(nodeid)
    if group is not None:
        return list(GROUPS).index(group)
    return len(GROUPS) + (not nodeid.startswith(LONGEST))


def unit_of(nodeid: str) -> str:
    """What goes to a worker as a whole: a group, a file that makes something for all its tests, or the one test."""
    path = nodeid.partition("::")[0]
    return group_of(nodeid) or (path if _shares(path) else nodeid)


@cache
def _shares(path: str) -> bool:
    file = ROOT / path
    return file.is_file() and 'scope="module"' in file.read_text()


def scheduling(config: pytest.Config, log: Any) -> Any:
    """The scheduler of pytest-xdist that hands out these units in the order of collection, which is that of `turn`."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return unit_of(nodeid)

        def _reschedule(self, node: Any) -> None:
            """A worker begins a test once it knows the next one, or that there is none: one that takes the place of a
            crashed worker would wait for ever with a single test."""
            while not node.shutting_down and (not self.workqueue or self._pending_of(self.assigned_work[node]) <= 2):
                super()._reschedule(node)

    config.option.loadscopereorder = False
    return Scheduling(config, log)
