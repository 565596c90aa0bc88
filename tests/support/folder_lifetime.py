"""What all tests of a folder share, ended after the last of them and not with the session.

What a session shares lives on beside every test that its worker runs later: its processes take their time, and its
threads draw from the `random` module, which fails a test of Hypothesis.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TypeVar, cast

import pytest

Shared = TypeVar("Shared")
_SHARED = pytest.StashKey[object]()


def of_folder(
    request: pytest.FixtureRequest, folder: Path, make: Callable[[], AbstractContextManager[Shared]]
) -> Shared:
    """What ``make`` gives: entered for the first test of the folder that asks, left after the folder's last test.

    Where it cannot be entered, every other test of the folder fails at once with the same error.
    """
    node = next(one for one in request.node.listchain() if isinstance(one, pytest.Dir) and one.path == folder)
    if _SHARED not in node.stash:
        node.stash[_SHARED] = _entered(node, make)
    shared = node.stash[_SHARED]
    if isinstance(shared, Exception):
        raise shared
    return cast("Shared", shared)


def _entered(node: pytest.Dir, make: Callable[[], AbstractContextManager[object]]) -> object:
    stack = ExitStack()
    try:
        shared = stack.enter_context(make())  # or it skips the test, of which nothing is kept
    except Exception as error:  # noqa: BLE001 - every test of the folder fails with it
        return error
    stack.callback(node.stash.__delitem__, _SHARED)
    node.addfinalizer(stack.close)
    return shared
