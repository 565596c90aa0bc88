"""A signed link opens exactly one path until it expires."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from patchwatch.contract.signed_link import LinkRefusedError, alert_link, check, sign

SECRET = b"s" * 32


def _parts(link: str) -> tuple[str, str, str]:
    parts = urlsplit(link)
    query = parse_qs(parts.query)
    return parts.path, query["expires"][0], query["signature"][0]


def test_a_link_works_until_it_expires() -> None:
    path, expires, signature = _parts(alert_link(SECRET, "gate-1", "clip.mp4", 1000))
    assert path == "/links/alerts/gate-1/clip.mp4"
    check(SECRET, path, expires, signature, 999.9)
    with pytest.raises(LinkRefusedError, match="expired"):
        check(SECRET, path, expires, signature, 1000.0)


def test_a_link_is_of_one_path_one_time_and_one_installation() -> None:
    path, expires, signature = _parts(sign(SECRET, "/links/alerts/a/clip.mp4", 1000))
    wrong = [
        (SECRET, path.replace("/a/", "/b/"), expires, signature),
        (SECRET, path, "1001", signature),
        (b"t" * 32, path, expires, signature),
        (SECRET, path, expires, signature[:-1] + ("0" if signature[-1] != "0" else "1")),
        (SECRET, path, "", ""),
        (SECRET, path, "\u0661\u0660\u0660\u0660", signature),
        (SECRET, path, expires, signature.upper() + "x"),
    ]
    for secret, other, until, given in wrong:
        with pytest.raises(LinkRefusedError):
            check(secret, other, until, given, 0.0)
