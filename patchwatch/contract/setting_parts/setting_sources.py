"""The files that settings may come from: a TOML file with any of them, and files that hold one secret each.

Neither is read unless a variable of the environment names it, so that no file that happens to lie in the working folder
changes what a service does.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from patchwatch.contract.errors import ConfigurationError

PREFIX = "PATCHWATCH_"
CONFIG_FILE = "PATCHWATCH_CONFIG_FILE"
_LONGEST_SECRET = 65_536  # characters; more is not a secret but another file


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def secret_file_variable(name: str) -> str:
    """The environment variable that names the file which holds a secret setting."""
    return f"{variable(name)}_FILE"


def config_path(environment: Mapping[str, str]) -> Path | None:
    """The settings file that the environment names, if it names one."""
    path = environment.get(CONFIG_FILE)
    return Path(path).expanduser() if path else None


def read_config(environment: Mapping[str, str]) -> dict[str, Any]:
    """What the TOML file sets; empty where none is named. Raises `ConfigurationError` when it cannot be read."""
    path = config_path(environment)
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{CONFIG_FILE}: {path} cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{CONFIG_FILE}: {path} is not TOML ({error})") from None


def read_secrets(environment: Mapping[str, str], secrets: Collection[str]) -> dict[str, str]:
    """The values of the secret settings that have a file, without the line break at its end.

    Raises `ConfigurationError` when a file cannot be read, or when the variable itself is set too.
    """
    values = {}
    for name in secrets:
        path = environment.get(secret_file_variable(name))
        if not path:
            continue
        if is_set(name, environment):
            raise ConfigurationError(f"{variable(name)} and {secret_file_variable(name)} are both set: unset one")
        values[name] = _read_secret(name, Path(path).expanduser())
    return values


def is_set(name: str, environment: Mapping[str, str]) -> bool:
    """Whether the setting's own variable is set; case does not matter."""
    return any(key.upper() == variable(name) for key in environment)


def _read_secret(name: str, path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_LONGEST_SECRET)
    except OSError as error:
        reason = error.strerror
    except UnicodeDecodeError:
        reason = "it is not text"
    else:
        return text.rstrip("\r\n")
    raise ConfigurationError(f"{secret_file_variable(name)}: {path} cannot be read ({reason})")
