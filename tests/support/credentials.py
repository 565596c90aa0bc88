"""Authorization headers as publishers make them."""

from __future__ import annotations

import base64
import hashlib

from workers.ingest.rtsp.authentication import REALM


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def digest(user: str, password: str, *, uri: str, nonce: str, method: str = "ANNOUNCE", qop: bool = False) -> str:
    middle = f"{nonce}:00000001:abc:auth" if qop else nonce
    proof = _md5(f"{_md5(f'{user}:{REALM}:{password}')}:{middle}:{_md5(f'{method}:{uri}')}")
    more = ', qop=auth, nc=00000001, cnonce="abc"' if qop else ""
    return f'Digest username="{user}", realm="{REALM}", nonce="{nonce}", uri="{uri}", response="{proof}"{more}'


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324
