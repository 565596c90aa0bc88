// The page as an app: a service worker that keeps its files, so that it opens and says so while the service is away.

import { url } from "../address.js";

/** Register the service worker, where the browser has them and the connection is safe enough for it. */
export function installShell() {
  if (!("serviceWorker" in navigator) || !isSecureContext) return;
  navigator.serviceWorker.register(url("service-worker.js")).catch(() => {}); // the page works without it
}
