// Keeps the files of the page, for when the service is away. What it serves is always the newest: the network comes
// first. Nothing of the API is kept. And it shows what is pushed to this browser, also while no page is open.

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

const TITLE = "Patchwatch";

self.addEventListener("push", (event) => {
  event.waitUntil(show(read(event.data)));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.link));
});

/** What the service wrote; a browser demands a notification for each message, so one that cannot be read is shown, too. */
function read(data) {
  try {
    return data.json() ?? {};
  } catch {
    return {};
  }
}

function show({ title, text, picture, link, tag, notice }) {
  return self.registration.showNotification(title || TITLE, {
    body: text || "Something has happened: open the page.",
    icon: "page/icon-192.png",
    badge: "page/icon-192.png",
    tag,
    renotify: Boolean(tag) && notice === "alert",
    ...(picture && { image: new URL(picture, self.registration.scope).href }),
    data: { link },
  });
}

/** Bring the page to the front, at the alert; only ever a page of ours. */
async function open(link) {
  const base = self.registration.scope;
  const wanted = new URL(link ?? "./", base);
  const address = wanted.href.startsWith(base) ? wanted.href : base;
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find((client) => client.url.startsWith(base));
  if (!page) return self.clients.openWindow(address);
  await page.focus();
  return page.navigate(address);
}
