"""Each room reaches only where it may, importing a module does nothing, and one file reads the environment."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("patchwatch", "models", "workers", "service")
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
HEAVY = {"torch", "torchvision", "open_clip", "ultralytics"}

# Files that may use what their room may not, and why.
READS_ENVIRONMENT = {
    "patchwatch/settings.py": "the one reader",
    "models/checkpoint.py": "sets ultralytics' switches while it is imported, then puts them back",
}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _imports(path: Path, *, everywhere: bool) -> Iterator[str]:
    """Dotted names imported by a file: at its top only, or inside functions too. Type-checking imports do not count."""
    pending: list[ast.AST] = [ast.parse(path.read_text())]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{_name(path)} imports relatively"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            pending.extend(node.orelse)
        elif everywhere or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            pending.extend(ast.iter_child_nodes(node))


def _rooms_reached(path: Path, *, everywhere: bool = True) -> set[str]:
    return {name.split(".")[0] for name in _imports(path, everywhere=everywhere)}


def _allowed(path: Path) -> set[str]:
    name = _name(path)
    room = name.split("/")[0]
    if name.startswith("patchwatch/commands/"):
        return set(ROOMS)  # inside functions; the top is checked apart
    return {"patchwatch": {"patchwatch"}, "models": {"models", "patchwatch"}, "service": {"service", "patchwatch"}}.get(
        room, {"workers", "models", "patchwatch"}
    )


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_a_room_reaches_only_where_it_may(path: Path) -> None:
    assert _rooms_reached(path) & set(ROOMS) <= _allowed(path)
    if _name(path).startswith("models/"):
        inner = {name for name in _imports(path, everywhere=True) if name.startswith("patchwatch")}
        assert all(name.startswith("patchwatch.errors") for name in inner), "models/ knows nothing of us but errors"


@pytest.mark.parametrize("path", [p for p in FILES if "commands" in p.parts], ids=_name)
def test_commands_import_other_rooms_inside_functions(path: Path) -> None:
    assert _rooms_reached(path, everywhere=False) & set(ROOMS) <= {"patchwatch"}


@pytest.mark.parametrize("path", [p for p in FILES if _name(p).startswith(("workers/ingest/", "service/"))], ids=_name)
def test_ingest_and_service_never_name_a_network_library(path: Path) -> None:
    reached = _rooms_reached(path)
    assert not reached & HEAVY
    if _name(path).startswith("service/"):
        assert "av" not in reached


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_only_the_settings_read_the_environment(path: Path) -> None:
    if _name(path) in READS_ENVIRONMENT:
        return
    source = path.read_text()
    assert not re.search(r"\bos\.getenv\b|\benviron\.get\b|environ\[[^\]]+\](?!\s*=[^=])", source)


def _fresh(code: str) -> str:
    # -B: in a fresh checkout the import system itself would write compiled files
    done = subprocess.run([sys.executable, "-B", "-W", "error", "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


_LOADED = "import sys; print(*sorted({name.split('.')[0] for name in sys.modules}))"


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("patchwatch.cli", HEAVY | {"av", "fastapi", "cv2", "numpy", "scipy"}),
        ("workers.ingest.worker", HEAVY),
        ("workers.delivery.worker", HEAVY | {"av", "cv2", "numpy", "fastapi"}),
        ("service.server", HEAVY | {"av"}),
    ],
)
def test_a_process_stays_light(module: str, absent: set[str]) -> None:
    loaded = set(_fresh(f"import {module}; {_LOADED}").split())
    assert not loaded & absent


def test_help_of_every_command_stays_light() -> None:
    code = f"""
import contextlib, io, sys
import typer
from patchwatch.cli import COMMANDS, app
command = typer.main.get_command(app)
for name in COMMANDS:
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        command.main([name, "--help"])
{_LOADED}"""
    assert not set(_fresh(code).split()) & (HEAVY | {"av", "fastapi"})


def test_importing_does_nothing() -> None:
    """No thread, no child process, no open socket, no file written, not a word, and the same environment after."""
    light = [
        path for path in FILES if not _rooms_reached(path, everywhere=False) & HEAVY and path.name != "__main__.py"
    ]
    modules = [_name(path)[:-3].replace("/", ".").removesuffix(".__init__") for path in light]
    code = f"""
import importlib, os, sys, threading
import numpy, scipy.special, cv2, av, fastapi, httpx, rich.progress, fakeredis, threadpoolctl  # theirs, as they are
before = dict(os.environ)
def refuse(event, arguments):
    assert event not in ("subprocess.Popen", "os.fork", "socket.connect", "socket.bind", "os.mkdir"), arguments
    writing = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    assert not writing or "__pycache__" in str(arguments[0]), arguments
sys.addaudithook(refuse)
for name in {modules!r}:
    importlib.import_module(name)
assert threading.active_count() == 1, threading.enumerate()
assert dict(os.environ) == before
"""
    assert _fresh(code) == ""


def test_tracked_files_name_no_index_and_no_place_of_one_machine() -> None:
    forbidden = re.compile(
        r"https?://\S+(?:/simple\b|\.whl\b|\.tgz\b)|(?:index-url|find-links)\b"
        r"|(?<![\w.$}/-])/(?:root/(?!\.cache/uv)|Users/)"
    )
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, cwd=ROOT)
    if listed.returncode:
        pytest.skip("not a git checkout")
    found = []
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path == Path(__file__) or not path.is_file():
            continue
        for number, line in enumerate(path.read_bytes().decode(errors="replace").splitlines(), 1):
            if forbidden.search(line):
                found.append(f"{name}:{number}: {line.strip()[:80]}")
    assert not found
