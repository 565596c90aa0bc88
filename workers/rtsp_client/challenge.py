"""The client side of HTTP authentication (RFC 7617, RFC 7616): a camera's challenge (401), and the response to it."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from workers.rtsp import parameters

_HASHES: dict[str, Callable[[bytes], str]] = {
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
}
_SESSION = "-SESS"
SUPPORTED = "Basic, and Digest with MD5 or SHA-256"


@dataclass(frozen=True)
class Credentials:
    """A camera's user and password."""

    user: str
    password: str = field(repr=False)


@dataclass
class Challenge:
    """The best of the schemes that a camera offers, with a count of how often its nonce was used."""

    scheme: str  # In lower case.
    parameters: dict[str, str]
    _uses: int = 0

    @classmethod
    def best_of(cls, offers: Sequence[str]) -> Challenge | None:
        """The best supported one of several ``WWW-Authenticate`` values. Digest is preferred to Basic, which sends the
        password readably."""
        supported = [challenge for challenge in map(cls._parse, offers) if challenge._is_supported]
        return min(supported, key=lambda challenge: challenge._rank, default=None)

    @classmethod
    def _parse(cls, offer: str) -> Challenge:
        scheme, _, rest = offer.strip().partition(" ")
        return cls(scheme.lower(), parameters.pairs(parameters.split(rest, ",")))

    @property
    def algorithm(self) -> str:
        return self.parameters.get("algorithm", "MD5").upper()

    @property
    def _is_supported(self) -> bool:
        if self.scheme == "basic":
            return True
        qop = self.parameters.get("qop", "auth").lower().replace(" ", "").split(",")
        known = self.algorithm.removesuffix(_SESSION) in _HASHES
        return self.scheme == "digest" and "nonce" in self.parameters and known and "auth" in qop

    @property
    def _rank(self) -> int:
        return 2 if self.scheme == "basic" else 0 if self.algorithm.startswith("SHA-256") else 1

    def authorization(self, credentials: Credentials, method: str, uri: str) -> str:
        """The value of ``Authorization`` for one request."""
        if self.scheme == "basic":
            pair = f"{credentials.user}:{credentials.password}".encode()
            return f"Basic {base64.b64encode(pair).decode()}"
        self._uses += 1
        return self._digest(credentials, method, uri, secrets.token_hex(8), f"{self._uses:08x}")

    def _digest(self, credentials: Credentials, method: str, uri: str, cnonce: str, count: str) -> str:
        """RFC 7616, section 3.4."""
        offered = self.parameters
        realm, nonce = offered.get("realm", ""), offered["nonce"]
        digest = _HASHES[self.algorithm.removesuffix(_SESSION)]
        secret = digest(f"{credentials.user}:{realm}:{credentials.password}".encode())
        if self.algorithm.endswith(_SESSION):
            secret = digest(f"{secret}:{nonce}:{cnonce}".encode())
        request = digest(f"{method}:{uri}".encode())
        user = credentials.user.replace("\\", "\\\\").replace('"', '\\"')
        fields = {"username": user, "realm": realm, "nonce": nonce, "uri": uri}
        if "qop" in offered:
            fields["response"] = digest(f"{secret}:{nonce}:{count}:{cnonce}:auth:{request}".encode())
        else:
            fields["response"] = digest(f"{secret}:{nonce}:{request}".encode())
        fields |= {"opaque": offered["opaque"]} if "opaque" in offered else {}
        parts = [f'{name}="{value}"' for name, value in fields.items()]
        parts += [f"algorithm={offered['algorithm']}"] if "algorithm" in offered else []
        if "qop" in offered or self.algorithm.endswith(_SESSION):
            parts += ["qop=auth", f"nc={count}", f'cnonce="{cnonce}"']
        return "Digest " + ", ".join(parts)
