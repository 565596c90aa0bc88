"""The process tree of ``patchwatch serve``: a queue of our own if none is configured, and one process per role.

A role that dies is started again after a growing delay. A role that exits several times in a row because it cannot work
ends the tree. When the tree stops, ingest stops first and the queue last.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from patchwatch.bus.backoff import Backoff, RestartBackoff
from patchwatch.bus.connection import admit
from patchwatch.contract.access_policy import check_token
from patchwatch.contract.errors import EXIT_STAYS, FatalError, StoppedError
from patchwatch.contract.process_group import kill_group
from patchwatch.contract.roles import Role
from patchwatch.contract.settings import Settings
from patchwatch.local_redis.kept_server import KeptQueue, kept_queue, queue_folder
from workers.runtime.ports import check_free
from workers.runtime.processes.exit_reason import exit_reason
from workers.runtime.processes.supervised_role import role_command
from workers.runtime.stop_signals import ForceSignal

log = logging.getLogger(__name__)

STOP_ORDER = ((Role.INGEST,), (Role.INFERENCE, Role.ENROLMENT), (Role.DELIVERY,), (Role.SERVICE,))
_STOP_WITHIN_S = 10.0
_STABLE_AFTER_S = 30.0  # the delays start over for a role that ran this long
_BACKOFF = Backoff(least_s=1.0, most_s=30.0)
_REFUSALS = 3  # this many exits in a row with `EXIT_STAYS` end the tree
_TICK_S = 0.1


class RoleProcess:
    """One role's process, in a process group of its own, restarted when it dies."""

    def __init__(self, role: Role, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.role = role
        self.restarts = 0
        self._command = list(command)
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._start_again_at: float | None = None
        self._backoff = RestartBackoff(_BACKOFF, _STABLE_AFTER_S)
        self._refusals = 0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process. Its standard input is a pipe that ends with us (see `.parent_watch`)."""
        self._process = subprocess.Popen(
            self._command, env=self._environment, stdin=subprocess.PIPE, process_group=0, bufsize=0
        )
        self._started_at = time.monotonic()
        self._start_again_at = None

    def restart_if_needed(self) -> None:
        """Start the process again once it has died and the delay is over. Raises `FatalError` if it keeps refusing."""
        if self._process is None or self.running:
            return
        now = time.monotonic()
        if self._start_again_at is None:
            self._start_again_at = now + self._pause_after(self._process.returncode, now - self._started_at)
        elif now >= self._start_again_at:
            self.restarts += 1
            self.start()

    def _pause_after(self, returncode: int, ran_s: float) -> float:
        """Seconds to wait after a run of ``ran_s``. Raises `FatalError` when the process keeps refusing."""
        self.kill()  # children that it left in its group must not go on beside its successor
        if ran_s >= _STABLE_AFTER_S:
            self._refusals = 0
        self._refusals = self._refusals + 1 if returncode == EXIT_STAYS else 0
        if self._refusals >= _REFUSALS:
            raise FatalError(
                f"{self.role.value} cannot run: it stopped {_REFUSALS} times in a row, for the reason it gives above"
            )
        pause_s = self._backoff.delay_after(ran_s)
        log.error("%s ended (%s); starting it again in %.0f s", self.role.value, exit_reason(returncode), pause_s)
        return pause_s

    def ask_to_stop(self) -> None:
        if self._process is not None and self.running:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process and everything in its group, at once."""
        if self._process is not None:
            kill_group(self._process)


class ProcessTree:
    """All roles of one `patchwatch serve`. ``queue``: the server that ends with us, where we run one."""

    def __init__(self, roles: Sequence[RoleProcess], queue: KeptQueue | None = None) -> None:
        self.roles = tuple(roles)
        self._queue = queue

    def start(self) -> None:
        for role in self.roles:
            role.start()

    def restart_if_needed(self) -> None:
        """Check all processes and restart those that died. Call it several times a second.

        Raises `FatalError` when a role keeps refusing, or our own queue keeps dying.
        """
        if self._queue is not None:
            self._queue.restart_if_needed()
        for role in self.roles:
            role.restart_if_needed()

    def stop(self, forced: ForceSignal | None = None, within_s: float = _STOP_WITHIN_S) -> None:
        """Ask the roles to stop, in order; kill those that have not after ``within_s``, or when forced."""
        deadline = time.monotonic() + within_s
        for stage in STOP_ORDER:
            members = [role for role in self.roles if role.role in stage]
            for role in members:
                role.ask_to_stop()
            while any(role.running for role in members) and not (forced and forced.forced):
                if time.monotonic() > deadline:
                    break
                time.sleep(_TICK_S / 2)
        for role in self.roles:
            if role.running:
                log.warning("%s did not stop in time and is killed", role.role.value)
            role.kill()


@contextmanager
def running(settings: Settings, stopping: ForceSignal | None = None) -> Iterator[tuple[ProcessTree, Settings]]:
    """Run all roles, and a queue if none is configured. Yields the tree and the settings that the roles run with.

    The settings yielded have a Redis URL, and real port numbers where 0 was asked for. Call
    ``tree.restart_if_needed()`` often.
    Raises `PortTakenError`, `ConfigurationError`, `BusUnavailableError` before anything is started, and
    `StoppedError` when asked to stop while the queue loads its data.
    """
    check_token(settings)
    ports = {
        "port": check_free(settings.host, settings.port, "--port or PATCHWATCH_PORT"),
        "rtsp_port": check_free(settings.rtsp_host, settings.rtsp_port, "--rtsp-port or PATCHWATCH_RTSP_PORT"),
    }
    with _redis(settings, stopping) as (url, queue):
        ready = settings.changed(redis_url=url, **ports)
        environment = ready.environment()
        tree = ProcessTree([RoleProcess(role, role_command(role), environment) for role in Role], queue)
        try:
            tree.start()
            yield tree, ready
        finally:
            tree.stop(stopping)


@contextmanager
def _redis(settings: Settings, stopping: ForceSignal | None) -> Iterator[tuple[str, KeptQueue | None]]:
    if settings.redis_url is not None:
        admit(settings.redis_url.get_secret_value(), settings.partitions)
        yield settings.redis_url.get_secret_value(), None
        return
    with kept_queue(settings, lambda: stopping is not None and stopping.asked) as queue:
        admit(queue.url, settings.partitions)
        log.info("queue: %s, kept in %s", queue.program.name, queue_folder(settings))
        yield queue.url, queue


def serve(settings: Settings) -> None:
    """Run all roles until SIGINT or SIGTERM; a second signal forces the end. For the main thread."""
    with ForceSignal().installed() as stopping, suppress(StoppedError), running(settings, stopping) as (tree, _):
        log.info("starting: %s", ", ".join(f"{role.role.value} (pid {role.pid})" for role in tree.roles))
        while not stopping.asked:
            tree.restart_if_needed()
            time.sleep(_TICK_S)
        log.info("stopping; a second Ctrl-C forces it")
    log.info("stopped")
