// Keeps the files of the page, for when the service is away. What it serves is always the newest: the network comes
// first. Nothing of the API is kept.

const SHELL = "patchwatch-shell-1";

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name !== SHELL) await caches.delete(name);
    await self.clients.claim();
  })());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const base = new URL("./", self.location);
  const path = new URL(request.url).href.startsWith(base.href) ? new URL(request.url).pathname.slice(base.pathname.length) : null;
  const isShell = request.method === "GET" && path != null && (path === "" || path.startsWith("page/"));
  if (isShell) event.respondWith(fresh(request));
});

async function fresh(request) {
  const cache = await caches.open(SHELL);
  try {
    const response = await fetch(request);
    if (response.ok) await cache.put(request, response.clone());
    return response;
  } catch (error) {
    const kept = await cache.match(request);
    if (kept) return kept;
    throw error;
  }
}
