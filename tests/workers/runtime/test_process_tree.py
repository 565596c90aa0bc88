"""The process tree with real processes and real signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from waiting import wait_until

import workers.runtime.processes.process_tree as processes
from patchwatch.bus.backoff import Backoff
from patchwatch.contract.errors import FatalError
from patchwatch.contract.roles import Role
from workers.runtime.processes.process_tree import ProcessTree, RoleProcess

FOREVER = "import signal; print('up', flush=True); signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()"


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def role(code: str, kind: Role = Role.INGEST) -> RoleProcess:
    return RoleProcess(kind, [sys.executable, "-c", code], dict(os.environ))


def role_that_says(path: Path, body: str, kind: Role = Role.INGEST) -> RoleProcess:
    """A role that appends to a file: its name when asked to stop, and ``up`` once it can be asked."""
    code = f"""
import os, signal, sys, time
def say(word):
    with open({str(path)!r}, "a") as out: out.write(word + "\\n")
def stop(*_):
    say("{kind.value} stops"); sys.exit(0)
signal.signal(signal.SIGTERM, stop)
{textwrap.dedent(body)}
say("up"); signal.pause()
"""
    return role(code, kind)


@pytest.fixture(autouse=True)
def quick_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_BACKOFF", Backoff(0.05, 30.0))


@pytest.fixture
def tree_of() -> Iterator[Callable[..., ProcessTree]]:
    trees: list[ProcessTree] = []

    def make(*roles: RoleProcess) -> ProcessTree:
        trees.append(ProcessTree(roles))
        trees[-1].start()
        return trees[-1]

    yield make
    for tree in trees:
        for member in tree.roles:
            member.kill()


def test_a_killed_role_comes_back(tree_of: Callable[..., ProcessTree]) -> None:
    tree = tree_of(role(FOREVER))
    [member] = tree.roles
    first = member.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)

    def again() -> bool:
        tree.restart_if_needed()
        return member.restarts == 1 and member.running

    wait_until(again)
    assert member.pid != first


def test_a_role_that_keeps_refusing_ends_the_tree(tree_of: Callable[..., ProcessTree]) -> None:
    tree = tree_of(role("raise SystemExit(2)"))

    def tend() -> bool:
        tree.restart_if_needed()
        return False

    with pytest.raises(FatalError, match="ingest cannot run"):
        wait_until(tend)
    assert tree.roles[0].restarts == 2


def test_a_role_that_crashes_is_tried_again_and_again(tree_of: Callable[..., ProcessTree]) -> None:
    tree = tree_of(role("raise SystemExit(1)"))

    def often() -> bool:
        tree.restart_if_needed()
        return tree.roles[0].restarts >= 4

    wait_until(often)


def test_roles_stop_in_order_ingest_first_service_last(tmp_path: Path, tree_of: Callable[..., ProcessTree]) -> None:
    said = tmp_path / "said"
    tree = tree_of(*(role_that_says(said, "", kind) for kind in (Role.SERVICE, Role.INFERENCE, Role.INGEST)))
    wait_until(lambda: said.exists() and said.read_text().count("up") == 3)
    tree.stop()
    stops = [line for line in said.read_text().splitlines() if line != "up"]
    assert stops == ["ingest stops", "inference stops", "service stops"]
    assert not any(member.running for member in tree.roles)


def test_a_role_that_will_not_stop_is_killed(tree_of: Callable[..., ProcessTree]) -> None:
    tree = tree_of(role(STUBBORN))
    tree.stop(within_s=0.3)
    assert not tree.roles[0].running


def test_what_a_dead_role_left_in_its_group_goes_too(tmp_path: Path, tree_of: Callable[..., ProcessTree]) -> None:
    note = tmp_path / "pid"
    tree = tree_of(
        role_that_says(
            tmp_path / "said",
            f"""
            import subprocess
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
            open({str(note)!r}, "w").write(str(child.pid))
            """,
        )
    )
    wait_until(lambda: note.exists() and note.read_text())
    left_behind = int(note.read_text())
    assert tree.roles[0].pid is not None
    os.kill(tree.roles[0].pid, signal.SIGKILL)

    def gone() -> bool:
        tree.restart_if_needed()
        return not alive(left_behind)

    wait_until(gone)


# the children share one pipe: each word is one write, whatever PYTHONUNBUFFERED says of print
TREE = """
import json, os, signal, sys, time
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it is ignored
import workers.runtime.processes.process_tree as p
from workers.runtime.stop_signals import ForceSignal
from patchwatch.contract.roles import Role
child = "import os, signal; from workers.runtime.processes import parent_watch; parent_watch.stop_when_stdin_ends(); " \
    "os.write(1, b'up\\\\n'); {rest}"
with ForceSignal().installed() as stopping:
    tree = p.ProcessTree([p.RoleProcess(r, [sys.executable, "-c", child], dict(os.environ)) for r in Role])
    tree.start()
    print(json.dumps([r.pid for r in tree.roles]) + '\\n', end='', flush=True)
    while not stopping.asked:
        tree.restart_if_needed(); time.sleep(0.02)
    print("stopping", flush=True)
    tree.stop(stopping)
"""


@pytest.fixture
def parent() -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(rest: str) -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen([sys.executable, "-c", TREE.replace("{rest}", rest)], stdout=subprocess.PIPE, text=True)
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def pids_once_up(process: subprocess.Popen[str], also: str | None = None) -> list[int]:
    assert process.stdout is not None
    words = ["up\n"] if also is None else ["up\n", also]
    lines = [process.stdout.readline() for _ in range(1 + len(words) * len(Role))]
    assert all(lines.count(word) == len(Role) for word in words), lines
    return list(json.loads(next(line for line in lines if line.startswith("["))))


def test_the_roles_end_when_the_parent_is_killed_outright(parent: Callable[[str], subprocess.Popen[str]]) -> None:
    process = parent("signal.pause()")
    pids = pids_once_up(process)
    process.kill()
    wait_until(lambda: not any(alive(pid) for pid in pids))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_stops_everything(parent: Callable[[str], subprocess.Popen[str]], number: signal.Signals) -> None:
    process = parent("signal.pause()")
    pids = pids_once_up(process)
    process.send_signal(number)
    assert process.wait(timeout=120) == 0
    assert not any(alive(pid) for pid in pids)


def test_a_second_signal_forces_the_end(parent: Callable[[str], subprocess.Popen[str]]) -> None:
    deaf = (
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); os.write(1, b'deaf\\\\n'); "
        "[signal.pause() for _ in iter(int, 1)]"
    )
    process = parent(deaf)
    pids = pids_once_up(process, also="deaf\n")
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.readline() == "stopping\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=processes._STOP_WITHIN_S - 2) == 0
    assert not any(alive(pid) for pid in pids)
