"""A Redis user of its own needs the commands that the code sends, and no advice forgets one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from patchwatch.bus.connection import admit, connect
from patchwatch.bus.rights import ADVICE, COMMANDS, RULES
from patchwatch.contract.settings import Settings
from patchwatch.doctor.examination import examine
from patchwatch.doctor.finding import Level
from patchwatch.local_redis.private_server import private_redis

ROOT = Path(__file__).parents[3]
PRODUCT = ("patchwatch", "service", "workers")
RECEIVERS = re.compile(r"(^|[._])(client|bus|pipe|pipeline|redis|connection)$")
LIBRARY = {"AUTH", "CLIENT", "EXEC", "HELLO", "MULTI", "SELECT", "UNWATCH"}
OTHER_NAMES = {"delete": "DEL", "scan_iter": "SCAN", "xinfo_stream": "XINFO"}
NO_COMMANDS = {"pipeline", "close", "execute", "multi", "reset", "from_url", "from_pool", "aclose", "register_script"}


def calls(source: str) -> Iterator[str]:
    """Commands that a module sends."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        name, receiver = node.func.attr, ast.unparse(node.func.value)
        if name not in NO_COMMANDS and hasattr(redis.Redis, name) and RECEIVERS.search(receiver):
            yield OTHER_NAMES.get(name, name.upper())
    yield from re.findall(r"redis\.call\('(\w+)'", source)


def test_the_list_holds_what_the_code_sends_and_no_more() -> None:
    sources = [path.read_text() for folder in PRODUCT for path in (ROOT / folder).rglob("*.py")]
    assert sorted({name for source in sources for name in calls(source)} | LIBRARY) == sorted(COMMANDS)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with private_redis() as url:
        with connect(url) as client:
            listed = [f"+{name.lower()}" for name in COMMANDS]
            client.execute_command("ACL", "SETUSER", "listed", "on", ">s3cret", "~pw:*", *listed)
            client.execute_command("ACL", "SETUSER", "broad", "on", ">s3cret", *RULES.split())
            client.execute_command("ACL", "SETUSER", "unscripted", "on", ">s3cret", *RULES.split(), "-info")
        yield url


def settings_of(server: str, user: str, tmp_path: Path) -> Settings:
    url = server.replace("unix://", f"unix://{user}:s3cret@", 1)
    return Settings(redis_url=url, data_dir=tmp_path, port=0, rtsp_port=0)


@pytest.mark.parametrize("user", ["listed", "broad"])
def test_the_rights_that_are_named_will_do(server: str, tmp_path: Path, user: str) -> None:
    settings = settings_of(server, user, tmp_path)
    assert settings.redis_url is not None
    admit(settings.redis_url.get_secret_value(), settings.partitions)
    assert not [one for one in examine(settings) if one.level is Level.FAIL]


def test_the_doctor_names_them(server: str, tmp_path: Path) -> None:
    [failed] = [one for one in examine(settings_of(server, "unscripted", tmp_path)) if one.level is Level.FAIL]
    assert ADVICE in failed.text
    assert "+eval " in failed.text
    assert "+info" in failed.text


def listed(client: Any, category: str) -> list[bytes]:
    names: list[bytes] = client.execute_command("ACL", "CAT", category)
    return names


def test_the_broad_rules_keep_no_command_of_ours_back(server: str) -> None:
    with connect(server) as client:
        kept = {name.decode().upper() for kind in ("admin", "dangerous") for name in listed(client, kind)}
    assert kept & set(COMMANDS) == {"INFO"}
