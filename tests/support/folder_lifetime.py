"""What all tests of a folder share, ended after the last of them and not with the session.

What a session shares lives on beside every test that its worker runs later: its processes take their time, and its
threads draw from the `random` module, which fails a test of Hypothesis.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, AsyncExitStack, ExitStack
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
    node = _node_of(request, folder)
    if _SHARED not in node.stash:
        node.stash[_SHARED] = _entered(node, make)
    return cast("Shared", _usable(node.stash[_SHARED]))


async def of_folder_in_loop(
    request: pytest.FixtureRequest, folder: Path, make: Callable[[], AbstractAsyncContextManager[Shared]]
) -> Shared:
    """As `of_folder`, for what lives in an event loop: the running one, which must be that of the session."""
    node = _node_of(request, folder)
    if _SHARED not in node.stash:
        node.stash[_SHARED] = await _entered_in_loop(node, make)
    return cast("Shared", _usable(node.stash[_SHARED]))


def _node_of(request: pytest.FixtureRequest, folder: Path) -> pytest.Dir:
    return next(one for one in request.node.listchain() if isinstance(one, pytest.Dir) and one.path == folder)


def _usable(shared: object) -> object:
    if isinstance(shared, Exception):
        raise shared
    return shared


def _entered(node: pytest.Dir, make: Callable[[], AbstractContextManager[object]]) -> object:
    stack = ExitStack()
    try:
        shared = stack.enter_context(make())  # or it skips the test, of which nothing is kept
    except Exception as error:  # noqa: BLE001 - every test of the folder fails with it
        return error
    stack.callback(node.stash.__delitem__, _SHARED)
    node.addfinalizer(stack.close)
    return shared


async def _entered_in_loop(node: pytest.Dir, make: Callable[[], AbstractAsyncContextManager[object]]) -> object:
    stack = AsyncExitStack()
    try:
        shared = await stack.enter_async_context(make())
    except Exception as error:  # noqa: BLE001 - every test of the folder fails with it
        return error
    stack.callback(node.stash.__delitem__, _SHARED)
    loop = asyncio.get_running_loop()
    node.addfinalizer(lambda: loop.run_until_complete(stack.aclose()))  # it rests between tests
    return shared
