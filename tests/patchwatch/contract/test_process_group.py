"""Killing a process group leaves nothing of it behind."""

from __future__ import annotations

import subprocess

import psutil
from waiting import wait_until

from patchwatch.contract.process_group import kill_group

LEAVES_A_CHILD = "sleep 300 & echo $!"


def gone(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)  # whoever adopted it waits for it, or not
    except psutil.NoSuchProcess:
        return True


def started(script: str) -> tuple[subprocess.Popen[bytes], int]:
    """A shell in a group of its own, and its child."""
    shell = subprocess.Popen(
        ["/bin/sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0
    )  # fmt: skip
    assert shell.stdout is not None
    with shell.stdout:
        return shell, int(shell.stdout.readline())


def test_a_process_is_ended_with_what_it_started() -> None:
    shell, child = started(f"{LEAVES_A_CHILD}; wait")
    kill_group(shell)
    wait_until(lambda: gone(child))
    assert shell.returncode is not None
    assert shell.stdin is not None
    assert shell.stdin.closed


def test_what_a_process_left_behind_is_ended_too() -> None:
    shell, child = started(LEAVES_A_CHILD)
    shell.wait(timeout=30)
    assert not gone(child)
    kill_group(shell)
    wait_until(lambda: gone(child))


def test_a_group_that_is_gone_is_no_error() -> None:
    shell = subprocess.Popen(["/bin/true"], process_group=0)
    shell.wait(timeout=30)
    kill_group(shell)
    kill_group(shell)
