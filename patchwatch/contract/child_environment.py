"""The environment of a child process that handles what strangers send, or speaks to them: no token, no password."""

from __future__ import annotations

import os

_KEPT_VARIABLES = {
    "PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR",
}  # fmt: skip
_KEPT_PREFIXES = ("LC_", "PYTHON", "MALLOC_")


def bare_environment() -> dict[str, str]:
    """What a program needs to run at all: neither our settings nor proxies."""
    return {
        name: value for name, value in os.environ.items() if name in _KEPT_VARIABLES or name.startswith(_KEPT_PREFIXES)
    }
