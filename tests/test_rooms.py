"""What import-linter (`make lint`) cannot see: importing does nothing, and one file reads the environment."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import parts
import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("patchwatch", "models", "workers", "service")
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
HEAVY = {"torch", "torchvision", "open_clip", "ultralytics", "openvino"}

# Files that may use what their room may not, and why.
READS_ENVIRONMENT = {
    "patchwatch/contract/settings.py": "the one reader",
    "patchwatch/contract/child_environment.py": "a capture or a sender gets what it needs of it, and no secret",
    "models/weights/ultralytics_import.py": "sets ultralytics' switches while it is imported, then puts them back",
    "patchwatch/cli/commands/run.py": "lets the threads of libraries sleep while they wait",
}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _imported_at_once(path: Path) -> set[str]:
    """What a file imports outside functions, by its first name; for type checking only does not count."""
    result: set[str] = set()
    pending: list[ast.AST] = [ast.parse(path.read_text())]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            result |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            result.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            pending.extend(node.orelse)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            pending.extend(ast.iter_child_nodes(node))
    return result


def test_commands_import_other_rooms_inside_functions() -> None:
    commands = [path for path in FILES if "commands" in path.parts]
    assert commands
    reaching = {_name(path): _imported_at_once(path) & (set(ROOMS) - {"patchwatch"}) for path in commands}
    assert {name: rooms for name, rooms in reaching.items() if rooms} == {}


def test_only_the_settings_read_the_environment() -> None:
    reads = re.compile(r"\bos\.(environ|getenv)\b|from os import")
    assert {_name(path) for path in FILES if reads.search(path.read_text())} == READS_ENVIRONMENT.keys()


INHERITS_EVERYTHING = {
    "workers/runtime/processes/supervised_role.py": "a role is the program itself, in a process of its own",
    "patchwatch/evaluation/provenance.py": "git, asked by whoever evaluates in a checkout",
}


def test_a_child_process_is_given_its_environment() -> None:
    starts = re.compile(
        r"\b(subprocess\.(?:Popen|run|call|check_\w+)|create_subprocess_\w+|os\.(?:system|popen|spawn\w+))$"
    )
    inheriting = {
        _name(path)
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and starts.search(ast.unparse(node.func))
        if not any(keyword.arg == "env" for keyword in node.keywords)
    }
    assert inheriting == INHERITS_EVERYTHING.keys()


def _fresh(code: str) -> str:
    # -B: in a fresh checkout the import system itself would write compiled files
    done = subprocess.run([sys.executable, "-B", "-W", "error", "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# Ours by way of a library that is declared, whose base they are.
_COMES_WITH = {"starlette": "fastapi", "h11": "uvicorn", "typing_extensions": "pydantic"}


def test_every_library_that_is_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    declared = {re.split(r"[^a-z0-9-]", one.lower().replace("_", "-"))[0] for one in asked}
    distributions = packages_distributions()
    missing = set()
    for path in FILES:
        for module in _imported_anywhere(path) - sys.stdlib_module_names - set(ROOMS):
            names = distributions.get(_COMES_WITH.get(module, module), [_COMES_WITH.get(module, module)])
            if not {name.lower().replace("_", "-") for name in names} & declared:
                missing.add((module, _name(path)))
    if parts.present("clip"):
        assert not missing
    else:  # what an extra would install has no distribution here
        assert not {module for module, _ in missing} - HEAVY


def _imported_anywhere(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = {alias.name.split(".")[0] for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module.split(".")[0] for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


_LOADED = "import sys; print(*sorted({name.split('.')[0] for name in sys.modules}))"


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("patchwatch.cli.app", HEAVY | {"av", "fastapi", "cv2", "numpy", "scipy"}),
        ("workers.ingest.worker", HEAVY),
        ("workers.delivery.worker", HEAVY | {"av", "cv2", "numpy", "fastapi"}),
        ("service.server", HEAVY | {"av"}),
    ],
)
def test_a_process_stays_light(module: str, absent: set[str]) -> None:
    loaded = set(_fresh(f"import {module}; {_LOADED}").split())
    assert not loaded & absent


def test_motion_and_place_need_no_torch_and_motion_alone_no_openvino() -> None:
    parts.need("openvino")
    code = """
import sys
from dataclasses import replace
from pathlib import Path
from models.engine import engine
from models.profiles.profile import Fusion, Profile, StreamKind, StreamSpec
build = engine.make_stream
engine.make_stream = lambda spec, classes: build(replace(spec, kind=StreamKind.MOTION), classes)
def load(*kinds):
    profile = Profile("mine", Fusion.CALIBRATED, tuple(StreamSpec(kind, kind, 1.0) for kind in kinds))
    return engine.Engine.load(profile, engine.NetworkOptions(Path("none"), still_tolerance=6.0))
alone = load(StreamKind.MOTION)
assert (alone.device, alone.identity["networks"], alone._reuse.tolerance) == ("cpu", {}, 0.0)
assert "openvino" not in sys.modules
both = load(StreamKind.MOTION, StreamKind.PLACE)
both.prepare(1)
assert "openvino" in sys.modules and "torch" not in sys.modules
assert both.batch([], [])._patch_network.identity() == both.identity["networks"]
print(both.device, both._reuse.tolerance)
"""
    if parts.present("gpu"):
        pytest.skip("a GPU is torch's")
    assert _fresh(code) == "openvino float32 6.0"


def test_a_worker_starts_without_what_few_profiles_use() -> None:
    for module in ("workers.inference.worker", "workers.enrolment.learning.learning"):
        assert _fresh(f"import sys, {module}; print('scipy.stats' in sys.modules)") == "False", module


def test_help_of_every_command_stays_light() -> None:
    code = f"""
import contextlib, io, sys
import typer
from patchwatch.cli.app import COMMANDS, app
command = typer.main.get_command(app)
for name in COMMANDS:
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        command.main([name, "--help"])
{_LOADED}"""
    assert not set(_fresh(code).split()) & (HEAVY | {"av", "fastapi"})


def test_importing_does_nothing() -> None:
    """No thread, no child process, no open socket, no file written, not a word, and the same environment after."""
    light = [path for path in FILES if not _imported_at_once(path) & HEAVY and path.name != "__main__.py"]
    modules = [_name(path)[:-3].replace("/", ".").removesuffix(".__init__") for path in light]
    code = f"""
import importlib, os, sys, threading
import numpy, scipy.special, cv2, av, fastapi, httpx, rich.progress, threadpoolctl  # theirs, as they are
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
    result = []
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path == Path(__file__) or not path.is_file():
            continue
        for number, line in enumerate(path.read_bytes().decode(errors="replace").splitlines(), 1):
            if forbidden.search(line):
                result.append(f"{name}:{number}: {line.strip()[:80]}")
    assert not result
