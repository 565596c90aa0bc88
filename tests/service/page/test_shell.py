"""What makes the page an app: a manifest whose icons exist, and a service worker that keeps nothing of the API."""

from __future__ import annotations

import re

import httpx


async def test_the_page_can_be_installed(api: httpx.AsyncClient) -> None:
    page = (await api.get("/")).text
    assert '<link rel="manifest" href="page/manifest.webmanifest">' in page
    manifest = await api.get("/page/manifest.webmanifest")
    assert manifest.headers["content-type"].startswith("application/manifest+json")
    shown = manifest.json()
    assert (shown["display"], shown["start_url"]) == ("standalone", "../")
    for icon in shown["icons"]:
        assert (await api.get(f"/page/{icon['src']}")).status_code == 200, icon
    worker = await api.get("/service-worker.js")
    assert worker.headers["content-type"].startswith("text/javascript")
    assert "default-src 'self'" in worker.headers["content-security-policy"]


async def test_every_module_that_is_named_is_there(api: httpx.AsyncClient) -> None:
    """The page names them without a build step that would find a wrong one."""
    page = (await api.get("/")).text
    todo = {f"/{path}" for path in re.findall(r'(?:src|href)="(page/[^"]+)"', page)}
    seen: set[str] = set()
    while todo:
        path = todo.pop()
        seen.add(path)
        answer = await api.get(path)
        assert answer.status_code == 200, path
        if path.endswith(".js"):
            named = re.findall(r'(?:from |import\()"(\.[^"]+)"', answer.text)
            todo |= {httpx.URL(f"http://x{path}").join(name).path for name in named} - seen
    assert len([path for path in seen if path.endswith(".js")]) > 30
