"""Lines of ``NAME=VALUE``, as containers are given their variables."""

from __future__ import annotations

from pathlib import Path

from patchwatch.contract.errors import RejectedError

_MOST_BYTES = 1_000_000


def read_env_file(path: Path | None) -> dict[str, str]:
    """The variables of the file, none without one. Raises `RejectedError`, which repeats no line: one may be secret."""
    if path is None:
        return {}
    try:
        if not path.is_file():
            raise RejectedError(f"--env-file {path} is no file: name one of NAME=VALUE lines")
        with path.open(encoding="utf-8") as file:
            text = file.read(_MOST_BYTES)
    except (OSError, UnicodeDecodeError):
        raise RejectedError(f"--env-file {path} cannot be read as text: name another file") from None
    pairs = (line.partition("=") for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    return {name.strip().removeprefix("export "): _unquoted(value.strip()) for name, equals, value in pairs if equals}


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value
